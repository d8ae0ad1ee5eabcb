//! Turns `assets/` into a table inside the binary: hashed addresses, and each file as it is, in brotli and in
//! gzip, so that nothing is compressed while a page waits. Needs no Node.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Brotli 9 is within 4 % of 11 on these files and keeps a debug build of this script under a few seconds.
const BROTLI_QUALITY: u32 = 9;
const GZIP_LEVEL: u32 = 9;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=templates");
    let root = PathBuf::from(required("CARGO_MANIFEST_DIR")?).join("assets");
    let out = PathBuf::from(required("OUT_DIR")?);
    let mut files = Vec::new();
    for folder in [root.clone(), root.join("vendor")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if content_type(&path).is_some() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut addresses = BTreeMap::new();
    let mut table = String::from("pub(super) static TABLE: &[Asset] = &[\n");
    // A file that names others comes after them: their hashed addresses stand in it.
    while !files.is_empty() {
        let mut waiting = Vec::new();
        for path in &files {
            match packed(path, &out, &mut addresses)? {
                Some(row) => table.push_str(&row),
                None => waiting.push(path.clone()),
            }
        }
        if waiting.len() == files.len() {
            let names = format!("{waiting:?}");
            return Err(io::Error::other(format!(
                "these name a file that is not among the assets, or one another: {names}"
            )));
        }
        files = waiting;
    }
    table.push_str("];\n");
    table.push_str(&glyphs(&root.join("icons.svg"))?);
    std::fs::write(out.join("assets.rs"), table)
}

fn required(name: &str) -> io::Result<String> {
    std::env::var(name)
        .map_err(|_| io::Error::other(format!("cargo sets {name} for a build script")))
}

fn content_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

/// How style sheets and our modules name another file, up to its name.
fn mentions(path: &Path) -> &'static [&'static str] {
    let vendored = path
        .parent()
        .is_some_and(|folder| folder.ends_with("vendor"));
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("css") => &["url(\""],
        Some("js") if !vendored => &["import \"./", " from \"./", "import(\"./", ".src = \"./"],
        _ => &[],
    }
}

/// Writes one file's three forms beside the table and returns its row; none while it names a file without address.
fn packed(
    path: &Path,
    out: &Path,
    addresses: &mut BTreeMap<String, String>,
) -> io::Result<Option<String>> {
    let name = file_name(path)?;
    let mut content = std::fs::read(path)?;
    for before in mentions(path) {
        let text = String::from_utf8(content).map_err(io::Error::other)?;
        match with_hashed_urls(&text, before, addresses)? {
            Some(text) => content = text.into_bytes(),
            None => return Ok(None),
        }
    }
    let hash = hex(&Sha256::digest(&content)[..6]);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let url = format!("/assets/{stem}-{hash}.{ending}");
    addresses.insert(name.clone(), url.clone());

    let write = |suffix: &str, bytes: &[u8]| -> io::Result<String> {
        let target = out.join(format!("{name}{suffix}"));
        std::fs::write(&target, bytes)?;
        Ok(format!(
            "include_bytes!({:?})",
            target.display().to_string()
        ))
    };
    let raw = write("", &content)?;
    let (br, gz) = if ending == "woff2" {
        ("&[]".to_owned(), "&[]".to_owned()) // already compressed
    } else {
        (
            write(".br", &brotli(&content)?)?,
            write(".gz", &gzip(&content)?)?,
        )
    };
    let kind = content_type(path).unwrap_or("application/octet-stream");
    Ok(Some(format!(
        "Asset {{ name: {name:?}, url: {url:?}, content_type: {kind:?}, raw: {raw}, br: {br}, gz: {gz} }},\n"
    )))
}

/// Replaces `url("vendor/inter.woff2")` and `from "./keys.js"` by the address that the file is served at; none when one
/// has no address yet.
fn with_hashed_urls(
    text: &str,
    before: &str,
    addresses: &BTreeMap<String, String>,
) -> io::Result<Option<String>> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(before) {
        let (kept, after) = rest.split_at(start + before.len());
        let end = after
            .find('"')
            .ok_or_else(|| io::Error::other(format!("{before} without its end")))?;
        let file = after[..end].rsplit('/').next().unwrap_or_default();
        let Some(url) = addresses.get(file) else {
            return Ok(None);
        };
        done.push_str(kept.strip_suffix("./").unwrap_or(kept));
        done.push_str(url);
        rest = &after[end..];
    }
    done.push_str(rest);
    Ok(Some(done))
}

/// The drawing of each icon, for pages that set it inline instead of fetching the sprite.
fn glyphs(sprite: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(sprite)?;
    let mut table = String::from("pub(super) static GLYPHS: &[(&str, &str)] = &[\n");
    for line in text.lines().filter(|line| line.starts_with("<symbol")) {
        let name = line.split('"').nth(1).unwrap_or_default();
        let drawing = line
            .split_once('>')
            .map_or("", |(_, rest)| rest)
            .trim_end_matches("</symbol>");
        writeln!(table, "({name:?}, {drawing:?}),").map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 64 * 1024, BROTLI_QUALITY, 18);
    writer.write_all(content)?;
    drop(writer);
    Ok(packed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer =
        flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
    writer.write_all(content)?;
    writer.finish()
}

fn file_name(path: &Path) -> io::Result<String> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("an asset's name is not text"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
