//! A finding in words: what happened, what to do, and the one button or place that does it.

use remit_app::findings as verbs;
use remit_app::providers::{self, kinds};
use remit_app::views::{AppointmentView, CreditView, FindingView, PaymentView, StuckView};
use remit_app::{Error, appointments, disputes, payments, reconcile, refunds};
use remit_core::account::FindingKind;
use remit_core::appointments::Status;
use remit_core::ids::{AttemptId, JobId, PaymentId, RefundId};
use remit_core::money::Money;
use remit_core::payments::{PaidBy, ProviderPayment};
use remit_core::refunds::{Clearance, clearance};
use remit_core::roles::Permission;

use crate::pages::Field;
use crate::pages::findings::{Button, Credit, Decide, Finding, Place, Refund};
use crate::staff::appointments::waiting;
use crate::staff::desk::Desk;
use crate::staff::{sentences, words};

type Result<T> = remit_app::Result<T>;

/// What a finding is called: in the list of kinds, at the bell, and over a finding that has nothing better.
pub fn heading(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Surplus => "More was received than was due",
        FindingKind::AmountMismatch => "Another amount came in than was asked for",
        FindingKind::UnknownStatus => "The provider used a word we do not know",
        FindingKind::CreditLeft => "The patient has credit",
        FindingKind::DeadLetter => "Given up after several tries",
        FindingKind::Unreconciled => "Our books and the provider’s differ",
        FindingKind::RefundFailed => "A refund failed",
        FindingKind::RefundApproval => "A refund waits for a second person",
        FindingKind::Dispute => "A payment is disputed",
        FindingKind::BrokenInvariant => "The books do not add up",
    }
}

/// What is told of a finding, before who and when.
struct Told {
    heading: String,
    happened: String,
    to_do: String,
    amount: Option<Money>,
    button: Option<Button>,
    /// Before the appointment itself.
    links: Vec<Place>,
}

impl Told {
    fn new(finding: &FindingView, to_do: &str) -> Told {
        Told {
            heading: heading(finding.kind).into(),
            happened: finding.detail.clone(),
            to_do: to_do.into(),
            amount: finding.amount,
            button: None,
            links: vec![],
        }
    }
}

/// Where a finding's appointment stands, with its payments; none when it is about no appointment.
struct Account {
    visit: AppointmentView,
    payments: Vec<PaymentView>,
}

impl Account {
    async fn of(desk: &Desk, finding: &FindingView) -> Result<Option<Account>> {
        let Some(appointment) = finding.appointment else {
            return Ok(None);
        };
        let (app, clinic) = (&desk.app, desk.clinic());
        Ok(Some(Account {
            visit: appointments::get(app, clinic, appointment).await?,
            payments: payments::of_appointment(app, clinic, appointment).await?,
        }))
    }

    fn payment(&self, id: &str) -> Option<&PaymentView> {
        let id: PaymentId = id.parse().ok()?;
        self.payments.iter().find(|view| view.payment.id == id)
    }

    fn by_attempt(&self, id: &str) -> Option<&PaymentView> {
        let id: Option<AttemptId> = id.parse().ok();
        let of = |view: &&PaymentView| id.is_some() && view.payment.attempt == id;
        self.payments.iter().find(of)
    }
}

/// Refunds on their way: reserved of the payments, and not gone yet.
fn under_way(payments: &[PaymentView], currency: remit_core::money::Currency) -> Money {
    let same = payments
        .iter()
        .filter(|view| view.payment.amount.currency == currency);
    let minor = same.map(|view| view.payment.refund_reserved - view.refunded.minor);
    Money::new(minor.sum(), currency)
}

