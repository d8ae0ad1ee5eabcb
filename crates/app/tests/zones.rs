//! S12 of the hazards, the display's half: the end of a link is shown in the clinic's zone and stays the same moment,
//! over every change of the clocks (hazard B5). `REMIT_TIME_CASES` says how often.

use jiff::Timestamp;
use remit_app::clinics::in_zone;
use remit_core::clinic::Clinic;
use remit_core::links::LIFETIME_MS;
use remit_core::money::Currency;

fn clinic(zone: &str) -> Clinic {
    Clinic {
        id: uuid::Uuid::nil().into(),
        route: "r".into(),
        name: "Larkhill Clinic".into(),
        strapline: String::new(),
        address: String::new(),
        phone: String::new(),
        email: String::new(),
        currency: Currency::GBP,
        country: "GB".into(),
        zone: zone.into(),
        test_mode: true,
        show_services: false,
        auto_refund: false,
    }
}

fn ms(moment: &str) -> i64 {
    moment
        .parse::<Timestamp>()
        .expect("a moment")
        .as_millisecond()
}

#[test]
fn forty_eight_hours_pass_over_every_change_of_the_clocks() {
    for (zone, made, ends) in [
        // London's clocks go forward on 29 March 2026 and back on 25 October; Lord Howe's by half an hour.
        (
            "Europe/London",
            "2026-03-28T12:00:00Z",
            "Mon 30 March 13:00 +01:00",
        ),
        (
            "Europe/London",
            "2026-10-24T11:00:00Z",
            "Mon 26 October 11:00 +00:00",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T01:00:00Z",
            "Mon 6 April 11:30 +10:30",
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-03T01:00:00Z",
            "Mon 5 October 12:00 +11:00",
        ),
        (
            "Asia/Kathmandu",
            "2026-10-24T11:00:00Z",
            "Mon 26 October 16:45 +05:45",
        ),
    ] {
        let shown = in_zone(&clinic(zone), ms(made) + LIFETIME_MS, "%a %-d %B %H:%M %:z");
        assert_eq!(shown, ends, "{zone} {made}");
    }
}

#[test]
fn what_is_shown_is_the_same_moment_in_every_zone() {
    let cases = std::env::var("REMIT_TIME_CASES").ok();
    let cases = cases.map_or(10_000, |text| text.parse::<u64>().expect("a number"));
    let zones = [
        "Europe/London",
        "Australia/Lord_Howe",
        "America/New_York",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Pacific/Apia",
    ];
    let clinics = zones.map(clinic);
    // Whole seconds from 1990 to 2053, by a generator whose state is the case.
    let mut state: u64 = 0x9e37_79b9;
    for case in 0..cases {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at =
            (631_152_000 + i64::try_from((state >> 33) % 2_000_000_000).expect("small")) * 1_000;
        let place = usize::try_from(case).expect("small") % clinics.len();
        let shown = in_zone(&clinics[place], at + LIFETIME_MS, "%Y-%m-%dT%H:%M:%S%:z");
        assert_eq!(ms(&shown), at + 172_800_000, "{} {shown}", zones[place]);
    }
}
