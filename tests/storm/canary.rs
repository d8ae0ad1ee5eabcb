//! S17: words that must stay where they are are driven through the whole product, then looked for everywhere else: in
//! every message, log line, metric, provider's field, outside page, export, and in the database's own bytes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fake_carriers::letters::Letter;
use fake_carriers::{ACCOUNT_SID, AUTH_TOKEN, FakeCarriers, FakeSmtp, Text};
use fake_stripe::{FakeStripe, SECRET_KEY};
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::clinic::{Clinic, PAID, gbp, id, pays_by_card, types_card, url};
use crate::payers;

const STRIPE_WITHIN: Duration = Duration::from_secs(30);

const FIRST_NAME: &str = "Zephyrine";
const LAST_NAME: &str = "Quackenbushel";
const MAILBOX: &str = "zq.canary";
/// What every number begins with: each patient has one of their own, since texts to one number are capped (hazard D13).
const NUMBER: &str = "770090077";
/// A service that says what somebody suffers from, and what a person at the desk wrote about it.
const DIAGNOSIS: &str = "Xerophthalmia";
const REASON: &str = "Dyspraxoria";
const NAMES: [&str; 4] = [FIRST_NAME, LAST_NAME, MAILBOX, NUMBER];
const HEALTH: [&str; 2] = [DIAGNOSIS, REASON];

/// What was looked through, and what was found.
#[derive(Default)]
struct Search {
    places: usize,
    bytes: usize,
    hits: Vec<String>,
}

impl Search {
    /// Looks for words in a text, whatever their case, as they are and as an address would carry them.
    fn look<T: AsRef<str>>(&mut self, place: &str, text: &str, words: &[T]) {
        self.places += 1;
        self.bytes += text.len();
        let folded = text.to_lowercase();
        for word in words.iter().map(AsRef::as_ref) {
            if folded.contains(&word.to_lowercase()) {
                self.hits.push(format!("{word} is in {place}"));
            }
        }
    }

    /// Looks for exact bytes.
    fn look_raw(&mut self, place: &str, bytes: &[u8], words: &[String]) {
        self.places += 1;
        self.bytes += bytes.len();
        for word in words {
            if bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
            {
                self.hits.push(format!("a secret is in {place}"));
            }
        }
    }
}

/// Everything that opens something: tokens of links and receipts, keys, passwords.
struct Secrets {
    tokens: Vec<String>,
    keys: Vec<String>,
}

impl Secrets {
    fn all(&self) -> Vec<String> {
        [self.tokens.clone(), self.keys.clone()].concat()
    }
}

fn token(address: &str) -> String {
    let path = address.split("/p/").nth(1).expect("a patient's address");
    path.split('/').next().expect("a token").to_owned()
}

/// Those who carry messages instead of the demo's tray: what they were given is what leaves the house.
struct Carriers {
    texts: FakeCarriers,
    mail: FakeSmtp,
}

impl Carriers {
    async fn open() -> Carriers {
        Carriers {
            texts: FakeCarriers::open().await.expect("a port"),
            mail: FakeSmtp::open().await.expect("a port"),
        }
    }

    async fn connect(&self, clinic: &Clinic) {
        let sms = json!({ "provider": "twilio", "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN,
            "sender": "Larkhill", "api_base": self.texts.url });
        let email = json!({ "smtp_url": self.mail.wants_sign_in(), "from": "Larkhill <pay@larkhill.example>" });
        for (channel, body) in [("sms", sms), ("email", email)] {
            let path = format!("/settings/messaging/{channel}");
            let answer = clinic.call(0, Method::PUT, &path, Some(&body), None).await;
            answer.done();
        }
    }

    fn taken(&self) -> (Vec<Text>, Vec<Letter>) {
        let texts = self.texts.texts(&number(CARRIED));
        (texts, self.mail.letters(&mailbox()))
    }
}

/// The digit of the patient whose messages are carried, and where their emails go.
const CARRIED: u8 = 4;

fn number(digit: u8) -> String {
    format!("+44{NUMBER}{digit}")
}

