//! Booking: a patient is found or made, services and a time are chosen, the deposit is shown before anything is written.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use remit_app::appointments::{self, BookingInput};
use remit_app::idempotency::Claimed;
use remit_app::patients::{self, PatientInput};
use remit_app::views::{Patient, Practitioner, Service};
use remit_app::{Error, services};
use remit_core::contact::{Email, Phone};
use remit_core::ids::{PatientId, PractitionerId, ServiceId};
use serde::Deserialize;

use super::answer::{Answer, Failure, page, see_other};
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::once::once;
use super::{clock, sentences, words};
use crate::pages::appointments::{Booking, BookingDialog, BookingPage, DueBox, FoundPatient};
use crate::pages::{Choice, Field, Section};

/// Patients shown of a search; more words narrow it.
const FOUND_MAX: i64 = 8;
/// Services that can be chosen from.
const SERVICES_SHOWN: i64 = 200;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    date: String,
    start: String,
    practitioner: String,
    patient: String,
}

/// `GET /appointments/new`: the empty form.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let date = match clock::day(&asked.date) {
        Some(day) => day.to_string(),
        None => desk.clock.today().to_string(),
    };
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut filled = vec![
        pair("date", date),
        pair("start", asked.start),
        pair("practitioner", asked.practitioner.clone()),
    ];
    // What somebody is booked for most days needs no choosing.
    if let Ok(who) = asked.practitioner.parse::<PractitionerId>()
        && let Some(service) =
            remit_app::practitioners::last_service(&desk.app, desk.clinic(), who).await?
    {
        filled.push(pair("service", service.to_string()));
    }
    if !asked.patient.is_empty() {
        filled.push(pair("patient_id", asked.patient));
    }
    let booking = booking(&desk, &Form(filled), None).await?;
    answer(&desk, StatusCode::OK, booking).await
}

/// `POST /appointments/new`: the form as it stands, with what is found and what is due. Writes nothing.
pub async fn preview(desk: Desk, form: Form) -> Answer {
    let booking = booking(&desk, &form, None).await?;
    answer(&desk, StatusCode::OK, booking).await
}

/// `POST /appointments`.
pub async fn book(desk: Desk, form: Form) -> Answer {
    let made = once(&desk, &form, "/appointments", |claimed| {
        book_once(&desk, &form, claimed)
    });
    match made.await {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            let booking = booking(&desk, &form, Some(&error)).await?;
            answer(&desk, sentences::status(&error), booking).await
        }
        Err(failure) => Err(failure),
    }
}

async fn book_once(
    desk: &Desk,
    form: &Form,
    claimed: Option<Claimed>,
) -> remit_app::Result<String> {
    let day =
        clock::day(form.text("date")).ok_or_else(|| Error::invalid("date", "Choose a day."))?;
    let start = clock::time(form.text("start"))
        .ok_or_else(|| Error::invalid("start", "Choose a time, like 14:30."))?;
    let chosen = chosen(form);
    if chosen.is_empty() {
        return Err(Error::invalid("service_ids", "Choose a service."));
    }
    let practitioner = match form.text("practitioner") {
        "" => None,
        id => Some(
            id.parse::<PractitionerId>()
                .map_err(|_| unknown_practitioner())?,
        ),
    };
    let existing = form.text("patient_id");
    // Made last, when everything else in the form is known to be well.
    let patient = if existing.is_empty() {
        if !form.has("patient_id") && form.text("patient_name").trim().is_empty() {
            return Err(Error::invalid(
                "patient_id",
                "Choose a patient, or add a new one.",
            ));
        }
        let typed = PatientInput {
            name: form.text("patient_name").to_owned(),
            email: form.some("patient_email"),
            phone: form.some("patient_phone"),
            locale: None,
        };
        match already_added(desk, &typed).await? {
            Some(patient) => patient,
            None => {
                let id = claimed.as_ref().map(Claimed::id);
                patients::create(&desk.app, desk.actor(), id, typed)
                    .await?
                    .id
            }
        }
    } else {
        existing
            .parse()
            .map_err(|_| Error::invalid("patient_id", "Choose a patient from the list."))?
    };
    let input = BookingInput {
        patient,
        services: chosen,
        practitioner,
        starts_at: desk.clock.at(day, start),
        with_deposit_link: then(form) == "link",
        despite_overlap: form.has("insist"),
    };
    let id = claimed.as_ref().map(Claimed::id);
    let (appointment, link) = appointments::book(&desk.app, desk.actor(), id, &input).await?;
    Ok(match link.filter(|_| input.with_deposit_link) {
        Some(link) => format!("/payment-links/{link}"),
        None => format!("/appointments/{appointment}"),
    })
}

