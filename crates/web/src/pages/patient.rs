//! What the patient sees under `/p/{token}`: no library, no font, no script needed, 15 KB gzip at most in all.
//! Title and text name the clinic, the first name, the day and the amount, nothing of the treatment (design.md,
//! section 3), unless the clinic lists its services.

use askama::Template;
use remit_core::languages::{self, Language, PageWords, Piece};

/// A clinic's logo: where it is and how large, so that nothing moves when it has come.
#[derive(Clone)]
pub struct Logo {
    pub url: String,
    /// Pixels.
    pub width: i64,
    pub height: i64,
}

/// What stands around each patient page.
#[derive(Clone)]
pub struct Frame {
    /// What the page speaks.
    pub language: &'static Language,
    /// The page's own address, for choosing another language; none offers no choice.
    pub path: Option<String>,
    pub clinic: String,
    pub place: String,
    pub initials: String,
    /// `Larkhill Clinic, 22 Larkhill Road, Bristol BS6 5QN`.
    pub address: String,
    /// As read and as dialled.
    pub phone: Option<(String, String)>,
    pub email: Option<String>,
    pub privacy_url: Option<String>,
    pub terms_url: Option<String>,
    /// A style sheet of ours that sets the clinic's colour.
    pub brand_css: Option<String>,
    /// None: the initials stand in its place.
    pub logo: Option<Logo>,
    /// The clinic's own pages: `https://larkhill.example`.
    pub website: Option<String>,
    pub test_mode: bool,
    /// The token of the page's forms (hazard B12).
    pub csrf: String,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            language: languages::english(),
            path: None,
            clinic: String::new(),
            place: String::new(),
            initials: String::new(),
            address: String::new(),
            phone: None,
            email: None,
            privacy_url: None,
            terms_url: None,
            brand_css: None,
            logo: None,
            website: None,
            test_mode: false,
            csrf: String::new(),
        }
    }
}

/// A piece of a sentence that may lead somewhere.
pub struct Link {
    pub text: String,
    pub href: Option<String>,
}

impl Frame {
    #[must_use]
    pub fn words(&self) -> &'static PageWords {
        &self.language.page
    }

    /// The languages to choose from: address, tag, own name.
    #[must_use]
    pub fn languages(&self) -> Vec<(String, &'static str, &'static str)> {
        let Some(path) = &self.path else {
            return vec![];
        };
        languages::ALL
            .into_iter()
            .filter(|other| *other != self.language)
            .map(|other| {
                let href = format!("{path}?language={}", other.tag);
                (href, other.html_lang, other.own_name)
            })
            .collect()
    }

    /// `Questions? Call 0117 496 0142 or email desk@larkhill.example`, piece by piece.
    #[must_use]
    pub fn questions(&self) -> Vec<Link> {
        let words = self.words();
        let sentence = match (&self.phone, &self.email) {
            (Some(_), Some(_)) => words.questions_phone_email,
            (Some(_), None) => words.questions_phone,
            (None, Some(_)) => words.questions_email,
            (None, None) => return vec![],
        };
        let link = |piece| {
            let (text, href) = match (piece, &self.phone, &self.email) {
                (Piece::Slot("phone"), Some((shown, dialled)), _) => {
                    (shown.as_str(), Some(format!("tel:{dialled}")))
                }
                (Piece::Slot("email"), _, Some(email)) => {
                    (email.as_str(), Some(format!("mailto:{email}")))
                }
                (Piece::Text(text) | Piece::Slot(text), _, _) => (text, None),
            };
            Link {
                text: text.to_owned(),
                href,
            }
        };
        languages::pieces(sentence).into_iter().map(link).collect()
    }
}

/// One line of the details: `Reference`, `PL-20671`.
pub type Row = (String, String);

/// The page that takes money: posts `method` to `action`.
#[derive(Template)]
#[template(path = "patient/pay.html")]
pub struct Pay {
    pub frame: Frame,
    pub first_name: String,
    pub amount: String,
    /// `Balance for your appointment on Tuesday 24 November 2026 at 11:00`.
    pub subject: String,
    /// Only when the clinic lists them.
    pub services: Vec<Row>,
    /// `45 h 19 min`, `Thursday 26 November at 08:05`, RFC 3339.
    pub left: String,
    pub ends: String,
    pub ends_at: String,
    /// `/p/{token}/pay`.
    pub action: String,
    /// Where the small script tells that a person touched the page: `/p/{token}/seen`.
    pub seen_url: String,
    pub idempotency_key: String,
    pub methods: Vec<PayMethod>,
    /// `Your bank declined the card. Nothing was taken. Try again or choose another way.`
    pub note: Option<String>,
    pub note_is_error: bool,
}

impl Pay {
    /// What stands before and after the time that is left.
    #[must_use]
    pub fn expires(&self) -> (String, String) {
        let sentence = self.frame.words().expires;
        let (before, after) = sentence.split_once("{left}").unwrap_or((sentence, ""));
        let filled = |part| languages::fill(part, &[("when", &self.ends)]);
        (filled(before), filled(after))
    }

    /// How the script writes what is left: hours, minutes, seconds.
    #[must_use]
    pub fn units(&self) -> String {
        let words = self.frame.words();
        format!("{} {} {}", words.hours, words.minutes, words.seconds)
    }