fn mailbox() -> String {
    format!("{MAILBOX}@example.com")
}

/// A patient with canaries for a name, a service with one for a name.
async fn books(clinic: &Clinic, digit: u8, email: bool) -> Value {
    let phone = number(digit);
    let name = format!("{FIRST_NAME} {LAST_NAME}");
    let mut patient = json!({ "name": name, "phone": phone });
    if email {
        patient["email"] = mailbox().into();
    }
    let patient = clinic.post("/patients", patient).await.done();
    let service = json!({ "name": format!("{DIAGNOSIS} clinic"), "duration_minutes": 30, "price": gbp(4_500),
        "deposit": { "kind": "none" } });
    let service = clinic.post("/services", service).await.done();
    let in_a_week = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
    let body = json!({ "patient_id": patient["id"], "service_ids": [service["id"]],
        "starts_at": in_a_week.strftime("%Y-%m-%dT%H:00:00Z").to_string() });
    clinic.post("/appointments", body).await.done()
}

async fn payment_of(clinic: &Clinic, visit: &Value) -> Value {
    let path = format!("/payments?appointment_id={}", id(visit));
    let paid = clinic
        .until(&path, |page| page["data"][0]["id"].is_string())
        .await;
    paid["data"][0].clone()
}

/// The receipt's address out of an SMS, once it is in the tray.
async fn texted_receipt(clinic: &Clinic, payment: &Value) -> String {
    let path = format!("/payments/{}/receipts", id(payment));
    let sent = clinic
        .until(&path, |page| page["data"][0]["status"] == "delivered")
        .await;
    assert_eq!(sent["data"][0]["channel"], "sms", "{sent}");
    let messages = clinic.tray("/receipt").await;
    let text = messages[0]["text"].as_str().expect("a text");
    let mut words = text.split_whitespace();
    let address = words.find(|word| word.starts_with("http"));
    address.expect("an address").to_owned()
}

