//! `fake-stripe --listen ADDR`: the fake for use by hand. Prints its address and keys, then serves until it is ended.

use std::process::ExitCode;

use fake_stripe::{FakeStripe, LIVE_KEY, Options, RESTRICTED_KEY, REVOKED_KEY, SECRET_KEY};

const USE: &str = "use: fake-stripe [--listen ADDR]   (default 127.0.0.1:12111)";

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let listen = match (args.next().as_deref(), args.next(), args.next()) {
        (None, ..) => "127.0.0.1:12111".to_owned(),
        (Some("--listen"), Some(address), None) => address,
        _ => {
            eprintln!("{USE}");
            return ExitCode::from(2);
        }
    };
    let Ok(listen) = listen.parse() else {
        eprintln!("{listen} is no address, such as 127.0.0.1:12111\n{USE}");
        return ExitCode::from(2);
    };
    let fake = match FakeStripe::start(Options {
        listen,
        ..Options::default()
    })
    .await
    {
        Ok(fake) => fake,
        Err(error) => {
            eprintln!("cannot listen on {listen}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("api_base: {}", fake.url);
    println!("secret_key: {SECRET_KEY}");
    println!("restricted_key: {RESTRICTED_KEY}");
    println!("live_key: {LIVE_KEY}");
    println!("revoked_key: {REVOKED_KEY}");
    println!(
        "faults: POST {}/_faults with JSON; by hand: POST {}/_verbs/payout, refund, dispute, ...",
        fake.url, fake.url
    );
    // Serves until a signal ends the process.
    std::future::pending::<()>().await;
    ExitCode::SUCCESS
}
