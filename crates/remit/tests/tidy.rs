//! The house rules as tests. Each refusal says what to do about it.
//!
//! Limits are ratchets: what is over a limit today is listed with its size, may shrink and may not grow, and leaves the
//! list when it fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file above which it holds more than one idea.
const FILE_LINES_MAX: usize = 700;
/// Lines of a function, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 90;

/// Files over the limit that were there before it: path, lines it may have.
const LONG_FILES: &[(&str, usize)] = &[];
/// Functions over the limit that were there before it: path, name, lines it may have.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Which of our crates each crate may name under `[dependencies]`: the arrows of the house.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("store", &["remit-core"]),
    ("gateways", &["remit-core"]),
    ("app", &["remit-core", "remit-store", "remit-gateways"]),
    ("web", &["remit-core", "remit-app"]),
    ("remit", &["remit-core", "remit-app", "remit-web"]),
];
/// The floors from the ground up; a test may reach down past the next floor, never up.
const FLOORS: &[&[&str]] = &[
    &["core"],
    &["store", "gateways"],
    &["app"],
    &["web"],
    &["remit"],
];

/// Crates whose types or keys pass between our crates: a second version is a second, incompatible world.
const ONE_VERSION: &[&str] = &[
    "axum",
    "http",
    "hyper",
    "libsqlite3-sys",
    "rustls",
    "sqlx-core",
    "tower",
];
/// Crates that must not be linked in, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "ring is our one crypto provider"),
    ("openssl-sys", "TLS is rustls"),
    ("native-tls", "TLS is rustls"),
];

/// Folders without rules: built, fetched, or not written by us.
const FOREIGN_FOLDERS: &[&str] = &[".git", "node_modules", "vendor", "target"];
/// Endings of files that people write and read here.
const TEXT: &[&str] = &[
    "rs", "toml", "md", "html", "svg", "txt", "css", "js", "mjs", "json", "sql", "sh", "py", "yml",
    "yaml", "",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository's root")
}

/// Every text file below `folder`, as (path from the root, content), in order.
fn texts(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let top = top();
    let mut found = Vec::new();
    let mut folders = vec![top.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.map(|entry| entry.expect("a readable folder")) {
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            let kind = entry.file_type().expect("a file type");
            if kind.is_dir() && !FOREIGN_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && endings.contains(&ending(&name)) {
                // Not UTF-8: not a text, whatever its name says.
                let Ok(text) = fs::read_to_string(&path) else {
                    continue;
                };
                let path = path.strip_prefix(&top).expect("below the root");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn refuse(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "\n{rule}\n  {}\n", found.join("\n  "));
}

/// The names of our crates under each kind of dependency table of a manifest, written as a line
/// (`remit-core = ..`) or as a table of its own (`[dependencies.remit-core]`).
fn our_dependencies(manifest: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut table = None;
    for line in manifest.lines().map(str::trim) {
        let mut name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        if let Some(header) = line.strip_prefix('[') {
            let parts: Vec<&str> = header.trim_end_matches(']').split('.').collect();
            table = parts.iter().find_map(|part| match *part {
                "dependencies" | "build-dependencies" => Some("build"),
                "dev-dependencies" => Some("test"),
                _ => None,
            });
            name = parts.last().copied().unwrap_or_default();
        }
        if let Some(table) = table
            && name.starts_with("remit-")
        {
            found.entry(table).or_default().push(name.to_owned());
        }
    }
    found
}

#[test]
fn dependencies_are_found_however_they_are_written() {
    let manifest = "[dependencies]\nremit-core = { workspace = true }\nserde = \"1\"\n\
                    [dev-dependencies.remit-store]\nworkspace = true\n\
                    [target.'cfg(unix)'.dependencies]\nremit-web.workspace = true\n[features]\nremit-x = []\n";
    let found = our_dependencies(manifest);
    assert_eq!(found["build"], ["remit-core", "remit-web"]);
    assert_eq!(found["test"], ["remit-store"]);
}

fn floor(name: &str) -> usize {
    let name = name.trim_start_matches("remit-");
    FLOORS
        .iter()
        .position(|floor| floor.contains(&name))
        .expect("a crate that FLOORS knows")
}

#[test]
fn arrows_between_crates_run_one_way() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(top().join("crates")).expect("crates/") {
        let name = entry
            .expect("a crate")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let Ok(manifest) = fs::read_to_string(top().join("crates").join(&name).join("Cargo.toml"))
        else {
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("crates/{name} has no line in ARROWS"));
            continue;
        };
        for (table, names) in our_dependencies(&manifest) {
            for other in names {
                let fits = match table {
                    "build" => allowed.contains(&other.as_str()),
                    _ => floor(&other) <= floor(&name),
                };
                if !fits {
                    wrong.push(format!("crates/{name} -> {other} ({table})"));
                }
            }
        }
    }
    refuse(
        "core <- store, gateways <- app <- web <- remit. Move the code to the floor that may know it:",
        &wrong,
    );
}

#[test]
fn one_version_of_what_carries_our_types_and_nothing_banned() {
    let lock = fs::read_to_string(top().join("Cargo.lock")).expect("Cargo.lock");
    let versions = |name: &str| lock.matches(&format!("\nname = \"{name}\"\n")).count();
    let mut wrong: Vec<String> = ONE_VERSION
        .iter()
        .filter(|name| versions(name) > 1)
        .map(|name| {
            format!(
                "{} versions of {name}; cargo tree -d -i {name}",
                versions(name)
            )
        })
        .collect();
    wrong.extend(
        BANNED
            .iter()
            .filter(|(name, _)| versions(name) > 0)
            .map(|(name, why)| format!("{name} ({why}); cargo tree -e all -i {name}")),
    );
    refuse("Choose features so that these go away:", &wrong);
}

#[test]
fn files_hold_one_idea() {
    let mut wrong = Vec::new();
    let mut long: BTreeMap<&str, usize> = LONG_FILES.iter().copied().collect();
    for (path, text) in texts(".", &["rs", "mjs", "js", "html"]) {
        let lines = text.lines().count();
        match long.remove(path.as_str()) {
            Some(_) if lines <= FILE_LINES_MAX => {
                wrong.push(format!("{path} fits now: take it off LONG_FILES"));
            }
            Some(may) if lines > may => {
                wrong.push(format!("{path} grew from {may} to {lines} lines"))
            }
            None if lines > FILE_LINES_MAX => wrong.push(format!("{path} has {lines} lines")),
            Some(_) | None => {}
        }
    }
    wrong.extend(
        long.keys()
            .map(|path| format!("{path} is gone: take it off LONG_FILES")),
    );
    refuse(
        &format!("At most {FILE_LINES_MAX} lines a file. Split by feature, not by kind:"),
        &wrong,
    );
}

/// Every function of a file that rustfmt has laid out, as (name, lines): it ends at the first closing brace that stands
/// as far left as its `fn`.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let Some(name) = function_name(body) else {
            continue;
        };
        let indent = line.len() - body.len();
        if body.ends_with('}') || body.ends_with(';') {
            continue; // on one line, or declared only
        }
        let end = lines[at + 1..].iter().position(|line| {
            let body = line.trim_start();
            line.len() - body.len() == indent
                && (body.starts_with('}') || (body.starts_with(')') && body.ends_with(';')))
        });
        found.push((name.to_owned(), end.map_or(1, |lines| lines + 2)));
    }
    found
}

