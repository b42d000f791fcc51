//! Latency by percentile: one line per series, nines to the right, milliseconds on a logarithmic scale upwards.

use hdrhistogram::Histogram;

use super::axes::{self, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use super::numbers::milliseconds;
use super::svg::{Anchor, Svg, colour};

/// The percentiles that have a line of their own; a series goes as far as its number of samples lets it.
const TICKS: [(f64, &str); 6] = [
    (0.0, "0 %"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
];
const STEPS: u32 = 160;

/// One line.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) label: String,
    pub(crate) nanoseconds: Histogram<u64>,
    pub(crate) stroke: &'static str,
    /// The dashes of the line; empty for a solid one.
    pub(crate) dash: &'static str,
}

struct Plane {
    low: f64,
    high: f64,
    nines: f64,
}

impl Plane {
    fn over(curves: &[Curve]) -> Self {
        let low = curves
            .iter()
            .map(|curve| curve.nanoseconds.value_at_quantile(0.001) as f64 / 1e6)
            .fold(f64::INFINITY, f64::min);
        let nines = curves
            .iter()
            .map(|curve| nines_of(&curve.nanoseconds))
            .fold(1.0, f64::max);
        let high = curves
            .iter()
            .map(|curve| at(curve, nines_of(&curve.nanoseconds)))
            .fold(0.0, f64::max);
        Self {
            low: low * 0.8,
            high: high * 1.25,
            nines,
        }
    }

    fn x(&self, nines: f64) -> f64 {
        LEFT + nines / self.nines * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, milliseconds: f64) -> f64 {
        let share = (milliseconds / self.low).ln() / (self.high / self.low).ln();
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self, svg: &mut Svg) {
        for decade in -3..=4_i32 {
            for factor in [1.0, 2.0, 5.0] {
                let value = factor * 10_f64.powi(decade);
                if value > self.low && value < self.high {
                    axes::across(svg, self.y(value), &axis_text(value));
                }
            }
        }
        for (quantile, name) in TICKS
            .into_iter()
            .filter(|(quantile, _)| nines(*quantile) <= self.nines + 0.001)
        {
            axes::upright(svg, self.x(nines(quantile)), name);
        }
        axes::below(svg, "share of requests that were faster");
    }
}

/// Draws the whole picture.
pub(crate) fn draw(title: &str, subtitle: &str, curves: &[Curve]) -> Option<String> {
    if curves.is_empty() {
        return None;
    }
    let plane = Plane::over(curves);
    let mut svg = Svg::new(WIDTH, HEIGHT, title, subtitle);
    plane.grid(&mut svg);
    for curve in curves {
        let end = nines_of(&curve.nanoseconds);
        let points: Vec<(f64, f64)> = (0..=STEPS)
            .map(|step| end * f64::from(step) / f64::from(STEPS))
            .map(|nines| (plane.x(nines), plane.y(at(curve, nines))))
            .collect();
        svg.path(&points, curve.stroke, curve.dash);
    }
    legend(&mut svg, curves);
    Some(svg.finish())
}

/// Beside the plane, the slowest first, so that it reads in the order of the lines.
fn legend(svg: &mut Svg, curves: &[Curve]) {
    let mut order: Vec<&Curve> = curves.iter().collect();
    order.sort_by_key(|curve| std::cmp::Reverse(curve.nanoseconds.value_at_quantile(0.5)));
    let x = WIDTH - RIGHT + 18.0;
    for (index, curve) in order.iter().enumerate() {
        let y = TOP + 10.0 + index as f64 * 34.0;
        svg.path(
            &[(x, y - 4.0), (x + 22.0, y - 4.0)],
            curve.stroke,
            curve.dash,
        );
        svg.text(x + 30.0, y, 12.5, Anchor::Start, colour::INK, &curve.label);
        let figures = format!(
            "p50 {}, p99 {}",
            milliseconds(at(curve, nines(0.5))),
            milliseconds(at(curve, 2.0))
        );
        svg.text(
            x + 30.0,
            y + 14.0,
            10.5,
            Anchor::Start,
            colour::FAINT,
            &figures,
        );
    }
}

fn at(curve: &Curve, nines: f64) -> f64 {
    curve
        .nanoseconds
        .value_at_quantile(1.0 - 10_f64.powf(-nines)) as f64
        / 1e6
}

fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// How far the samples carry: beyond it, a percentile is one sample's accident.
fn nines_of(histogram: &Histogram<u64>) -> f64 {
    (histogram.len().max(2) as f64).log10().min(4.0)
}

fn axis_text(value: f64) -> String {
    if value < 1.0 {
        format!("{:.0} µs", value * 1_000.0)
    } else {
        format!("{value:.0} ms")
    }
}
