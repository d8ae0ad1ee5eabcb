//! What the patient sees.

use std::path::Path;

use remit_web::pages::patient::{
    Frame, Pay, PayMethod, PayState, Plan, Receipt, Row, State, StateAction,
};

use crate::page;

pub fn write(folder: &Path) -> std::io::Result<()> {
    page(folder, "pay", &pay(None))?;
    page(
        folder,
        "pay-declined",
        &pay(Some(
            "Your bank declined the card. Nothing was taken. Try again or choose another way.",
        )),
    )?;
    for told in TOLD {
        page(folder, told.0, &state(told))?;
    }
    let receipt = Receipt {
        frame: frame(),
        number: "R-12AB34-CD56EF".into(),
        patient: "Rachel Oyelaran".into(),
        amount: "£140.00".into(),
        rows: rows(&[
            ("Paid on", "Tuesday 24 November 2026, 10:49 GMT"),
            ("Paid with", "Card, Visa ending 4242"),
            ("For", "Balance, appointment on 24 November 2026"),
        ]),
        services: vec![],
        sums: rows(&[
            ("Refunded on 26 November 2026", "-£20.00"),
            ("Paid after refunds", "£120.00"),
            ("VAT included, at 20%", "£20.00"),
        ]),
        legal: vec![
            "Larkhill Clinic is a trading name of Larkhill Health Ltd.".into(),
            "VAT number: GB 123 4567 89".into(),
        ],
        back_url: Some("/p/sample".into()),
        file_url: "/p/sample/receipt.pdf".into(),
    };
    page(folder, "receipt", &receipt)
}

fn frame() -> Frame {
    Frame {
        clinic: "Larkhill Clinic".into(),
        place: "Redland, Bristol".into(),
        initials: "LC".into(),
        address: "Larkhill Clinic, 22 Larkhill Road, Bristol BS6 5QN".into(),
        phone: Some(("0117 496 0142".into(), "+441174960142".into())),
        email: Some("desk@larkhill.example".into()),
        privacy_url: Some("/privacy".into()),
        terms_url: None,
        brand_css: None,
        logo: None,
        website: None,
        test_mode: false,
        csrf: "sample".into(),
        path: Some("/p/sample".into()),
        ..Frame::default()
    }
}

fn rows(rows: &[(&str, &str)]) -> Vec<Row> {
    rows.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn pay(note: Option<&str>) -> Pay {
    let method = |value, word: &str, tag, detail: &str, plan| PayMethod {
        value,
        word: word.into(),
        tag,
        detail: detail.into(),
        chosen: value == if note.is_some() { "klarna" } else { "card" },
        plan,
    };
    let klarna = Plan {
        parts: rows(&[("£46.67", "Today"), ("£46.67", "24 Dec"), ("£46.66", "23 Jan")]),
        notice: "Klarna lends you the money and decides whether to offer it. 18+, UK residents. Missed payments can cost a late fee and affect your credit file. You see the full terms before you agree.".into(),
    };
    let clearpay = Plan {
        parts: rows(&[("£35.00", "Today"), ("£35.00", "8 Dec"), ("£35.00", "22 Dec"), ("£35.00", "5 Jan")]),
        notice: "Clearpay lends you the money and decides whether to offer it. 18+, UK residents. Late fees apply to missed payments. You see the full terms before you agree.".into(),
    };
    Pay {
        frame: Frame {
            test_mode: note.is_some(),
            ..frame()
        },
        first_name: "Rachel".into(),
        amount: "£140.00".into(),
        subject: "Balance for your appointment on Tuesday 24 November 2026 at 11:00".into(),
        services: vec![],
        left: "45 h 19 min".into(),
        ends: "Thursday 26 November at 08:05".into(),
        ends_at: "2026-11-26T08:05:00Z".into(),
        action: "/p/sample/pay".into(),
        seen_url: "/p/sample/seen".into(),
        idempotency_key: "sample".into(),
        methods: vec![
            method(
                "card",
                "Credit or debit card",
                "Pay now",
                "Visa, Mastercard, Amex, Apple Pay or Google Pay",
                None,
            ),
            method(
                "klarna",
                "Klarna",
                "Pay later",
                "3 interest-free payments of about £46.67, or pay in 30 days",
                Some(klarna),
            ),
            method(
                "clearpay",
                "Clearpay",
                "Pay later",
                "4 interest-free payments of £35.00, every 2 weeks",
                Some(clearpay),
            ),
        ],
        note: note.map(str::to_owned),
        note_is_error: true,
    }
}

/// Name of the page, state, heading, text, details.
type Told = (
    &'static str,
    State,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const VISIT: (&str, &str) = ("For", "Appointment on 24 Nov, 11:00");

#[rustfmt::skip]
const TOLD: &[Told] = &[
    ("pay-paid", State::Paid, "Thank you Rachel, £140.00 is paid",
     "Your clinic has been told. There is nothing more to do.",
     &[VISIT, ("Paid", "24 Nov 2026, 10:49"), ("With", "Visa ending 4242"), ("Reference", "PL-20671")]),
    ("pay-paid-late", State::Paid, "Thank you Rachel, £140.00 is paid",
     "The payment was finished after the link had ended. It counts all the same and the clinic has been told.",
     &[VISIT, ("Paid", "26 Nov 2026, 08:07")]),
    ("pay-expired", State::Expired, "This link has expired",
     "Payment links work for 48 hours. This one ended on Sunday 22 November at 16:47. You have not been charged.",
     &[("Amount", "£20.00"), ("For", "Deposit, appointment on 24 Nov")]),
    ("pay-asked", State::Asked, "The clinic has been asked",
     "It sends you a new link to the mobile number or email address it already has for you.",
     &[("Amount", "£20.00")]),
    ("pay-cancelled", State::Cancelled, "This link is no longer needed",
     "The clinic has cancelled it or the amount has been settled another way. There is nothing to pay here and you \
      have not been charged.",
     &[("For", "Appointment on 18 Nov"), ("Reference", "PL-20588")]),
    ("pay-progress", State::Waiting, "We are waiting for Klarna",
     "You started to pay £140.00 with Klarna at 10:47. This page updates by itself, usually within a minute.",
     &[VISIT, ("Reference", "PL-20671")]),
    ("pay-paused", State::Paused, "Payment is paused for a moment",
     "The clinic is changing the amount of this appointment. Please do not pay yet. This page shows the new amount \
      when it is ready.",
     &[VISIT, ("Link ends", "Thu 26 Nov, 08:05")]),
    ("pay-unknown", State::Unknown, "This link does not lead to a payment",
     "Check that you opened the whole address, or ask your clinic to send it again. You have not been charged.",
     &[]),
];

fn state(&(_, state, heading, text, details): &Told) -> PayState {
    let action = match state {
        State::Paid => Some(StateAction::Receipt {
            href: "/p/sample/receipt".into(),
        }),
        State::Expired => Some(StateAction::AskForNewLink {
            action: "/p/sample/ask".into(),
        }),
        State::Waiting => Some(StateAction::Resume {
            href: Some("/sandbox/1".into()),
            back: "Go back to Klarna".into(),
            action: "/p/sample/cancel".into(),
        }),
        State::Paused => Some(StateAction::CheckAgain {
            href: "/p/sample".into(),
        }),
        State::Asked | State::Cancelled | State::Unknown => None,
    };
    let (heading, text) = (heading.into(), text.into());
    PayState {
        frame: frame(),
        state,
        heading,
        text,
        rows: rows(details),
        action,
        help: None,
    }
}
