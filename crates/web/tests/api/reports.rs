//! The report on online payments: what it refuses, and what an empty clinic is told.

use crate::harness::{House, on_both_engines};

on_both_engines! {
async fn an_empty_clinic_has_a_report_of_noughts(house: House) {
    let clinic = house.founds("report").await;
    let desk = clinic.owner();
    let visit = clinic.books(5_000).await;
    clinic.takes_cash(&visit, 2_000).await;
    clinic.issues_link(&visit).await;
    let report = desk.reads("/reports/online-payments").await;
    assert_eq!(report["days"].as_array().unwrap().len(), 30);
    assert_eq!(report["collected"]["amount"], 0, "cash is not online");
    assert_eq!((&report["funnel"]["created"], &report["funnel"]["sent"]), (&1.into(), &0.into()));
    assert_eq!((&report["outstanding"]["links"], &report["outstanding"]["amount"]["amount"]), (&1.into(), &3_000.into()));
    assert_eq!(report["time_to_pay"]["median_minutes"], serde_json::Value::Null);
}

async fn a_span_is_days_of_the_clinic_or_moments(house: House) {
    let desk = house.founds("span").await.owner();
    // London is an hour ahead of UTC in June; the last day is included.
    for (query, from, to, days) in [
        ("from=2026-06-01&to=2026-06-02", "2026-05-31T23:00:00.000Z", "2026-06-02T23:00:00.000Z", 2),
        ("from=2026-06-01T09:00:00Z&to=2026-06-01T10:00:00Z", "2026-06-01T09:00:00.000Z", "2026-06-01T10:00:00.000Z", 1),
        ("from=2026-10-25&to=2026-10-25", "2026-10-24T23:00:00.000Z", "2026-10-26T00:00:00.000Z", 1),
        ("to=2026-03-30", "2026-03-01T00:00:00.000Z", "2026-03-30T23:00:00.000Z", 30),
    ] {
        let report = desk.reads(&format!("/reports/online-payments?{query}")).await;
        assert_eq!((&report["from"], &report["to"]), (&from.into(), &to.into()), "{query}");
        assert_eq!(report["days"].as_array().unwrap().len(), days, "{query}");
    }
    for query in ["from=yesterday", "to=2026-13-01", "from=2026-06-02&to=2026-06-01", "from=2024-01-01&to=2026-01-01", "day=1"] {
        desk.get(&format!("/reports/online-payments?{query}")).await.is_problem(400, "bad-parameter");
    }
}
}
