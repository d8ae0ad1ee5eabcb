//! Suite S4, first line: SIGKILL at a random moment under load. What was acknowledged is there exactly once; what was
//! not is there exactly once after it was sent again under its own key; the books are sound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clients::{Chance, Clients, Intent, What, text};
use crate::server::{Folder, Server, Start, random, run};

const ROUNDS: u64 = 50;
const CLIENTS: usize = 4;
/// The kill comes after so many acknowledgements, fewer than this, and a random moment: however slow the machine is, some
/// rounds end in the middle of a payment.
const LIFE_ACKNOWLEDGED_MAX: u64 = 40;
const MOMENT_MS_MAX: u64 = 20;
/// When the clients are stuck, which the assertions after the kill tell better than a test that hangs.
const LIFE_MAX: Duration = Duration::from_secs(20);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A port that is free now; the server keeps it over its restarts, so that every address stays good.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

struct House {
    start: Start,
    folder: Folder,
}

impl House {
    fn new() -> House {
        let folder = Folder::new("torture");
        let mut start = Start::demo(&folder.0, None).with(&[("REMIT_LOG", "warn")]);
        start.args[2] = format!("127.0.0.1:{}", free_port());
        House { start, folder }
    }

    fn opens(&self) -> Server {
        Server::start(&self.start, "api_key")
    }

    fn books_balance(&self) {
        let database = format!("sqlite://{}", self.folder.0.join("remit.db").display());
        let (sound, said) = run(&["check", "--json"], &[("REMIT_DATABASE_URL", &database)]);
        assert!(sound, "{said}");
    }
}

/// Everybody works until `end` has ended the server.
async fn under_load(clients: &Arc<Clients>, chance: &Arc<Chance>, end: impl FnOnce()) {
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (clients, chance) = (clients.clone(), chance.clone());
        working.spawn(async move { clients.work(&chance).await });
    }
    let enough = clients.acknowledged() + chance.below(LIFE_ACKNOWLEDGED_MAX);
    let late = Instant::now() + LIFE_MAX;
    while clients.acknowledged() < enough && Instant::now() < late {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(chance.below(MOMENT_MS_MAX))).await;
    end();
    while let Some(done) = working.join_next().await {
        done.expect("no client panics");
    }
}

fn list<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = answer[name].as_array();
    list.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// How often the effect of an intent is there.
async fn found(clients: &Clients, intent: &Intent) -> usize {
    let marked = |all: &[Value], name: &str| {
        all.iter()
            .filter(|one| one[name] == intent.key.as_str())
            .count()
    };
    match &intent.what {
        What::Patient { name } => {
            let page = clients.get(&format!("/patients?q={name}")).await;
            let all = list(&page, "data").iter();
            all.filter(|one| one["name"] == name.as_str()).count()
        }
        What::Appointment { patient } => {
            let page = clients
                .get(&format!("/appointments?patient_id={patient}"))
                .await;
            list(&page, "data").len()
        }
        What::Link { appointment } => {
            let page = clients
                .get(&format!("/payment-links?appointment_id={appointment}"))
                .await;
            list(&page, "data").len()
        }
        What::Desk { appointment } => {
            let visit = clients.get(&format!("/appointments/{appointment}")).await;
            marked(list(&visit, "payments"), "reference")
        }
        What::Delivery { link } => {
            let link = clients.get(&format!("/payment-links/{link}")).await;
            list(&link, "deliveries").len()
        }
        What::Refund { payment } => {
            let payment = clients.get(&format!("/payments/{payment}")).await;
            marked(list(&payment, "refunds"), "reason")
        }
    }
}

/// Every intent since `start` has its effect once, or was refused and has none; every message went out once at most.
async fn look(clients: &Clients, start: usize) -> usize {
    let mut done = 0;
    for intent in clients.since(start) {
        let (status, answer) = intent.answer.clone().expect("acknowledged by now");
        let wanted = usize::from(status < 300);
        assert_eq!(found(clients, &intent).await, wanted, "{intent:?}");
        done += wanted;
        if let (What::Delivery { link }, true) = (&intent.what, status < 300) {
            let out = |link: &Value| list(link, "deliveries")[0]["status"] != "queued";
            let link = clients.until(&format!("/payment-links/{link}"), out).await;
            let url = text(&link, "url");
            let tray = clients.tray().await;
            let sms = tray
                .iter()
                .filter(|one| one["channel"] == "sms" && text(one, "text").contains(url));
            let sent = list(&link, "deliveries")[0]["status"] != "failed";
            assert_eq!(sms.count(), usize::from(sent), "{answer}");
        }
    }
    done
}

/// Whatever the provider took is on the appointment, once.
async fn all_money_is_posted(clients: &Clients) -> usize {
    let taken = clients.taken.lock().expect("unbroken").clone();
    for (appointment, amount) in &taken {
        let online = |visit: &Value| {
            let payments = list(visit, "payments").iter();
            let online: Vec<i64> = payments
                .filter(|payment| payment["provider"] == "sandbox")
                .filter_map(|payment| payment["amount"]["amount"].as_i64())
                .collect();
            assert!(online.len() <= 1, "posted twice: {visit}");
            online.first() == Some(amount)
        };
        clients
            .until(&format!("/appointments/{appointment}"), online)
            .await;
    }
    taken.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_happens_twice() {
    let seed = number("REMIT_SEED").unwrap_or_else(|| u64::from(random()));
    let rounds = number("REMIT_ROUNDS").unwrap_or(ROUNDS);
    println!("REMIT_SEED={seed} REMIT_ROUNDS={rounds}");
    let chance = Arc::new(Chance::new(seed));
    let house = House::new();
    let mut server = house.opens();
    let clients = Clients::new(server.says("url"), server.says("api_key"), seed);
    let clients = Arc::new(clients);
    clients.furnish().await;
    let (mut effects, mut repeated) = (0, 0);
    for round in 0..rounds {
        let start = clients.count();
        under_load(&clients, &chance, || server.kill()).await;
        server = house.opens();
        repeated += clients.retries().await;
        effects += look(&clients, start).await;
        // The sum of all rounds so far, with the server at work beside it.
        if round % 10 == 9 || round + 1 == rounds {
            house.books_balance();
        }
    }
    let start = clients.count();
    let mut code = None;
    under_load(&clients, &chance, || code = server.stop()).await;
    assert_eq!(code, Some(0), "SIGTERM is a clean end");
    let _server = house.opens();
    repeated += clients.retries().await;
    effects += look(&clients, start).await;
    let paid = all_money_is_posted(&clients).await;
    house.books_balance();
    println!(
        "{effects} effects once each, {repeated} commands sent again, {paid} online payments posted once"
    );
    assert!(
        rounds < 10 || (repeated > 0 && paid > 0),
        "the kills hit nothing"
    );
}
