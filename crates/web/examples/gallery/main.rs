//! Renders every page with sample data into a folder, to be looked at: `cargo run -p remit-web --example gallery -- DIR`.
//! Serve the folder with any static file server. The clinic and everyone in it are invented; the telephone numbers are
//! those kept for fiction.

mod desk;
mod patient;
mod payments;
mod settings;

use std::path::Path;

use askama::Template;
use remit_web::assets;
use remit_web::pages::{Section, Shell};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("say into which folder: gallery DIR");
        std::process::exit(2);
    };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder.join("assets"))?;
    for asset in assets::all() {
        std::fs::write(folder.join(asset.url.trim_start_matches('/')), asset.raw)?;
    }
    desk::write(folder)?;
    payments::write(folder)?;
    settings::write(folder)?;
    patient::write(folder)
}

/// Writes one page.
pub fn page(folder: &Path, name: &str, page: &impl Template) -> std::io::Result<()> {
    let html = page.render().map_err(std::io::Error::other)?;
    std::fs::write(folder.join(format!("{name}.html")), html)
}

/// Writes a window as it lies over a page.
pub fn over(
    folder: &Path,
    name: &str,
    under: &impl Template,
    window: &impl Template,
) -> std::io::Result<()> {
    let window = window.render().map_err(std::io::Error::other)?;
    let html = under.render().map_err(std::io::Error::other)?;
    std::fs::write(
        folder.join(format!("{name}.html")),
        html.replace("</body>", &format!("{window}</body>")),
    )
}

pub fn shell(section: Section) -> Shell {
    Shell {
        clinic: "Larkhill Clinic".into(),
        place: "Redland, Bristol".into(),
        initials: "LC".into(),
        staff: "Joanne Bright".into(),
        role: "Reception".into(),
        staff_initials: "JB".into(),
        section,
        follow_up: 5,
        csrf: "sample".into(),
        may_book: true,
        may_take: true,
        ..Shell::default()
    }
}
