//! Figures that grow with something: one line per series, both scales logarithmic, the amounts that were measured below.

use super::axes::{self, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use super::svg::{Anchor, Svg, colour};

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) label: String,
    /// Amounts and what they led to, both above zero.
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) stroke: &'static str,
    /// The dashes of the line; empty for a solid one.
    pub(crate) dash: &'static str,
}

/// What stands around the lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) title: &'static str,
    pub(crate) subtitle: &'static str,
    /// What grows to the right.
    pub(crate) amount: &'static str,
    /// How a value upwards is written.
    pub(crate) show: fn(f64) -> String,
}

struct Plane {
    x: (f64, f64),
    y: (f64, f64),
}

impl Plane {
    fn over(lines: &[Line]) -> Self {
        let bounds = |of: fn(&(f64, f64)) -> f64| {
            let all = || lines.iter().flat_map(|line| &line.points).map(of);
            (
                all().fold(f64::INFINITY, f64::min),
                all().fold(0.0, f64::max),
            )
        };
        let (low, high) = bounds(|point| point.1);
        Self {
            x: bounds(|point| point.0),
            y: (low * 0.7, high * 1.4),
        }
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| {
            (value / low).ln() / (high / low).ln().max(f64::EPSILON)
        };
        (
            LEFT + share(x, self.x).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - share(y, self.y).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM),
        )
    }
}

/// Draws the whole picture; nothing where a line would have one point only.
pub(crate) fn draw(frame: Frame, lines: &[Line]) -> Option<String> {
    if !lines.iter().any(|line| line.points.len() > 1) {
        return None;
    }
    let plane = Plane::over(lines);
    let mut svg = Svg::new(WIDTH, HEIGHT, frame.title, frame.subtitle);
    upwards(&mut svg, &plane, frame.show);
    to_the_right(&mut svg, &plane, frame.amount, lines);
    for line in lines {
        let points: Vec<(f64, f64)> = line
            .points
            .iter()
            .map(|point| plane.place(*point))
            .collect();
        svg.path(&points, line.stroke, line.dash);
        for (x, y) in points {
            svg.rectangle(x - 2.5, y - 2.5, 5.0, 5.0, line.stroke);
        }
    }
    legend(&mut svg, lines, frame.show);
    Some(svg.finish())
}

fn upwards(svg: &mut Svg, plane: &Plane, show: fn(f64) -> String) {
    let (low, high) = plane.y;
    // More lines than these could not be told apart.
    let factors: &[f64] = if high / low > 1e3 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    for decade in -4..=7_i32 {
        for factor in factors {
            let value = factor * 10_f64.powi(decade);
            if value > low && value < high {
                let (_, y) = plane.place((plane.x.0, value));
                axes::across(svg, y, &show(value));
            }
        }
    }
}

fn to_the_right(svg: &mut Svg, plane: &Plane, amount: &str, lines: &[Line]) {
    let mut amounts: Vec<f64> = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.0))
        .collect();
    amounts.sort_by(f64::total_cmp);
    amounts.dedup();
    for value in amounts {
        let (x, _) = plane.place((value, plane.y.0));
        axes::upright(svg, x, &value.to_string());
    }
    axes::below(svg, amount);
}

/// Beside the plane, the highest end first, so that it reads in the order of the lines.
fn legend(svg: &mut Svg, lines: &[Line], show: fn(f64) -> String) {
    let end = |line: &Line| line.points.last().map_or(0.0, |point| point.1);
    let mut order: Vec<&Line> = lines
        .iter()
        .filter(|line| !line.points.is_empty())
        .collect();
    order.sort_by(|one, two| end(two).total_cmp(&end(one)));
    let x = WIDTH - RIGHT + 18.0;
    for (index, line) in order.iter().enumerate() {
        let y = TOP + 10.0 + index as f64 * 34.0;
        svg.path(&[(x, y - 4.0), (x + 22.0, y - 4.0)], line.stroke, line.dash);
        svg.text(x + 30.0, y, 12.5, Anchor::Start, colour::INK, &line.label);
        let begin = line.points.first().map_or(0.0, |point| point.1);
        let figures = format!("{} → {}", show(begin), show(end(line)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_two_points() {
        let frame = Frame {
            title: "t",
            subtitle: "",
            amount: "n",
            show: |value| value.to_string(),
        };
        let line = |points: Vec<(f64, f64)>| Line {
            label: "l".to_owned(),
            points,
            stroke: colour::INK,
            dash: "",
        };
        assert!(draw(frame, &[line(vec![(1.0, 1.0)])]).is_none());
        let svg = draw(frame, &[line(vec![(1.0, 1.0), (10.0, 3.0)])]).expect("a picture");
        assert!(svg.contains("polyline") && !svg.contains("NaN"));
    }
}
