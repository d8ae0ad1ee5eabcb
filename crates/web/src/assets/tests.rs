use std::collections::BTreeSet;
use std::path::Path as FilePath;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::{all, find, glyph, serve, url};

fn source(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![FilePath::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((
                    path.display().to_string(),
                    std::fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found
}

/// What stands between `before` and the next quote, everywhere in `text`.
fn quoted_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

/// What a phone receives for `remit.css` when it sends `accept`: the encoding, and whether it is smaller.
async fn fetch(accept: &str) -> (Option<String>, bool) {
    let asset = find(url("remit.css")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_str(accept).unwrap(),
    );
    let answer = serve(
        Path(asset.url.trim_start_matches("/assets/").to_owned()),
        headers,
    )
    .await;
    let encoding = answer
        .headers()
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap().to_owned());
    assert!(
        answer.headers()[header::CACHE_CONTROL]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap();
    (encoding, body.len() < asset.raw.len() / 3)
}

#[tokio::test]
async fn the_smallest_form_that_the_client_takes_is_sent() {
    for (accept, encoding) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip", Some("gzip")),
        ("br;q=0, gzip;q=0.5", Some("gzip")),
        ("identity", None),
    ] {
        let (got, small) = fetch(accept).await;
        assert_eq!(
            (got.as_deref(), small),
            (encoding, encoding.is_some()),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn an_unknown_file_is_not_found() {
    for path in ["remit.css", "../Cargo.toml", ""] {
        assert_eq!(
            serve(Path(path.to_owned()), HeaderMap::new())
                .await
                .status(),
            404,
            "{path}"
        );
    }
}

#[test]
fn vendored_files_are_as_published() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("assets/vendor");
    let manifest = std::fs::read_to_string(folder.join("VENDOR.toml")).unwrap();
    let names = quoted_after(&manifest, "\nfile = \"");
    let mut listed = BTreeSet::from(["VENDOR.toml".to_owned()]);
    for (file, expected) in names.zip(quoted_after(&manifest, "sha256 = \"")) {
        let hash = Sha256::digest(std::fs::read(folder.join(file)).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected, "{file} is not what scripts/vendor fetched");
        listed.insert(file.to_owned());
    }
    let present: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        present, listed,
        "every file in assets/vendor stands in VENDOR.toml"
    );
}

#[test]
fn style_sheets_name_hashed_addresses_only() {
    for asset in all().iter().filter(|asset| asset.name.ends_with(".css")) {
        let text = std::str::from_utf8(asset.raw).unwrap();
        for target in quoted_after(text, "url(\"") {
            assert!(find(target).is_some(), "{} names {target}", asset.name);
        }
    }
}

#[test]
fn modules_import_hashed_addresses_only() {
    let scripts = all().iter().filter(|asset| asset.name.ends_with(".js"));
    let mut seen = 0;
    for asset in scripts {
        let text = std::str::from_utf8(asset.raw).unwrap();
        for before in ["import \"/", " from \"/", "import(\"/", ".src = \"/"] {
            for target in quoted_after(text, before) {
                assert!(
                    find(&format!("/{target}")).is_some(),
                    "{} imports {target}",
                    asset.name
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen} imports");
}

/// Each icon and asset that a template or a page names exists, and no icon is carried along unused.
#[test]
fn templates_name_icons_and_assets_that_exist() {
    let mut text: String = source("templates")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    text.extend(source("src/pages").into_iter().map(|(_, text)| text));
    for name in quoted_after(&text, "assets::url(\"") {
        assert_ne!(url(name), "/assets/missing", "{name}");
    }
    let mut used = BTreeSet::new();
    for before in ["icon(\"", "glyph(\"", "icon: \"", "=> \"i:"] {
        used.extend(quoted_after(&text, before));
    }
    for name in &used {
        assert!(
            !glyph(name).to_string().is_empty(),
            "the sprite has no {name}; add it in scripts/vendor"
        );
    }
    let unused: Vec<_> = super::table::GLYPHS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !used.contains(name) && !text.contains(&format!("\"{name}\"")))
        .collect();
    assert!(unused.is_empty(), "take {unused:?} out of scripts/vendor");
}

/// The policy forbids inline script and style, and `safe` would let text in unescaped.
#[test]
fn templates_have_nothing_inline_and_escape_everything() {
    for (path, text) in source("templates") {
        for forbidden in [
            "style=\"",
            "<style",
            "|safe",
            "| safe",
            "javascript:",
            " onclick=",
            "hx-on",
            "http://",
        ] {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
        for script in text.split("<script").skip(1) {
            assert!(
                script.starts_with(" src="),
                "{path} has a script without a file"
            );
        }
        for form in text
            .split("<form")
            .skip(1)
            .map(|rest| rest.split("</form>").next().unwrap_or_default())
        {
            let posts = form.contains("method=\"post\"");
            assert!(
                !posts
                    || form.contains("name=\"csrf\"")
                    || form.contains("csrf(")
                    || form.contains("staff/booking_fields.html"),
                "{path}: {form}"
            );
        }
    }
}
