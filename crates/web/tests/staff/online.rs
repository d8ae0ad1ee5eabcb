//! Online Payments and Follow up: many links at once, exports, and the row that is taken anew.

use axum::http::StatusCode;
use remit_app::{Actor, sending_limits};
use remit_core::links::LinkState;
use remit_core::roles::Role;
use remit_core::sending_limits::SendingLimits;

use crate::clinic::{Person, houses};

const HERE: &str = "/financials/online-payments";

/// Books with a link; answers with the link's id.
async fn link(desk: &Person<'_>, start: &str) -> String {
    let window = desk.books("link", start).await.location;
    let id = window.rsplit('/').next().unwrap();
    id.split('?').next().unwrap().to_owned()
}

async fn count(desk: &Person<'_>, state: LinkState) -> i64 {
    let (app, clinic) = (&desk.house.app, desk.house.clinic);
    let tallies = remit_app::links::tallies(app, clinic, 0, i64::MAX).await;
    tallies.unwrap().of(state).links
}

#[tokio::test(flavor = "multi_thread")]
async fn many_links_have_an_answer_each_and_a_second_press_does_nothing_more() {
    for house in houses("selection").await {
        let desk = house.person(Role::Reception).await;
        // Both links are one patient's, who is texted four times here.
        let limits = SendingLimits {
            per_number: 10,
            ..SendingLimits::default()
        };
        let owner = Actor::remit(house.clinic);
        sending_limits::save(&house.app, &owner, &limits)
            .await
            .unwrap();
        let (first, second) = (link(&desk, "10:00").await, link(&desk, "12:00").await);
        let unknown = "lnk_019ab000000070008000000000000001";
        let key = desk.get(HERE).await.value("idempotency_key");
        let chosen = |deed: &'static str, key: &str| {
            let mut form = vec![("do", deed.to_owned()), ("idempotency_key", key.to_owned())];
            for one in [&first, &second, &first] {
                form.push(("link", one.clone()));
            }
            form.push(("link", unknown.to_owned()));
            form
        };
        let press = async |form: &[(&'static str, String)]| {
            let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            desk.post(&format!("{HERE}/selection"), &form).await
        };
        let resend = chosen("resend", &key);
        let told = press(&resend).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.html);
        told.says("2 of 3 links sent again")
            .says("Texted to 07700 900618.")
            .says("This is not here any more");
        let again = press(&resend).await;
        again.says("2 of 3 links sent again");
        assert_eq!(count(&desk, LinkState::Sent).await, 2);
        // Another press is another wish, which the cool-down answers link by link.
        let fresh = press(&chosen("resend", "another key")).await;
        fresh
            .says("0 of 3 links sent again")
            .says("It was sent a moment ago");
        let cancelled = press(&chosen("cancel", "a third key")).await;
        cancelled.says("2 of 3 links cancelled");
        assert_eq!(count(&desk, LinkState::Cancelled).await, 2);
        let renewed = press(&chosen("renew", "a fourth key")).await;
        renewed
            .says("2 of 3 links renewed")
            .says("New link for £20.00. Texted to 07700 900618.");
        press(&chosen("renew", "a fourth key")).await;
        assert_eq!(count(&desk, LinkState::Sent).await, 2, "renewed once");
        let none = desk
            .post(&format!("{HERE}/selection"), &[("do", "cancel")])
            .await;
        none.says("Choose a link first");
        let odd = desk
            .post(&format!("{HERE}/selection"), &[("do", "burn")])
            .await;
        assert!(odd.status.is_client_error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_the_list_shows() {
    for house in houses("exports").await {
        let desk = house.person(Role::Reception).await;
        for start in ["09:00", "11:00", "13:00"] {
            link(&desk, start).await;
        }
        let export = format!("{HERE}/export");
        let csv = desk
            .post(&export, &[("format", "csv"), ("q", "whitlock")])
            .await;
        let lines: Vec<&str> = csv.html.lines().collect();
        assert_eq!(lines.len(), 4, "{}", csv.html);
        assert!(lines[0].contains("Reference,Patient,Mobile,Email,Appointment,Practitioner"));
        assert!(lines[1].contains("Hannah Whitlock,07700 900618,hannah@example.com"));
        assert!(
            lines[1].contains(",Deposit,20.00,GBP,Created,"),
            "{}",
            lines[1]
        );
        let paid = desk
            .post(&export, &[("format", "csv"), ("status", "paid")])
            .await;
        assert_eq!(paid.html.lines().count(), 1);
        let viewer = house.person(Role::Viewer).await;
        let refused = viewer.post(&export, &[("format", "csv")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(!viewer.get(HERE).await.html.contains("Export"));
        assert!(
            desk.post(&export, &[("format", "pdf")])
                .await
                .status
                .is_client_error()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_of_the_list_gets_a_page() {
    for house in houses("online_lists").await {
        let desk = house.person(Role::Reception).await;
        desk.get(HERE).await.says("No payment links yet");
        let id = link(&desk, "10:00").await;
        desk.get(HERE)
            .await
            .says("Every payment link of the last 30 days")
            .says("1 of 1 · £20.00 asked, £0.00 paid");
        for number in [
            "07700+900618",
            "%2B44+(0)7700+900618",
            "0044.7700.900618",
            "7700900618",
        ] {
            let found = desk.get(&format!("{HERE}?q={number}")).await;
            assert!(found.html.contains(&format!("row-{id}")), "{number}");
        }
        let reversed = desk
            .get(&format!("{HERE}?from=2026-11-24&to=2026-11-01"))
            .await;
        reversed
            .says("The first date is after the last one.")
            .says("Swap them");
        let words = desk.get(&format!("{HERE}?from=tomorrow&to=")).await;
        words.says("Enter dates as day, month and year");
        let long_ago = desk
            .get(&format!("{HERE}?from=2019-01-01&to=2019-02-01&status=paid"))
            .await;
        long_ago
            .says("No link is paid in these days.")
            .says("Look at all dates")
            .says("Any status");
        for odd in [
            "?n=x&after=y&trail=z",
            "?status=burnt",
            "?purpose=tip",
            "?q=%25%27--",
        ] {
            assert_eq!(
                desk.get(&format!("{HERE}{odd}")).await.status,
                StatusCode::OK,
                "{odd}"
            );
        }
        // Opened by hand, a row's address leads to the link.
        let row = desk
            .get(&format!("/payment-links/{id}/row?back=//evil.example"))
            .await;
        assert_eq!(row.location, format!("/payment-links/{id}"));
        desk.get(&format!("/payment-links/{id}/timeline"))
            .await
            .says("Nobody has opened it.")
            .says("07700 900618");
        let chooser = desk.get(&format!("{HERE}/new?q=whitlock")).await;
        chooser.says("Hannah Whitlock").says("Open link");
        let odd = desk.get(&format!("{HERE}/follow-up?why=x&sort=y")).await;
        odd.says("Nobody to follow up");
    }
}