/// A link by both channels, its receipt and its refund, with real carriers in between. Answers with the link's token.
async fn is_carried(clinic: &Clinic, stripe: &FakeStripe, carriers: &Carriers) -> String {
    carriers.connect(clinic).await;
    let visit = books(clinic, CARRIED, true).await;
    let link = clinic.issues_link(&visit).await;
    clinic.sends(&link, "sms").await;
    clinic.sends(&link, "email").await;
    let gone = |link: &Value| {
        let mut deliveries = link["deliveries"].as_array().expect("deliveries").iter();
        deliveries.all(|one| one["status"] != "queued")
    };
    clinic.sees(&link, gone).await;
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, stripe, url(&link), STRIPE_WITHIN).await;
    types_card(&mut phone, &page, PAID).await;
    let payment = payment_of(clinic, &visit).await;
    let receipt = json!({ "channel": "sms" });
    let path = format!("/payments/{}/receipt", id(&payment));
    clinic.post(&path, receipt).await.done();
    let body = json!({ "amount": gbp(600), "reason": format!("Stopped: {REASON}") });
    let path = format!("/payments/{}/refunds", id(&payment));
    let refund = clinic.post(&path, body).await.done();
    let path = format!("/refunds/{}", id(&refund));
    clinic
        .until(&path, |refund| refund["status"] == "succeeded")
        .await;
    let end = Instant::now() + STRIPE_WITHIN;
    loop {
        let (texts, letters) = carriers.taken();
        // The link and the receipt as texts; the link, the receipt and the refund as emails.
        if (texts.len(), letters.len()) == (2, 3) {
            break;
        }
        assert!(Instant::now() < end, "{texts:?} {letters:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    token(url(&link))
}

/// Everything that sends, pays, refunds, disputes and fails, once; answers with the secrets that it made.
async fn drive(clinic: &Clinic, stripe: &FakeStripe, carriers: &Carriers) -> Secrets {
    let mut tokens = vec![];
    let settings = json!({ "by_sms": true, "legal_name": "Larkhill Health Ltd" });
    let path = "/settings/receipts";
    clinic
        .call(0, Method::PUT, path, Some(&settings), None)
        .await
        .done();
    // The sandbox first: it is replaced by Stripe below.
    for (digit, email) in [(1, true), (2, false)] {
        let visit = books(clinic, digit, email).await;
        let link = clinic.issues_link(&visit).await;
        tokens.push(token(url(&link)));
        clinic.sends(&link, "sms").await;
        if email {
            clinic.sends(&link, "email").await;
        }
        pays_by_card(&mut clinic.phone(), url(&link)).await;
        let payment = payment_of(clinic, &visit).await;
        if !email {
            let address = texted_receipt(clinic, &payment).await;
            let page = clinic.phone().get(&address).await;
            assert_eq!(page.status, 200, "{}", page.text());
            tokens.push(token(&address));
        }
        let body = json!({ "amount": gbp(500), "reason": format!("Stopped: {REASON}") });
        let refund = clinic
            .post(&format!("/payments/{}/refunds", id(&payment)), body)
            .await
            .done();
        let path = format!("/refunds/{}", id(&refund));
        clinic
            .until(&path, |refund| refund["status"] == "succeeded")
            .await;
        // The other way than it went by itself.
        let again = if email {
            json!({ "channel": "sms" })
        } else {
            json!({ "channel": "email", "to": mailbox() })
        };
        clinic
            .post(&format!("/payments/{}/receipt", id(&payment)), again)
            .await
            .done();
    }
    payers::connects(clinic, stripe).await;
    let visit = books(clinic, 3, true).await;
    let link = clinic.issues_link(&visit).await;
    tokens.push(token(url(&link)));
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, stripe, url(&link), STRIPE_WITHIN).await;
    types_card(&mut phone, &page, PAID).await;
    let payment = payment_of(clinic, &visit).await;
    let body = json!({ "amount": gbp(700), "reason": REASON });
    clinic
        .post(&format!("/payments/{}/refunds", id(&payment)), body)
        .await
        .done();
    let theirs = payment["provider_payment_id"]
        .as_str()
        .expect("Stripe's id");
    stripe.open_dispute(theirs, 1_000);
    let path = format!("/payments/{}", id(&payment));
    clinic
        .until(&path, |payment| payment["disputes"][0]["id"].is_string())
        .await;
    tokens.push(is_carried(clinic, stripe, carriers).await);
    // What is refused must not be told back with what was typed.
    let wrong = json!({ "name": DIAGNOSIS, "duration_minutes": 0, "price": gbp(1), "deposit": { "kind": "none" } });
    clinic.post("/services", wrong).await;
    clinic
        .phone()
        .get(&format!("/p/{}x", token(url(&link))))
        .await;
    let endpoint = stripe.world().endpoints.all()[0].secret.clone();
    let node = &clinic.nodes[0];
    Secrets {
        tokens,
        keys: vec![
            clinic.key.clone(),
            node.says("password"),
            SECRET_KEY.to_owned(),
            AUTH_TOKEN.to_owned(),
            endpoint,
        ],
    }
}

/// What left for the patient. An email may greet by the first name; nothing else of the patient is in a message, and of
/// the secrets only the address that the message is about.
async fn messages(clinic: &Clinic, secrets: &Secrets, search: &mut Search) {
    let sent = clinic.tray("").await;
    assert!(sent.len() >= 10, "only {} messages", sent.len());
    for message in &sent {
        let text = message["text"].as_str().expect("a text");
        let subject = message["subject"].as_str().unwrap_or_default();
        reads(message["channel"] == "sms", subject, text, secrets, search);
    }
}