/// The finding as its card shows it.
///
/// # Errors
/// The store's.
pub async fn finding(desk: &Desk, finding: &FindingView, stuck: &[StuckView]) -> Result<Finding> {
    let account = Account::of(desk, finding).await?;
    let open = finding.closed.is_none();
    let mut told = told(desk, finding, account.as_ref(), stuck).await?;
    let credit = matches!(finding.kind, FindingKind::Surplus | FindingKind::CreditLeft);
    let undecided = open && credit && desk.may(Permission::Refund);
    let left = account
        .as_ref()
        .is_some_and(|account| account.visit.balance.credit > 0);
    if let Some(id) = finding.appointment {
        // Where the rest is still due, the appointment's Checkout is the place to go.
        let at = match finding.kind {
            FindingKind::AmountMismatch => 0,
            _ => told.links.len(),
        };
        let place = Place {
            href: format!("/appointments/{id}"),
            words: "Open the appointment".into(),
            elsewhere: false,
        };
        told.links.insert(at, place);
    }
    Ok(Finding {
        id: finding.id.to_string(),
        at: desk.clock.lately(finding.opened_at),
        heading: told.heading,
        patient: account.map(|account| account.visit.patient_name),
        happened: told.happened,
        to_do: told.to_do,
        amount: told.amount.map(|amount| amount.to_string()),
        button: told.button.filter(|_| open),
        keep: finding
            .appointment
            .filter(|_| undecided && left)
            .map(|id| id.to_string()),
        links: told.links,
        note: Field::default(),
        needs_note: verbs::asks_for_words(finding.kind),
        settled: settled(desk, finding),
    })
}

fn settled(desk: &Desk, finding: &FindingView) -> Option<String> {
    let (at, by, note) = finding.closed.as_ref()?;
    let who = match by.as_str() {
        "Remit" => "By itself, its cause is gone",
        by => by,
    };
    let when = desk.clock.moment(*at);
    Some(match note {
        Some(note) => format!("{who}, {when}: {note}"),
        None => format!("{who}, {when}"),
    })
}

/// No wildcard: a new kind does not compile until somebody has said what to do about it.
async fn told(
    desk: &Desk,
    finding: &FindingView,
    account: Option<&Account>,
    stuck: &[StuckView],
) -> Result<Told> {
    match finding.kind {
        FindingKind::Surplus => surplus(desk, finding, account),
        FindingKind::CreditLeft => credit_left(desk, finding, account),
        FindingKind::AmountMismatch => Ok(mismatch(finding, account)),
        FindingKind::DeadLetter => Ok(dead(desk, finding, stuck)),
        FindingKind::Unreconciled => Ok(unreconciled(desk, finding, account)),
        FindingKind::RefundFailed => refund_failed(desk, finding).await,
        FindingKind::RefundApproval => refund_approval(desk, finding).await,
        FindingKind::Dispute => dispute(desk, finding).await,
        FindingKind::UnknownStatus => Ok(Told {
            button: ask(desk, "Ask the provider again"),
            ..Told::new(
                finding,
                "Ask the provider once more. If it says the same, look the payment up there and mark this as done.",
            )
        }),
        FindingKind::BrokenInvariant => Ok(Told {
            button: ask(desk, "Check again"),
            ..Told::new(
                finding,
                "Tell whoever runs Remit: “remit check” shows them where. Once it is mended, check again and this closes.",
            )
        }),
    }
}

fn ask(desk: &Desk, words: &'static str) -> Option<Button> {
    desk.may(Permission::Refund).then_some(Button::Ask(words))
}

/// `by card through a payment link, today 18:42`.
fn came(desk: &Desk, view: &PaymentView) -> String {
    let by = match view.payment.paid_by {
        PaidBy::Online(method) => format!("by {} through a payment link", words::method(method)),
        PaidBy::Desk(method) => format!("by {} at the desk", method.title().to_lowercase()),
    };
    let when = desk.clock.lately_within(view.payment.received_at);
    format!("{by}, {when}")
}

