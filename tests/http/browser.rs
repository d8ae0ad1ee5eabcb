//! A phone without script: pages, plain forms, cookies, and as strict as a real browser where it matters (hazard B12):
//! `Origin: null` on a form of a page without referrer, and `form-action` ruling the redirects of a submission too.

use std::collections::HashMap;

use reqwest::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Url};

/// Hops of one submission; a longer chain is a circle.
const HOPS_MAX: u32 = 10;

/// A client that follows nothing and keeps no connection: a killed server must not leave a dead one behind.
pub fn client() -> Client {
    // The first caller's answer counts; all install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .no_proxy()
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .expect("a client")
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// What a person reads: the text between the tags.
    pub fn text(&self) -> String {
        let pieces = self.body.split('<').skip(1);
        let texts: Vec<&str> = pieces
            .filter_map(|piece| piece.split_once('>').map(|(_, text)| text.trim()))
            .filter(|text| !text.is_empty())
            .collect();
        texts.join(" ")
    }

    pub fn forms(&self) -> Vec<Form> {
        let mut rest = self.body.as_str();
        let mut forms = vec![];
        while let Some(start) = rest.find("<form") {
            let inside = &rest[start..];
            let end = inside.find("</form>").unwrap_or(inside.len());
            forms.push(Form::read(&inside[..end]));
            rest = &inside[end..];
        }
        forms
    }

    /// The form that has a control of this name.
    pub fn form_with(&self, name: &str) -> Option<Form> {
        let mut forms = self.forms().into_iter();
        forms.find(|form| form.controls.iter().any(|control| control.name == name))
    }
}

#[derive(Clone, Debug)]
pub struct Control {
    pub kind: String,
    pub name: String,
    pub value: String,
    pub checked: bool,
}

#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub controls: Vec<Control>,
}

impl Form {
    fn read(html: &str) -> Form {
        let action = attribute(tag_at(html), "action").unwrap_or_default();
        let mut controls = vec![];
        for piece in html.split('<').skip(2) {
            let tag = tag_at(piece);
            let is = |name: &str| tag.starts_with(name);
            if !is("input") && !is("button") {
                continue;
            }
            let kind = if is("button") { "submit" } else { "text" };
            controls.push(Control {
                kind: attribute(tag, "type").unwrap_or_else(|| kind.to_owned()),
                name: attribute(tag, "name").unwrap_or_default(),
                value: attribute(tag, "value").unwrap_or_default(),
                checked: tag.split_whitespace().any(|word| word == "checked"),
            });
        }
        Form { action, controls }
    }

    /// The values that the control of this name offers.
    pub fn values_of(&self, name: &str) -> Vec<&str> {
        let controls = self.controls.iter();
        controls
            .filter(|control| control.name == name)
            .map(|control| control.value.as_str())
            .collect()
    }