/// The patient with exactly these details: the same form sent again after its time was taken must not add a person
/// twice.
async fn already_added(desk: &Desk, typed: &PatientInput) -> remit_app::Result<Option<PatientId>> {
    let country = &desk.about().country;
    let phone = typed
        .phone
        .as_deref()
        .and_then(|text| Phone::parse(text, country).ok());
    let phone = phone.map(Phone::into_string);
    let email = typed
        .email
        .as_deref()
        .and_then(|text| Email::parse(text).ok());
    let email = email.map(Email::into_string);
    if phone.is_none() && email.is_none() {
        return Ok(None);
    }
    let found = patients::search(&desk.app, desk.clinic(), &typed.name, 50).await?;
    let same = found.into_iter().find(|known| {
        known.name == typed.name.trim() && known.phone == phone && known.email == email
    });
    Ok(same.map(|known| known.id))
}

/// What is to follow the booking: `link` or `later`. *Book anyway* repeats what was pressed before.
fn then(form: &Form) -> &str {
    match form.text("insist") {
        "" => form.text("then"),
        again => again,
    }
}

fn unknown_practitioner() -> Error {
    Error::invalid("practitioner_id", "Choose a practitioner from the list.")
}

/// The services chosen in the form, in order.
fn chosen(form: &Form) -> Vec<ServiceId> {
    ["service", "service_2", "service_3"]
        .iter()
        .filter_map(|name| form.text(name).parse().ok())
        .collect()
}

async fn answer(desk: &Desk, status: StatusCode, booking: Booking) -> Result<Response, Failure> {
    Ok(match desk.wants {
        Wants::Dialog => page(status, &BookingDialog { booking }),
        Wants::Page | Wants::Live => {
            let shell = desk.shell(Section::Diary).await?;
            page(status, &BookingPage { shell, booking })
        }
    })
}

/// The form as it was filled in, with an error beside its field.
async fn booking(desk: &Desk, form: &Form, error: Option<&Error>) -> remit_app::Result<Booking> {
    let offered = services::list(&desk.app, desk.clinic(), None, false, SERVICES_SHOWN).await?;
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let wrong = |names: &[&str]| sentences::beside(error, names);
    let field = |name: &str, names: &[&str]| Field {
        value: form.text(name).to_owned(),
        error: wrong(names),
    };
    let clash = match error {
        Some(error @ Error::Clash(_)) => Some((
            sentences::sentence(error, &desk.clock),
            then(form).to_owned(),
        )),
        _ => None,
    };
    let refused = match error {
        None | Some(Error::Invalid { .. } | Error::Clash(_)) => None,
        Some(error) => Some(sentences::sentence(error, &desk.clock)),
    };
    let found = found(desk, form).await?;
    let any_chosen = found.iter().any(|patient| patient.chosen);
    Ok(Booking {
        csrf: desk.who.csrf.clone(),
        idempotency_key: desk.key()?,
        summary: summary(desk, form, &offered, &people),
        refused,
        clash,
        search: field("q", &["patient_id"]),
        found,
        is_new_patient: !any_chosen
            && (form.has("patient_id") || !form.text("patient_name").is_empty()),
        name: field("patient_name", &["name"]),
        phone: field("patient_phone", &["phone"]),
        email: field("patient_email", &["email"]),
        services: choices(&offered, form.text("service"), "Choose a service"),
        services_2: choices(&offered, form.text("service_2"), "None"),
        services_3: choices(&offered, form.text("service_3"), "None"),
        service_error: wrong(&["service_ids"]),
        practitioners: practitioner_choices(&people, form.text("practitioner")),
        practitioner_error: wrong(&["practitioner_id"]),
        date: field("date", &["date", "starts_at"]),
        start: field("start", &["start"]),
        due: due(desk, form).await?,
    })
}

