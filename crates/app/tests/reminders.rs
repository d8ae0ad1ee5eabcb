//! Reminders over the real rows: one leaves when its time has come and nobody paid, none after that, none at night.

mod desk;

use desk::{Desk, Folder};
use jiff::Timestamp;
use remit_app::deliveries::{DeliveryInput, deliver, of_link};
use remit_app::payments::{Checkout, DeskInput, check_out};
use remit_app::reminders::{quiet, run, save};
use remit_app::views::DeliveryView;
use remit_app::{clinics, expire, links, outbox, sending_limits, tray, visits};
use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::money::Money;
use remit_core::payments::DeskMethod;
use remit_core::reminders::{Kind, QuietHours, ReminderSettings};
use remit_core::sending_limits::SendingLimits;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};

const NEVER_QUIET: QuietHours = QuietHours {
    from_minute: 0,
    to_minute: 0,
};

/// A clinic with a database of its own, SQLite or PostgreSQL.
struct House {
    desk: Desk,
    _folder: Option<Folder>,
}

impl House {
    async fn on_sqlite(name: &str) -> House {
        let (store, folder) = desk::on_sqlite(name).await;
        House {
            desk: Desk::opens(store).await,
            _folder: Some(folder),
        }
    }

    async fn on_postgres(name: &str) -> Option<House> {
        Some(House {
            desk: Desk::opens(desk::on_postgres(name).await?).await,
            _folder: None,
        })
    }

    async fn wants(&self, unopened: Option<i64>, unpaid: Option<i64>, expiring: Option<i64>) {
        let hours = |hours: Option<i64>| hours.map(|hours| hours * HOUR_MS);
        let settings = ReminderSettings {
            unopened_after_ms: hours(unopened),
            unpaid_after_ms: hours(unpaid),
            before_expiry_ms: hours(expiring),
            quiet: NEVER_QUIET,
        };
        save(&self.desk.app, &self.desk.desk, &settings)
            .await
            .unwrap();
    }

    /// A link that was texted.
    async fn sends(&self) -> (AppointmentId, LinkId) {
        let visit = self.desk.books().await;
        let (app, desk) = (&self.desk.app, &self.desk.desk);
        let link = links::issue(app, desk, visit, None, Purpose::Balance)
            .await
            .unwrap();
        self.texts(link).await;
        (visit, link)
    }

    async fn texts(&self, link: LinkId) {
        let sms = DeliveryInput {
            channel: Channel::Sms,
            to: None,
            remember: false,
        };
        deliver(&self.desk.app, &self.desk.desk, link, None, &sms)
            .await
            .unwrap();
        self.works().await;
    }

    /// The worker's round: what is due is queued, what is queued leaves. Answers how many were queued.
    async fn rounds(&self) -> usize {
        let queued = run(&self.desk.app).await.unwrap();
        self.works().await;
        queued
    }

    async fn works(&self) {
        while outbox::run(&self.desk.app).await.unwrap() > 0 {}
    }

    fn waits(&self, ms: i64) {
        self.desk.app.store.shift_clock(ms);
    }

    async fn pays_in_cash(&self, visit: AppointmentId) {
        let cash = DeskInput {
            method: DeskMethod::Cash,
            amount: Money::gbp(4500),
            reference: None,
        };
        let checkout = Checkout {
            taken: vec![cash],
            link: None,
            despite_live_payment: false,
        };
        check_out(&self.desk.app, &self.desk.desk, visit, None, &checkout)
            .await
            .unwrap();
    }

    async fn deliveries(&self, link: LinkId) -> Vec<DeliveryView> {
        of_link(&self.desk.app, self.desk.desk.clinic, link)
            .await
            .unwrap()
    }

    async fn kinds(&self, link: LinkId) -> Vec<Kind> {
        let sent = self.deliveries(link).await;
        sent.iter()
            .filter_map(|one| one.purpose.automatic())
            .collect()
    }

    async fn in_tray(&self) -> usize {
        tray::messages(&self.desk.app, self.desk.desk.clinic, 100)
            .await
            .unwrap()
            .len()
    }
}

macro_rules! on_both_engines {
    ($(async fn $name:ident($house:ident: House) $body:block)*) => { $(
        mod $name {
            use super::*;

            async fn play($house: House) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                play(House::on_sqlite(stringify!($name)).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(house) = House::on_postgres(stringify!($name)).await {
                    play(house).await;
                }
            }
        }
    )* };
}

