//! Lists and searches: complete, in order, without repeats, narrowed to what was asked.

use std::collections::BTreeSet;

use remit_core::DAY_MS;
use remit_core::ids::LinkId;
use remit_core::links::{LIFETIME_MS, LinkState};
use remit_core::methods::PurposeKind;
use remit_store::links::{Cursor, Filter, list};

use crate::desk::Desk;
use crate::harness::Place;

/// Every link that the pages of a list show, in their order.
async fn pages(desk: &Desk, filter: &Filter, limit: i64) -> Vec<LinkId> {
    let now = desk.now().await;
    let (mut all, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let (page, next) = list(&desk.store, desk.clinic, filter, after.as_ref(), limit, now)
            .await
            .unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        let mut order: Vec<_> = page
            .iter()
            .map(|view| (view.created_at, view.id.to_string()))
            .collect();
        let read = order.clone();
        order.sort_by(|a, b| b.cmp(a));
        assert_eq!(read, order, "newest first");
        all.extend(page.iter().map(|view| view.id));
        let Some(next) = next else { return all };
        after = Some(Cursor::parse(&next.written()).unwrap());
    }
}

async fn found(desk: &Desk, q: &str) -> BTreeSet<LinkId> {
    let filter = Filter {
        q: Some(q.into()),
        ..Filter::default()
    };
    pages(desk, &filter, 3).await.into_iter().collect()
}

fn status(status: LinkState) -> Filter {
    Filter {
        status: Some(status),
        ..Filter::default()
    }
}

