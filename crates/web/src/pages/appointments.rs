//! Booking, and the appointment with its charges, payments, timeline and Checkout.

use askama::Template;

use super::{AppointmentStatus, Badge, Choice, Field, LinkStatus, Shell, TimelineEntry};

/// `GET /appointments/new`, and `POST /appointments/new` which only shows the form again (search results, *Deposit
/// due*) and writes nothing. `POST /appointments` books.
#[derive(Template)]
#[template(path = "staff/booking.html")]
pub struct BookingPage {
    pub shell: Shell,
    pub booking: Booking,
}

/// The same as a window over the diary.
#[derive(Template)]
#[template(path = "staff/booking_dialog.html")]
pub struct BookingDialog {
    pub booking: Booking,
}

/// The booking form. Controls: `q`, `patient_id` (empty: a new patient), `patient_name`, `patient_phone`,
/// `patient_email`, `service`, `service_2`, `service_3`, `practitioner`, `date`, `start`; buttons `then` = `link` or
/// `later`.
pub struct Booking {
    pub csrf: String,
    pub idempotency_key: String,
    /// `Tuesday 24 November, 14:30 – 15:15 with Tom Hargreaves`. May be empty.
    pub summary: String,
    /// A refusal of the whole form.
    pub refused: Option<String>,
    /// What stands against the time in the diary, and what was to become of it (`then`): *Book anyway* sends it again
    /// as `insist`.
    pub clash: Option<(String, String)>,
    pub search: Field,
    pub found: Vec<FoundPatient>,
    /// The radio *New patient* is the one chosen.
    pub is_new_patient: bool,
    pub name: Field,
    pub phone: Field,
    pub email: Field,
    pub services: Vec<Choice>,
    pub services_2: Vec<Choice>,
    pub services_3: Vec<Choice>,
    pub service_error: Option<String>,
    pub practitioners: Vec<Choice>,
    pub practitioner_error: Option<String>,
    /// `2026-11-24`.
    pub date: Field,
    /// `14:30`.
    pub start: Field,
    pub due: DueBox,
}

impl Booking {
    /// A second or third service is chosen, so their fields are shown open.
    #[must_use]
    pub fn has_more_services(&self) -> bool {
        self.services_2
            .iter()
            .chain(&self.services_3)
            .any(|choice| choice.selected && !choice.value.is_empty())
    }
}

pub struct FoundPatient {
    pub id: String,
    pub name: String,
    /// Number and address: `07700 900142 · eleanor.chadwick@mail.example`.
    pub contact: String,
    pub chosen: bool,
}

/// What the booking costs and what is due at once.
#[derive(Default)]
pub struct DueBox {
    /// Each service with its price.
    pub lines: Vec<(String, String)>,
    pub on_the_day: String,
    /// None: the services ask for no deposit, and no link is offered.
    pub deposit_due: Option<String>,
    /// `card, Klarna or Clearpay`.
    pub methods: String,
}

/// `GET /appointments/{id}`.
#[derive(Template)]
#[template(path = "staff/appointment.html")]
pub struct AppointmentPage {
    pub shell: Shell,
    pub appointment: Appointment,
    pub checkout: Checkout,
    /// Said at the top, for a refusal that belongs to no field.
    pub refused: Option<String>,
    /// The refused form once more, to go on although the provider cannot be reached.
    pub anyway: Option<Anyway>,
}

