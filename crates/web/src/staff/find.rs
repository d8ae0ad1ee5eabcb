//! Find or do: patients, appointments, payment links, pages and actions behind one field (Ctrl K).

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::views::{AppointmentView, LinkView, Patient};
use remit_app::{appointments, find as verbs};
use remit_core::DAY_MS;
use remit_core::roles::Permission::{self, Administer, Book, Configure, Look, TakeMoney};
use serde::Deserialize;

use super::answer::{Answer, encoded, page};
use super::desk::{Desk, Wants};
use super::patients::shown;
use super::{link_rows, words};
use crate::pages::Section;
use crate::pages::find::{Find, FindHits, Group, Hit, Hits, Opens};

/// Characters of a search that are read: a name has at most so many.
const Q_CHARS_MAX: usize = 200;
/// Pages, and actions, that a search shows.
const PLACES_MAX: usize = 6;
/// Appointments that come next today, shown before anything is typed.
const NEXT_MAX: i64 = 4;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// `GET /find?q=`: the whole page, or the list alone for the window.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let q: String = asked.q.trim().chars().take(Q_CHARS_MAX).collect();
    let mut groups = if q.is_empty() {
        before_typing(&desk).await?
    } else {
        typed(&desk, &q).await?
    };
    groups.retain(|group| !group.hits.is_empty());
    let hits = Hits {
        csrf: desk.who.csrf.clone(),
        q,
        groups,
    };
    if desk.wants != Wants::Page {
        return Ok(page(StatusCode::OK, &FindHits { hits }));
    }
    let shell = desk.shell(Section::None).await?;
    Ok(page(StatusCode::OK, &Find { shell, hits }))
}

fn group(name: &'static str, hits: impl IntoIterator<Item = Hit>) -> Group {
    let hits = hits.into_iter().collect();
    Group { name, hits }
}

async fn before_typing(desk: &Desk) -> remit_app::Result<Vec<Group>> {
    let tomorrow = desk.clock.start_of(super::clock::next(desk.clock.today()));
    let (app, clinic) = (&desk.app, desk.clinic());
    let next = appointments::list(app, clinic, None, (desk.now(), ""), tomorrow, NEXT_MAX).await?;
    Ok(vec![
        group("Next today", next.iter().map(|one| visit(desk, one))),
        group("Actions", places(desk, ACTIONS, "")),
        group("Pages", places(desk, PAGES, "")),
    ])
}

async fn typed(desk: &Desk, q: &str) -> remit_app::Result<Vec<Group>> {
    let today = desk.clock.start_of(desk.clock.today());
    let found = verbs::find(&desk.app, desk.clinic(), q, today).await?;
    let mut people: Vec<Hit> = found.patients.iter().map(|one| person(desk, one)).collect();
    if found.more_patients {
        people.push(everybody(q));
    }
    let mut actions = places(desk, ACTIONS, q);
    if let [only] = found.patients.as_slice()
        && desk.may(Book)
    {
        actions.insert(0, book_for(only));
    }
    if people.is_empty() && desk.may(Book) && q.chars().any(char::is_alphabetic) {
        actions.push(add_patient(q));
    }
    Ok(vec![
        group("Patients", people),
        group(
            "Appointments",
            found.appointments.iter().map(|one| visit(desk, one)),
        ),
        group(
            "Payment links",
            found.links.iter().map(|one| link(desk, one)),
        ),
        group(
            "Pages",
            places(desk, PAGES, q)
                .into_iter()
                .chain(places(desk, SETTINGS, q))
                .take(PLACES_MAX),
        ),
        group("Actions", actions.into_iter().take(PLACES_MAX)),
    ])
}

fn hit(href: String, icon: &'static str, title: String, detail: String) -> Hit {
    Hit {
        href,
        icon,
        title,
        detail,
        opens: Opens::Page,
        status: None,
        keys: "",
    }
}

/// What is known of several, without what is empty.
fn listed(parts: &[String]) -> String {
    let known: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    known.join(" · ")
}

fn person(desk: &Desk, patient: &Patient) -> Hit {
    let contact = listed(&[
        shown(patient.phone.as_deref(), |phone| desk.phone(phone)),
        shown(patient.email.as_deref(), |email| desk.email(email)),
    ]);
    hit(
        format!("/patients/{}", patient.id),
        "user",
        patient.name.clone(),
        contact,
    )
}

fn everybody(q: &str) -> Hit {
    let href = format!("/patients?q={}", encoded(q));
    hit(
        href,
        "users",
        format!("All patients found by “{q}”"),
        String::new(),
    )
}

