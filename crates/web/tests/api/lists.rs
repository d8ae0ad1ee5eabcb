//! Lists: complete over their pages, without repeats, and in the order that is promised.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{gbp, id, in_days};
use crate::harness::{Caller, House, on_both_engines};

/// Every row of a list, read `limit` at a time; and how many pages that took.
async fn read_all(desk: &Caller, path: &str, limit: usize) -> (Vec<Value>, usize) {
    const PAGES_MAX: usize = 50;
    let joined = if path.contains('?') { '&' } else { '?' };
    let mut rows = Vec::new();
    let mut cursor = String::new();
    for page in 1..=PAGES_MAX {
        let address = format!("{path}{joined}limit={limit}{cursor}");
        let answer = desk.reads(&address).await;
        let data = answer["data"].as_array().unwrap();
        assert!(data.len() <= limit, "{address} gave {} rows", data.len());
        rows.extend(data.iter().cloned());
        match answer["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(
                    data.len(),
                    limit,
                    "{address}: a page that is not full is the last"
                );
                cursor = format!("&cursor={next}");
            }
            None => return (rows, page),
        }
    }
    panic!("{path} has no end");
}

/// Reads a list of six, in pages of four, three, two and one, and in one.
async fn pages_hold_together(desk: &Caller, path: &str) -> Vec<Value> {
    let whole = desk.reads(path).await;
    let expected = whole["data"].as_array().unwrap().clone();
    assert_eq!(
        (expected.len(), &whole["next_cursor"]),
        (6, &Value::Null),
        "{path}"
    );
    let ids: BTreeSet<&str> = expected
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 6, "{path} repeats a row");
    for (limit, pages) in [(4, 2), (3, 2), (2, 3), (1, 6), (6, 1), (200, 1)] {
        let (rows, read) = read_all(desk, path, limit).await;
        assert_eq!(rows, expected, "{path} in pages of {limit}");
        assert_eq!(read, pages, "{path}: pages of {limit}");
    }
    expected
}