on_both_engines! {
    async fn two_leave_by_themselves_and_no_third(house: House) {
        house.wants(Some(20), Some(6), Some(8)).await;
        let (_, link) = house.sends().await;
        house.waits(20 * HOUR_MS - MINUTE_MS);
        assert_eq!(house.rounds().await, 0);
        house.waits(2 * MINUTE_MS);
        assert_eq!(house.rounds().await, 1);
        assert_eq!(house.rounds().await, 0, "once");
        let sent = house.deliveries(link).await;
        assert_eq!(sent.len(), 2);
        let (first, second) = (&sent[0], &sent[1]);
        assert_eq!((second.channel, &second.address), (first.channel, &first.address));
        assert_eq!((second.status, second.created_by.as_str()), (DeliveryStatus::Delivered, "Remit"));
        house.waits(20 * HOUR_MS);
        assert_eq!(house.rounds().await, 1);
        assert_eq!(house.kinds(link).await, [Kind::Unopened, Kind::Expiring]);
        house.waits(6 * HOUR_MS);
        assert_eq!(house.rounds().await, 0);
        house.waits(2 * HOUR_MS);
        expire::run(&house.desk.app).await.unwrap();
        assert_eq!((house.rounds().await, house.in_tray().await), (0, 3));
    }

    async fn who_opens_it_hears_of_it_later_and_who_pays_hears_nothing(house: House) {
        house.wants(Some(5), Some(6), None).await;
        let (visit, link) = house.sends().await;
        let (paid, other) = house.sends().await;
        house.waits(4 * HOUR_MS);
        for link in [link, other] {
            visits::seen(&house.desk.app, house.desk.desk.clinic, link).await.unwrap();
        }
        house.waits(2 * HOUR_MS);
        assert_eq!(house.rounds().await, 0, "opened: the six hours count from then");
        house.pays_in_cash(paid).await;
        house.waits(4 * HOUR_MS + MINUTE_MS);
        assert_eq!(house.rounds().await, 1);
        assert_eq!(house.kinds(link).await, [Kind::Unpaid]);
        assert_eq!(house.kinds(other).await, []);
        house.pays_in_cash(visit).await;
        house.waits(DAY_MS);
        assert_eq!(house.rounds().await, 0);
    }

    async fn money_between_queue_and_carrier_takes_it_back(house: House) {
        house.wants(Some(5), None, None).await;
        let (visit, link) = house.sends().await;
        house.waits(5 * HOUR_MS + MINUTE_MS);
        assert_eq!(run(&house.desk.app).await.unwrap(), 1);
        house.pays_in_cash(visit).await;
        house.works().await;
        let sent = house.deliveries(link).await;
        assert_eq!(sent[1].status, DeliveryStatus::Failed);
        assert!(sent[1].reason.as_ref().unwrap().starts_with("Not needed any more"));
        assert_eq!(house.in_tray().await, 1, "the link alone");
        let view = links::get(&house.desk.app, house.desk.desk.clinic, link).await.unwrap();
        assert!(!view.delivery_failed, "nothing that staff have to mend");
    }

    async fn settings_hold_for_links_that_are_open_already(house: House) {
        let (_, link) = house.sends().await;
        house.waits(10 * HOUR_MS);
        assert_eq!(house.rounds().await, 0, "off");
        house.wants(Some(5), None, None).await;
        assert_eq!(house.rounds().await, 1);
        house.wants(None, None, None).await;
        house.waits(30 * HOUR_MS);
        assert_eq!(house.rounds().await, 0);
        assert_eq!(house.kinds(link).await, [Kind::Unopened]);
    }

    async fn a_limit_puts_it_off_until_the_next_day(house: House) {
        house.wants(Some(5), None, None).await;
        let (_, link) = house.sends().await;
        let app = &house.desk.app;
        let limits = SendingLimits { per_number: 1, ..SendingLimits::default() };
        sending_limits::save(app, &house.desk.desk, &limits).await.unwrap();
        let context = clinics::context(app, house.desk.desk.clinic).await.unwrap();
        let ends_at = sending_limits::today(app, &context).await.unwrap().ends_at;
        let left = ends_at - app.now().await.unwrap();
        if left < 6 * HOUR_MS {
            return; // the five hours end tomorrow anyway; the next run finds another time of day
        }
        house.waits(5 * HOUR_MS + MINUTE_MS);
        assert_eq!(house.rounds().await, 0);
        house.waits(ends_at - app.now().await.unwrap() + MINUTE_MS);
        assert_eq!(house.rounds().await, 1);
        assert_eq!(house.kinds(link).await, [Kind::Unopened]);
    }

    async fn two_rounds_at_once_send_one(house: House) {
        house.wants(Some(5), None, None).await;
        let mut links = vec![];
        for _ in 0..3 {
            links.push(house.sends().await.1);
        }
        let limits = SendingLimits { per_number: 50, ..SendingLimits::default() };
        sending_limits::save(&house.desk.app, &house.desk.desk, &limits).await.unwrap();
        house.waits(5 * HOUR_MS + MINUTE_MS);
        let app = &house.desk.app;
        let (one, two, three) = tokio::join!(run(app), run(app), run(app));
        assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 3);
        house.works().await;
        for link in links {
            assert_eq!(house.kinds(link).await, [Kind::Unopened]);
        }
    }
}

