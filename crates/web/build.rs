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
    // Style sheets come last: they name other assets, whose hashed addresses must be known by then.
    files.sort_by_key(|path| {
        (
            path.extension().is_some_and(|ending| ending == "css"),
            path.clone(),
        )
    });
    let mut addresses = BTreeMap::new();
    let mut table = String::from("pub(super) static TABLE: &[Asset] = &[\n");
    for path in &files {
        table.push_str(&packed(path, &out, &mut addresses)?);
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

/// Writes one file's three forms beside the table and returns its row.
fn packed(path: &Path, out: &Path, addresses: &mut BTreeMap<String, String>) -> io::Result<String> {
    let name = file_name(path)?;
    let mut content = std::fs::read(path)?;
    if name.ends_with(".css") {
        let text = String::from_utf8(content).map_err(io::Error::other)?;
        content = with_hashed_urls(&text, addresses)?.into_bytes();
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
    Ok(format!(
        "Asset {{ name: {name:?}, url: {url:?}, content_type: {kind:?}, raw: {raw}, br: {br}, gz: {gz} }},\n"
    ))
}

/// Replaces `url("vendor/inter.woff2")` by the address that the file is served at.
fn with_hashed_urls(css: &str, addresses: &BTreeMap<String, String>) -> io::Result<String> {
    let mut done = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(start) = rest.find("url(\"") {
        let (before, after) = rest.split_at(start + 5);
        let end = after
            .find('"')
            .ok_or_else(|| io::Error::other("a url(\" without its end"))?;
        let file = after[..end].rsplit('/').next().unwrap_or_default();
        let url = addresses.get(file).ok_or_else(|| {
            io::Error::other(format!(
                "a style sheet names {file}, which is not among the assets"
            ))
        })?;
        done.push_str(before);
        done.push_str(url);
        rest = &after[end..];
    }
    done.push_str(rest);
    Ok(done)
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
