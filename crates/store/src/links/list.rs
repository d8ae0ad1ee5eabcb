//! The list of *Online Payments*: keyset pages, narrowed and searched with bounded work.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, PatientId};
use remit_core::links::{LIFETIME_MS, LinkState};
use remit_core::methods::PurposeKind;
use remit_core::money::Money;

use super::LinkView;
use crate::patients::{self, WORDS_MAX};
use crate::{Result, Store};

/// A search that at most so many patients match looks their links up; a wider one walks the links, newest first.
const PATIENTS_MAX: i64 = 500;
/// Where at most so many share the first word, they are gathered before the walk: one look-up for each link saved.
const GATHERED_MAX: i64 = 5_000;
/// Links that one page looks at when it narrows while it walks.
const WINDOW: i64 = 2_000;
/// The same after patients were gathered, when looking at a link costs next to nothing.
const WINDOW_GATHERED: i64 = 5_000;
/// Hexadecimal characters of a reference that a search needs to look at references: three leave one link in 4,096.
const REFERENCE_CHARS_MIN: usize = 3;

/// What every page is narrowed by, each only if it is not empty: purpose, shown status at a moment, patient,
/// appointment, starts of words by which the patient is found. With an end of the first word (`$15`) its patients are
/// gathered once. The other words are asked per row (`SELECT 1 .. LIMIT 1` rather than `EXISTS`), so that PostgreSQL
/// walks the links instead of gathering everybody of that name first.
macro_rules! narrowed {
    () => {
        " AND ($6 = '' OR l.purpose = $6)
        AND ($7 = '' OR $7 = CASE WHEN l.state IN ('created', 'sent', 'accessed') AND l.expires_at <= $8
          THEN 'expired' ELSE l.state END
          OR ($7 = 'open' AND l.state IN ('created', 'sent', 'accessed') AND l.expires_at > $8))
        AND ($9 = '' OR l.patient = $9) AND ($10 = '' OR l.appt = $10)
        AND ($15 = '' OR l.patient IN (SELECT o.patient FROM patient_term o WHERE o.clinic = $1
          AND o.term >= $11 AND o.term < $15))
        AND ($11 = '' OR $15 <> '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = l.clinic AND o.patient = l.patient
          AND o.term >= $11 AND substr(o.term, 1, length($11)) = $11 LIMIT 1) = 1)
        AND ($12 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = l.clinic AND o.patient = l.patient
          AND o.term >= $12 AND substr(o.term, 1, length($12)) = $12 LIMIT 1) = 1)
        AND ($13 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = l.clinic AND o.patient = l.patient
          AND o.term >= $13 AND substr(o.term, 1, length($13)) = $13 LIMIT 1) = 1)
        AND ($14 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = l.clinic AND o.patient = l.patient
          AND o.term >= $14 AND substr(o.term, 1, length($14)) = $14 LIMIT 1) = 1)"
    };
}

/// Along an index that is in the list's order.
macro_rules! in_order {
    () => {
        concat!(
            " AND l.created_at <= $2 AND (l.created_at < $2 OR l.id < $3) AND l.created_at >= $4",
            narrowed!(),
            " ORDER BY l.created_at DESC, l.id DESC LIMIT $5"
        )
    };
}

/// The few rows of a key, then sorted. The plus keeps SQLite from walking the whole list in its order instead.
macro_rules! by_key {
    () => {
        concat!(
            " AND +l.created_at <= $2 AND (l.created_at < $2 OR l.id < $3) AND +l.created_at >= $4",
            narrowed!(),
            " ORDER BY +l.created_at DESC, l.id DESC LIMIT $5"
        )
    };
}

