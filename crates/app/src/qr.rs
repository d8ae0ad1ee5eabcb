//! QR codes of links: dark on white in both themes, level M, quiet zone of four modules.

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

/// Pixels of a module's side in the PNG.
const SCALE: usize = 8;

/// A PNG, [`SCALE`] pixels a module.
///
/// # Errors
/// The text is too long for a QR code.
pub fn png(text: &str) -> Result<Vec<u8>> {
    let code = code(text)?;
    let (modules, side) = (code.width(), (code.width() + 2 * QUIET) * SCALE);
    let mut grey = vec![u8::MAX; side * side];
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (place % modules + QUIET, place / modules + QUIET);
            for row in y * SCALE..(y + 1) * SCALE {
                grey[row * side + x * SCALE..][..SCALE].fill(0);
            }
        }
    }
    encode(&grey, side).map_err(|error| Error::Setup(error.to_string()))
}

fn encode(grey: &[u8], side: usize) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    // A code of level M has 177 modules a side at most, so its pixels fit.
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(grey)?;
    Ok(bytes)
}
