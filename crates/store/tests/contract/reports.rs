//! The summary's figures: added up from what happened, by the clinic's days, along indexes alone.

use remit_core::money::Money;
use remit_core::payments::PaidBy;
use remit_core::refunds::RefundState;
use remit_core::{DAY_MS, HOUR_MS};
use remit_store::reports::{self, Stretch};

use crate::desk::Desk;
use crate::harness::Place;

on_both_engines! {
async fn figures_are_what_happened(place: Place) {
    let desk = Desk::opens(&place).await;
    let start = desk.now().await;
    let visit = desk.books(9_000).await;
    let link = desk.issues_part(visit, 6_000).await;
    desk.hands_over(link).await;
    desk.opens_page(link).await;
    place.store.shift_clock(5 * 60_000);
    desk.is_paid(desk.starts(link).await.unwrap(), 6_000).await.unwrap();
    desk.takes_cash(visit, 1_000).await.unwrap();
    desk.issues(visit).await;
    let end = desk.now().await + 1;
    // Five hours east of UTC, so that the day is another one for part of the time.
    let stretch = Stretch { from: start, to: end, offset_ms: 5 * HOUR_MS };
    let collected = reports::collected(&desk.store, desk.clinic, stretch).await.unwrap();
    assert_eq!(collected.len(), 1, "cash is not among them");
    let row = &collected[0];
    assert_eq!((row.payments, row.amount, row.method.name()), (1, Money::gbp(6_000), "card"));
    let paid_at = desk.now().await;
    assert!((row.day - (paid_at + 5 * HOUR_MS).div_euclid(DAY_MS)).abs() <= 1);
    let funnel = reports::funnel(&desk.store, desk.clinic, start, end).await.unwrap();
    assert_eq!((funnel.created, funnel.sent, funnel.accessed, funnel.paid), (2, 1, 1, 1));
    let minutes = reports::paid_after(&desk.store, desk.clinic, start, end).await.unwrap();
    assert_eq!(minutes, [(5, 1)]);
    let span = (start, end);
    let (listed, next) = reports::online(&desk.store, desk.clinic, span, None, None, 9).await.unwrap();
    assert_eq!((listed.len(), next), (1, None));
    let other = PaidBy::parse("klarna");
    assert!(reports::online(&desk.store, desk.clinic, span, other, None, 9).await.unwrap().0.is_empty());

    let refund = desk.refunds(listed[0].id, 2_500).await;
    desk.refund_becomes(refund, RefundState::Succeeded).await;
    let wide = Stretch { to: end + DAY_MS, ..stretch };
    let back = reports::back(&desk.store, desk.clinic, wide).await.unwrap();
    assert_eq!(back.iter().map(|row| (row.by_refund, row.amount)).collect::<Vec<_>>(), [(true, Money::gbp(2_500))]);
    desk.refund_becomes(refund, RefundState::Failed).await;
    let back = reports::back(&desk.store, desk.clinic, wide).await.unwrap();
    assert_eq!(back.iter().map(|row| row.amount.minor).sum::<i64>(), 0, "it came back");
}
}

/// SQLite has no statistics here, as in a clinic's file: what it plans now it plans at a million links.
#[tokio::test]
async fn reports_walk_the_days_they_show_and_nothing_else() {
    use sqlx::{AssertSqlSafe, Row};
    let place = Place::sqlite("reports::plans").await.migrated().await;
    let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&place.url)
        .await
        .unwrap();
    let wanted = [
        (
            "COLLECTED",
            "COVERING INDEX payment_online (clinic=? AND received_at>? AND received_at<?)",
        ),
        ("BACK", "INDEX ledger_txn_back (clinic=? AND at>? AND at<?)"),
        (
            "MOVED",
            "COVERING INDEX movement_when (clinic=? AND at>? AND at<?)",
        ),
        (
            "FUNNEL",
            "COVERING INDEX payment_link_funnel (clinic=? AND created_at>? AND created_at<?)",
        ),
        (
            "PAID_AFTER",
            "COVERING INDEX payment_link_paid (clinic=? AND paid_at>? AND paid_at<?)",
        ),
        (
            "PAGE_ONLINE",
            "INDEX payment_online (clinic=? AND received_at>? AND received_at<?)",
        ),
        (
            "OURS",
            "COVERING INDEX ledger_entry_clearing (clinic=? AND account=?)",
        ),
    ];
    for (name, index) in wanted {
        let (_, sql) = remit_store::statements()
            .into_iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.lite));
        let rows = sqlx::query(text).fetch_all(&mut conn).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(
            steps.iter().any(|step| step.contains(index)),
            "{name}: {steps:#?}"
        );
    }
}