async fn found(desk: &Desk, form: &Form) -> remit_app::Result<Vec<FoundPatient>> {
    let chosen: Option<PatientId> = form.text("patient_id").parse().ok();
    let q = form.text("q").trim();
    let mut rows = if q.is_empty() {
        vec![]
    } else {
        patients::search(&desk.app, desk.clinic(), q, FOUND_MAX).await?
    };
    if let Some(id) = chosen
        && !rows.iter().any(|row| row.id == id)
        && let Ok(row) = patients::get(&desk.app, desk.clinic(), id).await
    {
        rows.insert(0, row);
    }
    let only = rows.len() == 1
        && form.text("patient_id").is_empty()
        && form.text("patient_name").is_empty();
    Ok(rows
        .into_iter()
        .map(|row| FoundPatient {
            chosen: chosen == Some(row.id) || only,
            id: row.id.to_string(),
            contact: contact(&row),
            name: row.name,
        })
        .collect())
}

/// Number and address, as far as they are known.
pub fn contact(patient: &Patient) -> String {
    let phone = patient.phone.as_deref().map(Phone::grouped);
    let known: Vec<String> = phone.into_iter().chain(patient.email.clone()).collect();
    known.join(" · ")
}

fn choices(offered: &[Service], chosen: &str, none: &str) -> Vec<Choice> {
    let first = Choice {
        value: String::new(),
        label: none.into(),
        selected: chosen.is_empty(),
    };
    let rows = offered.iter().map(|service| Choice {
        value: service.id.to_string(),
        label: format!(
            "{} · {} min · {}",
            service.name, service.duration_minutes, service.price
        ),
        selected: service.id.to_string() == chosen,
    });
    std::iter::once(first).chain(rows).collect()
}

/// Who can be booked with; the first one unless another is chosen.
pub fn practitioner_choices(people: &[Practitioner], chosen: &str) -> Vec<Choice> {
    people
        .iter()
        .filter(|person| person.active || person.id.to_string() == chosen)
        .map(|person| Choice {
            value: person.id.to_string(),
            label: person.name.clone(),
            selected: person.id.to_string() == chosen,
        })
        .collect()
}

fn summary(desk: &Desk, form: &Form, offered: &[Service], people: &[Practitioner]) -> String {
    let (Some(day), Some(start)) = (
        clock::day(form.text("date")),
        clock::time(form.text("start")),
    ) else {
        return String::new();
    };
    let chosen = chosen(form);
    let minutes: i64 = chosen
        .iter()
        .filter_map(|id| offered.iter().find(|service| service.id == *id))
        .map(|service| service.duration_minutes)
        .sum();
    let starts_at = desk.clock.at(day, start);
    let ends = starts_at + minutes * remit_core::MINUTE_MS;
    let with = people
        .iter()
        .find(|person| person.id.to_string() == form.text("practitioner"))
        .map(|person| format!(" with {}", person.name))
        .unwrap_or_default();
    let until = if minutes > 0 {
        format!(" – {}", desk.clock.time(ends))
    } else {
        String::new()
    };
    format!(
        "{}, {}{until}{with}",
        desk.clock.day_words(day),
        desk.clock.time(starts_at)
    )
}

/// What the booking costs and what is due at once.
async fn due(desk: &Desk, form: &Form) -> remit_app::Result<DueBox> {
    let chosen = chosen(form);
    if chosen.is_empty() {
        return Ok(DueBox::default());
    }
    let (total, deposit, services) =
        match appointments::quote(&desk.app, desk.clinic(), &chosen).await {
            Ok(quote) => quote,
            Err(Error::Invalid { .. }) => return Ok(DueBox::default()),
            Err(error) => return Err(error),
        };
    let offered = remit_app::methods::on_offer(
        &desk.context,
        deposit,
        remit_core::methods::PurposeKind::Deposit,
        // Whom it is for may not be chosen yet.
        true,
    );
    let methods: Vec<&str> = offered
        .iter()
        .filter(|(_, verdict)| verdict.is_ok())
        .map(|(method, _)| words::method(*method))
        .collect();
    Ok(DueBox {
        lines: services
            .iter()
            .map(|service| (service.name.clone(), service.price.to_string()))
            .collect(),
        on_the_day: total.with(total.minor - deposit.minor).to_string(),
        deposit_due: (deposit.minor > 0).then(|| deposit.to_string()),
        methods: words::either(&methods),
    })
}