on_both_engines! {
async fn pages_are_whole_while_links_are_added(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut issued = Vec::new();
    for _ in 0..23 {
        let visit = desk.books(100).await;
        issued.push(desk.issues(visit).await);
    }
    let now = desk.now().await;
    let (mut seen, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let (page, next) =
            list(&desk.store, desk.clinic, &Filter::default(), after.as_ref(), 4, now).await.unwrap();
        seen.extend(page.iter().map(|view| view.id));
        let visit = desk.books(100).await;
        desk.issues(visit).await;
        let Some(next) = next else { break };
        after = Some(next);
    }
    issued.reverse();
    assert_eq!(seen, issued);
}

async fn each_status_lists_what_it_shows(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut made = Vec::new();
    for _ in 0..6 {
        let visit = desk.books(4500).await;
        made.push(desk.issues(visit).await);
    }
    desk.hands_over(made[1]).await;
    desk.opens_page(made[2]).await;
    desk.cancels(made[3]).await;
    let attempt = desk.starts(made[4]).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    assert_eq!(pages(&desk, &status(LinkState::Created), 2).await, [made[5], made[0]]);
    assert_eq!(pages(&desk, &status(LinkState::Sent), 2).await, [made[1]]);
    assert_eq!(pages(&desk, &status(LinkState::Accessed), 2).await, [made[2]]);
    assert_eq!(pages(&desk, &status(LinkState::Cancelled), 2).await, [made[3]]);
    assert_eq!(pages(&desk, &status(LinkState::Paid), 2).await, [made[4]]);
    assert_eq!(pages(&desk, &status(LinkState::Expired), 2).await, []);
    // Two days later, before and after the sweep: the status is the same.
    place.store.shift_clock(LIFETIME_MS);
    let young = desk.books(100).await;
    let young = desk.issues(young).await;
    let expired = [made[5], made[2], made[1], made[0]];
    for swept in [0, 2, 4] {
        for link in &expired[..swept] {
            desk.sweeps(*link).await;
        }
        assert_eq!(pages(&desk, &status(LinkState::Expired), 2).await, expired, "{swept} swept");
        assert_eq!(pages(&desk, &status(LinkState::Created), 2).await, [young]);
        assert_eq!(pages(&desk, &status(LinkState::Accessed), 2).await, []);
    }
}

async fn a_list_is_narrowed_by_all_that_is_given(place: Place) {
    let desk = Desk::opens(&place).await;
    let hannah = desk.registers("Hannah Whitlock", None, None).await;
    let omar = desk.registers("Omar Whitlock", None, None).await;
    let (first, second, third) =
        (desk.books_for(hannah, 4500).await, desk.books_for(hannah, 900).await, desk.books_for(omar, 700).await);
    let (a, b, c) = (desk.issues(first).await, desk.issues_part(second, 100).await, desk.issues(third).await);
    let cut = desk.sees(b).await.created_at;
    let of = |filter: Filter| { let desk = desk.clone(); async move { pages(&desk, &filter, 1).await } };
    assert_eq!(of(Filter { patient: Some(hannah), ..Filter::default() }).await, [b, a]);
    assert_eq!(of(Filter { appointment: Some(first), ..Filter::default() }).await, [a]);
    assert_eq!(of(Filter { purpose: Some(PurposeKind::Custom), ..Filter::default() }).await, [b]);
    assert_eq!(of(Filter { appointment: Some(first), patient: Some(omar), ..Filter::default() }).await, []);
    assert_eq!(of(Filter { patient: Some(omar), q: Some("whitlock".into()), ..Filter::default() }).await, [c]);
    assert_eq!(of(Filter { patient: Some(omar), q: Some("hannah".into()), ..Filter::default() }).await, []);
    assert_eq!(of(Filter { created_from: Some(cut), ..Filter::default() }).await.last(), Some(&b));
    assert_eq!(of(Filter { created_to: Some(cut), ..Filter::default() }).await, [a]);
    assert_eq!(of(Filter { created_to: Some(cut - DAY_MS), ..Filter::default() }).await, []);
    desk.cancels(a).await;
    let q = Some("whitlock".into());
    assert_eq!(of(Filter { q, status: Some(LinkState::Cancelled), ..Filter::default() }).await, [a]);
    let by_visit = remit_store::links::of_appointment(&desk.store, desk.clinic, first).await.unwrap();
    assert_eq!(by_visit.iter().map(|view| view.id).collect::<Vec<_>>(), [a]);
}

async fn a_search_finds_by_words_address_number_and_reference(place: Place) {
    let desk = Desk::opens(&place).await;
    let people = [
        ("Hannah Whitlock", "hannah@mail.example", "+447700900123"),
        ("Omar O'Neil", "omar@mail.example", "+447700900456"),
        ("Zoë Whitlock-Ahmed", "zoe@post.example", "+353850123456"),
    ];
    let mut links = Vec::new();
    for (name, email, phone) in people {
        let who = desk.registers(name, Some(email), Some(phone)).await;
        let visit = desk.books_for(who, 4500).await;
        links.push(desk.issues(visit).await);
    }
    let reference = desk.sees(links[1]).await.reference;
    let all = |which: &[usize]| which.iter().map(|at| links[*at]).collect::<BTreeSet<_>>();
    for (q, which) in [
        ("whit", &[0, 2][..]),
        ("WHITLOCK hannah", &[0]),
        ("ahmed zoë", &[2]),
        ("o'neil", &[1]),
        ("itlock", &[]),
        ("hannah@mail.example", &[0]),
        ("omar@", &[1]),
        ("07700 900123", &[0]),
        ("+44 7700 900456", &[1]),
        ("0770", &[0, 1]),
        ("353 85", &[2]),
        (&reference, &[1]),
        (&reference.to_lowercase()[3..], &[1]),
        ("PL-", &[]),
        ("whitlock omar", &[]),
        ("% _ ~", &[]),
    ] {
        assert_eq!(found(&desk, q).await, all(which), "{q}");
    }
    let names = |q: &'static str| {
        let desk = desk.clone();
        async move {
            let found = remit_store::patients::search(&desk.store, desk.clinic, q, 10).await.unwrap();
            found.into_iter().map(|patient| patient.name).collect::<Vec<_>>()
        }
    };
    assert_eq!(names("whitlock").await, ["Hannah Whitlock", "Zoë Whitlock-Ahmed"]);
    assert_eq!(names("omar neil").await, [""; 0]);
    // A changed name is found by the new words alone.
    let mut hannah = remit_store::patients::search(&desk.store, desk.clinic, "hannah", 1).await.unwrap().remove(0);
    hannah.name = "Hannah Okafor".into();
    let mut tx = desk.begin().await;
    remit_store::patients::update(&mut tx, &hannah, "Joanne Bright", hannah.created_at).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(&desk, "okafor").await, all(&[0]));
    assert_eq!(found(&desk, "hannah whitlock").await, all(&[]));
    let listed = remit_store::patients::list(&desk.store, desk.clinic, None, 10).await.unwrap();
    assert_eq!(listed.len(), 3, "the list of patients has everybody");
}