fn surplus(desk: &Desk, finding: &FindingView, account: Option<&Account>) -> Result<Told> {
    let mut told = Told::new(
        finding,
        "Refund it, or keep it as credit for the next visit and tell the patient.",
    );
    let (Some(account), Some(surplus)) = (account, finding.amount) else {
        return Ok(told);
    };
    let Some(view) = account.payment(&finding.about) else {
        return Ok(told);
    };
    let before = account
        .payments
        .iter()
        .take_while(|one| one.payment.id != view.payment.id);
    let first = before.last();
    let came_in = format!("{} came in {}", view.payment.amount, came(desk, view));
    let twice = first.filter(|_| surplus == view.payment.amount);
    if let Some(first) = twice {
        told.heading = "Paid twice".into();
        told.happened = format!(
            "{came_in}, when nothing was due any more: {} had come in {}. The second payment is the patient’s credit.",
            first.payment.amount,
            came(desk, first)
        );
        told.to_do =
            "Refund the second payment, or keep it as credit for the next visit and tell the patient.".into();
    } else {
        told.happened =
            format!("{came_in}, {surplus} more than was due. It is the patient’s credit.");
    }
    let words = match twice {
        Some(_) => "Refund the second payment, ",
        None => "Refund ",
    };
    give_back(desk, finding, account, Some(view), words, &mut told)?;
    Ok(told)
}

fn credit_left(desk: &Desk, finding: &FindingView, account: Option<&Account>) -> Result<Told> {
    let mut told = Told::new(
        finding,
        "Refund it, or keep it for the next visit and tell the patient.",
    );
    let Some(account) = account else {
        return Ok(told);
    };
    let paid = account.visit.balance.money(account.visit.balance.paid);
    told.happened = match account.visit.status {
        Status::Cancelled => {
            format!("The appointment was cancelled after {paid} had been paid for it.")
        }
        _ => format!(
            "{paid} had been paid when the price fell. What is too much is the patient’s credit."
        ),
    };
    give_back(desk, finding, account, None, "Refund ", &mut told)?;
    Ok(told)
}

/// The button that gives credit back: of the payment that brought it where it has enough left, else of the one that
/// has most. What is on its way already is told instead of being offered again.
fn give_back(
    desk: &Desk,
    finding: &FindingView,
    account: &Account,
    from: Option<&PaymentView>,
    words: &str,
    told: &mut Told,
) -> Result<()> {
    let balance = &account.visit.balance;
    let credit = balance.money(balance.credit);
    if finding.closed.is_some() {
        return Ok(());
    }
    let left = left(credit, &account.payments);
    told.amount = Some(credit);
    if left.minor <= 0 {
        let way = under_way(&account.payments, credit.currency);
        told.to_do = match way.minor {
            0 => "Nothing of it is left. Mark this as done.".into(),
            _ => {
                format!("{way} is on its way back. This closes by itself once the money has gone.")
            }
        };
        return Ok(());
    }
    let enough = from.filter(|view| view.payment.available().minor > 0);
    let wished = match finding.amount {
        // The payment's own share, unless other credit is there too.
        Some(amount) if enough.is_some() => left.with(left.minor.min(amount.minor)),
        _ => left,
    };
    let refund = offered(desk, enough, &account.payments, wished, words)?;
    told.button = refund.map(|refund| {
        Button::Refund(Box::new(Refund {
            finding_id: finding.id.to_string(),
            ..refund
        }))
    });
    Ok(())
}

/// Credit that no refund on its way takes already.
fn left(credit: Money, payments: &[PaymentView]) -> Money {
    let way = under_way(payments, credit.currency);
    credit.with((credit.minor - way.minor).max(0))
}

