//! An email as it came in: its headers and its parts, read as RFC 5322 and MIME have them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Debug)]
pub struct Letter {
    pub from: String,
    pub to: String,
    pub raw: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// One part: its headers and its content.
#[derive(Clone, Debug)]
pub struct Part {
    pub media_type: String,
    pub disposition: String,
    pub bytes: Vec<u8>,
}

fn split(raw: &str) -> (Vec<(String, String)>, String) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
    // A line that begins with a space goes on from the one before.
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = unfolded
        .split("\r\n")
        .filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    (headers.collect(), body.to_owned())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value.as_str())
}

impl Letter {
    pub fn read(from: &str, to: &str, raw: &str) -> Letter {
        let (headers, body) = split(raw);
        Letter {
            from: from.to_owned(),
            to: to.to_owned(),
            raw: raw.to_owned(),
            headers,
            body,
        }
    }

    /// A header by its name in small letters; empty without one.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    pub fn message_id(&self) -> &str {
        self.header("message-id")
    }

    /// Every part that holds something, in order.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        gather(&self.headers, &self.body, &mut parts);
        parts
    }

    /// The plain text.
    pub fn text(&self) -> String {
        let parts = self.parts();
        let plain = parts
            .iter()
            .find(|part| part.media_type.starts_with("text/plain"));
        plain
            .map(|part| String::from_utf8_lossy(&part.bytes).replace("\r\n", "\n"))
            .unwrap_or_default()
    }

    /// What a receiving server would hold against it.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for name in [
            "from",
            "to",
            "date",
            "message-id",
            "subject",
            "mime-version",
            "auto-submitted",
        ] {
            match self
                .headers
                .iter()
                .filter(|(known, _)| known == name)
                .count()
            {
                1 => {}
                count => wrong.push(format!("{count} headers {name}")),
            }
        }
        if let Some(line) = self.raw.split("\r\n").find(|line| line.len() > 998) {
            wrong.push(format!("a line of {} bytes", line.len()));
        }
        if self.headers.iter().any(|(_, value)| !value.is_ascii()) {
            wrong.push("a header outside ASCII".into());
        }
        wrong
    }
}

fn gather(headers: &[(String, String)], body: &str, parts: &mut Vec<Part>) {
    let media_type = header(headers, "content-type").to_owned();
    if media_type.starts_with("multipart/") {
        let boundary = media_type.split("boundary=").nth(1).unwrap_or_default();
        let boundary = boundary
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_matches('"');
        let mark = format!("--{boundary}");
        for piece in body.split(mark.as_str()).skip(1) {
            if piece.starts_with("--") {
                break;
            }
            let (headers, body) = split(piece.trim_start_matches("\r\n"));
            gather(&headers, body.strip_suffix("\r\n").unwrap_or(&body), parts);
        }
        return;
    }
    parts.push(Part {
        media_type,
        disposition: header(headers, "content-disposition").to_owned(),
        bytes: decoded(header(headers, "content-transfer-encoding"), body),
    });
}

fn decoded(encoding: &str, body: &str) -> Vec<u8> {
    match encoding {
        "base64" => {
            let bare: String = body.split_whitespace().collect();
            STANDARD.decode(bare).unwrap_or_default()
        }
        "quoted-printable" => unquoted(body),
        _ => body.as_bytes().to_vec(),
    }
}

/// RFC 2045, 6.7.
fn unquoted(body: &str) -> Vec<u8> {
    let bare = body.replace("=\r\n", "");
    let bytes = bare.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let pair = bare.get(at + 1..at + 3).filter(|_| bytes[at] == b'=');
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}