/// What the carriers were given: every text, and of every email the subject and each part that a person reads.
fn carried(carriers: &Carriers, secrets: &Secrets, search: &mut Search) {
    let (texts, letters) = carriers.taken();
    for text in texts {
        reads(true, "", &text.text, secrets, search);
    }
    for letter in letters {
        let subject = letter.header("subject");
        let parts = letter.parts();
        let read: Vec<_> = parts
            .iter()
            .filter(|part| part.media_type.starts_with("text/"))
            .collect();
        assert_eq!(read.len(), 2, "plain text and HTML: {}", letter.raw);
        for part in read {
            let text = String::from_utf8_lossy(&part.bytes);
            reads(false, subject, &text, secrets, search);
        }
    }
    assert_eq!(carriers.texts.complaints(), [""; 0]);
    assert_eq!(carriers.mail.complaints(), [""; 0]);
}

fn reads(sms: bool, subject: &str, text: &str, secrets: &Secrets, search: &mut Search) {
    let place = format!("a message: {text}");
    search.look(&place, text, &HEALTH);
    search.look(&place, text, &NAMES[1..]);
    search.look(&place, text, &secrets.keys);
    let tokens = secrets.tokens.iter();
    if tokens.filter(|token| text.contains(*token)).count() > 1 {
        search
            .hits
            .push(format!("more than one address is in {place}"));
    }
    if sms {
        search.look(&place, text, &[FIRST_NAME]);
    }
    let place = format!("a subject: {subject}");
    search.look(&place, subject, &HEALTH);
    search.look(&place, subject, &NAMES);
    search.look(&place, subject, &secrets.all());
}

/// Log lines and metrics of every node.
async fn machine(clinic: &Clinic, secrets: &Secrets, search: &mut Search) {
    for node in &clinic.nodes {
        for line in node.log() {
            let place = format!("a log line: {line}");
            search.look(&place, &line, &HEALTH);
            search.look(&place, &line, &NAMES);
            search.look(&place, &line, &secrets.all());
        }
    }
    let metrics = clinic.phone().get("/metrics").await;
    assert_eq!(metrics.status, 200, "metrics");
    for line in metrics.body.lines() {
        let place = format!("a metric: {line}");
        search.look(&place, line, &HEALTH);
        search.look(&place, line, &NAMES);
        search.look(&place, line, &secrets.all());
    }
}

/// Every field that Stripe was sent, and what it kept.
fn provider(stripe: &FakeStripe, secrets: &Secrets, search: &mut Search) {
    let world = stripe.world();
    assert!(world.calls.len() >= 5, "only {} calls", world.calls.len());
    for call in &world.calls {
        for field in call.form.split('&').filter(|field| !field.is_empty()) {
            let field = field
                .replace('+', " ")
                .replace("%40", "@")
                .replace("%2F", "/");
            let place = format!("a field of {}: {field}", call.what);
            search.look(&place, &field, &HEALTH);
            search.look(&place, &field, &NAMES);
            search.look(&place, &field, &secrets.all());
        }
        search.look("an address at the provider", &call.what, &secrets.all());
    }
}

/// Pages that a patient's browser shows or keeps: no treatment, no other secret, and no name in a title.
async fn pages(clinic: &Clinic, secrets: &Secrets, search: &mut Search) {
    for (index, own) in secrets.tokens.iter().enumerate() {
        for path in [
            format!("/p/{own}"),
            format!("/p/{own}/receipt"),
            format!("/p/{own}/receipt.pdf"),
        ] {
            let page = clinic.phone().get(&path).await;
            let place = format!("patient page {index} ({})", page.status);
            let mut others = secrets.all();
            others.retain(|secret| secret != own);
            search.look(&place, &page.body, &HEALTH);
            search.look(&place, &page.body, &others);
            search.look(&format!("the title of {place}"), title(&page), &NAMES);
            search.look(&format!("headers of {place}"), &headers(&page), &NAMES);
            search.look(&format!("headers of {place}"), &headers(&page), &HEALTH);
        }
    }
}

fn title(page: &Page) -> &str {
    let text = page.body.split("<title>").nth(1).unwrap_or_default();
    text.split("</title>").next().unwrap_or_default()
}

fn headers(page: &Page) -> String {
    page.headers
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name}: {value}");
            text
        })
}

