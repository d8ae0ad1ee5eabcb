//! Hazards B1 to B3: mail gateways, messengers and browsers open links on their own, and nothing comes of it.

use reqwest::Method;

use crate::clinic::{Clinic, id, url};

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "WhatsApp/2.23.20.0",
    "WhatsApp/2.2587.9 N",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Discordbot/2.0; +https://discordapp.com",
    "SkypeUriPreview Preview/0.5",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)",
    "Microsoft Teams",
    "Mozilla/5.0 (compatible; Microsoft Defender SafeLinks)",
    "BarracudaCentral",
    "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
    "Mimecast-URLScanner/1.0",
    "Trend Micro WTP",
    "Sophos Email URL Protection",
    "Symantec Click-time Protection",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "GoogleImageProxy",
    "Google-Safety; +http://www.google.com/bot.html",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "BingPreview/1.0b",
    "Applebot/0.1 (+http://www.apple.com/go/applebot)",
    "iMessageLinkPreview/1.0",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Viber/13.3.0.5",
    "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots",
    "VirusTotalCloud/1.0",
    "urlscan/1.0",
    "curl/8.7.1",
    "python-requests/2.32.3",
    "",
];

pub async fn forty_agents_change_nothing(clinic: &Clinic) {
    assert_eq!(AGENTS.len(), 40);
    let (visit, link) = clinic.books_and_issues(1_500).await;
    let before = (clinic.link(&link).await, clinic.visit(&visit).await);
    let page = clinic.phone().get(url(&link)).await;
    let form = page.form_with("method").expect("a form");
    let paths = [
        page.url.clone(),
        page.url.join(&form.action).expect("an address"),
        page.url
            .join(&format!("{}/receipt", page.url.path()))
            .expect("an address"),
        page.url
            .join(&format!("{}/seen", page.url.path()))
            .expect("an address"),
    ];
    for (number, agent) in AGENTS.iter().enumerate() {
        let mut scanner = clinic.phone_at(number % clinic.nodes.len());
        scanner.always.push(("user-agent", (*agent).to_owned()));
        match number % 4 {
            0 => scanner.always.push(("sec-purpose", "prefetch".to_owned())),
            1 => scanner
                .always
                .push(("sec-purpose", "prefetch;prerender".to_owned())),
            2 => scanner.always.push(("purpose", "prefetch".to_owned())),
            _ => {}
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for path in &paths {
                let answer = scanner.send(method.clone(), path.clone(), None, None).await;
                assert!(
                    answer.status < 500,
                    "{method} {path} by {agent}: {}",
                    answer.status
                );
            }
        }
    }
    let after = (clinic.link(&link).await, clinic.visit(&visit).await);
    assert_eq!(before, after);
    // Fetched pages are kept on the timeline, where staff see that nobody is known to have looked.
    let path = format!("/payment-links/{}/events", id(&link));
    let fetched =
        |events: &serde_json::Value| events["data"].as_array().is_some_and(|all| all.len() > 1);
    let events = clinic.until(&path, fetched).await;
    for event in events["data"].as_array().expect("a list") {
        let kind = event["type"].as_str().expect("a type");
        assert!(
            !kind.contains("accessed") && !kind.contains("attempt"),
            "{event}"
        );
    }
}
