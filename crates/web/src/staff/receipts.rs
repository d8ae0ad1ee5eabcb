//! Receipts: shown and printed, sent again to the patient, and how they look in Settings -> Receipts.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use remit_app::idempotency::Claimed;
use remit_app::receipts::{self as verbs, ReceiptInput};
use remit_app::{Error, payments};
use remit_core::deliveries::Channel;
use remit_core::ids::{LinkId, PaymentId};
use remit_core::languages;
use remit_core::receipts::{LegalDetails, ReceiptSettings, VatRate};
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{payment, sentences};
use crate::pages::receipts::ReceiptSettingsPage;
use crate::pages::{Field, Section};
use crate::receipts::{self, Place};

const SETTINGS: &str = "/settings/receipts";

/// `GET /payment-links/{id}/receipt`: of what was paid through the link last.
pub async fn of_link(desk: Desk, Path(id): Path<String>) -> Answer {
    let link: LinkId = id.parse()?;
    let paid = payments::of_link(&desk.app, desk.clinic(), link).await?;
    let one = paid.last().ok_or(Error::NotFound)?;
    shown(&desk, one.payment.id, format!("/payment-links/{link}")).await
}

/// `GET /payments/{id}/receipt`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: PaymentId = id.parse()?;
    shown(&desk, id, format!("/payments/{id}")).await
}

async fn shown(desk: &Desk, id: PaymentId, back: String) -> Answer {
    let document = verbs::document(&desk.app, desk.clinic(), id).await?;
    let file = format!("/payments/{id}/receipt.pdf");
    let place = Place {
        here: None,
        back: Some(back),
        file,
    };
    let receipt = receipts::page(&document, &desk.context, languages::of_locale("en"), place);
    Ok(page(StatusCode::OK, &receipt))
}

/// `GET /payments/{id}/receipt.pdf`.
pub async fn file(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: PaymentId = id.parse()?;
    let document = verbs::document(&desk.app, desk.clinic(), id).await?;
    Ok(receipts::file(&document).into_response())
}

/// `POST /payments/{id}/receipt`: sends it to the patient.
pub async fn send(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: PaymentId = id.parse()?;
    let here = format!("/payments/{id}");
    let channel = Channel::parse(form.text("channel")).unwrap_or(Channel::Email);
    let input = ReceiptInput {
        channel,
        to: form.some("to"),
    };
    let (app, actor) = (desk.app.clone(), desk.actor().clone());
    let (there, wish) = (here.clone(), input.clone());
    let sent = once(
        &desk,
        &form,
        &format!("{here}/receipt"),
        |claimed| async move {
            let made = claimed.as_ref().map(Claimed::id);
            verbs::send(&app, &actor, id, made, &wish).await?;
            Ok(there)
        },
    )
    .await;
    match sent {
        Ok(there) => Ok(see_other(&there)),
        Err(super::answer::Failure::Verb(error)) if sentences::is_mendable(&error) => {
            payment::with_receipt_error(&desk, id, &input, &error).await
        }
        Err(failure) => Err(failure),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// `GET /settings/receipts`.
pub async fn settings(desk: Desk, Query(told): Query<Told>) -> Answer {
    let known = desk.context.receipts.clone();
    let fields = Fields::of(&known);
    settings_page(&desk, StatusCode::OK, told.saved == "1", fields, None).await
}

/// `POST /settings/receipts`.
pub async fn save_settings(desk: Desk, form: Form) -> Answer {
    let fields = Fields::sent(&form);
    let saved = match fields.settings() {
        Ok(wished) => verbs::save_settings(&desk.app, desk.actor(), &wished).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => Ok(see_other(&format!("{SETTINGS}?saved=1"))),
        Err(Error::Invalid { field, message }) => {
            let wrong = Some((field, message));
            settings_page(
                &desk,
                StatusCode::UNPROCESSABLE_ENTITY,
                false,
                fields,
                wrong,
            )
            .await
        }
        Err(error) => Err(error.into()),
    }
}

/// The settings as they stand in the form's fields.
struct Fields {
    legal_name: String,
    registered_address: String,
    company_number: String,
    vat_number: String,
    vat_rate: String,
    by_sms: bool,
    name_services: bool,
}

impl Fields {
    fn of(known: &ReceiptSettings) -> Fields {
        let legal = &known.legal;
        Fields {
            legal_name: legal.legal_name.clone(),
            registered_address: legal.registered_address.clone(),
            company_number: legal.company_number.clone(),
            vat_number: legal.vat_number.clone(),
            vat_rate: legal.vat_rate.map_or_else(String::new, VatRate::figure),
            by_sms: known.by_sms,
            name_services: known.name_services,
        }
    }

    fn sent(form: &Form) -> Fields {
        let text = |name: &str| form.text(name).to_owned();
        Fields {
            legal_name: text("legal_name"),
            registered_address: text("registered_address"),
            company_number: text("company_number"),
            vat_number: text("vat_number"),
            vat_rate: text("vat_rate"),
            by_sms: form.ticked("by_sms"),
            name_services: form.ticked("name_services"),
        }
    }

    fn settings(&self) -> Result<ReceiptSettings, Error> {
        let rate = self.vat_rate.trim();
        let vat_rate = match rate {
            "" => None,
            rate => Some(VatRate::parse(rate).ok_or_else(|| {
                Error::invalid(
                    "vat_rate",
                    "Enter a percentage above 0 and up to 100, such as 20.",
                )
            })?),
        };
        Ok(ReceiptSettings {
            legal: LegalDetails {
                legal_name: self.legal_name.clone(),
                registered_address: self.registered_address.clone(),
                company_number: self.company_number.clone(),
                vat_number: self.vat_number.clone(),
                vat_rate,
            },
            by_sms: self.by_sms,
            name_services: self.name_services,
        })
    }
}

async fn settings_page(
    desk: &Desk,
    status: StatusCode,
    saved: bool,
    fields: Fields,
    wrong: Option<(&'static str, String)>,
) -> Answer {
    let field = |name: &str, value: String| Field {
        value,
        error: wrong
            .as_ref()
            .filter(|(known, _)| *known == name)
            .map(|(_, message)| message.clone()),
    };
    let shown = ReceiptSettingsPage {
        shell: desk.shell(Section::Settings).await?,
        may_change: desk.may(Permission::Configure),
        saved,
        legal_name: field("legal_name", fields.legal_name),
        registered_address: field("registered_address", fields.registered_address),
        company_number: field("company_number", fields.company_number),
        vat_number: field("vat_number", fields.vat_number),
        vat_rate: field("vat_rate", fields.vat_rate),
        by_sms: fields.by_sms,
        name_services: fields.name_services,
    };
    Ok(page(status, &shown))
}
