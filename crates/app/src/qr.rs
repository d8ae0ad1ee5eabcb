//! QR codes of links: dark on white in both themes, level M, quiet zone of four modules.

use image::{ExtendedColorType, ImageEncoder, Luma};
use qrcode::{Color, EcLevel, QrCode};

use crate::{Error, Result};

/// Modules of white around the code, as readers expect.
const QUIET: usize = 4;

fn code(text: &str) -> Result<QrCode> {
    QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Error::Setup(error.to_string()))
}

/// The dark modules as one SVG path, and the width of the square in modules, quiet zone included.
///
/// # Errors
/// The text is too long for a QR code.
pub fn path(text: &str) -> Result<(String, usize)> {
    let code = code(text)?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..]
                .iter()
                .take_while(|color| **color == Color::Dark)
                .count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Ok((path, width + 2 * QUIET))
}

/// A whole SVG document.
///
/// # Errors
/// The text is too long for a QR code.
pub fn svg(text: &str) -> Result<String> {
    let (path, width) = path(text)?;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {width}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{width}\" height=\"{width}\" fill=\"#ffffff\"/><path fill=\"#101a19\" d=\"{path}\"/></svg>"
    ))
}

/// A PNG, 8 pixels a module.
///
/// # Errors
/// The text is too long for a QR code.
pub fn png(text: &str) -> Result<Vec<u8>> {
    let image = code(text)?
        .render::<Luma<u8>>()
        .module_dimensions(8, 8)
        .quiet_zone(true)
        .build();
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::L8,
        )
        .map_err(|error| Error::Setup(error.to_string()))?;
    Ok(bytes)
}
