//! What every text that leaves has in common: the mark of test mode, the length of an SMS, the reference.

/// An email's text as it leaves, with what stands before it: while no money moves, it says so first.
pub fn marked(text: String, mark: Option<&str>) -> String {
    match mark {
        Some(mark) => format!("{mark}\n\n{text}"),
        None => text,
    }
}

/// How an SMS is cut and coded (3GPP TS 23.038).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub count: usize,
    pub unicode: bool,
}

const GSM7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM7_EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Whether a character is of the phones' own alphabet; one that is not makes the whole text UCS-2.
pub fn is_gsm7(c: char) -> bool {
    GSM7.contains(c) || GSM7_EXTENDED.contains(c)
}

/// Counts the segments of an SMS: 160 septets (153 when joined), or 70 UTF-16 units (67 when joined).
pub fn segments(text: &str) -> Segments {
    let septets: Option<usize> = text
        .chars()
        .map(|c| {
            if GSM7.contains(c) {
                Some(1)
            } else {
                GSM7_EXTENDED.contains(c).then_some(2)
            }
        })
        .sum();
    let (units, single, joined) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    let count = if units <= single {
        1
    } else {
        units.div_ceil(joined)
    };
    Segments {
        count,
        unicode: septets.is_none(),
    }
}

/// `PL-` and the last six characters of an id: short enough to be read over the phone.
pub fn reference(id: &str) -> String {
    let tail: String = id
        .chars()
        .rev()
        .take(6)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    format!("PL-{}", tail.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_as_the_network_counts_it() {
        for (text, count, unicode) in [
            ("", 1, false),
            (&"a".repeat(160) as &str, 1, false),
            (&"a".repeat(161), 2, false),
            (&"€".repeat(80), 1, false),
            (&"€".repeat(81), 2, false),
            (&"ł".repeat(70), 1, true),
            (&"ł".repeat(71), 2, true),
        ] {
            assert_eq!(
                segments(text),
                Segments { count, unicode },
                "{} chars",
                text.chars().count()
            );
        }
    }
}
