//! Stacked bars per day, drawn by the server: places and sizes are attributes of the SVG, so no style and no script is
//! needed, and the figures stand in a table beside them.

/// Layers of a bar, from below: card, Klarna, Clearpay. Their colours are the classes `c1` to `c3`.
pub const LAYERS: usize = 3;
const LEFT: f64 = 50.0;
const TOP: f64 = 8.0;
const BELOW: f64 = 24.0;
/// The share of a day's room that its bar takes, and the widest bar.
const BAR_SHARE: f64 = 0.66;
const BAR_MAX: f64 = 36.0;
/// Between two layers.
const SEAM: f64 = 1.0;
const LINES: i64 = 4;

/// A day as it is drawn.
pub struct Day {
    /// `26 Oct`, below the bar where there is room.
    pub label: String,
    /// `26 Oct: £684.50 (card £465.50, Klarna £123.00, Clearpay £96.00)`.
    pub title: String,
    /// Minor units.
    pub layers: [i64; LAYERS],
}

pub struct Chart {
    pub width: f64,
    pub height: f64,
    pub left: f64,
    /// Height of the labels below.
    pub foot: f64,
    pub lines: Vec<Line>,
    pub bars: Vec<Bar>,
}

/// A line across, with what it stands for.
pub struct Line {
    pub y: f64,
    pub text_y: f64,
    pub label: String,
}

pub struct Bar {
    pub title: String,
    pub layers: Vec<Layer>,
    /// In the middle of the bar.
    pub label: Option<(f64, String)>,
}

pub struct Layer {
    pub class: &'static str,
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
}

/// Draws days into a box; `money` words a round amount for the scale, `labels_max` days are named below.
pub fn draw(
    days: Vec<Day>,
    (width, height): (f64, f64),
    labels_max: usize,
    money: impl Fn(i64) -> String,
) -> Chart {
    let highest = days.iter().map(|day| day.layers.iter().sum()).max();
    let step = step(highest.unwrap_or(0));
    let floor = height - BELOW;
    let scale = (floor - TOP) / whole(step * LINES);
    let lines = (0..=LINES).map(|number| {
        let y = floor - whole(step * number) * scale;
        Line {
            y,
            text_y: y + 4.0,
            label: money(step * number),
        }
    });
    let room = (width - LEFT) / whole(i64::try_from(days.len().max(1)).unwrap_or(1));
    let bar = (room * BAR_SHARE).min(BAR_MAX);
    let every = days.len().div_ceil(labels_max.max(1)).max(1);
    let bars = days.into_iter().enumerate().map(|(number, day)| {
        let middle = LEFT + room * (whole(i64::try_from(number).unwrap_or(0)) + 0.5);
        Bar {
            layers: layers(&day.layers, (middle - bar / 2.0, bar), (floor, scale)),
            label: (number % every == 0).then_some((middle, day.label)),
            title: day.title,
        }
    });
    Chart {
        width,
        height,
        left: LEFT,
        foot: height - 6.0,
        lines: lines.collect(),
        bars: bars.collect(),
    }
}

fn layers(
    amounts: &[i64; LAYERS],
    (x, width): (f64, f64),
    (floor, scale): (f64, f64),
) -> Vec<Layer> {
    let mut y = floor;
    let mut drawn = Vec::new();
    for (class, amount) in ["c1", "c2", "c3"].into_iter().zip(amounts) {
        if *amount <= 0 {
            continue;
        }
        let height = whole(*amount) * scale;
        y -= height;
        drawn.push(Layer {
            class,
            x: format!("{x:.1}"),
            y: format!("{y:.1}"),
            width: format!("{width:.1}"),
            height: format!("{:.1}", (height - SEAM).max(0.5)),
        });
    }
    drawn
}

/// The height of one of four steps that hold the highest bar: 1, 2, 3 or 5 and noughts, in minor units.
fn step(highest: i64) -> i64 {
    let mut unit = 100;
    loop {
        for times in [1, 2, 3, 5] {
            if unit * times * LINES >= highest {
                return unit * times;
            }
        }
        unit *= 10;
    }
}

/// Amounts are far below 2^53, so nothing is lost.
fn whole(number: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    {
        number as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_holds_the_highest_bar_in_round_steps() {
        for (highest, is) in [
            (0, 100),
            (400, 100),
            (401, 200),
            (97_550, 30_000),
            (120_001, 50_000),
            (200_001, 100_000),
        ] {
            assert_eq!(step(highest), is, "{highest}");
        }
    }

    #[test]
    fn a_bar_is_as_high_as_its_amount() {
        let day = |layers| Day {
            label: "1 Nov".into(),
            title: String::new(),
            layers,
        };
        let days = vec![day([10_000, 0, 30_000]), day([0, 0, 0]), day([1, 0, 0])];
        let chart = draw(days, (350.0, 232.0), 2, |minor| minor.to_string());
        assert_eq!(
            (chart.lines.len(), chart.lines[0].y, chart.lines[4].y),
            (5, 208.0, 8.0)
        );
        assert_eq!(chart.lines[4].label, "40000");
        let [low, high] = chart.bars[0].layers.as_slice() else {
            panic!("two layers")
        };
        assert_eq!(
            (low.class, low.y.as_str(), low.height.as_str()),
            ("c1", "158.0", "49.0")
        );
        assert_eq!((high.class, high.y.as_str()), ("c3", "8.0"));
        assert!(chart.bars[1].layers.is_empty());
        assert_eq!(
            chart.bars[2].layers[0].height, "0.5",
            "seen, however little"
        );
        let named: Vec<bool> = chart.bars.iter().map(|bar| bar.label.is_some()).collect();
        assert_eq!(named, [true, false, true]);
    }
}