fn ms(moment: &str) -> i64 {
    moment.parse::<Timestamp>().unwrap().as_millisecond()
}

#[test]
fn a_night_is_whole_over_every_change_of_the_clocks() {
    let night = QuietHours {
        from_minute: 20 * 60,
        to_minute: 9 * 60,
    };
    for (zone, at, begins, ends) in [
        (
            "Europe/London",
            "2026-11-24T23:00:00Z",
            "2026-11-24T20:00:00Z",
            "2026-11-25T09:00:00Z",
        ),
        // The clocks go forward in this night, and back in that one: 12 and 14 hours.
        (
            "Europe/London",
            "2026-03-29T03:00:00Z",
            "2026-03-28T20:00:00Z",
            "2026-03-29T08:00:00Z",
        ),
        (
            "Europe/London",
            "2026-10-25T01:30:00Z",
            "2026-10-24T19:00:00Z",
            "2026-10-25T09:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T15:30:00Z",
            "2026-04-04T09:00:00Z",
            "2026-04-04T22:30:00Z",
        ),
        (
            "nowhere",
            "2026-11-24T23:00:00Z",
            "2026-11-24T20:00:00Z",
            "2026-11-25T09:00:00Z",
        ),
    ] {
        assert_eq!(
            quiet(zone, night, ms(at)),
            Some((ms(begins), ms(ends))),
            "{zone} {at}"
        );
    }
    for (zone, at) in [
        ("Europe/London", "2026-11-24T19:59:59.999Z"),
        ("Europe/London", "2026-11-25T09:00:00Z"),
        ("Europe/London", "2026-03-29T08:00:00Z"),
        ("Europe/London", "2026-10-25T09:00:00Z"),
    ] {
        assert_eq!(quiet(zone, night, ms(at)), None, "{zone} {at}");
    }
    // Hours that lie within the change itself: never shorter than the wall clock says.
    let small = QuietHours {
        from_minute: 75,
        to_minute: 105,
    };
    let (begins, ends) = quiet("Europe/London", small, ms("2026-10-25T00:50:00Z")).unwrap();
    assert_eq!(
        (begins, ends),
        (ms("2026-10-25T00:15:00Z"), ms("2026-10-25T01:45:00Z"))
    );
    assert_eq!(
        quiet("Europe/London", NEVER_QUIET, ms("2026-10-25T00:50:00Z")),
        None
    );
}

#[test]
fn quiet_is_what_the_wall_clock_says_at_every_minute_of_two_years() {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let night = QuietHours {
        from_minute: 20 * 60,
        to_minute: 9 * 60,
    };
    let start = ms("2026-01-01T00:00:00Z");
    for step in 0..2 * 365 * 24 * 4 {
        let at = start + step * 15 * MINUTE_MS;
        let local = Timestamp::from_millisecond(at)
            .unwrap()
            .to_zoned_datetime(zone.clone());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let span = quiet("Europe/London", night, at);
        assert_eq!(span.is_some(), night.holds(minute), "{local}");
        if let Some((begins, ends)) = span {
            assert!((begins..ends).contains(&at) && ends - begins <= 14 * HOUR_MS);
        }
    }
}