/// What staff take away: the timeline as the API tells it (which outgoing webhooks will be made of), and the file.
async fn exports(clinic: &Clinic, secrets: &Secrets, search: &mut Search) {
    let links = clinic.get("/payment-links?limit=200").await;
    for link in links["data"].as_array().expect("a list") {
        let path = format!("/payment-links/{}/events", id(link));
        let events = clinic.get(&path).await.to_string();
        search.look("a timeline", &events, &HEALTH);
        search.look("a timeline", &events, &NAMES[..2]);
        search.look("a timeline", &events, &secrets.all());
    }
    let mut desk = clinic.desk_at(0).await;
    let file = desk.get("/financials/summary.csv").await;
    assert_eq!(file.status, 200);
    search.look("the file of the summary", &file.body, &HEALTH);
    search.look("the file of the summary", &file.body, &NAMES);
    search.look("the file of the summary", &file.body, &secrets.all());
}

/// A stolen database opens nothing: its bytes hold no token, key or password (design 3). Names are there, as they must.
fn bytes_at_rest(clinic: &Clinic, secrets: &Secrets, search: &mut Search) {
    for name in ["remit.db", "remit.db-wal"] {
        // The log is folded into the file at times.
        let Ok(bytes) = std::fs::read(clinic.folder.0.join(name)) else {
            continue;
        };
        let mut sealed = secrets.all();
        // The demo says its own key and password aloud and keeps them for its next start.
        sealed
            .retain(|secret| *secret != clinic.key && *secret != clinic.nodes[0].says("password"));
        search.look_raw(name, &bytes, &sealed);
    }
}

/// The managers' digest, which names nobody. The house starts again for it.
async fn digest(clinic: &mut Clinic, carriers: &Carriers, secrets: &Secrets, search: &mut Search) {
    let on = json!({ "enabled": true, "hour": 0 });
    let saved = clinic.call(0, Method::PUT, "/settings/digest", Some(&on), None);
    saved.await.done();
    let back = "UPDATE digest_setting SET last_day = last_day - 1 RETURNING last_day";
    clinic.number(back).await;
    clinic.restarts();
    let manager = clinic.nodes[0].says("email");
    let end = Instant::now() + STRIPE_WITHIN;
    while carriers.mail.letters(&manager).is_empty() {
        assert!(Instant::now() < end, "no digest");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for letter in carriers.mail.letters(&manager) {
        for part in letter.parts() {
            let text = String::from_utf8_lossy(&part.bytes);
            reads(true, letter.header("subject"), &text, secrets, search);
        }
    }
}

pub async fn play() {
    let mut clinic = Clinic::on_sqlite(&[("REMIT_LOG", "trace,hyper=info,h2=info,sqlx=info")]);
    let stripe = payers::stripe(crate::seed()).await;
    let carriers = Carriers::open().await;
    let secrets = drive(&clinic, &stripe, &carriers).await;
    let mut search = Search::default();
    // What must be findable is found, or the search itself is blind.
    search.look(
        "the control",
        &format!("{FIRST_NAME} has {DIAGNOSIS}"),
        &[FIRST_NAME, DIAGNOSIS],
    );
    assert_eq!(search.hits.len(), 2, "the search does not see");
    search.hits.clear();
    messages(&clinic, &secrets, &mut search).await;
    carried(&carriers, &secrets, &mut search);
    pages(&clinic, &secrets, &mut search).await;
    exports(&clinic, &secrets, &mut search).await;
    provider(&stripe, &secrets, &mut search);
    bytes_at_rest(&clinic, &secrets, &mut search);
    machine(&clinic, &secrets, &mut search).await;
    digest(&mut clinic, &carriers, &secrets, &mut search).await;
    machine(&clinic, &secrets, &mut search).await;
    println!(
        "S17: {} canaries looked for in {} places, {} kB; {} hits",
        NAMES.len() + HEALTH.len() + secrets.all().len(),
        search.places,
        search.bytes / 1024,
        search.hits.len(),
    );
    assert!(search.hits.is_empty(), "{}", search.hits.join("\n"));
}
