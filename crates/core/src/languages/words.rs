//! The words of the patient's pages, by what they are for.

macro_rules! words {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* $word:ident,)* }) => {
        $(#[$about])*
        pub struct $name { $($(#[$doc])* pub $word: &'static str,)* }

        impl $name {
            /// Every word with its name, for those who compare languages.
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($word), self.$word),)*]
            }
        }
    };
}

words! {
    /// Everything that `/p/{token}` and the pages below it say. A placeholder of one language stands in all.
    pub struct PageWords {
        // --- Around every page
        test_mode,
        language,
        privacy,
        terms,
        /// `{phone}`, `{email}`.
        questions_phone_email,
        questions_phone,
        questions_email,
        // --- Titles
        title_pay,
        title_paid,
        title_expired,
        title_asked,
        title_cancelled,
        title_waiting,
        title_paused,
        title_unknown,
        title_receipt,
        // --- The page that takes money
        /// `{first_name}`.
        hello,
        /// `{date}`.
        subject_deposit,
        subject_balance,
        subject_part,
        /// `{left}`, `{when}`.
        expires,
        /// Hours, minutes and seconds that are left, as short as they are read: `h min s`.
        hours,
        minutes,
        seconds,
        not_online,
        how_to_pay,
        card,
        card_detail,
        pay_now,
        pay_later,
        /// `{parts}` is 3 or 4; `{each}` may be `about`.
        klarna_detail,
        clearpay_detail,
        /// `{amount}`.
        about,
        today,
        klarna_notice,
        clearpay_notice,
        /// `{amount}`.
        continue_to_pay,
        /// `{clinic}`.
        safe,
        opening,
        opening_text,
        opening_button,
        // --- What a returning patient is told
        old_page,
        choose,
        /// `{method}`.
        not_for_this_amount,
        no_answer,
        not_opened,
        refused,
        begun,
        /// `{amount}`, `{total}`.
        amount_now,
        // --- How things stand
        unknown,
        unknown_text,
        out_of_order,
        out_of_order_text,
        come_back,
        come_back_text,
        /// `{when}`.
        appointment,
        /// `{first_name}`, `{amount}`.
        paid,
        paid_text,
        late_text,
        /// `{email}`.
        receipt_sent,
        view_receipt,
        waiting_bank,
        /// `{provider}`.
        waiting_lender,
        /// `{amount}`, `{time}`.
        waiting_text,
        back_to_bank,
        /// `{provider}`.
        back_to_lender,
        stop,
        not_twice,
        asked,
        asked_text,
        expired,
        /// `{when}`.
        expired_text,
        ask,
        ask_help,
        paused,
        /// `{time}`.
        paused_tries,
        paused_amount,
        paused_text,
        check_again,
        settled,
        settled_text,
        superseded,
        superseded_text,
        appointment_cancelled,
        appointment_cancelled_text,
        cancelled,
        cancelled_text,
        // --- Rows
        row_for,
        row_ends,
        row_paid,
        row_with,
        row_refunded,
        row_reference,
        row_amount,
        // --- The receipt
        /// `{reference}`.
        receipt,
        /// `{name}`.
        received_from,
        cash,
        card_terminal,
        bank_transfer,
        /// What was paid less what went back.
        kept,
        /// `{rate}`.
        vat_included,
        /// `{clinic}`, `{name}`: who stands behind the clinic in law.
        trading_name,
        registered_address,
        company_number,
        vat_number,
        save_pdf,
        back,
    }
}