/// The name after `fn`, when the line begins a function.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = match line.strip_prefix("fn ") {
        Some(after) => ("", after),
        None => line.split_once(" fn ")?,
    };
    let qualifiers = before.split(' ').all(|word| {
        word.is_empty()
            || word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "\"C\"", "in"].contains(&word)
            || word.ends_with(')')
    });
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (qualifiers && end > 0 && after[end..].starts_with(['(', '<'])).then(|| &after[..end])
}

#[test]
fn functions_fit_on_a_screen() {
    let mut wrong = Vec::new();
    for (path, text) in texts(".", &["rs"]) {
        for (name, lines) in functions(&text) {
            let listed = LONG_FUNCTIONS
                .iter()
                .find(|(file, function, _)| *file == path && *function == name);
            match listed {
                Some(_) if lines <= FUNCTION_LINES_MAX => {
                    wrong.push(format!(
                        "{path}: {name} fits now: take it off LONG_FUNCTIONS"
                    ));
                }
                Some((_, _, may)) if lines > *may => {
                    wrong.push(format!("{path}: {name} grew from {may} to {lines} lines"));
                }
                None if lines > FUNCTION_LINES_MAX => {
                    wrong.push(format!("{path}: {name} has {lines} lines"));
                }
                Some(_) | None => {}
            }
        }
    }
    refuse(
        &format!("At most {FUNCTION_LINES_MAX} lines a function. Branch above, compute below:"),
        &wrong,
    );
}

#[test]
fn functions_are_measured() {
    let text = "fn one() {}\npub(crate) async fn two(\n    a: u8,\n) -> u8 {\n    a\n}\ntrait T {\n    fn \
                three(\n        &self,\n    );\n    fn four<A>(a: A) {\n        drop(a);\n    }\n}\n// a fn (five) {\n";
    let measured = functions(text);
    let named: Vec<(&str, usize)> = measured
        .iter()
        .map(|(name, lines)| (name.as_str(), *lines))
        .collect();
    assert_eq!(named, [("two", 5), ("three", 3), ("four", 3)]);
}