/// The refund of so much, ready to be sent: of this payment, or of the one with most left.
fn offered(
    desk: &Desk,
    from: Option<&PaymentView>,
    payments: &[PaymentView],
    wished: Money,
    words: &str,
) -> Result<Option<Refund>> {
    let same = payments
        .iter()
        .filter(|view| view.payment.amount.currency == wished.currency);
    let most = same.max_by_key(|view| view.payment.available().minor);
    let Some(payment) = from.or(most).map(|view| &view.payment) else {
        return Ok(None);
    };
    let available = payment.available();
    let amount = wished.with(wished.minor.min(available.minor));
    if amount.minor <= 0 {
        return Ok(None);
    }
    let (role, limits) = (desk.actor().role, desk.context.refund_limits);
    let (words, hint) = match clearance(role, limits, payment.refund_reserved, amount.minor) {
        Clearance::Forbidden => return Ok(None),
        Clearance::NeedsApproval => (
            format!("Ask to refund {amount}"),
            "A second person has to approve it before anything moves.".to_owned(),
        ),
        Clearance::Alone => (format!("{words}{amount}"), way_back(payment.paid_by)),
    };
    Ok(Some(Refund {
        payment_id: payment.id.to_string(),
        finding_id: String::new(),
        amount: amount.figure(),
        seen: available.figure(),
        reason: "Credit given back",
        words,
        hint,
        other: format!("/payments/{}/refund?amount={}", payment.id, amount.figure()),
        key: desk.key()?,
    }))
}

fn way_back(paid_by: PaidBy) -> String {
    match paid_by {
        PaidBy::Online(method) => format!(
            "It goes back by {}, the way it was paid, and arrives in 5 to 10 working days.",
            words::method(method)
        ),
        PaidBy::Desk(method) => format!(
            "It was paid by {}: hand the money back first, this records it at once.",
            method.title().to_lowercase()
        ),
    }
}

/// A row of the credits.
///
/// # Errors
/// The store's.
pub async fn credit(desk: &Desk, view: &CreditView) -> Result<Credit> {
    let payments = payments::of_appointment(&desk.app, desk.clinic(), view.appointment).await?;
    let left = left(view.credit, &payments);
    let way = under_way(&payments, view.credit.currency);
    Ok(Credit {
        appointment_id: view.appointment.to_string(),
        patient: view.patient_name.clone(),
        appointment: desk.clock.moment(view.starts_at),
        amount: view.credit.to_string(),
        standing: match (way.minor, view.undecided) {
            (0, true) => "Not decided yet".into(),
            (0, false) => "Kept as credit".into(),
            _ => format!("{way} is on its way back"),
        },
        undecided: view.undecided,
        refund: match left.minor {
            0 => None,
            _ => offered(desk, None, &payments, left, "Refund ")?,
        },
    })
}

/// The payment itself, here and at its provider.
fn places(payment: &PaymentView) -> Vec<Place> {
    let mut places = vec![Place {
        href: format!("/payments/{}", payment.payment.id),
        words: "Open the payment".into(),
        elsewhere: false,
    }];
    places.extend(payment.payment.provider.as_ref().and_then(at_provider));
    places
}

fn at_provider(payment: &ProviderPayment) -> Option<Place> {
    let href = kinds::payment_page(&payment.provider, &payment.payment_id)?;
    let name = providers::title(&payment.provider);
    Some(Place {
        elsewhere: href.starts_with("https://"),
        href,
        words: match payment.provider.as_str() {
            providers::SANDBOX => "Open it in the sandbox".into(),
            _ => format!("Open it at {name}"),
        },
    })
}

fn mismatch(finding: &FindingView, account: Option<&Account>) -> Told {
    let mut told = Told::new(
        finding,
        "Compare the payment with the provider’s own page, then mark this as done with a note of what it was.",
    );
    let Some(account) = account else {
        return told;
    };
    let due = account.visit.balance.due();
    if due.minor > 0 {
        told.happened.push_str(&format!(" {due} is still due."));
        told.to_do =
            "Open the appointment and ask for the rest at its Checkout, then mark this as done."
                .into();
    }
    if let Some(payment) = account.by_attempt(&finding.about) {
        told.links = places(payment);
    }
    told
}

