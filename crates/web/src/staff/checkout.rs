//! Checkout: what is taken at the desk, and a link for the rest, in one go.

use axum::extract::Path;
use remit_app::idempotency::Claimed;
use remit_app::payments::{self, Checkout as Wish, DeskInput};
use remit_app::views::AppointmentView;
use remit_app::{Error, methods};
use remit_core::account::Refusal;
use remit_core::appointments::Status;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::methods::PurposeKind;
use remit_core::money::{Money, Payable};
use remit_core::payments::DeskMethod;

use super::answer::{Answer, Failure, see_other};
use super::appointments::{Retry, Which, whole};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{sentences, words};
use crate::pages::Field;
use crate::pages::appointments::{Checkout, CheckoutMethod, Tile};

/// `POST /appointments/{id}/checkout`.
pub async fn check_out(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let path = format!("/appointments/{id}/checkout");
    let done = once(&desk, &form, &path, |claimed| {
        take(&desk, id, &form, claimed)
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            let retry = Retry {
                which: Which::Checkout,
                form: &form,
                error: &error,
                path: &path,
            };
            whole(&desk, id, sentences::status(&error), Some(retry)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn take(
    desk: &Desk,
    id: AppointmentId,
    form: &Form,
    claimed: Option<Claimed>,
) -> remit_app::Result<String> {
    let view = remit_app::appointments::get(&desk.app, desk.clinic(), id).await?;
    let wish = wish(form, &view)?;
    let made = claimed.as_ref().map(Claimed::id);
    let done = payments::check_out(&desk.app, desk.actor(), id, made, &wish).await?;
    Ok(match done.link {
        Some(link) => format!("/payment-links/{link}"),
        None => format!("/appointments/{id}"),
    })
}

fn desk_method(method: CheckoutMethod) -> Option<DeskMethod> {
    match method {
        CheckoutMethod::CardTerminal => Some(DeskMethod::CardTerminal),
        CheckoutMethod::Cash => Some(DeskMethod::Cash),
        CheckoutMethod::BankTransfer => Some(DeskMethod::BankTransfer),
        CheckoutMethod::Link => None,
    }
}

/// The control that holds a way's amount: where its error is shown.
fn amount_control(method: CheckoutMethod) -> &'static str {
    match method {
        CheckoutMethod::CardTerminal => "card_terminal_amount",
        CheckoutMethod::Cash => "cash_amount",
        CheckoutMethod::BankTransfer => "bank_transfer_amount",
        CheckoutMethod::Link => "link_amount",
    }
}

/// What the form asks for. An amount left empty means all that the others leave.
fn wish(form: &Form, view: &AppointmentView) -> remit_app::Result<Wish> {
    let due = view.balance.due();
    if due.is_zero() {
        return Err(Error::Refused(Refusal::NothingDue));
    }
    let mut left = due.minor;
    let mut wish = Wish {
        taken: vec![],
        link: None,
        despite_live_payment: form.ticked("override"),
    };
    let ticked: Vec<CheckoutMethod> = CheckoutMethod::ALL
        .into_iter()
        .filter(|method| form.ticked(method.name()))
        .collect();
    if ticked.is_empty() {
        return Err(Error::invalid(
            "checkout",
            "Choose how the payment is taken.",
        ));
    }
    for method in ticked {
        let control = amount_control(method);
        let amount = if form.text(control).trim().is_empty() {
            due.with(left.max(0))
        } else {
            form.money(control, due.currency)
                .map_err(|error| Error::invalid(control, error))?
        };
        let payable = Payable::parse(amount)
            .ok_or_else(|| Error::invalid(control, "Enter an amount above zero."))?;
        if amount.minor > left {
            let most = due.with(left.max(0));
            return Err(Error::invalid(
                control,
                format!("More than the balance leaves. Enter at most {most}."),
            ));
        }
        left -= amount.minor;
        match desk_method(method) {
            Some(method) => wish.taken.push(DeskInput {
                method,
                amount,
                reference: form.some("reference"),
            }),
            None => wish.link = Some(purpose(amount, left, payable, &wish.taken, view)),
        }
    }
    Ok(wish)
}

/// The rest of the balance; the deposit, where just that is asked for; or a stated part.
fn purpose(
    amount: Money,
    left: i64,
    payable: Payable,
    taken: &[DeskInput],
    view: &AppointmentView,
) -> Purpose {
    if left == 0 {
        Purpose::Balance
    } else if taken.is_empty() && amount == view.balance.deposit_due() {
        Purpose::Deposit
    } else {
        Purpose::Part(payable)
    }
}

/// The card on the right of an appointment.
///
/// # Errors
/// The operating system gave no random bits.
pub fn card(
    desk: &Desk,
    view: &AppointmentView,
    open_link: Option<LinkId>,
    retry: Option<Retry<'_>>,
) -> remit_app::Result<Checkout> {
    let retry = retry.filter(|retry| retry.which == Which::Checkout);
    let balance = &view.balance;
    let due = balance.due();
    let tiles = tiles(desk, view, retry);
    let chosen: i64 = tiles
        .iter()
        .filter(|tile| tile.chosen)
        .map(|tile| Money::parse(&tile.amount.value, due.currency).map_or(0, |sum| sum.minor))
        .sum();
    let some = |minor: i64| (minor > 0).then(|| balance.money(minor).to_string());
    let told = retry.filter(|retry| {
        !tiles.iter().any(|tile| tile.amount.error.is_some())
            && retry.beside(&["reference"]).is_none()
    });
    Ok(Checkout {
        total: balance.money(balance.total).to_string(),
        paid: balance.money(balance.paid).to_string(),
        refunded: some(balance.refunded),
        credit: some(balance.credit),
        balance: due.to_string(),
        balance_minor: due.minor,
        exponent: due.currency.exponent(),
        currency_sign: due.currency.sign(),
        currency_word: words::currency(due.currency.code()),
        idempotency_key: desk.key()?,
        settled: settled(view),
        covers: chosen == due.minor,
        left_over: due.with((due.minor - chosen).max(0)).to_string(),
        label: label(&tiles, due),
        reference: Field {
            value: retry.map(|retry| retry.form.text("reference").to_owned()).unwrap_or_default(),
            error: retry.and_then(|retry| retry.beside(&["reference"])),
        },
        refused: told.map(|retry| sentences::sentence(retry.error, &desk.clock)),
        offers_override: retry.is_some_and(|retry| {
            matches!(retry.error, Error::ProviderUnreachable(_)) || retry.form.ticked("override")
        }),
        note: "What is asked for by link stays due until the link is paid, then it is recorded here by itself.".into(),
        open_link: open_link.map(|link| link.to_string()),
        qr_key: desk.key()?,
        tiles,
    })
}

/// Why nothing can be taken.
fn settled(view: &AppointmentView) -> Option<String> {
    if view.status == Status::Cancelled {
        Some("The appointment is cancelled. Nothing is to be paid.".into())
    } else if view.balance.due == 0 && view.balance.total > 0 {
        Some("Everything is paid.".into())
    } else if view.balance.due == 0 {
        Some("Nothing is charged, so nothing is to be paid.".into())
    } else {
        None
    }
}

/// The ways to pay.
fn tiles(desk: &Desk, view: &AppointmentView, retry: Option<Retry<'_>>) -> Vec<Tile> {
    let due = view.balance.due();
    let verdicts = methods::on_offer(
        &desk.context,
        due,
        PurposeKind::Balance,
        view.patient_email.is_some(),
    );
    let online: Vec<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.is_ok())
        .map(|(method, _)| words::method(*method))
        .collect();
    let not_offered = words::not_on_offer(&verdicts);
    let tile = |method: CheckoutMethod| {
        let control = amount_control(method);
        let is_link = method == CheckoutMethod::Link;
        Tile {
            method,
            detail: if is_link {
                let offered = sentences::capital(&words::either(&online));
                match &not_offered {
                    Some(why) if online.is_empty() => why.clone(),
                    Some(why) => format!("{offered}. Not offered: {why}"),
                    None => offered,
                }
            } else {
                String::new()
            },
            chosen: retry.is_some_and(|retry| retry.form.ticked(method.name())),
            amount: Field {
                value: retry
                    .map(|retry| retry.form.text(control).to_owned())
                    .unwrap_or_default(),
                error: retry.and_then(|retry| retry.beside(&[control])),
            },
        }
    };
    let at_desk = &desk.context.at_desk;
    CheckoutMethod::ALL
        .into_iter()
        .filter(|method| desk_method(*method).is_none_or(|way| at_desk.contains(&way)))
        .map(tile)
        .collect()
}

/// What the button will do: `Take £20.00 cash and create link for £37.50`.
fn label(tiles: &[Tile], due: Money) -> String {
    let mut taken = Vec::new();
    let mut link = None;
    for tile in tiles.iter().filter(|tile| tile.chosen) {
        let amount = Money::parse(&tile.amount.value, due.currency).unwrap_or(due.with(0));
        if tile.method == CheckoutMethod::Link {
            link = Some(format!("create link for {amount}"));
        } else {
            taken.push(format!("{amount} {}", tile.method.phrase()));
        }
    }
    let mut parts = Vec::new();
    if !taken.is_empty() {
        parts.push(format!("take {}", taken.join(", ")));
    }
    parts.extend(link);
    if parts.is_empty() {
        "Take payment".into()
    } else {
        sentences::capital(&parts.join(" and "))
    }
}