    /// What the button says.
    #[must_use]
    pub fn button(&self) -> String {
        let words = self.frame.words().continue_to_pay;
        languages::fill(words, &[("amount", &self.amount)])
    }

    /// Who never asks for a card number.
    #[must_use]
    pub fn safe(&self) -> String {
        let clinic = self.frame.language.isolated(&self.frame.clinic);
        languages::fill(self.frame.words().safe, &[("clinic", &clinic)])
    }

    #[must_use]
    pub fn hello(&self) -> String {
        let name = self.frame.language.isolated(&self.first_name);
        languages::fill(self.frame.words().hello, &[("first_name", &name)])
    }
}

pub struct PayMethod {
    /// The control's value: `card`, `klarna`, `clearpay`.
    pub value: &'static str,
    pub word: String,
    /// `Pay now`, `Pay later`.
    pub tag: &'static str,
    pub detail: String,
    pub chosen: bool,
    pub plan: Option<Plan>,
}

/// Instalments and the lender's notice.
pub struct Plan {
    /// Amount and day of each part: `£46.67`, `Today`.
    pub parts: Vec<Row>,
    pub notice: String,
}

/// The way to a payment page that the form's page could not name beforehand: browsers would stop a redirect there
/// (hazard B12), and go on from here by themselves or by the link.
#[derive(Template)]
#[template(path = "patient/onwards.html")]
pub struct Onwards {
    pub frame: Frame,
    pub url: String,
}

/// A page that only tells how things stand.
#[derive(Template)]
#[template(path = "patient/state.html")]
pub struct PayState {
    pub frame: Frame,
    pub state: State,
    pub heading: String,
    pub text: String,
    pub rows: Vec<Row>,
    /// The button of the state, if it has one.
    pub action: Option<StateAction>,
    /// `A receipt is on its way to r•••@mail.example`.
    pub help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Paid,
    Expired,
    /// A new link was asked for.
    Asked,
    Cancelled,
    /// A live attempt: the page asks again by itself.
    Waiting,
    Paused,
    /// Unknown and malformed addresses alike (issue 3, line 16): the same bytes for both.
    Unknown,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Paid,
        Self::Expired,
        Self::Asked,
        Self::Cancelled,
        Self::Waiting,
        Self::Paused,
        Self::Unknown,
    ];

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Paid | Self::Asked => "check",
            Self::Expired => "timer-off",
            Self::Cancelled => "ban",
            Self::Waiting => "loader",
            Self::Paused => "circle-pause",
            Self::Unknown => "link",
        }
    }

    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Paid | Self::Asked => "ok",
            Self::Expired => "old",
            Self::Cancelled | Self::Unknown => "",
            Self::Waiting => "wait",
            Self::Paused => "hold",
        }
    }

    /// The page's title, before the clinic's name.
    #[must_use]
    pub fn title(self, words: &PageWords) -> &'static str {
        match self {
            Self::Paid => words.title_paid,
            Self::Expired => words.title_expired,
            Self::Asked => words.title_asked,
            Self::Cancelled => words.title_cancelled,
            Self::Waiting => words.title_waiting,
            Self::Paused => words.title_paused,
            Self::Unknown => words.title_unknown,
        }
    }

    /// Seconds until the page asks again without a script; 0: never.
    #[must_use]
    pub fn refresh_seconds(self) -> u32 {
        match self {
            Self::Waiting => 3,
            Self::Paused => 20,
            Self::Paid | Self::Expired | Self::Asked | Self::Cancelled | Self::Unknown => 0,
        }
    }
}

pub enum StateAction {
    /// `/p/{token}/receipt`.
    Receipt { href: String },
    /// Posts to `/p/{token}/ask`.
    AskForNewLink { action: String },
    /// Back to the provider's page by the words of `back`, and `cancel` = `1` posted to `action` to stop and pay
    /// another way.
    Resume {
        href: Option<String>,
        back: String,
        action: String,
    },
    /// Loads the page again.
    CheckAgain { href: String },
}

/// `GET /p/{token}/receipt`: one A4 page.
#[derive(Template)]
#[template(path = "patient/receipt.html")]
pub struct Receipt {
    pub frame: Frame,
    /// `R-12AB34-CD56EF`.
    pub number: String,
    pub patient: String,
    pub amount: String,
    /// Paid, with, for ...
    pub rows: Vec<Row>,
    /// What was booked; only where the clinic lists it.
    pub services: Vec<Row>,
    /// Refunds, what is left of the payment, VAT.
    pub sums: Vec<Row>,
    /// Who received the money, in the law's words.
    pub legal: Vec<String>,
    pub back_url: Option<String>,
    /// The same as a file.
    pub file_url: String,
}

impl Receipt {
    #[must_use]
    pub fn heading(&self) -> String {
        let number = self.frame.language.isolated(&self.number);
        languages::fill(self.frame.words().receipt, &[("reference", &number)])
    }

    #[must_use]
    pub fn received_from(&self) -> String {
        let name = self.frame.language.isolated(&self.patient);
        languages::fill(self.frame.words().received_from, &[("name", &name)])
    }
}