/// What a piece of outside work is called.
pub fn work(kind: &str) -> &'static str {
    match kind {
        "send" => "A message with a payment link",
        "create_session" => "Starting a payment at the provider",
        "ensure_closed" => "Closing a payment at the provider",
        "refund" => "A refund at the provider",
        "receipt" | "send_receipt" => "A receipt",
        "refund_receipt" => "The message about a refund",
        "digest" => "The daily digest",
        _ => "Work outside",
    }
}

fn dead(desk: &Desk, finding: &FindingView, stuck: &[StuckView]) -> Told {
    let mut told = Told::new(finding, "Mend the cause, then try again.");
    let button = match finding.about.parse::<JobId>() {
        Ok(job) => {
            if let Some(one) = stuck.iter().find(|one| one.id == job) {
                told.heading = format!("{} was given up", work(&one.kind));
                let why = one.last_error.as_deref().unwrap_or("nobody answered");
                told.happened = format!(
                    "It was tried {} and did not work: {}.",
                    words::count(one.tries.max(0).unsigned_abs(), "time", "times"),
                    why.trim_end_matches('.')
                );
                told.to_do = mending(&one.kind).into();
            }
            Button::Work(job.to_string())
        }
        Err(_) => {
            told.heading = "News from the provider was given up".into();
            told.to_do =
                "Try again. If it fails once more, look the payment up at the provider: money is \
                          compared every day in any case."
                    .into();
            Button::Event(finding.about.clone())
        }
    };
    told.button = desk.may(Permission::Refund).then_some(button);
    told
}

/// What mends a piece of work, before it is tried again.
fn mending(kind: &str) -> &'static str {
    match kind {
        "send" => {
            "Check the patient’s mobile number or email address, and the sender in Settings, Messages. Then try again."
        }
        "receipt" | "send_receipt" | "refund_receipt" => {
            "Check the patient’s email address, and the sender in Settings, Messages. Then try again."
        }
        "digest" => "Check the email sender in Settings, Messages. Then try again.",
        _ => "Check the connection in Settings, Providers. Then try again.",
    }
}

fn unreconciled(desk: &Desk, finding: &FindingView, account: Option<&Account>) -> Told {
    let may = desk.may(Permission::Refund);
    if let Some(payment) = reconcile::unplaced(finding) {
        let name = providers::title(&payment.provider);
        return Told {
            heading: "A payment that belongs to no link".into(),
            happened: format!(
                "{name} received this sum (payment {}) and no payment link of ours explains it.",
                payment.payment_id
            ),
            button: may
                .then(|| Button::Match(format!("/financials/findings/{}/match", finding.id))),
            links: at_provider(&payment).into_iter().collect(),
            ..Told::new(
                finding,
                "If you know whose it is, match it: it is recorded at that appointment. If it was for something else, \
                 mark this as done with a note.",
            )
        };
    }
    if finding.about.starts_with("books:") {
        return Told {
            button: ask(desk, "Compare again"),
            ..Told::new(
                finding,
                "Compare again: once both agree, this closes. A difference that stays is on the provider’s own page; \
                 note here what it was.",
            )
        };
    }
    let paid = account.and_then(|account| account.by_attempt(&finding.about));
    if let Some(paid) = paid {
        return Told {
            heading: "Paid twice at the provider".into(),
            links: places(paid),
            ..Told::new(
                finding,
                "Only the first is in our books. Refund the second on the provider’s own page, then mark this as done \
                 with a note.",
            )
        };
    }
    Told::new(
        finding,
        "Look it up on the provider’s own page, then mark this as done with a note of what it was.",
    )
}