statements! {
    PAGE = ["SELECT l.id, l.created_at FROM payment_link l WHERE l.clinic = $1" (in_order!())];
    PAGE_STATE = ["SELECT l.id, l.created_at FROM payment_link l WHERE l.clinic = $1 AND l.state = $16"
        (in_order!())];
    PAGE_PATIENTS = ["SELECT l.id, l.created_at FROM " (texts 16) " CROSS JOIN payment_link l
        WHERE l.clinic = $1 AND l.patient = j.value" (by_key!())];
    PAGE_APPOINTMENT = ["SELECT l.id, l.created_at FROM payment_link l WHERE l.clinic = $1 AND l.appt = $16"
        (by_key!())];
    PAGE_REFERENCE = ["SELECT l.id, l.created_at FROM payment_link l WHERE l.clinic = $1
        AND l.reference >= $16 AND l.reference < $17" (by_key!())];
    OF_AMOUNT = ["SELECT id FROM payment_link WHERE clinic = $1 AND created_at >= $2 AND amount = $3 AND currency = $4
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    WINDOW_END = ["SELECT created_at FROM payment_link WHERE clinic = $1
        AND created_at <= $2 AND (created_at < $2 OR id < $3)
        ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $4"];
    WINDOW_END_STATE = ["SELECT created_at FROM payment_link WHERE clinic = $1 AND state = $5
        AND created_at <= $2 AND (created_at < $2 OR id < $3)
        ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $4"];
}

/// Where a page of a newest-first list begins: strictly older than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: UtcMs,
    pub id: String,
}

impl Cursor {
    /// Newer than anything.
    pub fn newest() -> Cursor {
        Cursor {
            at: i64::MAX,
            id: "~".into(),
        }
    }

    pub fn written(&self) -> String {
        format!("{}.{}", self.at, self.id)
    }

    pub fn parse(text: &str) -> Option<Cursor> {
        let (at, id) = text.split_once('.')?;
        Some(Cursor {
            at: at.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

/// What a list of links is narrowed to. All that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<LinkState>,
    /// Those that can still be paid, whichever of the open states they are in; only without a status.
    pub open: bool,
    pub purpose: Option<PurposeKind>,
    pub patient: Option<PatientId>,
    pub appointment: Option<AppointmentId>,
    pub created_from: Option<UtcMs>,
    /// Exclusive.
    pub created_to: Option<UtcMs>,
    /// Starts of words of the patient's name, of the address or phone, or of the reference (three characters of it
    /// at least).
    pub q: Option<String>,
}

/// A page of links, newest first, and where the next one begins.
///
/// The work of a page is bounded. Where a purpose or the words of more than 500 patients narrow the list, a page looks
/// at the 2,000 (5,000 where the patients can be gathered first) newest links that are left and may then be short, even empty, and still name a next page: a list has
/// ended only when there is no cursor.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
    now: UtcMs,
) -> Result<(Vec<LinkView>, Option<Cursor>)> {
    let mut start = after.cloned().unwrap_or_else(Cursor::newest);
    if let Some(to) = filter.created_to
        && start.at >= to
    {
        start = Cursor {
            at: to,
            id: String::new(),
        };
    }
    let query = Query {
        clinic: clinic.to_string(),
        filter,
        start,
        limit,
        now,
    };
    let found = query.run(store).await?;
    let mut links = found.links;
    if let Some(end) = found.looked_until {
        links.retain(|(_, at)| *at >= end);
    }
    links.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    links.dedup();
    let more = i64::try_from(links.len()).unwrap_or(i64::MAX) > limit;
    links.truncate(usize::try_from(limit).unwrap_or(0));
    let next = if more {
        links.last().map(|(id, at)| Cursor {
            at: *at,
            id: id.clone(),
        })
    } else {
        found.looked_until.map(|at| Cursor {
            at,
            id: String::new(),
        })
    };
    let ids: Vec<String> = links.into_iter().map(|(id, _)| id).collect();
    Ok((super::views(store, clinic, &ids).await?, next))
}

/// Links that ask for exactly this amount, newest first, of the 2,000 newest.
///
/// # Errors
/// The engine's own.
pub async fn of_amount(
    store: &Store,
    clinic: ClinicId,
    amount: Money,
    limit: i64,
) -> Result<Vec<LinkView>> {
    let (clinic_text, start) = (clinic.to_string(), Cursor::newest());
    let end = read_opt!(
        store,
        (i64,),
        WINDOW_END,
        clinic_text.clone(),
        start.at,
        start.id,
        WINDOW
    )?;
    let rows = read_all!(
        store,
        (String,),
        OF_AMOUNT,
        clinic_text,
        end.map_or(i64::MIN, |(at,)| at),
        amount.minor,
        amount.currency.code().to_owned(),
        limit
    )?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    super::views(store, clinic, &ids).await
}

/// Links found, and how far back was looked (UTC ms, inclusive) if not to the end.
#[derive(Default)]
struct Found {
    links: Vec<(String, UtcMs)>,
    looked_until: Option<UtcMs>,
}

struct Query<'a> {
    clinic: String,
    filter: &'a Filter,
    start: Cursor,
    limit: i64,
    now: UtcMs,
}

/// The starts of words that a patient is searched by.
#[derive(Default)]
struct Words {
    each: [String; WORDS_MAX],
    /// One past everything that starts with the first, where few enough patients share it; else empty.
    gathered_to: String,
}

impl Words {
    fn is_empty(&self) -> bool {
        self.each[0].is_empty()
    }

    fn window(&self) -> i64 {
        if self.gathered_to.is_empty() {
            WINDOW
        } else {
            WINDOW_GATHERED
        }
    }
}

/// The binds that all pages share.
macro_rules! page {
    ($query:expr, $store:expr, $statement:expr, $shown:expr, $from:expr, $words:expr $(, $key:expr)*) => {{
        let (filter, words) = ($query.filter, $words);
        let each = &words.each;
        read_all!(
            $store,
            (String, i64),
            $statement,
            $query.clinic.clone(),
            $query.start.at,
            $query.start.id.clone(),
            $from,
            $query.limit + 1,
            filter.purpose.map_or("", |purpose| purpose.name()),
            $shown,
            $query.now,
            filter.patient.map(|id| id.to_string()).unwrap_or_default(),
            filter.appointment.map(|id| id.to_string()).unwrap_or_default(),
            each[0].clone(),
            each[1].clone(),
            each[2].clone(),
            each[3].clone(),
            words.gathered_to.clone()
            $(, $key)*
        )
    }};
}

impl Query<'_> {
    async fn run(&self, store: &Store) -> Result<Found> {
        let q = self.filter.q.as_deref().map_or("", str::trim);
        if q.is_empty() {
            return self.keyed(store, &Words::default()).await;
        }
        let mut found = self.by_words(store, patients::sought(q)).await?;
        if let Some((first, end)) = reference_range(q) {
            let none = Words::default();
            found.links.extend(page!(
                self,
                store,
                PAGE_REFERENCE,
                self.shown(),
                self.from(),
                &none,
                first,
                end
            )?);
        }
        Ok(found)
    }

    /// By the words of a search: through the patients when they are few, else along the links.
    async fn by_words(&self, store: &Store, sought: Vec<String>) -> Result<Found> {
        if sought.is_empty() {
            return Ok(Found::default());
        }
        let mut words = Words {
            each: patients::words_of(&sought),
            ..Words::default()
        };
        if self.filter.patient.is_some() || self.filter.appointment.is_some() {
            return self.keyed(store, &words).await;
        }
        let who = patients::matching(store, &self.clinic, &words.each, PATIENTS_MAX + 1).await?;
        if i64::try_from(who.len()).unwrap_or(i64::MAX) > PATIENTS_MAX {
            let first = &words.each[0];
            if patients::sharing(store, &self.clinic, first, GATHERED_MAX + 1).await?
                <= GATHERED_MAX
            {
                words.gathered_to = patients::end_of(first);
            }
            return self.keyed(store, &words).await;
        }
        self.of_patients(store, &who, &Words::default()).await
    }

    /// By the best key that the filter offers.
    async fn keyed(&self, store: &Store, words: &Words) -> Result<Found> {
        if let Some(appointment) = self.filter.appointment {
            let appt = appointment.to_string();
            let links = page!(
                self,
                store,
                PAGE_APPOINTMENT,
                self.shown(),
                self.from(),
                words,
                appt
            )?;
            return Ok(whole(links));
        }
        if let Some(patient) = self.filter.patient {
            return self.of_patients(store, &[patient.to_string()], words).await;
        }
        self.walked(store, words).await
    }

    async fn of_patients(&self, store: &Store, who: &[String], words: &Words) -> Result<Found> {
        if who.is_empty() {
            return Ok(Found::default());
        }
        let who = serde_json::json!(who).to_string();
        let links = page!(
            self,
            store,
            PAGE_PATIENTS,
            self.shown(),
            self.from(),
            words,
            who
        )?;
        Ok(whole(links))
    }

    /// Along the links, newest first, all of them or those of one state.
    async fn walked(&self, store: &Store, words: &Words) -> Result<Found> {
        let state = self.filter.status.map(LinkState::name);
        let looked_until = if self.filter.purpose.is_some() || !words.is_empty() {
            self.window_end(store, state, words.window()).await?
        } else {
            None
        };
        // An open link that is shown as such is younger than its life: the range does what the status asks for.
        let youngest = match self.filter.status {
            Some(status) if status.is_open() => self.now - LIFETIME_MS + 1,
            None if self.filter.open => self.now - LIFETIME_MS + 1,
            _ => i64::MIN,
        };
        let from = self.from().max(youngest);
        let from = looked_until.map_or(from, |end| from.max(end));
        let looked_until = looked_until.filter(|end| *end >= self.from().max(youngest));
        let mut links = match state {
            None => page!(self, store, PAGE, self.shown(), from, words)?,
            Some(state) => page!(self, store, PAGE_STATE, "", from, words, state)?,
        };
        if self.filter.status == Some(LinkState::Expired) {
            links.extend(self.unswept(store, from, words).await?);
        }
        Ok(Found {
            links,
            looked_until,
        })
    }

    /// Open links that time has ended and the sweep has not written down yet.
    async fn unswept(
        &self,
        store: &Store,
        from: UtcMs,
        words: &Words,
    ) -> Result<Vec<(String, UtcMs)>> {
        let ended = Cursor {
            at: self.now - LIFETIME_MS + 1,
            id: String::new(),
        };
        let start = if self.start.at < ended.at {
            self.start.clone()
        } else {
            ended
        };
        let older = Query {
            clinic: self.clinic.clone(),
            start,
            ..*self
        };
        let mut links = Vec::new();
        for state in LinkState::ALL.into_iter().filter(|state| state.is_open()) {
            links.extend(page!(
                older,
                store,
                PAGE_STATE,
                "",
                from,
                words,
                state.name()
            )?);
        }
        Ok(links)
    }

    /// How far back this page may look, if there is more than it may look at.
    async fn window_end(
        &self,
        store: &Store,
        state: Option<&str>,
        window: i64,
    ) -> Result<Option<UtcMs>> {
        let (clinic, at, id) = (self.clinic.clone(), self.start.at, self.start.id.clone());
        let row = match state {
            None => read_opt!(store, (i64,), WINDOW_END, clinic, at, id, window)?,
            Some(state) => {
                let state = state.to_owned();
                read_opt!(
                    store,
                    (i64,),
                    WINDOW_END_STATE,
                    clinic,
                    at,
                    id,
                    window,
                    state
                )?
            }
        };
        Ok(row.map(|(end,)| end))
    }

    /// The status asked for. Along the index of a state the state and the range say it; said twice, PostgreSQL takes
    /// few rows for fewer and sorts them all.
    fn shown(&self) -> &'static str {
        match self.filter.status {
            Some(status) => status.name(),
            None if self.filter.open => "open",
            None => "",
        }
    }

    fn from(&self) -> UtcMs {
        self.filter.created_from.unwrap_or(0)
    }
}

fn whole(links: Vec<(String, UtcMs)>) -> Found {
    Found {
        links,
        looked_until: None,
    }
}

/// The references that a search may mean: `PL-` (or not) and the start of its hexadecimal characters.
fn reference_range(q: &str) -> Option<(String, String)> {
    let q = q.to_uppercase();
    let tail = q.strip_prefix("PL-").unwrap_or(&q);
    let fits = tail.len() >= REFERENCE_CHARS_MIN && tail.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| (format!("PL-{tail}"), format!("PL-{tail}~")))
}
