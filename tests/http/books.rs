//! The provider's books and ours, over days that pass: fees with the payments, payouts two days later, nothing left over.

use serde_json::{Value, json};

use crate::clinic::{Clinic, minor, pays_by_card, url};
use crate::late::Clock;
use crate::server;

/// Runs `remit reconcile` beside the server: whether nothing is left, and what it says.
fn reconciles(clinic: &Clinic, clock: &[(&str, &str)], since: &str) -> (bool, Value) {
    let key = clinic.folder.0.join("master.key").display().to_string();
    let mut env = vec![
        ("REMIT_DATABASE_URL", clinic.database.as_str()),
        ("REMIT_MASTER_KEY_FILE", key.as_str()),
        ("REMIT_PUBLIC_URL", clinic.public.as_str()),
    ];
    env.extend(clock);
    let (clean, said) = server::run(&["reconcile", "--json", "--since", since], &env);
    let line = said.lines().find(|line| line.starts_with('{'));
    let line = line.unwrap_or_else(|| panic!("no answer: {said}"));
    (clean, serde_json::from_str(line).expect("JSON"))
}

async fn report(clinic: &Clinic) -> Value {
    clinic.get("/reports/online-payments").await
}

/// By how much the figures of the second report are above those of the first.
fn more(before: &Value, after: &Value) -> [i64; 5] {
    ["collected", "refunded", "fees", "net", "paid_out"]
        .map(|figure| minor(&after[figure]) - minor(&before[figure]))
}

pub async fn play() {
    let Some(clock) = Clock::new() else {
        println!("skipped: libfaketime is not installed (Debian: apt-get install faketime)");
        return;
    };
    let env = clock.env();
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let clinic = Clinic::on_sqlite(&env);
    let (clean, first) = reconciles(&clinic, &env, "4d");
    assert!(clean, "{first}");
    let before = report(&clinic).await;
    let (visit, link) = clinic.books_and_issues(5_000).await;
    pays_by_card(&mut clinic.phone(), url(&link)).await;
    clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    clinic.refunds(&visit["payments"][0], 1_000).await.done();
    let refunded = |visit: &Value| minor(&visit["refunded"]) == 1_000;
    let path = format!("/appointments/{}", crate::clinic::id(&visit));
    clinic.until(&path, refunded).await;
    // What came in and went back is known at once, what the provider kept once its books are read.
    assert_eq!(
        more(&before, &report(&clinic).await),
        [5_000, 1_000, 0, 4_000, 0]
    );
    let (clean, found) = reconciles(&clinic, &env, "4d");
    assert!(clean && found["differing"] == 0, "{found}");
    assert_eq!(
        more(&before, &report(&clinic).await),
        [5_000, 1_000, 90, 3_910, 0]
    );
    let again = reconciles(&clinic, &env, "30d").1;
    assert_eq!(
        (&again["recovered"], &again["unmatched"]),
        (&json!(0), &json!(0))
    );

    clock.set(4 * 24 * 3600);
    let (clean, found) = reconciles(&clinic, &env, "4d");
    assert!(clean, "{found}");
    let clearing = "SELECT SUM(amount) FROM ledger_entry WHERE account LIKE 'psp_clearing:%'";
    assert_eq!(clinic.number(clearing).await, 0, "everything was paid out");
    let later = report(&clinic).await;
    let days = later["days"].as_array().expect("days");
    let sum = |figure: &str| days.iter().map(|day| minor(&day[figure])).sum::<i64>();
    for figure in ["collected", "refunded", "fees", "net", "paid_out"] {
        assert_eq!(sum(figure), minor(&later[figure]), "{figure}");
    }
    // The list behind the figure agrees with it to the penny.
    let (from, to) = (later["from"].as_str(), later["to"].as_str());
    let list = format!(
        "/payments?limit=200&from={}&to={}",
        from.expect("a time"),
        to.expect("a time")
    );
    let list = clinic.get(&list).await;
    let online = list["data"].as_array().expect("payments").iter();
    let online = online.filter(|payment| !payment["provider"].is_null());
    let listed: i64 = online.map(|payment| minor(&payment["amount"])).sum();
    assert_eq!(listed, minor(&later["collected"]));
    clinic.books_balance();
}