fn book_for(patient: &Patient) -> Hit {
    let href = format!("/appointments/new?patient={}", patient.id);
    let title = format!("New appointment for {}", patient.name);
    Hit {
        opens: Opens::Window,
        ..hit(href, "calendar-plus", title, String::new())
    }
}

/// Nobody of this name is known: perhaps they are new.
fn add_patient(q: &str) -> Hit {
    let href = format!("/patients/new?name={}", encoded(q));
    let title = format!("Add “{q}” as a new patient");
    hit(href, "plus", title, String::new())
}

fn visit(desk: &Desk, one: &AppointmentView) -> Hit {
    let when = if (one.starts_at - desk.now()).abs() < 2 * DAY_MS {
        desk.clock.lately(one.starts_at)
    } else {
        desk.clock.moment(one.starts_at)
    };
    let with = one
        .practitioner_name
        .as_ref()
        .map(|who| format!("with {who}"));
    let status = words::appointment_status(one.status);
    let status = if status == crate::pages::AppointmentStatus::Booked {
        String::new()
    } else {
        status.word().to_owned()
    };
    let detail = listed(&[when, one.title.clone(), with.unwrap_or_default(), status]);
    hit(
        format!("/appointments/{}", one.id),
        "calendar-days",
        one.patient_name.clone(),
        detail,
    )
}

fn link(desk: &Desk, link: &LinkView) -> Hit {
    let shown = link.shown(desk.now());
    let amount = if shown.is_open() {
        link.amount_due()
    } else {
        link.amount
    };
    let detail = listed(&[
        format!("{amount} {}", link.purpose.title().to_lowercase()),
        link.reference.clone(),
        made(&link_rows::day(&desk.clock, link.created_at)),
    ]);
    Hit {
        opens: Opens::Window,
        status: Some(words::link_status(shown)),
        ..hit(
            format!("/payment-links/{}", link.id),
            "link",
            link.patient_name.clone(),
            detail,
        )
    }
}

/// `made today 12:35`.
fn made(when: &str) -> String {
    if when.starts_with("Today") || when.starts_with("Yesterday") {
        format!("made {}", when.to_lowercase())
    } else {
        format!("made {when}")
    }
}

/// A page or an action: who may, where it is, and by what other words it is looked for.
struct Place {
    may: Permission,
    title: &'static str,
    also: &'static str,
    href: &'static str,
    icon: &'static str,
    opens: Opens,
    keys: &'static str,
}

const fn place(
    may: Permission,
    title: &'static str,
    also: &'static str,
    href: &'static str,
    icon: &'static str,
) -> Place {
    Place {
        may,
        title,
        also,
        href,
        icon,
        opens: Opens::Page,
        keys: "",
    }
}

impl Place {
    const fn window(mut self) -> Place {
        self.opens = Opens::Window;
        self
    }

    const fn post(mut self) -> Place {
        self.opens = Opens::Post;
        self
    }

    const fn keys(mut self, keys: &'static str) -> Place {
        self.keys = keys;
        self
    }

    /// Each word that was typed starts a word of the title or of the others.
    fn fits(&self, q: &str) -> bool {
        let all = format!("{} {}", self.title, self.also).to_lowercase();
        let starts = |word: &str| {
            all.split([' ', ',', '-'])
                .any(|known| known.starts_with(word))
        };
        q.to_lowercase().split_whitespace().all(starts)
    }

    fn hit(&self) -> Hit {
        Hit {
            opens: self.opens,
            keys: self.keys,
            ..hit(
                self.href.into(),
                self.icon,
                self.title.into(),
                String::new(),
            )
        }
    }
}

/// Those that the role may go to, of a table, that fit what was typed.
fn places(desk: &Desk, table: &[Place], q: &str) -> Vec<Hit> {
    let fit = table
        .iter()
        .filter(|place| desk.may(place.may) && place.fits(q));
    fit.map(Place::hit).collect()
}

#[rustfmt::skip]
const PAGES: &[Place] = &[
    place(Look, "Diary", "calendar day appointments today", "/diary", "calendar-days").keys("G D"),
    place(Look, "Diary, week", "calendar appointments", "/diary?view=week", "calendar-days"),
    place(Look, "Patients", "people search", "/patients", "users").keys("G P"),
    place(Look, "Online Payments", "financials links money", "/financials/online-payments", "wallet").keys("G F"),
    place(Look, "Follow up", "accessed not paid chase", "/financials/online-payments/follow-up", "bell-ring"),
    place(Look, "Summary", "financials report figures collected", "/financials/summary", "trending-up"),
    place(Look, "Payments received", "financials cash card money", "/financials/payments", "banknote"),
    place(Look, "Credits & findings", "surplus problems reconcile", "/financials/findings", "circle-alert"),
    place(Look, "Notifications", "bell news unread", "/notifications", "bell-ring"),
    place(Look, "Settings", "clinic configuration", "/settings", "settings").keys("G S"),
    place(Look, "My account", "name password sessions colours theme dark light", "/account", "user"),
];

