//! What every door does whoever stands before it (hazards 2D, B10, B11, B12).

use reqwest::header::HOST;
use reqwest::{Client, Method, Url};

use crate::browser::{self, Page};
use crate::clinic::{Clinic, url};
use crate::server::random;

async fn ask(client: &Client, method: Method, at: &str, headers: &[(&str, &str)]) -> Page {
    let mut request = client.request(method, at);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    let at: Url = response.url().clone();
    browser::read(at, response).await
}

/// Hazard B10: no oracle. Whatever is wrong with an address, the answer is the same bytes.
pub async fn unknown_and_malformed_addresses_answer_the_same(clinic: &Clinic) {
    let (_, link) = clinic.books_and_issues(1_200).await;
    let real = url(&link).rsplit('/').next().expect("a token").to_owned();
    let mut other_last = real.clone();
    let last = other_last.pop().expect("a last character");
    other_last.push(if last == 'A' { 'B' } else { 'A' });
    let wrong = [
        other_last,
        real[..real.len() - 1].to_owned(),
        format!("{real}A"),
        real.to_uppercase(),
        "x".to_owned(),
        "A".repeat(5_000),
        "..%2f..%2fetc".to_owned(),
        "%00%ff".to_owned(),
        format!("{:08x}", random()),
    ];
    let mut answers = vec![];
    for token in &wrong {
        let page = clinic.phone().get(&format!("/p/{token}")).await;
        let shown: Vec<_> = page
            .headers
            .iter()
            .filter(|(name, _)| name != "date")
            .cloned()
            .collect();
        answers.push((token, (page.status, shown, page.body)));
    }
    for (token, answer) in &answers {
        assert_eq!(*answer, answers[0].1, "{token}");
    }
    assert_eq!(answers[0].1.0, 404);
}

/// Hazards B12 and D10: a form sent from another site is refused; a page without referrer is ours.
pub async fn another_sites_form_is_refused(clinic: &Clinic) {
    let (_, link) = clinic.books_and_issues(1_300).await;
    let mut phone = clinic.phone();
    let page = phone.get(url(&link)).await;
    let form = page.form_with("method").expect("a form");
    let at = page.url.join(&form.action).expect("an address");
    let mut at = at.clone();
    let node: Url = clinic.addresses[clinic.nodes.len() - 1]
        .parse()
        .expect("an address");
    at.set_port(node.port()).expect("a port");
    let csrf = form.values_of("csrf")[0].to_owned();
    let body = format!("csrf={csrf}&method=card");
    let rows: &[(&[(&str, &str)], u16)] = &[
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.example"),
            ],
            403,
        ),
        (
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"),
            ],
            403,
        ),
        (&[("sec-fetch-site", "cross-site"), ("origin", "null")], 403),
        (&[("origin", "https://evil.example")], 403),
        (
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            303,
        ),
    ];
    for (headers, status) in rows {
        let client = browser::client();
        let mut request = client
            .post(at.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.clone());
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), *status, "{headers:?}");
        let seen = clinic.link(&link).await["accessed_at"].is_string();
        assert_eq!(seen, *status == 303, "{headers:?}");
    }
    // Another link's form token opens nothing here.
    let forged = format!("csrf={}&method=card", "0".repeat(csrf.len()));
    let answer = browser::client()
        .post(at)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(forged)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 422);
}

/// Hazard D5.
pub async fn a_foreign_host_is_not_served(clinic: &Clinic) {
    let client = browser::client();
    for node in &clinic.addresses {
        for path in [
            "/",
            "/healthz",
            "/p/x",
            "/api/v1/patients",
            "/sandbox/sandbox.css",
        ] {
            let page = ask(
                &client,
                Method::GET,
                &format!("{node}{path}"),
                &[(HOST.as_str(), "evil.example")],
            )
            .await;
            assert_eq!(page.status, 421, "{path}");
            assert!(!page.body.contains("evil.example"), "{path}");
        }
    }
}

/// Hazards B11, D4, D12: on every route, whatever it answers.
pub async fn every_answer_has_its_headers(clinic: &Clinic) {
    let (_, link) = clinic.books_and_issues(1_400).await;
    let token = Url::parse(url(&link))
        .expect("an address")
        .path()
        .to_owned();
    let client = browser::client();
    let bare = [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/robots.txt",
        "/nowhere",
        "/p/x",
        "/p/return/x",
        "/live",
        "/sign-in",
        "/api/v1/patients",
        "/api/v1/openapi.json",
        "/api/docs",
        "/hooks/x",
        "/sandbox/pay/x",
        "/sandbox/v1/events",
        "/demo/messages",
        "/demo/messages.json",
    ];
    let receipt = format!("{token}/receipt");
    let paths = bare.into_iter().chain([token.as_str(), receipt.as_str()]);
    for path in paths {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::POST,
            Method::DELETE,
        ] {
            // A stream does not end.
            if path == "/live" && method == Method::GET {
                continue;
            }
            let at = format!("{}{path}", clinic.addresses[0]);
            let page = ask(&client, method.clone(), &at, &[]).await;
            let told = format!("{method} {path} -> {}", page.status);
            assert!(page.status < 500, "{told}");
            let policy = page.header("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'"),
                "{told}: {policy}"
            );
            assert!(!policy.contains("unsafe-inline"), "{told}: {policy}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{told}");
            assert_eq!(
                page.header("cross-origin-opener-policy"),
                "same-origin",
                "{told}"
            );
            assert!(page.header("x-robots-tag").starts_with("noindex"), "{told}");
            assert!(!page.header("referrer-policy").is_empty(), "{told}");
            assert!(!page.header("cache-control").is_empty(), "{told}");
            if path.starts_with("/p/") {
                assert_eq!(page.header("referrer-policy"), "no-referrer", "{told}");
                assert_eq!(page.header("cache-control"), "no-store", "{told}");
            }
            assert_eq!(page.header("server"), "", "{told}");
        }
    }
}

/// Suite S17 and hazard D4: after all flows, no log line holds an address that pays, a key, a password or a person.
pub async fn secrets_in_logs(clinic: &Clinic) -> Vec<String> {
    let mut canaries = vec![
        ("API key", clinic.key.clone()),
        ("password", clinic.nodes[0].says("password")),
        ("patient", "Quillon".to_owned()),
        ("patient", "quillon".to_owned()),
        ("number", "+4477009".to_owned()),
        ("treatment", "Consultation".to_owned()),
    ];
    let mut next = String::new();
    loop {
        let page = clinic.get(&format!("/payment-links?limit=200{next}")).await;
        for link in page["data"].as_array().expect("a list") {
            let (_, token) = url(link).rsplit_once('/').expect("a token");
            canaries.push(("link's address", token.to_owned()));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let secrets = crate::webhooks::Account::of(clinic).await;
    canaries.push(("provider's key", secrets.secret_key));
    canaries.push(("webhook secret", secrets.webhook_secret));
    let mut hits = vec![];
    for node in &clinic.nodes {
        for line in node.log() {
            for (what, canary) in canaries.iter().filter(|(_, canary)| line.contains(canary)) {
                hits.push(format!("a log line holds a {what} ({canary}): {line}"));
            }
        }
    }
    hits.truncate(10);
    println!(
        "{} canaries, {} log lines with one",
        canaries.len(),
        hits.len()
    );
    hits
}