async fn refund_failed(desk: &Desk, finding: &FindingView) -> Result<Told> {
    let mut told = Told::new(
        finding,
        "The money is still here. Refund it again, or give it back another way and mark this as done.",
    );
    let Ok(id) = finding.about.parse::<RefundId>() else {
        return Ok(told);
    };
    let view = match refunds::get(&desk.app, desk.clinic(), id).await {
        Err(Error::NotFound) => return Ok(told),
        found => found?,
    };
    if let Some(why) = &view.last_error {
        let why = sentences::capital(why.trim_end_matches('.'));
        told.happened = format!(
            "The provider could not send {} back: {why}.",
            view.refund.amount
        );
    }
    let payment = payments::get(&desk.app, desk.clinic(), view.refund.payment).await?;
    told.links = places(&payment);
    if finding.closed.is_some() {
        return Ok(told);
    }
    let (amount, all) = (view.refund.amount, std::slice::from_ref(&payment));
    let refund = offered(desk, Some(&payment), all, amount, "Refund again, ")?;
    told.button = refund.map(|refund| {
        Button::Refund(Box::new(Refund {
            finding_id: finding.id.to_string(),
            reason: "Refunded again after a failure",
            ..refund
        }))
    });
    Ok(told)
}

async fn refund_approval(desk: &Desk, finding: &FindingView) -> Result<Told> {
    let mut told = Told::new(
        finding,
        "Approve it, and the money goes back; or decline it. Who asked for it cannot approve it.",
    );
    let Ok(id) = finding.about.parse::<RefundId>() else {
        return Ok(told);
    };
    let view = match refunds::get(&desk.app, desk.clinic(), id).await {
        Err(Error::NotFound) => return Ok(told),
        found => found?,
    };
    let payment = payments::get(&desk.app, desk.clinic(), view.refund.payment).await?;
    told.links = places(&payment);
    let asked = waiting(desk, std::slice::from_ref(&view));
    let Some(asked) = asked.into_iter().next() else {
        return Ok(told);
    };
    told.happened = format!(
        "{}. It is above the clinic’s limit, so nothing has moved yet.",
        asked.text
    );
    if !asked.may_approve {
        told.to_do = match asked.may_decline {
            true => "You asked for it: another manager or the owner has to approve it. You can take it back.".into(),
            false => "A manager or the owner has to approve it.".into(),
        };
    }
    let any = asked.may_approve || asked.may_decline;
    told.button = any.then(|| {
        Button::Decide(Decide {
            refund_id: asked.id,
            words: format!("Approve {}", view.refund.amount),
            may_approve: asked.may_approve,
            may_decline: asked.may_decline,
        })
    });
    Ok(told)
}

async fn dispute(desk: &Desk, finding: &FindingView) -> Result<Told> {
    let mut told = Told::new(
        finding,
        "Send the provider what shows that the patient was treated and agreed: the signed form, the booking, your \
         messages. Refunds wait until the bank has decided; then this closes by itself.",
    );
    let Some(appointment) = finding.appointment else {
        return Ok(told);
    };
    let (app, clinic) = (&desk.app, desk.clinic());
    let all = disputes::of_appointment(app, clinic, appointment).await?;
    let dispute = finding.about.rsplit(':').next().unwrap_or_default();
    let Some(view) = all
        .into_iter()
        .find(|view| view.dispute.dispute_id == dispute)
    else {
        return Ok(told);
    };
    let (provider, due) = (providers::title(&view.provider), view.dispute.due_by);
    told.happened = format!(
        "The payer’s bank took {} back and gives as its reason: {}. {}",
        view.dispute.amount,
        view.dispute.reason,
        words::dispute(&view, &desk.clock).trim_start_matches("Disputed. ")
    );
    let payment = payments::get(app, clinic, view.dispute.payment).await?;
    if let Some(payment) = &payment.payment.provider
        && let Some(place) = at_provider(payment)
    {
        let until = due.map(|due| format!(" by {}", desk.clock.written(due, "%a %-d %B")));
        told.links.push(Place {
            words: match finding.closed {
                None => format!("Send evidence to {provider}{}", until.unwrap_or_default()),
                Some(_) => place.words,
            },
            ..place
        });
    }
    told.links.push(Place {
        href: format!("/payments/{}", view.dispute.payment),
        words: "Open the payment".into(),
        elsewhere: false,
    });
    Ok(told)
}
