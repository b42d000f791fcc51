//! Horizontal bars in groups, on a linear or a logarithmic scale.

use super::svg::{Anchor, Svg, colour};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 80.0;
const ROW: f64 = 24.0;
const GROUP: f64 = 30.0;
const BOTTOM: f64 = 44.0;

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    /// A second figure, drawn as a thin line to its place.
    pub(crate) further: Option<f64>,
    /// What stands at the end.
    pub(crate) text: String,
    pub(crate) fill: &'static str,
}

/// Bars under a heading.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) heading: String,
    pub(crate) bars: Vec<Bar>,
}

/// How a value becomes a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    fn over(scale: Scale, groups: &[Group]) -> Self {
        let bars = || groups.iter().flat_map(|group| &group.bars);
        let high = bars()
            .map(|bar| bar.further.unwrap_or(bar.value).max(bar.value))
            .fold(0.0, f64::max);
        let low = bars().map(|bar| bar.value).fold(f64::INFINITY, f64::min);
        match scale {
            Scale::Linear => Self {
                scale,
                low: 0.0,
                high,
            },
            Scale::Logarithmic => Self {
                scale,
                low: decade_below(low),
                high: high * 1.1,
            },
        }
    }

    fn x(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => value / self.high,
            Scale::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Logarithmic => std::iter::successors(Some(self.low), |tick| Some(tick * 10.0))
                .take_while(|tick| *tick <= self.high)
                .collect(),
            Scale::Linear => {
                let step = round_step(self.high / 5.0);
                std::iter::successors(Some(0.0), |tick| Some(tick + step))
                    .take_while(|tick| *tick <= self.high)
                    .collect()
            }
        }
    }
}

/// Draws the whole picture; `show` writes the values of the axis.
pub(crate) fn draw(
    title: &str,
    subtitle: &str,
    groups: &[Group],
    scale: Scale,
    show: fn(f64) -> String,
) -> Option<String> {
    let groups: Vec<Group> = groups
        .iter()
        .filter(|group| !group.bars.is_empty())
        .cloned()
        .collect();
    if groups.is_empty() {
        return None;
    }
    let rows: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = TOP + rows as f64 * ROW + groups.len() as f64 * GROUP + BOTTOM;
    let mut svg = Svg::new(WIDTH, height, title, subtitle);
    let axis = Axis::over(scale, &groups);
    for tick in axis.ticks() {
        let x = axis.x(tick);
        svg.line((x, TOP), (x, height - BOTTOM + 4.0), colour::GRID, 1.0);
        svg.text(
            x,
            height - BOTTOM + 20.0,
            11.5,
            Anchor::Middle,
            colour::FAINT,
            &show(tick),
        );
    }
    let mut y = TOP;
    for group in &groups {
        svg.bold(24.0, y + 20.0, 13.0, &group.heading);
        y += GROUP;
        for bar in &group.bars {
            one(&mut svg, &axis, bar, y);
            y += ROW;
        }
    }
    Some(svg.finish())
}

fn one(svg: &mut Svg, axis: &Axis, bar: &Bar, y: f64) {
    let middle = y + ROW / 2.0;
    let end = axis.x(bar.value);
    svg.text(
        LEFT - 10.0,
        middle + 4.0,
        12.5,
        Anchor::End,
        colour::INK,
        &bar.label,
    );
    svg.rectangle(LEFT, y + 4.0, (end - LEFT).max(1.5), ROW - 8.0, bar.fill);
    let mut last = end;
    if let Some(further) = bar.further {
        last = axis.x(further).max(end);
        svg.line((end, middle), (last, middle), colour::FAINT, 1.2);
        svg.line(
            (last, middle - 4.5),
            (last, middle + 4.5),
            colour::FAINT,
            1.2,
        );
    }
    svg.text(
        last + 8.0,
        middle + 4.0,
        12.0,
        Anchor::Start,
        colour::INK,
        &bar.text,
    );
}

fn decade_below(value: f64) -> f64 {
    // A value right at a decade would have no bar at all.
    10_f64.powf((value * 0.7).log10().floor())
}

fn round_step(rough: f64) -> f64 {
    let decade = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}
