//! Invariants over the live data (hazards 6), for `remit check`. Each statement lists what breaks one.

use remit_core::UtcMs;

use crate::{Result, Store};

statements! {
    I1_UNBALANCED = ["SELECT clinic || ' ' || txn AS what FROM ledger_entry
        GROUP BY clinic, txn, currency HAVING SUM(amount) <> 0 LIMIT 20"];
    I1_SINGLE_LINE = ["SELECT t.clinic || ' ' || t.id AS what FROM ledger_txn t WHERE (SELECT COUNT(*)
        FROM ledger_entry e WHERE e.clinic = t.clinic AND e.txn = t.id) < 2 LIMIT 20"];
    I2_DUE = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b WHERE b.due <> (SELECT
        CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_entry e WHERE e.clinic = b.clinic AND e.appt = b.appt
        AND e.account = 'receivable' AND e.currency = b.currency) LIMIT 20"];
    I2_CREDIT = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b WHERE b.credit <> (SELECT
        CAST(COALESCE(-SUM(e.amount), 0) AS BIGINT) FROM ledger_entry e WHERE e.clinic = b.clinic AND e.appt = b.appt
        AND e.account = 'patient_credit' AND e.currency = b.currency) LIMIT 20"];
    I3_ONE_POSTING = ["SELECT p.clinic || ' ' || p.id AS what FROM payment p WHERE p.provider IS NOT NULL
        AND (SELECT COUNT(*) FROM ledger_txn t WHERE t.clinic = p.clinic AND t.kind = 'capture'
        AND t.source = p.provider || ':' || p.account || ':' || p.provider_payment_id) <> 1 LIMIT 20"];
    I3_CLEARING = ["SELECT p.clinic || ' ' || p.id AS what FROM payment p JOIN ledger_txn t ON t.clinic = p.clinic
        AND t.kind = 'capture' AND t.source = p.provider || ':' || p.account || ':' || p.provider_payment_id
        WHERE p.provider IS NOT NULL AND p.amount <> (SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT)
        FROM ledger_entry e WHERE e.clinic = t.clinic AND e.txn = t.id
        AND e.account = 'psp_clearing:' || p.provider || ':' || p.account) LIMIT 20"];
    I3B_POSTED = ["SELECT m.clinic || ' ' || m.provider || ':' || m.account AS what FROM (SELECT clinic, provider, account,
        currency, SUM(CASE WHEN kind IN ('payout', 'payout_failure') THEN gross ELSE 0 END - kept) AS net FROM movement
        WHERE txn IS NOT NULL GROUP BY clinic, provider, account, currency) m WHERE m.net <> (SELECT
        CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_entry e JOIN ledger_txn t ON t.clinic = e.clinic
        AND t.id = e.txn WHERE e.clinic = m.clinic AND e.account = 'psp_clearing:' || m.provider || ':' || m.account
        AND e.account LIKE 'psp_clearing:%' AND e.currency = m.currency
        AND t.kind IN ('fee', 'payout', 'payout_failure')) LIMIT 20"];
    I3B_AGREES = ["SELECT clinic || ' ' || provider || ':' || account AS what FROM provider_account
        WHERE compared_at > agreed_at + 86400000 LIMIT 20"];
    I5_CREDIT_EXPLAINED = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b
        WHERE b.credit > 0 AND b.due > 0 LIMIT 20"];
    I6_RESERVED = ["SELECT p.clinic || ' ' || p.id AS what FROM payment p WHERE p.refund_reserved <> (SELECT
        CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) FROM refund r WHERE r.clinic = p.clinic AND r.payment = p.id
        AND r.state <> 'failed') LIMIT 20"];
    I7_PAID = ["SELECT l.clinic || ' ' || l.id AS what FROM payment_link l WHERE (l.state = 'paid') <> EXISTS (SELECT 1
        FROM payment_attempt a WHERE a.clinic = l.clinic AND a.link = l.id AND a.state = 'succeeded'
        AND a.captured = a.amount AND a.currency = l.currency) LIMIT 20"];
    I8_OVERDUE = ["SELECT clinic || ' ' || id AS what FROM payment_attempt
        WHERE state IN ('creating', 'unknown', 'open', 'processing') AND next_check_at < $1 LIMIT 20"];
    I9_INBOX = ["SELECT clinic || ' ' || event_id AS what FROM webhook_inbox WHERE state = 'received'
        AND received_at < $1 LIMIT 20"];
    I10_SENT_TWICE = ["SELECT clinic || ' ' || reference AS what FROM tray_message
        GROUP BY clinic, reference HAVING COUNT(*) > 1 LIMIT 20"];
    I11_AFTER_END = ["SELECT a.clinic || ' ' || a.id AS what FROM payment_attempt a JOIN payment_link l
        ON l.clinic = a.clinic AND l.id = a.link WHERE a.created_at >= l.expires_at LIMIT 20"];
    I13_PAID = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b WHERE b.paid <> (SELECT
        CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM payment p WHERE p.clinic = b.clinic AND p.appt = b.appt
        AND p.currency = b.currency) LIMIT 20"];
    I13_TOTAL = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b WHERE b.total <> (SELECT
        CAST(COALESCE(SUM(c.amount), 0) AS BIGINT) FROM charge c WHERE c.clinic = b.clinic AND c.appt = b.appt
        AND c.removed_at IS NULL) LIMIT 20"];
    I13_REFUNDED = ["SELECT b.clinic || ' ' || b.appt AS what FROM appointment_balance b WHERE b.refunded <> (SELECT
        CAST(COALESCE(SUM(p.refunded), 0) AS BIGINT) FROM payment p WHERE p.clinic = b.clinic AND p.appt = b.appt
        AND p.currency = b.currency) LIMIT 20"];
    I3B_CLEARING = ["SELECT m.clinic || ' ' || m.appt || ' ' || m.currency AS what FROM (
        SELECT e.clinic, e.appt, e.currency, e.amount FROM ledger_entry e JOIN ledger_txn t
          ON t.clinic = e.clinic AND t.id = e.txn WHERE e.account LIKE 'psp_clearing:%'
          AND t.kind IN ('capture', 'refund', 'refund_reversal', 'dispute')
        UNION ALL SELECT clinic, appt, currency, refunded - amount FROM payment WHERE provider IS NOT NULL
        UNION ALL SELECT clinic, appt, withdrawn_currency, withdrawn FROM dispute) m
        GROUP BY m.clinic, m.appt, m.currency HAVING SUM(m.amount) <> 0 LIMIT 20"];
    DISPUTE_BOOKS = ["SELECT m.clinic || ' ' || m.appt || ' ' || m.account AS what FROM (
        SELECT clinic, appt, account, currency, amount FROM ledger_entry
          WHERE account IN ('dispute_hold', 'chargeback_loss')
        UNION ALL SELECT clinic, appt, CASE WHEN state = 'lost' THEN 'chargeback_loss' ELSE 'dispute_hold' END,
          withdrawn_currency, -withdrawn FROM dispute) m
        GROUP BY m.clinic, m.appt, m.account, m.currency HAVING SUM(m.amount) <> 0 LIMIT 20"];
    DISPUTE_SHOWN = ["SELECT p.clinic || ' ' || p.id AS what FROM payment p LEFT JOIN (SELECT clinic, payment,
        SUM(CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END) AS open, SUM(CASE WHEN state = 'lost' THEN amount ELSE 0 END)
        AS lost FROM dispute GROUP BY clinic, payment) d ON d.clinic = p.clinic AND d.payment = p.id
        WHERE p.disputes_open <> COALESCE(d.open, 0) OR p.dispute_lost <> COALESCE(d.lost, 0) LIMIT 20"];
    TALLIES = ["SELECT l.clinic || ' ' || l.state AS what FROM (SELECT clinic, state, COUNT(*) AS n, SUM(amount) AS amount
        FROM payment_link GROUP BY clinic, state) l LEFT JOIN (SELECT clinic, state, SUM(links) AS n,
        SUM(amount) AS amount FROM link_tally GROUP BY clinic, state) t ON t.clinic = l.clinic AND t.state = l.state
        WHERE t.n IS NULL OR t.n <> l.n OR t.amount <> l.amount LIMIT 20"];
    CHAIN_PAGE = ["SELECT clinic, appt, position, id, kind, source, prev_hash, hash FROM ledger_txn
        WHERE clinic > $1 OR (clinic = $1 AND (appt > $2 OR (appt = $2 AND position > $3)))
        ORDER BY clinic, appt, position LIMIT $4"];
    CHAIN_LINES = ["SELECT account, amount, currency FROM ledger_entry WHERE clinic = $1 AND txn = $2 ORDER BY line"];
    AUDIT_PAGE = ["SELECT clinic, seq, at, actor, action, object, prev_hash, hash FROM audit_log
        WHERE clinic > $1 OR (clinic = $1 AND seq > $2) ORDER BY clinic, seq LIMIT $3"];
}

/// One invariant and what breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub name: &'static str,
    /// Up to 20 ids; empty when the invariant holds.
    pub broken: Vec<String>,
}

/// Checks every invariant. Reads only.
///
/// # Errors
/// The engine's own.
pub async fn run(store: &Store) -> Result<Vec<Verdict>> {
    let mut verdicts = rows(store).await?;
    verdicts.extend(chains(store).await?);
    Ok(verdicts)
}

/// Recomputes every hash chain: one statement for each ledger transaction, so not every hour.
///
/// # Errors
/// The engine's own.
pub async fn chains(store: &Store) -> Result<Vec<Verdict>> {
    Ok(vec![
        ledger_chains(store).await?,
        audit_chains(store).await?,
    ])
}

/// Every invariant that statements can tell.
///
/// # Errors
/// The engine's own.
pub async fn rows(store: &Store) -> Result<Vec<Verdict>> {
    let now = store.now().await?;
    let hour_ago = now - remit_core::HOUR_MS;
    let mut verdicts = Vec::new();
    for (name, sql) in [
        ("I1 every transaction balances", I1_UNBALANCED),
        ("I1 every transaction has two lines", I1_SINGLE_LINE),
        ("I2 due is the receivable", I2_DUE),
        ("I2 credit is the patient's credit", I2_CREDIT),
        ("I3 every provider payment is posted once", I3_ONE_POSTING),
        ("I3 clearing holds what was received", I3_CLEARING),
        ("I3b fees and payouts are the provider's", I3B_POSTED),
        (
            "I3b the provider's books agreed with ours within a day",
            I3B_AGREES,
        ),
        (
            "I3b clearing is payments less refunds and disputes",
            I3B_CLEARING,
        ),
        (
            "I3b what banks hold or kept is what their disputes say",
            DISPUTE_BOOKS,
        ),
        ("a payment shows its disputes", DISPUTE_SHOWN),
        (
            "I5 nothing is due while there is credit",
            I5_CREDIT_EXPLAINED,
        ),
        (
            "I6 reserved refunds are those that did not fail",
            I6_RESERVED,
        ),
        ("I7 a link is paid when its attempt succeeded", I7_PAID),
        ("I10 no message was handed over twice", I10_SENT_TWICE),
        ("I11 nothing started after the link's end", I11_AFTER_END),
        ("I13 paid is the sum of the payments", I13_PAID),
        ("I13 total is the sum of the charges", I13_TOTAL),
        ("I13 refunded is the sum of the refunds", I13_REFUNDED),
        ("counts of the tabs agree with the links", TALLIES),
    ] {
        let rows = read_all!(store, (String,), sql)?;
        verdicts.push(Verdict {
            name,
            broken: rows.into_iter().map(|(what,)| what).collect(),
        });
    }
    for (name, sql) in [
        ("I8 live attempts are looked at", I8_OVERDUE),
        ("I9 events are applied", I9_INBOX),
    ] {
        let rows = read_all!(store, (String,), sql, hour_ago)?;
        verdicts.push(Verdict {
            name,
            broken: rows.into_iter().map(|(what,)| what).collect(),
        });
    }
    Ok(verdicts)
}

const PAGE: i64 = 500;

/// I12: recomputes the hash chain of every book, appointments' and provider accounts' alike.
async fn ledger_chains(store: &Store) -> Result<Verdict> {
    type Row = (
        String,
        String,
        i64,
        String,
        String,
        String,
        Vec<u8>,
        Vec<u8>,
    );
    let mut broken = Vec::new();
    let (mut clinic, mut appt, mut position, mut last) =
        (String::new(), String::new(), -1, Vec::new());
    loop {
        let rows = read_all!(
            store,
            Row,
            CHAIN_PAGE,
            clinic.clone(),
            appt.clone(),
            position,
            PAGE
        )?;
        let done = rows.len() < usize::try_from(PAGE).unwrap_or(0);
        for (row_clinic, row_appt, row_position, id, kind, source, prev, hash) in rows {
            let same_chain = row_clinic == clinic && row_appt == appt;
            let expected_prev = if same_chain {
                last.clone()
            } else {
                vec![0; 32]
            };
            let expected_position = if same_chain { position + 1 } else { 0 };
            let mut canonical = format!("{id}|{kind}|{source}");
            for (account, amount, currency) in read_all!(
                store,
                (String, i64, String),
                CHAIN_LINES,
                row_clinic.clone(),
                id.clone()
            )? {
                canonical.push_str(&format!("|{account}:{amount}:{currency}"));
            }
            let sound = prev == expected_prev
                && row_position == expected_position
                && hash == crate::account::chain_hash(&prev, &canonical);
            if !sound && broken.len() < 20 {
                broken.push(format!("{row_clinic} {id}"));
            }
            (clinic, appt, position, last) = (row_clinic, row_appt, row_position, hash);
        }
        if done {
            return Ok(Verdict {
                name: "I12 the ledger's hash chains hold",
                broken,
            });
        }
    }
}

/// I12: recomputes every clinic's audit chain.
async fn audit_chains(store: &Store) -> Result<Verdict> {
    type Row = (String, i64, UtcMs, String, String, String, Vec<u8>, Vec<u8>);
    let mut broken = Vec::new();
    let (mut clinic, mut seq, mut last) = (String::new(), -1, Vec::new());
    loop {
        let rows = read_all!(store, Row, AUDIT_PAGE, clinic.clone(), seq, PAGE)?;
        let done = rows.len() < usize::try_from(PAGE).unwrap_or(0);
        for (row_clinic, row_seq, at, actor, action, object, prev, hash) in rows {
            let same_chain = row_clinic == clinic;
            let expected = if same_chain {
                (last.clone(), seq + 1)
            } else {
                (vec![0; 32], 0)
            };
            let canonical = crate::audit::canonical(row_seq, at, &actor, &action, &object);
            let sound = (prev.clone(), row_seq) == expected
                && hash == crate::account::chain_hash(&prev, &canonical);
            if !sound && broken.len() < 20 {
                broken.push(format!("{row_clinic} audit {row_seq}"));
            }
            (clinic, seq, last) = (row_clinic, row_seq, hash);
        }
        if done {
            return Ok(Verdict {
                name: "I12 the audit log's hash chain holds",
                broken,
            });
        }
    }
}
