//! What a receipt says: one list of facts, from which the page and the file are made, so that they cannot differ.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, PaymentId};
use remit_core::money::Money;
use remit_core::payments::PaidBy;
use remit_core::receipts::{LegalDetails, VatRate, number};
use remit_core::refunds::RefundState;

use crate::{App, ClinicContext, Result, appointments, clinics, links, payments, refunds};

/// A receipt's facts, worded for a person. Names no treatment unless the clinic turned that on (hazard E1): it may be
/// handed to an employer or insurer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub payment: PaymentId,
    pub number: String,
    /// Of the payment link, as the messages and pages show it; none at the desk.
    pub reference: Option<String>,
    pub is_test: bool,
    pub clinic: String,
    /// District, address, phone, email: what is set.
    pub contact: Vec<String>,
    pub legal: LegalDetails,
    pub patient: String,
    /// The patient's language.
    pub locale: String,
    pub visit_at: UtcMs,
    pub amount: Money,
    /// `Tuesday 24 November 2026, 10:44 GMT`.
    pub received: String,
    pub received_at: UtcMs,
    /// `Card, Visa ending 4242`.
    pub paid_with: String,
    /// `Deposit, appointment on 24 November 2026`.
    pub what: String,
    /// Name and price of what was booked; only where the clinic lists it.
    pub services: Vec<(String, String)>,
    /// What went back, oldest first.
    pub refunds: Vec<RefundLine>,
    /// What the clinic has kept: the payment without what went back.
    pub kept: Money,
    /// The rate, and how much of what was kept is VAT.
    pub vat: Option<(VatRate, Money)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLine {
    pub amount: Money,
    /// `26 November 2026`.
    pub at: String,
}

/// A payment's receipt as it stands now.
///
/// # Errors
/// [`crate::Error::NotFound`], or the store's.
pub async fn document(app: &App, clinic: ClinicId, id: PaymentId) -> Result<Document> {
    let context = clinics::context(app, clinic).await?;
    let view = payments::get(app, clinic, id).await?;
    let payment = &view.payment;
    let visit = appointments::get(app, clinic, payment.appointment).await?;
    let patient = crate::patients::get(app, clinic, visit.patient).await?;
    let link = match payment.link {
        Some(link) => Some(links::get(app, clinic, link).await?),
        None => None,
    };
    let day = |at: UtcMs| clinics::in_zone(&context.clinic, at, "%-d %B %Y");
    let purpose = link.as_ref().map_or("Payment", |link| link.purpose.title());
    let given = refunds::of_payment(app, clinic, id).await?;
    let settings = &context.receipts;
    let kept = payment
        .amount
        .with((payment.amount.minor - view.refunded.minor).max(0));
    Ok(Document {
        payment: id,
        number: number(id),
        reference: link.map(|link| link.reference),
        is_test: context.is_test(),
        clinic: context.clinic.name.clone(),
        contact: contact(&context),
        legal: settings.legal.clone(),
        patient: visit.patient_name.clone(),
        locale: patient.locale,
        visit_at: visit.starts_at,
        amount: payment.amount,
        received: clinics::in_zone(
            &context.clinic,
            payment.received_at,
            "%A %-d %B %Y, %H:%M %Z",
        ),
        received_at: payment.received_at,
        paid_with: paid_with(payment.paid_by, payment.reference.as_deref()),
        what: format!("{purpose}, appointment on {}", day(visit.starts_at)),
        services: if settings.name_services {
            services(app, clinic, payment.appointment).await?
        } else {
            vec![]
        },
        refunds: given
            .iter()
            .filter(|view| view.refund.state == RefundState::Succeeded)
            .map(|view| RefundLine {
                amount: view.refund.amount,
                at: day(view.done_at.unwrap_or(view.refund.requested_at)),
            })
            .collect(),
        kept,
        vat: settings
            .legal
            .vat_rate
            .map(|rate| (rate, rate.included(kept))),
    })
}

fn contact(context: &ClinicContext) -> Vec<String> {
    let clinic = &context.clinic;
    [
        &clinic.strapline,
        &clinic.address,
        &clinic.phone,
        &clinic.email,
    ]
    .into_iter()
    .filter(|line| !line.is_empty())
    .cloned()
    .collect()
}

/// What was noted at the desk is the clinic's own business (a terminal's slip, a bank's reference), and useful to both.
fn paid_with(paid_by: PaidBy, reference: Option<&str>) -> String {
    match reference {
        Some(reference) => format!("{}, {reference}", paid_by.title()),
        None => paid_by.title().to_owned(),
    }
}

async fn services(
    app: &App,
    clinic: ClinicId,
    appointment: remit_core::ids::AppointmentId,
) -> Result<Vec<(String, String)>> {
    let charges = appointments::charges(app, clinic, appointment).await?;
    Ok(charges
        .into_iter()
        .map(|charge| (charge.description, charge.amount.to_string()))
        .collect())
}

impl Document {
    /// The facts below the amount, label and value, in the order of reading.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("Received from", self.patient.clone()),
            ("Paid on", self.received.clone()),
            ("Paid with", self.paid_with.clone()),
            ("For", self.what.clone()),
            ("Receipt number", self.number.clone()),
        ];
        if let Some(reference) = &self.reference {
            rows.push(("Payment reference", reference.clone()));
        }
        rows
    }

    /// What follows from refunds and VAT, label and value.
    pub fn sums(&self) -> Vec<(String, String)> {
        let mut sums: Vec<(String, String)> = self
            .refunds
            .iter()
            .map(|line| {
                let back = line.amount.with(-line.amount.minor);
                (format!("Refunded on {}", line.at), back.to_string())
            })
            .collect();
        if !sums.is_empty() {
            sums.push(("Paid after refunds".to_owned(), self.kept.to_string()));
        }
        if let Some((rate, vat)) = &self.vat {
            let label = format!("VAT included, at {}%", rate.figure());
            sums.push((label, vat.to_string()));
        }
        sums
    }

    /// Who received the money, in the law's words; empty where nothing was set.
    pub fn legal_lines(&self) -> Vec<String> {
        let legal = &self.legal;
        let mut lines = Vec::new();
        match legal.legal_name.as_str() {
            "" => {}
            name if name == self.clinic => lines.push(name.to_owned()),
            name => lines.push(format!("{} is a trading name of {name}.", self.clinic)),
        }
        for (label, text) in [
            ("Registered address", &legal.registered_address),
            ("Company number", &legal.company_number),
            ("VAT number", &legal.vat_number),
        ] {
            if !text.is_empty() {
                lines.push(format!("{label}: {text}"));
            }
        }
        lines
    }

    /// What the file is called: the number alone, no name.
    pub fn file_name(&self) -> String {
        format!("receipt-{}.pdf", self.number)
    }
}
