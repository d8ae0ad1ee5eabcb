//! The receipt of a paid link, as the patient has it: one page to print.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::{Error, appointments, links, payments};
use remit_core::ids::LinkId;

use super::answer::{Answer, page};
use super::desk::Desk;
use crate::pages::patient::{Frame, Receipt};

/// `GET /payment-links/{id}/receipt`. Names no treatment: it may be handed to an employer or insurer.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: LinkId = id.parse()?;
    let link = links::get(&desk.app, desk.clinic(), id).await?;
    let paid = payments::of_link(&desk.app, desk.clinic(), id).await?;
    let one = paid.first().ok_or(Error::NotFound)?;
    let visit = appointments::get(&desk.app, desk.clinic(), link.appointment).await?;
    let (clock, clinic) = (&desk.clock, desk.about());
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut rows = vec![
        row("Paid", clock.moment(one.payment.received_at)),
        row(
            "With",
            one.payment
                .reference
                .clone()
                .unwrap_or_else(|| one.payment.paid_by.title().to_owned()),
        ),
        row(
            "For",
            format!(
                "{}, appointment on {}",
                link.purpose.title(),
                clock.day_words(clock.date(visit.starts_at))
            ),
        ),
    ];
    if one.refunded.minor > 0 {
        rows.push(row("Refunded", one.refunded.to_string()));
    }
    if !clinic.address.is_empty() {
        rows.push(row(
            "Received by",
            format!("{}, {}", clinic.name, clinic.address),
        ));
    }
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let receipt = Receipt {
        frame: Frame {
            clinic: clinic.name.clone(),
            place: clinic.strapline.clone(),
            initials: clinic.initials(),
            address: clinic.address.clone(),
            phone: text(&clinic.phone).map(|phone| {
                let dialled = phone.replace(' ', "");
                (phone, dialled)
            }),
            email: text(&clinic.email),
            test_mode: desk.context.is_test(),
            ..Frame::default()
        },
        reference: link.reference.clone(),
        patient: link.patient_name.clone(),
        amount: one.payment.amount.to_string(),
        rows,
        back_url: format!("/payment-links/{id}"),
    };
    Ok(page(StatusCode::OK, &receipt))
}
