//! What a receipt says: one list of facts, from which the page and the file are made, so that they cannot differ.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, PaymentId};
use remit_core::languages::{DateStyle, Language, LocalTime, fill};
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::payments::{DeskMethod, PaidBy};
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
    pub visit: LocalTime,
    pub amount: Money,
    pub received: LocalTime,
    /// The zone of these times, as its clocks name it: `GMT`.
    pub zone: String,
    pub paid_by: PaidBy,
    /// `Visa ending 4242`, a terminal's slip, a bank's reference.
    pub slip: Option<String>,
    /// Name and price of what was booked; only where the clinic lists it.
    pub services: Vec<(String, Money)>,
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
    pub at: LocalTime,
}

/// A payment's receipt as it stands now.
///
/// # Errors
/// [`crate::Error::NotFound`], or the store's.
#[crate::boxed]
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
    let at = |moment: UtcMs| clinics::local_time(&context.clinic, moment);
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
        visit: at(visit.starts_at),
        amount: payment.amount,
        received: at(payment.received_at),
        zone: clinics::in_zone(&context.clinic, payment.received_at, "%Z"),
        paid_by: payment.paid_by,
        slip: payment.reference.clone(),
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
                at: at(view.done_at.unwrap_or(view.refund.requested_at)),
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

async fn services(
    app: &App,
    clinic: ClinicId,
    appointment: remit_core::ids::AppointmentId,
) -> Result<Vec<(String, Money)>> {
    let charges = appointments::charges(app, clinic, appointment).await?;
    Ok(charges
        .into_iter()
        .map(|charge| (charge.title(), charge.amount))
        .collect())
}

/// In the words of a language; every value keeps its own direction.
impl Document {
    /// The facts below the amount, label and value, in the order of reading.
    pub fn rows(&self, language: &Language) -> Vec<(String, String)> {
        let words = &language.page;
        let received = language.date(self.received, DateStyle::Long);
        let visit = language.isolated(&language.date(self.visit, DateStyle::ShortYearTime));
        let mut rows = vec![
            (
                words.row_paid,
                language.isolated(&format!("{received} {}", self.zone)),
            ),
            (words.row_with, self.paid_with(language)),
            (words.row_for, fill(words.appointment, &[("when", &visit)])),
        ];
        if let Some(reference) = &self.reference {
            rows.push((words.row_reference, language.isolated(reference)));
        }
        let owned = |(label, value): (&str, String)| (label.to_owned(), value);
        rows.into_iter().map(owned).collect()
    }

    /// What was noted at the desk is the clinic's own business (a terminal's slip, a bank's reference), and useful to
    /// both. A card's brand and last figures say that it was a card.
    fn paid_with(&self, language: &Language) -> String {
        let words = &language.page;
        let method = match self.paid_by {
            PaidBy::Online(Method::Card) => match &self.slip {
                Some(card) => return language.isolated(&card.replace(" ending ", " •••• ")),
                None => words.card,
            },
            PaidBy::Online(method) => method.title(),
            PaidBy::Desk(DeskMethod::Cash) => words.cash,
            PaidBy::Desk(DeskMethod::CardTerminal) => words.card_terminal,
            PaidBy::Desk(DeskMethod::BankTransfer) => words.bank_transfer,
        };
        match &self.slip {
            Some(slip) => format!("{method}, {}", language.isolated(slip)),
            None => method.to_owned(),
        }
    }

    /// Name and price of what was booked.
    pub fn services(&self, language: &Language) -> Vec<(String, String)> {
        let services = self.services.iter();
        services
            .map(|(name, price)| (name.clone(), sum(language, *price)))
            .collect()
    }

    /// What follows from refunds and VAT, label and value.
    pub fn sums(&self, language: &Language) -> Vec<(String, String)> {
        let words = &language.page;
        let refunds = self.refunds.iter().map(|line| {
            let day = language.isolated(&language.date(line.at, DateStyle::Long));
            let back = line.amount.with(-line.amount.minor);
            (
                format!("{} ({day})", words.row_refunded),
                sum(language, back),
            )
        });
        let mut sums: Vec<(String, String)> = refunds.collect();
        if !sums.is_empty() {
            sums.push((words.kept.to_owned(), sum(language, self.kept)));
        }
        if let Some((rate, vat)) = &self.vat {
            let label = fill(words.vat_included, &[("rate", &rate.figure())]);
            sums.push((label, sum(language, *vat)));
        }
        sums
    }

    /// Who received the money, as the law wants it said; empty where nothing was set.
    pub fn legal_lines(&self, language: &Language) -> Vec<String> {
        let (legal, words) = (&self.legal, &language.page);
        let mut lines = Vec::new();
        match legal.legal_name.as_str() {
            "" => {}
            name if name == self.clinic => lines.push(name.to_owned()),
            name => {
                let clinic = language.isolated(&self.clinic);
                let values = [
                    ("clinic", clinic.as_str()),
                    ("name", &language.isolated(name)),
                ];
                lines.push(fill(words.trading_name, &values));
            }
        }
        for (label, text) in [
            (words.registered_address, &legal.registered_address),
            (words.company_number, &legal.company_number),
            (words.vat_number, &legal.vat_number),
        ] {
            if !text.is_empty() {
                lines.push(format!("{label}: {}", language.isolated(text)));
            }
        }
        lines
    }

    /// What the file is called: the number alone, no name.
    pub fn file_name(&self) -> String {
        format!("receipt-{}.pdf", self.number)
    }
}

fn sum(language: &Language, money: Money) -> String {
    language.isolated(&language.money(money))
}
