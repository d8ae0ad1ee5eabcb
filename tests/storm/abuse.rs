//! S16: what somebody tries who has a key, a list of passwords, addresses to guess or cards to test. No cap is ever
//! passed, whoever tries from wherever at once.

use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::browser::Browser;
use crate::clinic::{self, Clinic, gbp, id, presses, url};
use crate::payers::{AT_ONCE, Desk};

/// One wish to send: where to, and over which channel.
type Wish = (Value, &'static str, String);

/// How many of some tries were let through, how many a limit stopped, and whatever else came back.
#[derive(Default, Debug)]
struct Outcome {
    sent: Vec<String>,
    capped: usize,
    other: Vec<String>,
}

/// Everybody sends at once, from every node.
async fn all_send(clinic: &Arc<Clinic>, wishes: Vec<Wish>) -> Outcome {
    let wishes = Arc::new(std::sync::Mutex::new(wishes));
    let mut senders = JoinSet::new();
    for sender in 0..AT_ONCE {
        let (clinic, wishes) = (clinic.clone(), wishes.clone());
        senders.spawn(async move {
            let mut outcome = Outcome::default();
            loop {
                let next = wishes.lock().expect("no sender panics here").pop();
                let Some((link, channel, to)) = next else {
                    return outcome;
                };
                let path = format!("/payment-links/{}/deliveries", id(&link));
                let body = json!({ "channel": channel, "to": to });
                let node = sender % clinic.nodes.len();
                let answer = clinic
                    .call(node, Method::POST, &path, Some(&body), None)
                    .await;
                match (answer.status, answer.problem()) {
                    (201, _) => outcome.sent.push(to),
                    (429, "sending-limit") => {
                        let after = answer.headers.iter().any(|(name, _)| name == "retry-after");
                        assert!(after, "until when: {}", answer.json);
                        outcome.capped += 1;
                    }
                    _ => outcome
                        .other
                        .push(format!("{} {}", answer.status, answer.json)),
                }
            }
        });
    }
    let mut all = Outcome::default();
    while let Some(outcome) = senders.join_next().await {
        let outcome = outcome.expect("a sender's end");
        all.sent.extend(outcome.sent);
        all.capped += outcome.capped;
        all.other.extend(outcome.other);
    }
    assert!(all.other.is_empty(), "{:?}", all.other.first());
    all
}

async fn limits(clinic: &Clinic, body: Value) -> Value {
    let path = "/settings/sending-limits";
    clinic
        .call(0, Method::PUT, path, Some(&body), None)
        .await
        .done()
}

fn spent(limits: &Value) -> i64 {
    limits["today"]["spent"]["amount"].as_i64().expect("a sum")
}

/// Links of one patient, made by many at once.
async fn links(clinic: &Arc<Clinic>, count: usize) -> Vec<Value> {
    let desk = Arc::new(Desk::opens(clinic, 4_500).await);
    let mut makers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (clinic, desk) = (clinic.clone(), desk.clone());
        makers.spawn(async move {
            let mut made = vec![];
            for _ in 0..count.div_ceil(AT_ONCE) {
                made.push(desk.asks(&clinic).await.1);
            }
            made
        });
    }
    let mut all = vec![];
    while let Some(made) = makers.join_next().await {
        all.extend(made.expect("links"));
    }
    all.truncate(count);
    all
}

/// Texts and emails by a key that was stolen: per number, per key, per clinic, and for money.
pub async fn sends_without_end(clinic: Arc<Clinic>, tries: usize) {
    let began = Instant::now();
    let round = tries / 4;
    let all = links(&clinic, 2 * round).await;
    let (first, second) = all.split_at(round);
    let number = |n: usize| format!("+4477009{:05}", 50_000 + n);
    let wishes = |links: &[Value], channel, to: &dyn Fn(usize) -> String| -> Vec<Wish> {
        let each = links.iter().enumerate();
        each.map(|(n, link)| (link.clone(), channel, to(n)))
            .collect()
    };
    let open = json!({ "per_number": 50, "per_staff": 10_000, "per_clinic": 100_000, "money": gbp(1_000_000) });

    // Ten numbers, each three times, whoever sends.
    limits(&clinic, open.clone()).await;
    limits(&clinic, json!({ "per_number": 3 })).await;
    let done = all_send(&clinic, wishes(first, "sms", &|n| number(n % 10))).await;
    let most = (0..10).map(|n| done.sent.iter().filter(|to| **to == number(n)).count());
    let most = most.collect::<Vec<_>>();
    assert_eq!(most, [3; 10], "texts to each number");
    let mut figures = vec![("number", done.sent.len(), done.capped)];
    let (by_key, before) = (done.sent.len(), limits(&clinic, open.clone()).await);

    // One key.
    let limit = by_key + 40;
    limits(&clinic, json!({ "per_staff": limit })).await;
    let address = |n: usize| format!("abuse{n}@example.com");
    let done = all_send(&clinic, wishes(first, "email", &address)).await;
    assert_eq!(done.sent.len(), 40, "messages of one key");
    figures.push(("key", done.sent.len(), done.capped));

    // The clinic.
    let today = limits(&clinic, open.clone()).await["today"]["messages"]
        .as_i64()
        .expect("a count");
    limits(&clinic, json!({ "per_clinic": today + 50 })).await;
    let done = all_send(&clinic, wishes(second, "email", &|n| address(n + 10_000))).await;
    assert_eq!(done.sent.len(), 50, "messages of the clinic");
    figures.push(("clinic", done.sent.len(), done.capped));

    // Money: as many texts as fit, to the penny.
    let already = spent(&limits(&clinic, open).await);
    assert_eq!(already, spent(&before), "emails cost nothing");
    let money = already + 100;
    limits(&clinic, json!({ "money": gbp(money) })).await;
    let done = all_send(&clinic, wishes(second, "sms", &|n| number(n + 1_000))).await;
    let now = spent(&limits(&clinic, json!({})).await);
    let each = (now - already) / i64::try_from(done.sent.len()).expect("small");
    assert!(
        now <= money && now + each > money,
        "{now} of {money}, {each} each"
    );
    figures.push(("money", done.sent.len(), done.capped));

    let told: Vec<String> = figures
        .iter()
        .map(|(cap, sent, capped)| format!("{cap} {sent} sent, {capped} refused"))
        .collect();
    println!(
        "S16 sending, {} node(s), {} tries: {}; no cap passed; {:.1} s",
        clinic.nodes.len(),
        4 * round,
        told.join("; "),
        began.elapsed().as_secs_f64()
    );
}

