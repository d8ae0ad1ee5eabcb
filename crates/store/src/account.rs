//! The appointment's account: read under its lock row, written from what a rule decided. Nothing else writes money.

mod timeline;

use std::collections::BTreeMap;

use remit_core::UtcMs;
use remit_core::account::{
    AttemptMove, Balance, Decision, Event, Finding, FindingKind, LinkMove, Standing,
};
use remit_core::appointments::{Charge, Status};
use remit_core::ids::{AppointmentId, EventId};
use remit_core::ledger::Txn;
use remit_core::links::{Link, LinkState};
use remit_core::money::Currency;
use remit_core::payments::Payment;
use remit_core::refunds::{Approval, Refund, RefundState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::attempts::LiveRow;
use crate::error::{id, read};
use crate::links::OpenRow;
use crate::{Result, StoreError, Tx, disputes, events, findings, fresh, outbox};

statements! {
    LOCK = ["SELECT appt FROM appointment_balance WHERE clinic = $1 AND appt = $2" lock];
    STANDING = ["SELECT a.patient, a.status, b.currency, b.total, b.deposit, b.paid, b.refunded, b.due, b.credit,
        " now " AS now,
        l.id AS l_id, l.purpose AS l_purpose, l.amount AS l_amount, l.currency AS l_currency,
        l.token_hash AS l_token_hash, l.state AS l_state, l.why AS l_why, l.late AS l_late,
        l.created_at AS l_created_at, l.expires_at AS l_expires_at,
        t.id AS t_id, t.link AS t_link, t.method AS t_method, t.provider AS t_provider, t.account AS t_account,
        t.amount AS t_amount, t.currency AS t_currency, t.state AS t_state, t.session_id AS t_session_id,
        t.url AS t_url, t.payment_id AS t_payment_id, t.captured AS t_captured,
        t.session_expires_at AS t_session_expires_at, t.created_at AS t_created_at
        FROM appointment_balance b JOIN appointment a ON a.clinic = b.clinic AND a.id = b.appt
        LEFT JOIN payment_link l ON l.clinic = b.clinic AND l.appt = b.appt
          AND l.state IN ('created', 'sent', 'accessed')
        LEFT JOIN payment_attempt t ON t.clinic = b.clinic AND t.appt = b.appt
          AND t.state IN ('creating', 'unknown', 'open', 'processing')
        WHERE b.clinic = $1 AND b.appt = $2"];
    SET_BALANCE = ["UPDATE appointment_balance SET total = $3, deposit = $4, paid = $5, refunded = $6, due = $7,
        credit = $8, version = version + 1 WHERE clinic = $1 AND appt = $2"];
    ADD_CHARGE = ["INSERT INTO charge (clinic, id, appt, kind, description, quantity, amount, currency, service,
        created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"];
    REMOVE_CHARGE = ["UPDATE charge SET removed_at = $3 WHERE clinic = $1 AND id = $2 AND removed_at IS NULL"];
    SET_STATUS = ["UPDATE appointment SET status = $3, revision = revision + 1 WHERE clinic = $1 AND id = $2"];
    MOVE = ["UPDATE appointment SET starts_at = $3, ends_at = $4, practitioner = $5, revision = revision + 1
        WHERE clinic = $1 AND id = $2"];
    INSERT_LINK = ["INSERT INTO payment_link (clinic, id, appt, patient, purpose, amount, currency, token_hash,
        token_sealed, reference, state, late, created_at, created_by, expires_at, captured, refunded, disputed,
        delivery_failed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'created', 0, $11, $12, $13, 0, 0, 0, 0)"];
    RAISE_LINK = ["UPDATE payment_link SET state = $3, why = COALESCE($4, why), late = $5,
        sent_at = CASE WHEN $3 = 'sent' THEN $6 ELSE sent_at END,
        accessed_at = CASE WHEN $3 = 'accessed' THEN $6 ELSE accessed_at END,
        paid_at = CASE WHEN $3 = 'paid' THEN $6 ELSE paid_at END,
        closed_at = CASE WHEN $3 IN ('expired', 'cancelled') THEN $6 ELSE closed_at END,
        remind_at = CASE WHEN $3 IN ('expired', 'cancelled', 'paid') THEN NULL
          WHEN remind_at <= CAST($8 AS BIGINT) THEN remind_at ELSE COALESCE(CAST($8 AS BIGINT), remind_at) END
        WHERE clinic = $1 AND id = $2 AND state = $7"];
    ASK_AGAIN = ["UPDATE payment_link SET asked_at = $3 WHERE clinic = $1 AND id = $2"];
    TALLY = ["INSERT INTO link_tally (clinic, day, state, slot, links, amount)
        SELECT $1, CAST(j.value ->> 'day' AS BIGINT), j.value ->> 'state', CAST($3 AS BIGINT),
        CAST(j.value ->> 'links' AS BIGINT), CAST(j.value ->> 'amount' AS BIGINT) FROM " (each 2) " WHERE true
        ON CONFLICT (clinic, day, state, slot) DO UPDATE SET links = link_tally.links + excluded.links,
        amount = link_tally.amount + excluded.amount"];
    INSERT_ATTEMPT = ["INSERT INTO payment_attempt (clinic, id, appt, link, method, provider, account, request_body,
        request_sha, amount, currency, state, captured, session_expires_at, created_at, next_check_at, checks)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'creating', 0, $12, $13, $14, 0)"];
    RAISE_ATTEMPT = ["UPDATE payment_attempt SET state = $3, session_id = COALESCE($4, session_id),
        url = COALESCE($5, url), payment_id = COALESCE($6, payment_id), captured = $7,
        last_error = COALESCE($8, last_error), ended_at = COALESCE(ended_at, CAST($9 AS BIGINT)),
        next_check_at = CASE WHEN $10 = 1 THEN next_check_at ELSE NULL END
        WHERE clinic = $1 AND id = $2 AND state = $11"];
    INSERT_PAYMENT = ["INSERT INTO payment (clinic, id, appt, link, attempt, method, provider, account,
        provider_payment_id, amount, currency, received_at, received_by, reference, refund_reserved, refunded)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0)"];
    LINK_CAPTURED = ["UPDATE payment_link SET captured = captured + $3, remind_at = NULL
        WHERE clinic = $1 AND id = $2"];
    INSERT_REFUND = ["INSERT INTO refund (clinic, id, payment, appt, amount, currency, reason, reopen, state,
        requested_at, requested_by, approval, asker, correction)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'requested', $9, $10, $11, $12, $13)"];
    DECIDE_REFUND = ["UPDATE refund SET approval = $3, decided_by = $4
        WHERE clinic = $1 AND id = $2 AND approval = 'needed' AND state = 'requested'"];
    RESERVE = ["UPDATE payment SET refund_reserved = refund_reserved + $3 WHERE clinic = $1 AND id = $2"];
    RAISE_REFUND = ["UPDATE refund SET state = $3, done_at = CASE WHEN $5 = 1 THEN $6 ELSE done_at END
        WHERE clinic = $1 AND id = $2 AND state = $4"];
    REFUNDED = ["UPDATE payment SET refunded = refunded + $3, refund_reserved = refund_reserved + $4
        WHERE clinic = $1 AND id = $2"];
    LINK_REFUNDED = ["UPDATE payment_link SET refunded = refunded + $3 WHERE clinic = $1
        AND id = (SELECT link FROM payment WHERE clinic = $1 AND id = $2)"];
    CHAIN_END = ["SELECT position, hash FROM ledger_txn WHERE clinic = $1 AND appt = $2
        ORDER BY position DESC LIMIT 1"];
    INSERT_TXN = ["INSERT INTO ledger_txn (clinic, id, appt, kind, source, at, actor, reverses, position, prev_hash,
        hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"];
    INSERT_ENTRIES = ["INSERT INTO ledger_entry (clinic, txn, line, account, appt, amount, currency)
        SELECT $1, $3, CAST(j.value ->> 'line' AS BIGINT), j.value ->> 'account', $4,
        CAST(j.value ->> 'amount' AS BIGINT), j.value ->> 'currency' FROM " (each 2)];
}

row! {
    struct StandingRow {
        patient: String,
        status: String,
        currency: String,
        total: i64,
        deposit: i64,
        paid: i64,
        refunded: i64,
        due: i64,
        credit: i64,
        now: i64,
    }
    with open: OpenRow, live: LiveRow
}

/// Takes the appointment's lock row, the first lock of every money transaction, and reads what rules look at,
/// together with the database's clock. `None`: no such appointment in this clinic.
///
/// # Errors
/// The engine's own.
pub async fn lock_standing(
    tx: &mut Tx,
    appointment: AppointmentId,
) -> Result<Option<(Standing, UtcMs)>> {
    // On PostgreSQL the row is locked by a statement of its own, so that what is read next is what the one before us
    // committed. SQLite's writer lock is held already.
    if !tx.is_sqlite() && opt!(tx, (String,), LOCK, tx.clinic(), appointment.to_string())?.is_none()
    {
        return Ok(None);
    }
    let Some(row) = opt!(
        tx,
        StandingRow,
        STANDING,
        tx.clinic(),
        appointment.to_string()
    )?
    else {
        return Ok(None);
    };
    let now = tx.shifted(row.now);
    let standing = Standing {
        appointment,
        patient: id(&row.patient, "patient id")?,
        status: read(Status::parse(&row.status), "appointment status")?,
        balance: Balance {
            currency: read(Currency::parse(&row.currency), "currency")?,
            total: row.total,
            deposit: row.deposit,
            paid: row.paid,
            refunded: row.refunded,
            due: row.due,
            credit: row.credit,
        },
        open: row.open.link(appointment)?,
        live: row.live.attempt(appointment)?,
    };
    Ok(Some((standing, now)))
}

/// What the rules do not know and the rows need: the sealed token of a new link, the frozen request of an attempt.
#[derive(Default)]
pub struct Extras {
    pub token_sealed: Option<Vec<u8>>,
    pub request_body: Option<String>,
    /// When to look whether a reminder is due, for a link that rises to *Accessed*.
    pub remind_at: Option<UtcMs>,
}

/// Writes what was decided, its timeline and its effects, and tells the live pages.
///
/// # Errors
/// [`StoreError::Unique`]: another command was first, which the lock row should have prevented; roll back and decide
/// anew. [`StoreError::Refused`]: a row was not in the state that the rule saw.
pub async fn apply(
    tx: &mut Tx,
    standing: &Standing,
    decision: &Decision,
    extras: &Extras,
    actor: &str,
    now: UtcMs,
) -> Result<()> {
    let mut scribe = Scribe {
        standing,
        extras,
        actor,
        now,
        appt: standing.appointment.to_string(),
        moves: Vec::new(),
    };
    for event in &decision.events {
        scribe.write(tx, event).await?;
    }
    if standing.balance.credit > 0 && credit_after(decision) == Some(0) {
        findings::credit_gone(tx, &scribe.appt, now).await?;
    }
    scribe.timeline(tx, &decision.events).await?;
    scribe.tally(tx).await?;
    for effect in &decision.effects {
        outbox::push(tx, effect, Some(standing.appointment), now).await?;
    }
    if !decision.events.is_empty() {
        tx.tell(scribe.appt.clone());
    }
    Ok(())
}

/// The credit that a decision leaves; `None` when it leaves it alone.
fn credit_after(decision: &Decision) -> Option<i64> {
    decision.events.iter().rev().find_map(|event| match event {
        Event::BalanceSet(balance) => Some(balance.credit),
        _ => None,
    })
}

struct Scribe<'a> {
    standing: &'a Standing,
    extras: &'a Extras,
    actor: &'a str,
    now: UtcMs,
    appt: String,
    /// Changes of the tallies: (state, links, amount, created_at).
    moves: Vec<(LinkState, i64, i64, UtcMs)>,
}

impl Scribe<'_> {
    async fn write(&mut self, tx: &mut Tx, event: &Event) -> Result<()> {
        let (clinic, appt) = (tx.clinic(), self.appt.clone());
        match event {
            Event::ChargeAdded { charge } => self.add_charge(tx, charge).await,
            Event::ChargeRemoved { charge, .. } => {
                exec!(tx, REMOVE_CHARGE, clinic, charge.to_string(), self.now).map(drop)
            }
            Event::StatusChanged { to, .. } => {
                exec!(tx, SET_STATUS, clinic, appt, to.name()).map(drop)
            }
            Event::Moved { to } => {
                let who = to.practitioner.map(|who| who.to_string());
                exec!(tx, MOVE, clinic, appt, to.starts_at, to.ends_at, who).map(drop)
            }
            Event::Posted(txn) => self.post(tx, txn).await,
            Event::BalanceSet(b) => exec!(
                tx,
                SET_BALANCE,
                clinic,
                appt,
                b.total,
                b.deposit,
                b.paid,
                b.refunded,
                b.due,
                b.credit
            )
            .map(drop),
            Event::LinkIssued(link) => self.issue_link(tx, link).await,
            Event::LinkMoved(moved) => self.raise_link(tx, moved).await,
            Event::NewLinkAsked { link } => {
                tx.tell(link.to_string());
                exec!(tx, ASK_AGAIN, clinic, link.to_string(), self.now).map(drop)
            }
            Event::AttemptStarted(attempt) => self.start_attempt(tx, attempt).await,
            Event::AttemptMoved(moved) => self.raise_attempt(tx, moved).await,
            Event::PaymentReceived(payment) => self.receive(tx, payment).await,
            Event::RefundRequested(refund) => self.request_refund(tx, refund).await,
            Event::RefundMoved {
                refund,
                payment,
                from,
                to,
                amount,
                ..
            } => {
                self.raise_refund(
                    tx,
                    &refund.to_string(),
                    &payment.to_string(),
                    (*from, *to),
                    amount.minor,
                )
                .await
            }
            Event::RefundDecided {
                refund,
                payment,
                approval,
                amount,
            } => {
                let ids = (&*refund.to_string(), &*payment.to_string());
                self.decide_refund(tx, ids, *approval, amount.minor).await
            }
            Event::DisputeMoved { before, after } => {
                disputes::write(tx, before.as_ref(), after).await
            }
            Event::FindingOpened(finding) => self.open_finding(tx, finding).await,
            Event::FindingRenewed(finding) => {
                findings::stands(tx, finding, Some(self.standing.appointment), self.now).await
            }
            Event::FindingClosed { kind, about } => {
                findings::close_about(tx, *kind, about, self.actor, self.now).await
            }
        }
    }

    async fn add_charge(&self, tx: &mut Tx, charge: &Charge) -> Result<()> {
        exec!(
            tx,
            ADD_CHARGE,
            tx.clinic(),
            charge.id.to_string(),
            self.appt.clone(),
            charge.kind.name(),
            charge.description.clone(),
            i64::from(charge.quantity),
            charge.amount.minor,
            charge.amount.currency.code().to_owned(),
            charge.service.map(|service| service.to_string()),
            self.now,
            self.actor.to_owned(),
        )
        .map(drop)
    }

    async fn issue_link(&mut self, tx: &mut Tx, link: &Link) -> Result<()> {
        let sealed = self.extras.token_sealed.clone();
        let sealed =
            sealed.ok_or_else(|| StoreError::Refused("a link needs its sealed token".into()))?;
        let link_id = link.id.to_string();
        self.moves
            .push((LinkState::Created, 1, link.amount.minor, link.created_at));
        tx.tell(link_id.clone());
        exec!(
            tx,
            INSERT_LINK,
            tx.clinic(),
            link_id.clone(),
            self.appt.clone(),
            self.standing.patient.to_string(),
            link.purpose.name(),
            link.amount.minor,
            link.amount.currency.code().to_owned(),
            link.token.0.to_vec(),
            sealed,
            remit_core::messages::reference(&link_id),
            link.created_at,
            self.actor.to_owned(),
            link.expires_at,
        )
        .map(drop)
    }

    async fn raise_link(&mut self, tx: &mut Tx, moved: &LinkMove) -> Result<()> {
        let link = moved.link.to_string();
        self.moves
            .push((moved.from, -1, -moved.amount.minor, moved.created_at));
        self.moves
            .push((moved.to, 1, moved.amount.minor, moved.created_at));
        tx.tell(link.clone());
        let rows = exec!(
            tx,
            RAISE_LINK,
            tx.clinic(),
            link,
            moved.to.name(),
            moved.why.map(|why| why.name()),
            i64::from(moved.late),
            self.now,
            moved.from.name(),
            self.extras.remind_at,
        )?;
        one_row(rows, "link")
    }

    /// Adds up the changes of this transaction and writes them in one order, so that two transactions cannot lock
    /// each other out.
    async fn tally(&self, tx: &mut Tx) -> Result<()> {
        let mut sums: BTreeMap<(i64, &'static str), (i64, i64)> = BTreeMap::new();
        for (state, links, amount, created_at) in &self.moves {
            let day = created_at.div_euclid(remit_core::DAY_MS);
            let sum = sums.entry((day, state.name())).or_default();
            *sum = (sum.0 + links, sum.1 + amount);
        }
        let rows: Vec<Value> = sums
            .into_iter()
            .filter(|(_, sum)| *sum != (0, 0))
            .map(|((day, state), (links, amount))| {
                json!({ "day": day, "state": state, "links": links, "amount": amount })
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let rows = Value::from(rows).to_string();
        exec!(tx, TALLY, tx.clinic(), rows, slot(&self.appt)).map(drop)
    }

    async fn start_attempt(
        &self,
        tx: &mut Tx,
        attempt: &remit_core::attempts::Attempt,
    ) -> Result<()> {
        let body = self.extras.request_body.clone();
        let body =
            body.ok_or_else(|| StoreError::Refused("an attempt needs its frozen request".into()))?;
        exec!(
            tx,
            INSERT_ATTEMPT,
            tx.clinic(),
            attempt.id.to_string(),
            self.appt.clone(),
            attempt.link.map(|link| link.to_string()),
            attempt.method.name(),
            attempt.provider.clone(),
            attempt.account.clone(),
            body.clone(),
            Sha256::digest(body.as_bytes()).to_vec(),
            attempt.amount.minor,
            attempt.amount.currency.code().to_owned(),
            attempt.session_expires_at,
            attempt.created_at,
            // The request that started it reports at once; this is for when it cannot.
            attempt.created_at + remit_core::attempts::next_check_ms(0),
        )
        .map(drop)
    }

    async fn raise_attempt(&self, tx: &mut Tx, moved: &AttemptMove) -> Result<()> {
        if let Some(link) = moved.link {
            tx.tell(link.to_string());
        }
        let live = moved.to.is_live();
        let rows = exec!(
            tx,
            RAISE_ATTEMPT,
            tx.clinic(),
            moved.attempt.to_string(),
            moved.to.name(),
            moved.session_id.clone(),
            moved.url.clone(),
            moved.payment_id.clone(),
            moved.captured,
            moved.last_error.clone(),
            (!live).then_some(self.now),
            i64::from(live),
            moved.from.name(),
        )?;
        one_row(rows, "attempt")
    }

    async fn receive(&self, tx: &mut Tx, payment: &Payment) -> Result<()> {
        let provider = payment.provider.as_ref();
        exec!(
            tx,
            INSERT_PAYMENT,
            tx.clinic(),
            payment.id.to_string(),
            self.appt.clone(),
            payment.link.map(|link| link.to_string()),
            payment.attempt.map(|attempt| attempt.to_string()),
            payment.paid_by.name(),
            provider.map(|p| p.provider.clone()),
            provider.map(|p| p.account.clone()),
            provider.map(|p| p.payment_id.clone()),
            payment.amount.minor,
            payment.amount.currency.code().to_owned(),
            payment.received_at,
            self.actor.to_owned(),
            payment.reference.clone(),
        )?;
        if let Some(link) = payment.link {
            exec!(
                tx,
                LINK_CAPTURED,
                tx.clinic(),
                link.to_string(),
                payment.amount.minor
            )?;
        }
        Ok(())
    }

    async fn request_refund(&self, tx: &mut Tx, refund: &Refund) -> Result<()> {
        let payment = refund.payment.to_string();
        exec!(
            tx,
            RESERVE,
            tx.clinic(),
            payment.clone(),
            refund.amount.minor
        )?;
        exec!(
            tx,
            INSERT_REFUND,
            tx.clinic(),
            refund.id.to_string(),
            payment,
            self.appt.clone(),
            refund.amount.minor,
            refund.amount.currency.code().to_owned(),
            refund.reason.clone(),
            i64::from(refund.reopen),
            refund.requested_at,
            self.actor.to_owned(),
            refund.approval.map(Approval::name),
            refund.asker.clone(),
            i64::from(refund.correction),
        )
        .map(drop)
    }

    /// Declined: what was reserved is released, as if the provider had refused it.
    async fn decide_refund(
        &self,
        tx: &mut Tx,
        (refund, payment): (&str, &str),
        approval: Approval,
        amount: i64,
    ) -> Result<()> {
        let rows = exec!(
            tx,
            DECIDE_REFUND,
            tx.clinic(),
            refund.to_owned(),
            approval.name(),
            self.actor.to_owned()
        )?;
        one_row(rows, "refund")?;
        if approval == Approval::Declined {
            let failed = (RefundState::Requested, RefundState::Failed);
            self.raise_refund(tx, refund, payment, failed, amount)
                .await?;
        }
        Ok(())
    }

    async fn raise_refund(
        &self,
        tx: &mut Tx,
        refund: &str,
        payment: &str,
        (from, to): (RefundState, RefundState),
        amount: i64,
    ) -> Result<()> {
        let done = matches!(to, RefundState::Succeeded | RefundState::Failed);
        let rows = exec!(
            tx,
            RAISE_REFUND,
            tx.clinic(),
            refund.to_owned(),
            to.name(),
            from.name(),
            i64::from(done),
            self.now
        )?;
        one_row(rows, "refund")?;
        let refunded = match (from, to) {
            (_, RefundState::Succeeded) => amount,
            (RefundState::Succeeded, RefundState::Failed) => -amount,
            _ => 0,
        };
        let released = if to == RefundState::Failed {
            -amount
        } else {
            0
        };
        if refunded != 0 || released != 0 {
            exec!(
                tx,
                REFUNDED,
                tx.clinic(),
                payment.to_owned(),
                refunded,
                released
            )?;
        }
        if refunded != 0 {
            exec!(tx, LINK_REFUNDED, tx.clinic(), payment.to_owned(), refunded)?;
        }
        Ok(())
    }

    async fn open_finding(&self, tx: &mut Tx, finding: &Finding) -> Result<()> {
        let appointment = Some(self.standing.appointment);
        match finding.kind {
            // Credit left once more is a new question, whatever was decided about the last.
            FindingKind::CreditLeft => findings::renew(tx, finding, appointment, self.now).await,
            _ => findings::open(tx, finding, appointment, self.now).await,
        }
    }

    async fn post(&self, tx: &mut Tx, txn: &Txn) -> Result<()> {
        append(tx, &self.appt, txn, self.actor, self.now).await
    }

    /// What people see of it, and what leaves as an outgoing webhook later.
    async fn timeline(&self, tx: &mut Tx, happened: &[Event]) -> Result<()> {
        let mut lines = Vec::new();
        for (kind, link, data) in happened.iter().filter_map(timeline::told) {
            lines.push(events::Entry {
                id: EventId(fresh::uuid(self.now)?),
                at: self.now,
                kind,
                appointment: Some(self.standing.appointment),
                link,
                actor: self.actor,
                data,
            });
        }
        events::append_all(tx, &lines).await
    }
}

/// Posts a balanced transaction at the end of a book's hash chain (hazard D17), under the book's lock row. A book is
/// an appointment's, or that of a provider account: its id stands where an appointment's would.
pub(crate) async fn append(
    tx: &mut Tx,
    book: &str,
    txn: &Txn,
    actor: &str,
    now: UtcMs,
) -> Result<()> {
    let end = opt!(tx, (i64, Vec<u8>), CHAIN_END, tx.clinic(), book.to_owned())?;
    let (position, prev) = end.map_or((0, vec![0; 32]), |(position, hash)| (position + 1, hash));
    exec!(
        tx,
        INSERT_TXN,
        tx.clinic(),
        txn.id.to_string(),
        book.to_owned(),
        txn.kind.name(),
        txn.source.clone(),
        now,
        actor.to_owned(),
        txn.reverses.map(|reversed| reversed.to_string()),
        position,
        prev.clone(),
        chain_hash(&prev, &txn.canonical()),
    )?;
    let lines = (0_i64..).zip(txn.lines()).map(|(line, entry)| {
        json!({ "line": line, "account": entry.account.name(), "amount": entry.amount.minor,
            "currency": entry.amount.currency.code() })
    });
    exec!(
        tx,
        INSERT_ENTRIES,
        tx.clinic(),
        Value::from_iter(lines).to_string(),
        txn.id.to_string(),
        book.to_owned(),
    )
    .map(drop)
}

pub(crate) fn chain_hash(prev: &[u8], canonical: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(prev);
    hash.update(canonical.as_bytes());
    hash.finalize().to_vec()
}

/// Which slot of their day an appointment's links are counted in: 16 of them, so that many writers rarely meet.
fn slot(appt: &str) -> i64 {
    appt.bytes()
        .next_back()
        .map_or(0, |last| i64::from(last % 16))
}

fn one_row(rows: u64, what: &str) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Refused(format!(
            "the {what} moved on meanwhile"
        )))
    }
}
