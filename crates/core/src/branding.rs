//! How a clinic looks on its patients' pages: its accent colour, made readable, as a style sheet; its logo's limits; the
//! addresses of its own pages. Contrast as WCAG 2.2 computes it (1.4.3: text at least 4.5:1).

use std::fmt;

/// What text needs against what it stands on.
pub const CONTRAST_MIN: f64 = 4.5;
/// The logo's limits: bytes of the file, pixels of its longer side and of its shorter one.
pub const LOGO_BYTES_MAX: usize = 200 * 1024;
pub const LOGO_SIDE_MAX: u32 = 1_024;
pub const LOGO_SIDE_MIN: u32 = 32;
/// Longer than wide beyond this, a logo would not leave room for the clinic's name.
pub const LOGO_RATIO_MAX: u32 = 6;
pub const WEB_ADDRESS_CHARS_MAX: usize = 200;

/// A colour of the sRGB screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour(pub u8, pub u8, pub u8);

pub const WHITE: Colour = Colour(255, 255, 255);
pub const BLACK: Colour = Colour(0, 0, 0);
/// Remit's own, where a clinic has chosen none.
pub const STANDARD: Colour = Colour(0x0b, 0x64, 0x64);
/// The patient page's dark surface, and the ink that stands on a light accent there.
const DARK_SURFACE: Colour = Colour(0x14, 0x1b, 0x1a);
const DARK_INK: Colour = Colour(0x0b, 0x10, 0x0f);
/// Its light background: the darkest of what links stand on there but the tint.
const LIGHT_GROUND: Colour = Colour(0xf6, 0xf8, 0xf8);

impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Colour {
    /// `#0b6464`, with or without `#`, capital or small.
    pub fn parse(text: &str) -> Option<Colour> {
        let text = text.trim();
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize| {
            digits
                .get(from..from + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        Some(Colour(part(0)?, part(2)?, part(4)?))
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// 1 to 21.
    pub fn contrast(self, other: Colour) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This much of another colour in it, in hundredths.
    fn mixed(self, other: Colour, hundredths: u16) -> Colour {
        let part = |own: u8, other: u8| {
            let sum = u16::from(own) * (100 - hundredths) + u16::from(other) * hundredths;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Colour(
            part(self.0, other.0),
            part(self.1, other.1),
            part(self.2, other.2),
        )
    }

    /// The nearest shade towards `end` of which all hold. `end` itself when none does.
    fn shaded(self, end: Colour, holds: impl Fn(Colour) -> bool) -> Colour {
        (0..=100)
            .map(|hundredths| self.mixed(end, hundredths))
            .find(|shade| holds(*shade))
            .unwrap_or(end)
    }

    /// Darkened until white text can be read on it, and it as text on the pages: what is saved of a chosen accent.
    pub fn readable(self) -> Colour {
        self.shaded(BLACK, |shade| {
            [WHITE, LIGHT_GROUND, tint(shade, WHITE)]
                .iter()
                .all(|ground| shade.contrast(*ground) >= CONTRAST_MIN)
        })
    }
}

/// The quiet ground of notes.
fn tint(accent: Colour, ground: Colour) -> Colour {
    ground.mixed(accent, 10)
}

/// The accent in the tokens of the patient page, for one colour scheme.
pub struct Scheme {
    pub brand: Colour,
    pub hover: Colour,
    /// Text on the two above.
    pub ink: Colour,
    pub soft: Colour,
}

/// For light and dark.
pub fn schemes(accent: Colour) -> [Scheme; 2] {
    let light = accent.readable();
    // On dark surfaces it is the same hue, lightened until it can be read there.
    let dark = accent.shaded(WHITE, |shade| {
        [DARK_SURFACE, tint(shade, DARK_SURFACE)]
            .iter()
            .all(|ground| shade.contrast(*ground) >= CONTRAST_MIN)
            && shade.contrast(DARK_INK) >= CONTRAST_MIN
    });
    [
        Scheme {
            brand: light,
            hover: light.mixed(BLACK, 18),
            ink: WHITE,
            soft: tint(light, WHITE),
        },
        Scheme {
            brand: dark,
            hover: dark.mixed(WHITE, 25),
            ink: DARK_INK,
            soft: tint(dark, DARK_SURFACE),
        },
    ]
}

/// The patient page's style sheet for an accent.
pub fn stylesheet(accent: Colour) -> String {
    let [light, dark] = schemes(accent);
    let tokens = |scheme: &Scheme| {
        format!(
            ":root{{--brand:{brand};--brand-hover:{hover};--brand-ink:{ink};--brand-soft:{soft};--brand-text:{brand};\
             --focus:{brand}}}",
            brand = scheme.brand,
            hover = scheme.hover,
            ink = scheme.ink,
            soft = scheme.soft
        )
    };
    format!(
        "{}@media screen and (prefers-color-scheme:dark){{{}}}\n",
        tokens(&light),
        tokens(&dark)
    )
}

/// The address of a page of the clinic's own: `https://`, which may be left out, a host with a dot in it, and perhaps a path.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn web_address(text: &str) -> Result<String, &'static str> {
    const REFUSED: &str = "Enter a web address like https://clinic.example.";
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let lower = text.to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        &text["https://".len()..]
    } else if lower.starts_with("http://") {
        return Err("Patients are sent to secure pages only: enter an address with https://.");
    } else if lower.contains("://") {
        return Err(REFUSED);
    } else {
        text
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    let plain = rest.chars().all(|letter| {
        !letter.is_whitespace() && !letter.is_control() && !"\"<>\\".contains(letter)
    });
    if !plain || !host.contains('.') || !host.split('.').all(label) {
        return Err(REFUSED);
    }
    if text.chars().count() > WEB_ADDRESS_CHARS_MAX {
        return Err("Use at most 200 characters.");
    }
    Ok(format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_the_standards() {
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 1e-9);
        assert!((WHITE.contrast(WHITE) - 1.0).abs() < 1e-9);
        // #767676 is the lightest grey that white text passes on.
        assert!(Colour(0x76, 0x76, 0x76).contrast(WHITE) >= 4.5);
        assert!(Colour(0x77, 0x77, 0x77).contrast(WHITE) < 4.5);
    }

    #[test]
    fn colours_are_read_or_refused() {
        assert_eq!(Colour::parse(" #0B6464 "), Some(STANDARD));
        assert_eq!(Colour::parse("0b6464"), Some(STANDARD));
        assert_eq!(STANDARD.to_string(), "#0b6464");
        for bad in [
            "", "#", "teal", "#0b646", "#0b64644", "#0b646g", "##0b646", "#é1é1",
        ] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_accent_can_be_read_in_both_schemes() {
        let steps = [0, 17, 51, 85, 119, 153, 187, 221, 255];
        for red in steps {
            for green in steps {
                for blue in steps {
                    let accent = Colour(red, green, blue);
                    let [light, dark] = schemes(accent);
                    for (scheme, grounds) in [
                        (light, [WHITE, LIGHT_GROUND]),
                        (dark, [DARK_SURFACE, DARK_SURFACE]),
                    ] {
                        for ground in grounds.into_iter().chain([scheme.soft]) {
                            assert!(scheme.brand.contrast(ground) >= CONTRAST_MIN, "{accent}");
                        }
                        assert!(
                            scheme.brand.contrast(scheme.ink) >= CONTRAST_MIN,
                            "{accent}"
                        );
                        assert!(
                            scheme.hover.contrast(scheme.ink) >= CONTRAST_MIN,
                            "{accent}"
                        );
                    }
                    let saved = accent.readable();
                    assert_eq!(saved.readable(), saved, "what is saved stays");
                    assert!(saved.luminance() <= accent.luminance(), "never lightened");
                }
            }
        }
        assert_eq!(STANDARD.readable(), STANDARD, "a good one is not touched");
    }

    #[test]
    fn the_sheet_is_small_and_plain() {
        let sheet = stylesheet(Colour(0xff, 0xd0, 0x00));
        assert!(
            sheet.len() < 400 && sheet.matches(":root{").count() == 2,
            "{sheet}"
        );
        assert!(sheet.contains("--brand-ink:#ffffff"));
    }

    #[test]
    fn a_web_address_is_a_secure_page() {
        for (text, kept) in [
            ("", ""),
            ("larkhill.example", "https://larkhill.example"),
            (
                " https://Larkhill.example/bristol?x=1 ",
                "https://Larkhill.example/bristol?x=1",
            ),
            ("HTTPS://larkhill.example", "https://larkhill.example"),
        ] {
            assert_eq!(web_address(text), Ok(kept.to_owned()));
        }
        for bad in [
            "http://larkhill.example",
            "javascript:alert(1)",
            "javascript://larkhill.example",
            "larkhill",
            "https://",
            "https://a..b",
            "https://user@larkhill.example",
            "https://larkhill.example/\"onclick",
            "https://larkhill.example/a b",
        ] {
            assert!(web_address(bad).is_err(), "{bad}");
        }
    }
}