/// Passwords for one address, all at once on every node.
pub async fn guesses_passwords(clinic: Arc<Clinic>, tries: usize) {
    let began = Instant::now();
    let mut guessers = JoinSet::new();
    for guesser in 0..AT_ONCE {
        let clinic = clinic.clone();
        guessers.spawn(async move {
            let mut phone = clinic.phone_at(guesser % clinic.nodes.len());
            let mut statuses = vec![];
            let page = phone.get("/sign-in").await;
            let form = page.form_with("password").expect("a form");
            for n in 0..tries / AT_ONCE {
                let password = format!("wrong-{guesser}-{n}");
                let typed = [
                    ("email", "owner@larkhill.example"),
                    ("password", &*password),
                ];
                statuses.push(phone.submit(&page, &form, &typed).await.status);
            }
            statuses
        });
    }
    let mut statuses = vec![];
    while let Some(some) = guessers.join_next().await {
        statuses.extend(some.expect("statuses"));
    }
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    let (looked_at, refused) = (count(422), count(429));
    assert_eq!(looked_at + refused, statuses.len(), "{statuses:?}");
    // A quarter of an hour may end in the middle of it.
    assert!(
        (10..=20).contains(&looked_at),
        "{looked_at} passwords were looked at"
    );
    println!(
        "S16 sign-in, {} node(s), {} tries: {looked_at} passwords looked at, {refused} refused; {:.1} s",
        clinic.nodes.len(),
        statuses.len(),
        began.elapsed().as_secs_f64()
    );
}

/// Addresses of links, made up.
pub async fn guesses_addresses(clinic: Arc<Clinic>, tries: usize) {
    let began = Instant::now();
    let (_, link) = clinic.books_and_issues(4_500).await;
    let known = url(&link).rsplit('/').next().expect("a token").to_owned();
    let route = known[..known.len() - 22].to_owned();
    let mut guessers = JoinSet::new();
    for guesser in 0..AT_ONCE {
        let (clinic, route) = (clinic.clone(), route.clone());
        guessers.spawn(async move {
            let mut phone: Browser = clinic.phone_at(guesser % clinic.nodes.len());
            let mut seen = vec![];
            for n in 0..tries / AT_ONCE {
                let page = phone.get(&format!("/p/{route}{guesser:04}{n:018}")).await;
                assert!(page.form_with("method").is_none(), "a hit");
                seen.push((page.status, page.text()));
            }
            seen
        });
    }
    let mut seen = vec![];
    while let Some(some) = guessers.join_next().await {
        seen.extend(some.expect("statuses"));
    }
    let refused = seen.iter().filter(|(status, _)| *status == 429).count();
    let looked_up = seen.len() - refused;
    // Thirty a minute and node; those under way when the thirtieth is counted still end; a minute may end meanwhile.
    let most = clinic.nodes.len() * (30 + AT_ONCE) * (1 + began.elapsed().as_secs() as usize / 60);
    assert!(looked_up <= most, "{looked_up} looked up");
    let mut words: Vec<&String> = seen.iter().map(|(_, text)| text).collect();
    words.dedup();
    assert_eq!(words.len(), 1, "the same words for every one");
    println!(
        "S16 addresses, {} node(s), {} tries: {looked_up} looked up, {refused} refused, 0 hits; {:.1} s",
        clinic.nodes.len(),
        seen.len(),
        began.elapsed().as_secs_f64()
    );
}

/// One link, refused payment after refused payment.
pub async fn tests_cards(clinic: Arc<Clinic>, tries: usize) {
    let began = Instant::now();
    let (_, link) = clinic.books_and_issues(4_500).await;
    let (mut refused, mut paused) = (0, 0);
    let mut first = None;
    for n in 0..tries {
        let mut phone = clinic.phone_at(n % clinic.nodes.len());
        // Whoever tests cards keeps the first page and sends its form again, whatever the link shows by now.
        let shown = phone.get(url(&link)).await;
        let page = first.get_or_insert_with(|| shown.clone());
        let form = page.form_with("method").expect("a form to pay by");
        let page = phone.submit(page, &form, &[("method", "klarna")]).await;
        if page.form_with("action").is_some() && page.form_with("method").is_none() {
            presses(&mut phone, &page, "refuse").await;
            refused += 1;
        } else {
            for text in [shown.text(), page.text()] {
                assert!(text.contains("Too many payments were refused"), "{text}");
            }
            assert!(shown.form_with("method").is_none(), "nothing to press");
            paused += 1;
        }
    }
    assert_eq!(refused, 10, "then the link rests");
    assert_eq!(
        clinic::minor(&clinic.link(&link).await["amount_due"]),
        4_500
    );
    println!(
        "S16 cards, {} node(s), {tries} tries: {refused} refused by the provider, {paused} never began; {:.1} s",
        clinic.nodes.len(),
        began.elapsed().as_secs_f64()
    );
}
