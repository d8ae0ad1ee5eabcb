//! The table of routes: who may make which call (hazard D10), and that description, table and doors agree.

use std::collections::BTreeSet;
use std::path::Path;

use remit_core::roles::Role;
use remit_web::api::{ROUTES, openapi};
use serde_json::json;

use crate::contract::DOCUMENT;
use crate::harness::{Ask, House, on_both_engines};

/// A template with ids that do not exist.
fn filled(template: &str) -> String {
    let kind = match template.split('/').nth(1) {
        Some("patients") => "pat",
        Some("services") => "svc",
        Some("appointments") => "apt",
        Some("payment-links") => "lnk",
        Some("payments") => "pay",
        _ => "",
    };
    template
        .replace("{id}", &format!("{kind}_019ab000000070008000000000000001"))
        .replace("{provider}", "stripe")
}

fn request(method: &str, template: &str) -> Ask {
    let ask = Ask::new(method, &filled(template));
    if method == "GET" {
        ask
    } else {
        ask.json(&json!({}))
    }
}

on_both_engines! {
    async fn each_route_asks_for_a_key_and_its_role(house: House) {
        let clinic = house.founds("lark").await;
        let mut wrong = Vec::new();
        for (method, template, permission) in ROUTES {
            for secret in [None, Some("rk_wrong"), Some("wrong")] {
                let reply = house.stranger(secret).send(request(method, template)).await;
                reply.is_problem(401, "unauthorized");
                assert!(reply.header("www-authenticate").is_some());
            }
            for role in Role::ALL {
                let reply = clinic.as_role(role).send(request(method, template)).await;
                let refused = reply.status == 403;
                if refused == role.may(*permission) || reply.status == 401 || reply.status >= 500 {
                    wrong.push(format!("{method} {template} as {}: {}", role.name(), reply.status));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    async fn what_does_not_exist_is_a_problem_too(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        for path in ["/nothing", "//api", "//api/v2/patients", "/patients/", "/patients/x/y/z"] {
            desk.get(path).await.is_problem(404, "not-found");
        }
        for path in ["/patients/nope", "/patients/lnk_019ab000000070008000000000000001", "/payments/%00"] {
            desk.get(path).await.is_problem(404, "not-found");
        }
        let paths: BTreeSet<&str> = ROUTES.iter().map(|(_, path, _)| *path).collect();
        for template in paths {
            let known = |method: &str| ROUTES.iter().any(|(m, path, _)| *m == method && *path == template);
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                if !known(method) {
                    let reply = desk.send(request(method, template)).await;
                    reply.is_problem(405, "method-not-allowed");
                    let allowed = reply.header("allow").unwrap_or_default();
                    for method in ["GET", "POST", "PUT", "PATCH"] {
                        assert_eq!(allowed.contains(method), known(method), "{}: {allowed}", reply.ask);
                    }
                }
            }
        }
    }

    async fn a_head_is_a_get_without_its_body(house: House) {
        let clinic = house.founds("lark").await;
        let reply = clinic.as_role(Role::Viewer).send(Ask::new("HEAD", "/patients")).await;
        assert_eq!((reply.status, reply.bytes.len()), (200, 0));
        let reply = house.stranger(None).send(Ask::new("GET", "/patients")).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }

    async fn the_description_is_served_to_everybody(house: House) {
        let anyone = house.stranger(None);
        let served = anyone.get("/openapi.json").await;
        assert_eq!((served.status, served.text().as_str()), (200, openapi::text()));
        let page = anyone.get("//api/docs").await;
        assert_eq!(page.status, 200);
        for (method, path, _) in ROUTES {
            assert!(page.text().contains(&format!("{method} {path}")), "{method} {path}");
        }
        assert!(page.text().contains("<code>Authorization: Bearer rk_...</code>"));
        // The `type` of a problem is an address that a person may open.
        let kind = anyone.get("//problems/nothing-due").await;
        assert_eq!(kind.status, 303);
    }
}

#[test]
fn the_description_knows_exactly_the_routes_of_the_table() {
    let listed: BTreeSet<String> = ROUTES
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(listed.len(), ROUTES.len(), "a route is listed twice");
    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(
                !id.is_empty() && ids.insert(id.to_owned()),
                "{method} {path}: operationId {id:?}"
            );
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
        }
    }
    assert_eq!(described, listed);
}

#[test]
fn the_kept_description_is_current() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("REMIT_RENEW").is_some() {
        std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
        std::fs::write(&kept, openapi::text()).unwrap();
    }
    let found = std::fs::read_to_string(&kept).unwrap_or_default();
    assert!(
        found == openapi::text(),
        "docs/openapi.json is not what the code describes. Renew it and look at the difference:\n\
         REMIT_RENEW=1 cargo test -p remit-web --test api the_kept_description_is_current && git diff docs/openapi.json"
    );
}
