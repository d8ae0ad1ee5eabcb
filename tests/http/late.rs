//! The 48 hours, judged at the moment of use, with the process's clock moved (hazards A9, B4, B5).

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::clinic::{Clinic, PAID, continues, has_badge, id, minor, pays_by_card, types_card, url};
use crate::server::Folder;

/// The wall clock of a child process, by libfaketime; timers stay real.
pub struct Clock {
    library: PathBuf,
    folder: Folder,
}

impl Clock {
    /// None where libfaketime (Debian: `faketime`) is not installed.
    pub fn new() -> Option<Clock> {
        let names = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."];
        let path = |name| {
            Path::new("/usr/lib")
                .join(name)
                .join("faketime/libfaketimeMT.so.1")
        };
        let library = names.into_iter().map(path).find(|path| path.exists())?;
        let clock = Clock {
            library,
            folder: Folder::new("clock"),
        };
        clock.set(0);
        Some(clock)
    }

    /// What a process needs to follow it.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("FAKETIME_DONT_RESET", "1".into()),
        ]
    }

    fn file(&self) -> PathBuf {
        self.folder.0.join("time")
    }

    /// Seconds ahead of the real time.
    pub fn set(&self, seconds: i64) {
        let new = self.folder.0.join("new");
        std::fs::write(&new, format!("{seconds:+}\n")).expect("a file");
        std::fs::rename(new, self.file()).expect("a file");
    }
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
    let (_, in_time) = clinic.books_and_issues(5_000).await;
    let (_, unpaid) = clinic.books_and_issues(5_100).await;
    let (visit, begun) = clinic.books_and_issues(5_200).await;

    clock.set(48 * 3600 - 60);
    pays_by_card(&mut clinic.phone(), url(&in_time)).await;
    let paid = clinic.sees_status(&in_time, "paid").await;
    assert!(!has_badge(&paid, "late"));
    let mut phone = clinic.phone();
    let open = continues(&mut phone, url(&begun), "card").await;

    clock.set(48 * 3600 + 60);
    // What is past its time is expired at once, whether or not the sweep has been there.
    assert_eq!(clinic.link(&unpaid).await["status"], "expired");
    let page = clinic.phone().get(url(&unpaid)).await;
    assert!(
        page.form_with("method").is_none(),
        "an expired link takes money"
    );
    let refused = clinic
        .post(
            &format!("/payment-links/{}/deliveries", id(&unpaid)),
            json!({ "channel": "sms" }),
        )
        .await;
    assert_eq!((refused.status, refused.problem()), (409, "link-expired"));
    // Expiry stops starting, not finishing.
    types_card(&mut phone, &open, PAID).await;
    let link = clinic.link(&begun).await;
    let visit_now = clinic.visit(&visit).await;
    assert_eq!(link["status"], "paid", "{link}");
    assert!(has_badge(&link, "late"), "{link}");
    assert_eq!(
        (minor(&visit_now["paid"]), minor(&visit_now["credit"])),
        (5_200, 0)
    );

    let renewed = clinic
        .post(&format!("/payment-links/{}/renew", id(&unpaid)), json!({}))
        .await;
    let renewed = renewed.done();
    pays_by_card(&mut clinic.phone(), url(&renewed)).await;
    clinic.sees_status(&renewed, "paid").await;
    let page = clinic.phone().get(url(&unpaid)).await;
    assert!(
        page.form_with("method").is_none(),
        "the old address works again"
    );
    clinic.books_balance();
}