/// Lines of `files` that hold one of `words`, as `path:line: text`.
fn lines_with(files: &[(String, String)], words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_unwritten() {
    // Put together here, so that this file does not hold them.
    let words = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    refuse(
        "Write it, or leave it out:",
        &lines_with(&texts(".", &["rs"]), &words),
    );
}

#[test]
fn templates_never_switch_escaping_off() {
    let words = ["|safe", "| safe", "escape = \"none\"", "|escape(\"none\")"].map(String::from);
    let files = texts("crates", &["html", "svg", "txt", "xml"]);
    refuse(
        "A patient's name is not markup. Return a type that implements askama's `HtmlSafe` from code that escapes:",
        &lines_with(&files, &words),
    );
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let words = ["work", "farm", "root"].map(|folder| format!("/{folder}/"));
    let mut found = lines_with(&texts(".", TEXT), &words);
    // Two homes are nobody's: documentation may speak of the service's own and of a reader's.
    let home = ["", "home", ""].join("/");
    let nobodys = ["remit/", "user/"].map(|who| format!("{home}{who}"));
    let homes = lines_with(&texts(".", TEXT), std::slice::from_ref(&home));
    found.extend(
        homes
            .into_iter()
            .filter(|line| !nobodys.iter().any(|path| line.contains(path.as_str()))),
    );
    refuse(
        "Say it from the repository's root, or ask for it in the environment:",
        &found,
    );
}

#[test]
fn lock_files_name_no_private_registry() {
    let public = [
        "https://github.com/rust-lang/crates.io-index",
        "https://registry.npmjs.org/",
    ];
    let mut files = vec![(
        String::from("Cargo.lock"),
        fs::read_to_string(top().join("Cargo.lock")).expect("Cargo.lock"),
    )];
    files.extend(texts("tests", &["json"]));
    let found: Vec<String> = lines_with(
        &files,
        &[String::from("registry+"), String::from("\"resolved\"")],
    )
    .into_iter()
    .filter(|line| !public.iter().any(|host| line.contains(host)))
    .collect();
    refuse(
        "Lock files are for everybody (npm: omit-lockfile-registry-resolved):",
        &found,
    );
}

/// Whether a path as ARCHITECTURE.md writes it exists: from the root, or from a crate (`app/settle.rs`).
fn exists(path: &str) -> bool {
    let top = top();
    let short = path.split_once('/').is_some_and(|(name, rest)| {
        let krate = top.join("crates").join(name);
        krate.join("src").join(rest).exists() || krate.join(rest).exists()
    });
    short || top.join(path).exists()
}

#[test]
fn architecture_names_files_that_exist() {
    let Ok(text) = fs::read_to_string(top().join("ARCHITECTURE.md")) else {
        return;
    };
    let crates: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let folders = ["crates", "tests", "scripts", "docs", ".ci"];
    let found: Vec<String> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| {
            name.split_once('/')
                .is_some_and(|(first, _)| folders.contains(&first) || crates.contains(&first))
        })
        .filter(|name| !name.contains(['*', '{', ' ', '<']) && !exists(name.trim_end_matches('/')))
        .map(String::from)
        .collect();
    refuse("ARCHITECTURE.md speaks of what is not there:", &found);
}

#[test]
fn ci_runs_what_developers_run() {
    let run = fs::read_to_string(top().join(".ci/run")).expect(".ci/run");
    let commands: Vec<&str> = run
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(
        matches!(commands[..], [one] if one.contains("scripts/test")),
        "`.ci/run` is the one command scripts/test, so that CI and developers never see different things: {commands:?}"
    );
}

/// Where the links and pictures of a Markdown file lead, without other sites and anchors of the same page.
fn targets(text: &str) -> Vec<String> {
    let links = text.split("](").skip(1);
    links
        .filter_map(|rest| rest.split([')', ' ']).next())
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn what_the_documents_point_to_is_there() {
    let mut found = Vec::new();
    for (path, text) in texts("docs", &["md"]) {
        let folder = top().join(&path).parent().map(Path::to_path_buf);
        for target in targets(&text) {
            if !folder
                .as_ref()
                .is_some_and(|folder| folder.join(&target).exists())
            {
                found.push(format!("{path}: {target}"));
            }
        }
    }
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let Ok(text) = fs::read_to_string(top().join(name)) else {
            continue;
        };
        let missing = targets(&text)
            .into_iter()
            .filter(|target| !top().join(target).exists());
        found.extend(missing.map(|target| format!("{name}: {target}")));
    }
    refuse(
        "Write the page or picture, or point elsewhere (pictures: scripts/pictures):",
        &found,
    );
}

#[test]
fn every_page_of_the_guide_is_in_its_contents() {
    let contents = fs::read_to_string(top().join("docs/guide/src/SUMMARY.md"));
    let listed = targets(&contents.expect("the guide's contents"));
    let pages = texts("docs/guide/src", &["md"])
        .into_iter()
        .map(|(path, _)| path);
    let found: Vec<String> = pages
        .filter(|path| !path.ends_with("SUMMARY.md"))
        .filter(|path| {
            !listed
                .iter()
                .any(|page| path.ends_with(&format!("src/{page}")))
        })
        .collect();
    refuse("Name these in docs/guide/src/SUMMARY.md:", &found);
}