/// A form that is sent again as it was, with `override` = `1`.
pub struct Anyway {
    pub action: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

pub struct Appointment {
    pub id: String,
    pub patient: String,
    pub patient_id: String,
    /// `Physiotherapy assessment with Tom Hargreaves · 10:00 – 10:45 · Room 2`.
    pub summary: String,
    /// The day as in addresses, and in words: `2026-11-24`, `Tue 24 November`.
    pub day: String,
    pub day_words: String,
    pub status: AppointmentStatus,
    /// The statuses that may follow.
    pub next_statuses: Vec<AppointmentStatus>,
    /// Offers *Reschedule*, a page and window of its own.
    pub may_move: bool,
    pub charges: Vec<Charge>,
    /// None: charges are closed.
    pub add_charge: Option<AddCharge>,
    pub payments: Vec<Payment>,
    /// Refunds that wait for a second person.
    pub waiting: Vec<WaitingRefund>,
    pub links: Vec<LinkLine>,
    pub timeline: Vec<TimelineEntry>,
}

pub struct Charge {
    pub id: String,
    pub description: String,
    /// `Service, 45 min`. May be empty.
    pub detail: String,
    pub quantity: u32,
    pub amount: String,
    /// Posts to `/appointments/{id}/charges/{charge}/remove`.
    pub removable: bool,
}

/// Posts to `/appointments/{id}/charges`: `kind` (`charge` or `discount`), `description`,
/// `quantity`, `amount` (of one).
pub struct AddCharge {
    pub currency_sign: String,
    pub idempotency_key: String,
    pub description: Field,
    pub quantity: Field,
    pub amount: Field,
    /// The amount is taken off.
    pub discount: bool,
    pub open: bool,
}

pub struct Payment {
    pub id: String,
    /// `Card, payment link`, `Cash`.
    pub what: String,
    /// `Fri 20 Nov, 18:42 · deposit`.
    pub when: String,
    pub reference: String,
    pub amount: String,
    /// *Late*, *Part refunded* and the like.
    pub badges: Vec<Badge>,
    /// Something is left to give back: `/payments/{id}/refund`.
    pub refundable: bool,
    /// What the payer's bank wants: `Disputed. Send evidence to Stripe by Tue 1 December.`
    pub dispute: Option<String>,
}

/// Posts to `/refunds/{id}/approve` and `/refunds/{id}/decline`.
pub struct WaitingRefund {
    pub id: String,
    /// `£120.00, asked for by Joanne Bright: course cancelled`.
    pub text: String,
    /// Another person asked, and the role may.
    pub may_approve: bool,
    pub may_decline: bool,
}

/// A payment link of the appointment, opening its window.
pub struct LinkLine {
    pub id: String,
    pub amount: String,
    pub purpose: String,
    pub status: LinkStatus,
    pub badges: Vec<Badge>,
    pub expiry: String,
}

/// The card on the right. Posts to `/appointments/{id}/checkout`: for each tile `<method>` = `1` when ticked and
/// `<method>_amount`; `reference`; `override` = `1` for *Record anyway*.
pub struct Checkout {
    pub total: String,
    pub paid: String,
    /// Money given back so far; none when nothing was.
    pub refunded: Option<String>,
    /// Patient credit; none when there is none.
    pub credit: Option<String>,
    pub balance: String,
    /// Minor units and exponent of the balance, for the script that recomputes the label.
    pub balance_minor: i64,
    pub exponent: u32,
    pub currency_sign: String,
    pub currency_word: String,
    pub idempotency_key: String,
    /// Nothing to pay: the tiles give way to this sentence.
    pub settled: Option<String>,
    pub tiles: Vec<Tile>,
    /// `Covers the whole balance`, and what is left over, as computed for the form as it stands.
    pub covers: bool,
    pub left_over: String,
    /// What the button will do: `Take £20.00 cash and create link for £37.50`.
    pub label: String,
    pub reference: Field,
    pub refused: Option<String>,
    /// A live attempt could not be closed because the provider does not answer (hazard 7.6): staff may go on.
    pub offers_override: bool,
    /// What happens to the link's part: the small print under the button.
    pub note: String,
    /// The link for all that is due that is open already: *Show the QR code* opens it instead of making another.
    pub open_link: Option<String>,
    /// The key of *Show a QR code*.
    pub qr_key: String,
}

pub struct Tile {
    pub method: CheckoutMethod,
    /// `Card, Klarna or Clearpay`. May be empty.
    pub detail: String,
    pub chosen: bool,
    pub amount: Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckoutMethod {
    CardTerminal,
    Cash,
    BankTransfer,
    Link,
}

impl CheckoutMethod {
    pub const ALL: [Self; 4] = [
        Self::CardTerminal,
        Self::Cash,
        Self::BankTransfer,
        Self::Link,
    ];

    /// The name of its tick; its amount is `<name>_amount`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CardTerminal => "card_terminal",
            Self::Cash => "cash",
            Self::BankTransfer => "bank_transfer",
            Self::Link => "link",
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CardTerminal => "Card terminal",
            Self::Cash => "Cash",
            Self::BankTransfer => "Bank transfer",
            Self::Link => "Online Payment (Payment Link)",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::CardTerminal => "credit-card",
            Self::Cash => "banknote",
            Self::BankTransfer => "landmark",
            Self::Link => "qr-code",
        }
    }

    /// How the button names it: `Take £20.00 cash and £10.00 by card terminal`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::CardTerminal => "by card terminal",
            Self::Cash => "cash",
            Self::BankTransfer => "by bank transfer",
            Self::Link => "by link",
        }
    }
}