    /// What is sent: hidden and chosen controls as they are, then what was typed or pressed.
    fn filled(&self, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut sent: Vec<(String, String)> = vec![];
        for control in &self.controls {
            let given = typed.iter().any(|(name, _)| *name == control.name);
            let choice = matches!(control.kind.as_str(), "radio" | "checkbox");
            let left_out = control.kind == "submit" || (choice && !control.checked);
            if !given && !left_out && !control.name.is_empty() {
                sent.push((control.name.clone(), control.value.clone()));
            }
        }
        let typed = typed.iter();
        sent.extend(typed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        sent
    }
}

fn tag_at(html: &str) -> &str {
    html.split('>').next().unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(
        value
            .replace("&#x2F;", "/")
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}

/// A browser with cookies of its own. It reaches the installation's public address at one of its nodes, as a load
/// balancer would have it.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    public: Url,
    node: Url,
    cookies: HashMap<String, String>,
    /// Sent with every request, like `Sec-Purpose`.
    pub always: Vec<(&'static str, String)>,
}

impl Browser {
    pub fn new(public: &str, node: &str) -> Browser {
        Browser {
            client: client(),
            public: public.parse().expect("an address"),
            node: node.parse().expect("an address"),
            cookies: HashMap::new(),
            always: vec![],
        }
    }

    pub async fn get(&mut self, url: &str) -> Page {
        let url = self.public.join(url).expect("an address");
        self.follow(Method::GET, url, None, None).await
    }

    /// Sends a form with what was typed and the button pressed, and follows where it leads.
    pub async fn submit(&mut self, page: &Page, form: &Form, typed: &[(&str, &str)]) -> Page {
        let url = page.url.join(&form.action).expect("an address");
        let body = Url::parse_with_params("http://x/", form.filled(typed)).expect("form values");
        let body = body.query().unwrap_or_default().to_owned();
        self.follow(Method::POST, url, Some(body), Some(page)).await
    }

    async fn follow(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut body: Option<String>,
        source: Option<&Page>,
    ) -> Page {
        for _ in 0..HOPS_MAX {
            if let Some(page) = source {
                assert_form_action(page, &url);
            }
            let page = self.send(method, url.clone(), body.take(), source).await;
            if !(301..=308).contains(&page.status) {
                return page;
            }
            url = url.join(page.header("location")).expect("an address");
            method = Method::GET;
        }
        panic!("redirected in a circle: {url}");
    }

    /// One request, nothing followed.
    pub async fn send(
        &mut self,
        method: Method,
        url: Url,
        body: Option<String>,
        source: Option<&Page>,
    ) -> Page {
        let mut target = url.clone();
        let mut request = if url.authority() == self.public.authority() {
            target.set_host(self.node.host_str()).expect("a host");
            target.set_port(self.node.port()).expect("a port");
            self.client
                .request(method.clone(), target)
                .header(HOST, self.public.authority())
        } else {
            self.client.request(method.clone(), target)
        };
        let site = match source {
            None => "none",
            Some(page) if page.url.origin() == url.origin() => "same-origin",
            Some(_) => "cross-site",
        };
        request = request.header("sec-fetch-site", site);
        if let (Some(page), Method::POST) = (source, method) {
            let quiet = page.header("referrer-policy") == "no-referrer";
            let origin = page.url.origin().ascii_serialization();
            request = request.header("origin", if quiet { "null" } else { &origin });
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
        }
        if !self.cookies.is_empty() {
            let jar: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, jar.join("; "));
        }
        for (name, value) in &self.always {
            request = request.header(*name, value);
        }
        let response = request.send().await.expect("an answer");
        self.keep_cookies(&response);
        read(url, response).await
    }

    fn keep_cookies(&mut self, response: &reqwest::Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().expect("a readable cookie");
            let (pair, attributes) = text.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            assert!(
                !name.starts_with("__Host-")
                    || (attributes.contains("Path=/") && attributes.contains("Secure")),
                "a browser refuses {text}"
            );
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// A response that stays open.
    pub async fn stream(&self, path: &str) -> reqwest::Response {
        let jar: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let url = self.node.join(path).expect("an address");
        let request = client().get(url).header(COOKIE, jar.join("; "));
        request.send().await.expect("an answer")
    }
}

pub async fn read(url: Url, response: reqwest::Response) -> Page {
    let status = response.status().as_u16();
    let headers = response.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default().to_owned();
        (name.as_str().to_owned(), value)
    });
    let mut headers: Vec<(String, String)> = headers.collect();
    headers.retain(|(name, _)| name != LOCATION.as_str() || (300..400).contains(&status));
    let body = response.bytes().await.expect("a whole answer");
    Page {
        url,
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// A browser stops a submission whose redirect leads where `form-action` does not allow.
fn assert_form_action(page: &Page, target: &Url) {
    let policy = page.header("content-security-policy");
    let directive = policy
        .split(';')
        .find_map(|directive| directive.trim().strip_prefix("form-action "));
    let Some(allowed) = directive else { return };
    let origin = target.origin().ascii_serialization();
    let own = page.url.origin().ascii_serialization() == origin;
    let allows = allowed
        .split_whitespace()
        .any(|source| (source == "'self'" && own) || is_meant(source, &origin));
    assert!(
        allows,
        "form-action of {} does not allow {target}",
        page.url
    );
}

/// Whether a source of a policy means an origin: the origin itself, a whole scheme, or any port of a host.
fn is_meant(source: &str, origin: &str) -> bool {
    if source.ends_with(':') {
        return origin.starts_with(&format!("{source}//"));
    }
    match source.strip_suffix(":*") {
        Some(host) => origin == host || origin.starts_with(&format!("{host}:")),
        None => source.trim_end_matches('/') == origin,
    }
}