/// Found when they are typed; before that the one entry Settings stands for them.
#[rustfmt::skip]
const SETTINGS: &[Place] = &[
    place(Look, "Clinic details", "settings address phone logo brand", "/settings/clinic", "settings"),
    place(Administer, "Staff and roles", "settings people users invite", "/settings/staff", "settings"),
    place(Look, "Services and deposits", "settings prices", "/settings/services", "settings"),
    place(Look, "Practitioners", "settings working hours absences", "/settings/practitioners", "settings"),
    place(Look, "Payment methods", "settings card klarna clearpay limits", "/settings/payment-methods", "settings"),
    place(Look, "Refund limits", "settings refunds approval", "/settings/refunds", "settings"),
    place(Look, "Receipt settings", "settings receipts vat legal", "/settings/receipts", "settings"),
    place(Look, "Reminders", "settings messages automatic", "/settings/reminders", "settings"),
    place(Look, "Sending limits", "settings messages", "/settings/limits", "settings"),
    place(Administer, "Providers", "settings stripe mollie sandbox payment", "/settings/providers", "settings"),
    place(Administer, "Messages", "settings sms email channels carriers", "/settings/messages", "settings"),
    place(Look, "Message texts", "settings sms email templates wording", "/settings/messages/texts", "settings"),
    place(Look, "Daily digest", "settings email report", "/settings/digest", "settings"),
    place(Administer, "API keys", "settings integrations developers webhooks", "/settings/api-keys", "settings"),
    place(Configure, "Audit log", "settings history who changed security", "/settings/audit", "settings"),
    place(Look, "API documentation", "developers openapi", "/api/docs", "info"),
];

#[rustfmt::skip]
const ACTIONS: &[Place] = &[
    place(Book, "New appointment", "book booking add create patient", "/appointments/new", "calendar-plus").window().keys("N"),
    place(TakeMoney, "New payment link", "send create add online payment", "/financials/online-payments/new", "link").window(),
    place(Book, "New patient", "add create person", "/patients/new", "user"),
    place(Look, "Print today’s list", "day diary paper", "/diary#print", "printer"),
    place(TakeMoney, "Export payment links", "csv excel download", "/financials/online-payments#export", "download"),
    place(Look, "Export the summary", "csv download figures report", "/financials/summary.csv", "download"),
    place(Administer, "Invite somebody to the staff", "new add user person", "/settings/staff/new", "user"),
    place(Configure, "New service", "add create price", "/settings/services/new", "plus"),
    place(Configure, "New practitioner", "add create", "/settings/practitioners/new", "plus"),
    place(Look, "Change my password", "account security", "/account#pw", "user"),
    place(Look, "Keyboard shortcuts", "keys help", "/shortcuts", "info").window().keys("?"),
    place(Look, "Sign out", "log out leave end session", "/sign-out", "log-out").post(),
];

#[cfg(test)]
mod tests {
    use super::{ACTIONS, PAGES, SETTINGS};
    use crate::staff::doors;

    /// Every page and action leads to a door that whoever is offered it may open.
    #[test]
    fn each_place_has_its_door() {
        let doors = doors();
        for place in PAGES.iter().chain(SETTINGS).chain(ACTIONS) {
            let path = place.href.split(['?', '#']).next().unwrap();
            if path == "/api/docs" {
                continue; // Open to everybody.
            }
            let door = doors.iter().find(|door| {
                door.path == path && (door.method == "POST") == (place.opens == super::Opens::Post)
            });
            let door = door.unwrap_or_else(|| panic!("{path} is no staff route"));
            let (needs, offered) = (door.permission.least_role(), place.may.least_role());
            assert!(offered >= needs, "{path} is offered to {offered:?}");
        }
    }

    #[test]
    fn places_are_found_by_the_starts_of_their_words() {
        let titles = |q: &str| -> Vec<&str> {
            let all = PAGES.iter().chain(SETTINGS).chain(ACTIONS);
            all.filter(|place| place.fits(q))
                .map(|place| place.title)
                .collect()
        };
        assert_eq!(titles("NEW app"), ["New appointment"]);
        assert_eq!(titles("set klarna"), ["Payment methods"]);
        assert!(titles("zzz").is_empty());
        assert_eq!(
            titles("").len(),
            PAGES.len() + SETTINGS.len() + ACTIONS.len()
        );
    }
}