on_both_engines! {
    async fn patients_services_and_practitioners_page(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        for name in ["Ann", "Ben", "Cat", "Dan", "Eve", "Fay"] {
            desk.adds_patient(name).await;
            desk.employs(name).await;
            desk.offers_service(100, json!({"kind": "none"})).await;
        }
        let patients = pages_hold_together(&desk, "/patients").await;
        assert_eq!(patients[0]["name"], "Fay", "newest first");
        let practitioners = pages_hold_together(&desk, "/practitioners").await;
        assert_eq!(practitioners[0]["name"], "Ann", "in the diary's order");
        pages_hold_together(&desk, "/services").await;
    }

    async fn appointments_links_payments_and_events_page(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let mut last = String::new();
        for _ in 0..6 {
            last = clinic.books(4500).await;
            clinic.issues_link(&last).await;
            clinic.takes_cash(&last, 100).await;
        }
        // All six start at the same moment: the id decides.
        pages_hold_together(&desk, "/appointments").await;
        let links = pages_hold_together(&desk, "/payment-links").await;
        assert_eq!(links[0]["appointment_id"], last, "newest first");
        pages_hold_together(&desk, "/payment-links?status=created").await;
        pages_hold_together(&desk, "/payment-links?q=lindqvist").await;
        let payments = pages_hold_together(&desk, "/payments").await;
        assert_eq!(payments[0]["appointment_id"], last, "newest first");
        for _ in 0..5 {
            clinic.takes_cash(&last, 100).await;
        }
        pages_hold_together(&desk, &format!("/payments?appointment_id={last}")).await;
        for _ in 0..5 {
            clinic.issues_link(&last).await;
        }
        pages_hold_together(&desk, &format!("/payment-links?appointment_id={last}")).await;
        let link = id(&desk.reads("/payment-links?limit=1").await["data"][0]);
        let events = desk.reads(&format!("/payment-links/{link}/events")).await;
        assert_eq!(events["data"][0]["type"], "payment_link.created");
        desk.get("/payment-links/lnk_019ab000000070008000000000000001/events").await.is_problem(404, "not-found");
    }

    async fn lists_narrow_by_their_parameters(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let one = clinic.books(4500).await;
        let two = clinic.books(4500).await;
        let patient = desk.reads(&format!("/appointments/{one}")).await["patient_id"].as_str().unwrap().to_owned();
        let link = id(&clinic.issues_link(&one).await);
        let cancelled = id(&clinic.issues_link(&two).await);
        desk.post(&format!("/payment-links/{cancelled}/cancel"), json!({})).await.is(200);
        clinic.takes_cash(&two, 100).await;
        let (before, after) = (in_days(&clinic, -2).await, in_days(&clinic, 9).await);
        for (path, rows) in [
            (format!("/appointments?patient_id={patient}"), 1),
            (format!("/appointments?from={before}&to={after}"), 2),
            (format!("/appointments?from={after}"), 0),
            (format!("/appointments?to={before}"), 0),
            (format!("/payment-links?patient_id={patient}"), 1),
            (format!("/payment-links?appointment_id={two}"), 1),
            ("/payment-links?status=cancelled".into(), 1),
            ("/payment-links?status=paid".into(), 0),
            (format!("/payment-links?created_from={after}"), 0),
            (format!("/payment-links?created_to={before}"), 0),
            (format!("/payment-links?created_from={before}&created_to={after}&status=created"), 1),
            ("/payment-links?q=ros&status=created".into(), 1),
            ("/payment-links?q=nobody".into(), 0),
            ("/payment-links?status=&q=&patient_id=".into(), 2),
            (format!("/payments?appointment_id={one}"), 0),
            (format!("/payments?from={before}"), 1),
            (format!("/payments?to={before}"), 0),
            (format!("/payments?appointment_id={two}&to={before}"), 0),
            ("/patients?q=lind".into(), 2),
            ("/patients?q=rosa%40example".into(), 2),
            ("/patients?q=07700900123".into(), 2),
            ("/patients?q=nobody".into(), 0),
        ] {
            let found = desk.reads(&path).await;
            assert_eq!(found["data"].as_array().unwrap().len(), rows, "{path}");
        }
        assert_eq!(desk.reads("/payment-links?status=created").await["data"][0]["id"], link);
    }

    async fn a_list_refuses_what_it_does_not_know(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let link = id(&clinic.issues_link(&clinic.books(4500).await).await);
        let events = format!("/payment-links/{link}/events");
        let paths = ["/patients", "/services", "/practitioners", "/appointments", "/payment-links", "/payments", &events];
        for path in paths {
            for limit in ["0", "201", "-1", "x", "1.5", "99999999999999999999"] {
                desk.get(&format!("{path}?limit={limit}")).await.names(400, "bad-parameter", &["limit"]);
            }
            for cursor in ["x", "AAAA", "MS4A", "%00", "LnBhdF8x"] {
                desk.get(&format!("{path}?cursor={cursor}")).await.names(400, "bad-parameter", &["cursor"]);
            }
            desk.get(&format!("{path}?colour=blue")).await.names(400, "bad-parameter", &["colour"]);
            desk.get(&format!("{path}?limit=1&limit=2")).await.is_problem(400, "bad-parameter");
            desk.get(&format!("{path}?limit=1")).await.is(200);
        }
        for (path, name) in [
            ("/appointments?from=yesterday", "from"),
            ("/appointments?to=2026-12-01", "to"),
            ("/appointments?patient_id=lnk_1", "patient_id"),
            ("/payment-links?status=open", "status"),
            ("/payment-links?patient_id=x", "patient_id"),
            ("/payment-links?appointment_id=x", "appointment_id"),
            ("/payment-links?created_from=x", "created_from"),
            ("/payment-links?created_to=x", "created_to"),
            ("/payments?appointment_id=x", "appointment_id"),
            ("/payments?from=x", "from"),
            ("/payments?to=x", "to"),
            ("/patients?q=a&cursor=MS54", "cursor"),
        ] {
            desk.get(path).await.names(400, "bad-parameter", &[name]);
        }
        // Text that no row can hold finds nothing, on either engine.
        for path in ["/patients?q=%00", "/payment-links?q=%00", "/payment-links?q=a%00b", "/patients?q=%F0%9F%98%80"] {
            assert_eq!(desk.reads(path).await["data"], json!([]), "{path}");
        }
    }

    async fn a_cursor_of_another_span_does_not_widen_it(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        for _ in 0..3 {
            let appointment = clinic.books(4500).await;
            clinic.issues_link(&appointment).await;
            clinic.takes_cash(&appointment, 100).await;
        }
        let (long_ago, past, soon) = (in_days(&clinic, -9).await, in_days(&clinic, -2).await, in_days(&clinic, 9).await);
        for (list, from, to) in [("/payments", "from", "to"), ("/payment-links", "created_from", "created_to")] {
            let cursor = desk.reads(&format!("{list}?limit=1")).await["next_cursor"].as_str().unwrap().to_owned();
            let narrow = format!("{list}?{from}={long_ago}&{to}={past}&cursor={cursor}");
            assert_eq!(desk.reads(&narrow).await["data"], json!([]), "{narrow}");
        }
        let cursor = desk.reads("/appointments?limit=1").await["next_cursor"].as_str().unwrap().to_owned();
        let narrow = format!("/appointments?from={soon}&cursor={cursor}");
        assert_eq!(desk.reads(&narrow).await["data"], json!([]));
        assert_eq!(desk.reads("/payments").await["data"][0]["amount"], gbp(100));
    }
}
