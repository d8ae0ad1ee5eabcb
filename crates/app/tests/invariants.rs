//! R4 of hazards 7.5: the live data is checked every hour, and staff see what does not hold until it holds again.

mod desk;

use desk::Desk;
use remit_app::{findings, reconcile};
use remit_core::HOUR_MS;
use sqlx::{Connection as _, SqliteConnection};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_balance_is_a_finding_until_it_holds_again() {
    let folder = std::env::temp_dir().join(format!("remit-invariants-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite://{}", folder.join("remit.db").display());
    let desk = Desk::opens(remit_app::open(&url).await.unwrap()).await;
    let (app, clinic) = (&desk.app, desk.desk.clinic);
    desk.books().await;
    let mut behind_our_back = SqliteConnection::connect(&url).await.unwrap();

    assert_eq!(reconcile::check_invariants(app).await.unwrap(), 0);
    let spoil = sqlx::query("UPDATE appointment_balance SET due = due + 1");
    spoil.execute(&mut behind_our_back).await.unwrap();
    let at_once = reconcile::check_invariants(app).await.unwrap();
    assert_eq!(at_once, 0, "once an hour is enough");
    app.store.shift_clock(HOUR_MS);
    assert!(reconcile::check_invariants(app).await.unwrap() > 0);
    assert!(findings::count(app, clinic).await.unwrap() > 0);

    let mend = sqlx::query("UPDATE appointment_balance SET due = due - 1");
    mend.execute(&mut behind_our_back).await.unwrap();
    app.store.shift_clock(HOUR_MS);
    assert_eq!(reconcile::check_invariants(app).await.unwrap(), 0);
    assert_eq!(findings::count(app, clinic).await.unwrap(), 0);
    std::fs::remove_dir_all(&folder).unwrap();
}
