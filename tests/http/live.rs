//! Live pages over several nodes.

use std::time::Duration;

use crate::clinic::{Clinic, continues, id, pays_by_card, url};

/// How long an event may take; the receptionist sees it within a second of the payment.
const HEARD_WITHIN: Duration = Duration::from_secs(20);

/// A stream on the last node hears of a payment made through the first.
pub async fn the_other_node_hears_of_a_payment(clinic: &Clinic) {
    let (_, link) = clinic.books_and_issues(1_900).await;
    let desk = clinic.desk_at(clinic.far()).await;
    let mut stream = desk.stream("/live").await;
    assert_eq!(stream.status().as_u16(), 200);

    let mut phone = clinic.phone_at(0);
    continues(&mut phone, url(&link), "klarna").await;
    hear(&mut stream, id(&link)).await;
    pays_by_card(&mut clinic.phone_at(0), url(&link)).await;
    // What was heard may still be the choosing of a method: the page reads anew with each event, and so do we.
    while clinic.link(&link).await["status"] != "paid" {
        hear(&mut stream, id(&link)).await;
    }
}

/// The bell's page tells of a payment, until the person has read it; another person's stays unread.
pub async fn a_payment_is_told_at_the_bell_until_it_is_read(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(2_345).await;
    let mut desk = clinic.desk_at(clinic.far()).await;
    let mut stream = desk.stream("/live").await;
    pays_by_card(&mut clinic.phone_at(0), url(&link)).await;
    hear(&mut stream, "notify").await;
    clinic.sees_status(&link, "paid").await;
    let told = desk.get("/notifications").await;
    let place = format!("/appointments/{}", id(&visit));
    let row = told.body.split("<li").find(|row| row.contains(&place));
    let row = row.unwrap_or_else(|| panic!("not told: {}", told.text()));
    assert!(
        row.contains("paid £23.45") && row.contains("Unread"),
        "{row}"
    );
    let form = told.form_with("until").expect("mark all as read");
    let read = desk.submit(&told, &form, &[]).await;
    let row = read.body.split("<li").find(|row| row.contains(&place));
    assert!(
        !row.expect("still there").contains("Unread"),
        "{}",
        read.body
    );
}

/// Waits for the next event that names the topic.
async fn hear(stream: &mut reqwest::Response, topic: &str) {
    let heard = tokio::time::timeout(HEARD_WITHIN, async {
        let mut told = String::new();
        while let Some(chunk) = stream.chunk().await.expect("the stream goes on") {
            told.push_str(&String::from_utf8_lossy(&chunk));
            let whole = told.rfind("\n\n").map_or(0, |end| end + 2);
            if told[..whole].contains(topic) {
                return true;
            }
            told.drain(..whole);
        }
        false
    });
    let heard = heard.await.unwrap_or(false);
    assert!(heard, "nothing was told of {topic}");
}