async fn whoever_is_called_as_typed_comes_first(place: Place) {
    let desk = Desk::opens(&place).await;
    // The last word starts everybody's number as well.
    for number in 1..=12 {
        let (name, phone) = (format!("Imogen Ashdown 77-{number}"), format!("+4477009001{number:02}"));
        desk.registers(&name, None, Some(&phone)).await;
    }
    for name in ["Imogen Ashdown 77-9", "imogen ASHDOWN 77-1", "Imogen Ashdown 77-12"] {
        let found = remit_store::patients::search(&desk.store, desk.clinic, name, 5).await.unwrap();
        assert_eq!(found[0].name.to_lowercase(), name.to_lowercase());
        assert!(found.len() <= 5);
    }
}

async fn a_search_that_many_match_is_still_complete(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut issued = BTreeSet::new();
    for number in 0..6 {
        let name = if number % 2 == 0 { "Anna Smith" } else { "Peter Smith" };
        let who = desk.registers(name, None, None).await;
        let visit = desk.books_for(who, 100).await;
        let link = desk.issues(visit).await;
        if number % 2 == 0 {
            issued.insert(link);
        }
    }
    // More namesakes than a search looks up one by one: it walks along the links instead.
    let clinic = desk.clinic;
    let number = |at: &str| if place.store.is_sqlite() {
        format!("printf('pat_%032x', {at})")
    } else {
        format!("'pat_' || lpad(to_hex({at}), 32, '0')")
    };
    let (id, many) = (number("i"), "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)");
    place.by_hand(format!("{many} INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at) SELECT '{clinic}', {id}, 'Anna Smith', NULL, NULL, 'en', 0, 0
        FROM n")).await.unwrap();
    place.by_hand(format!("{many} INSERT INTO patient_term SELECT '{clinic}', 'smith', {id} FROM n
        UNION ALL SELECT '{clinic}', 'anna', {id} FROM n")).await.unwrap();
    assert_eq!(found(&desk, "anna smith").await, issued);
    assert_eq!(found(&desk, "smith").await.len(), 6);
}

async fn a_narrow_list_behind_many_others_is_reached_page_by_page(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let old = desk.issues_part(visit, 100).await;
    let now = desk.sees(old).await.created_at;
    let (clinic, patient) = (desk.clinic, desk.sees(old).await.patient);
    let id = if place.store.is_sqlite() {
        "printf('lnk_%032x', i)"
    } else {
        "'lnk_' || lpad(to_hex(i), 32, '0')"
    };
    let blob = if place.store.is_sqlite() { "CAST(i AS BLOB)" } else { "CAST(CAST(i AS TEXT) AS BYTEA)" };
    place.by_hand(format!("WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 10500)
        INSERT INTO payment_link (clinic, id, appt, patient, purpose, amount, currency, token_hash, token_sealed,
        reference, state, late, created_at, created_by, expires_at, captured, refunded, disputed, delivery_failed)
        SELECT '{clinic}', {id}, '{visit}', '{patient}', 'balance', 100, 'GBP', {blob}, {blob}, 'PL-X', 'cancelled', 0,
        {now} + i / 3, 'reception', {now} + i / 3 + 172800000, 0, 0, 0, 0 FROM n")).await.unwrap();
    let filter = Filter { purpose: Some(PurposeKind::Custom), ..Filter::default() };
    let (page, next) = list(&desk.store, desk.clinic, &filter, None, 10, now + DAY_MS).await.unwrap();
    assert_eq!(page.len(), 0, "looked at its share and says where to go on");
    assert!(next.is_some());
    assert_eq!(pages(&desk, &filter, 10).await, [old]);
    assert_eq!(pages(&desk, &Filter::default(), 200).await.len(), 10_501);
}
}
