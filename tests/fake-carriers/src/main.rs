//! `fake-carriers [--listen ADDR] [--smtp ADDR]`: the fakes for use by hand. Prints their addresses and keys, then shows
//! what they take until the process is ended.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use fake_carriers::{
    ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, FakeCarriers, FakeImap, FakeSmtp, Fault,
    MailFault, SIGNATURE_SECRET, TOKEN,
};

const USE: &str = "use: fake-carriers [--listen ADDR] [--smtp ADDR]   (default 127.0.0.1:12121 and 127.0.0.1:12125)";
/// Numbers and addresses that always fail, to be seen by hand.
const UNSUBSCRIBED: &str = "+447700900610";
const UNREACHABLE: &str = "+447700900003";
const NOBODY: &str = "nobody@example.com";
/// Taken, and then it comes back to the mailbox.
const GONE: &str = "gone@example.com";
const REPEATS: usize = 1_000;

fn wanted() -> Option<(SocketAddr, SocketAddr)> {
    let (mut http, mut smtp) = ("127.0.0.1:12121".to_owned(), "127.0.0.1:12125".to_owned());
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        match (name.as_str(), args.next()) {
            ("--listen", Some(address)) => http = address,
            ("--smtp", Some(address)) => smtp = address,
            _ => return None,
        }
    }
    Some((http.parse().ok()?, smtp.parse().ok()?))
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some((http, smtp)) = wanted() else {
        eprintln!("{USE}");
        return ExitCode::from(2);
    };
    let started = async {
        let texts = FakeCarriers::start(http).await?;
        let mail = FakeSmtp::start(smtp).await?;
        Ok::<_, std::io::Error>((texts, mail, FakeImap::open().await?))
    };
    let (texts, mail, mailbox) = match started.await {
        Ok(started) => started,
        Err(error) => {
            eprintln!("cannot listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    for _ in 0..REPEATS {
        texts.fault(UNSUBSCRIBED, Fault::Refuse(21_610));
        texts.fault(UNREACHABLE, Fault::NotDelivered(30_003));
        mail.fault(NOBODY, MailFault::Recipient("550 5.1.1 no such user"));
    }
    println!(
        "twilio: api_base {} account_sid {ACCOUNT_SID} auth_token {AUTH_TOKEN}",
        texts.url
    );
    println!(
        "vonage: api_base {} api_key {API_KEY} api_secret {API_SECRET} signature_secret {SIGNATURE_SECRET}",
        texts.url
    );
    println!("http: api_base {}/gateway token {TOKEN}", texts.url);
    println!("smtp: smtp_url {} bounces_url {}", mail.url, mailbox.url);
    println!(
        "texts to {UNSUBSCRIBED} are refused, to {UNREACHABLE} not delivered; email to {NOBODY} is refused, to {GONE} \
         comes back"
    );
    // Serves until a signal ends the process.
    let mut back = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for letter in mail.letters(GONE).iter().skip(back) {
            mailbox.bounces(letter, "550 5.1.1 no such user");
            back += 1;
        }
    }
}
