//! Tables for people, and the same figures for programs.

use std::fmt::Write as _;

use crate::contest::{Score, fraction};

/// A point of the curve of one family.
#[derive(Clone, Copy, Debug)]
struct Point {
    memory: f64,
    cold: f64,
}

fn curve(scores: &[Score], family: &str) -> Vec<Point> {
    let of = scores.iter().filter(|score| score.family == family);
    let point = |score: &Score| Point {
        memory: score.gigabyte_hours,
        cold: fraction(score.cold),
    };
    let mut points: Vec<Point> = of.map(point).collect();
    points.sort_by(|a, b| a.memory.total_cmp(&b.memory));
    points
}

/// Between two points of a curve, by logarithm; none outside it.
fn between(points: &[Point], x: f64, axis: fn(&Point) -> (f64, f64)) -> Option<f64> {
    points.windows(2).find_map(|pair| {
        let ((x0, y0), (x1, y1)) = (axis(&pair[0]), axis(&pair[1]));
        let is_between = (x0 <= x && x <= x1) || (x1 <= x && x <= x0);
        let share = (x / x0).ln() / (x1 / x0).ln();
        (is_between && share.is_finite()).then(|| y0 * (y1 / y0).powf(share))
    })
}

/// Cold starts of a family at as much memory, and its memory at as many cold starts, both relative.
fn relative(scores: &[Score], family: &str, to: &Score) -> (Option<f64>, Option<f64>) {
    let points = curve(scores, family);
    let cold = between(&points, to.gigabyte_hours, |point| {
        (point.memory, point.cold)
    });
    let memory = between(&points, fraction(to.cold), |point| {
        (point.cold, point.memory)
    });
    (
        cold.map(|cold| cold / fraction(to.cold)),
        memory.map(|memory| memory / to.gigabyte_hours),
    )
}

const COMPARED: [&str; 6] = [
    "fixed 10 min",
    "fixed 20 min",
    "hybrid 60 min",
    "hybrid 240 min",
    "hybrid+mean 60 min",
    "hybrid+mean 240 min",
];

/// All policies.
pub(crate) fn curves(scores: &[Score]) -> String {
    let mut text = String::from(
        "| policy | cold starts | per 1000 calls | cold share of functions p50 / p75 / p90 | GB·h | idle | pre-warms (wasted) |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for score in scores {
        let [p50, p75, p90] = [0.5, 0.75, 0.9].map(|share| score.percentile(share) * 100.0);
        let idle = 100.0 * (1.0 - score.busy_gigabyte_hours / score.gigabyte_hours);
        let thousand = 1000.0 * fraction(score.cold) / fraction(score.calls);
        let _ = writeln!(
            text,
            "| {} | {} | {thousand:.3} | {p50:.1} / {p75:.1} / {p90:.1} % | {:.0} | {idle:.0} % | {} ({}) |",
            score.name, score.cold, score.gigabyte_hours, score.prewarms, score.prewarms_wasted
        );
    }
    text
}

/// The 75th percentile of functions' cold shares, of a family at as much memory.
fn percentile_at(scores: &[Score], family: &str, memory: f64) -> Option<f64> {
    let of = scores.iter().filter(|score| score.family == family);
    let mut points: Vec<Point> = of
        .map(|score| Point {
            memory: score.gigabyte_hours,
            cold: score.percentile(0.75).max(1e-6),
        })
        .collect();
    points.sort_by(|a, b| a.memory.total_cmp(&b.memory));
    between(&points, memory, |point| (point.memory, point.cold))
}

/// The learned policy against each of the others; with the spread over seeds.
pub(crate) fn comparison(all: &[Score], seeds: &[Vec<Score>], family: &str) -> String {
    let mut text = format!(
        "| {family} beside | cold starts at equal memory | memory at equal cold starts | p75 of functions' cold share at equal memory |\n|---|---:|---:|---:|\n"
    );
    for name in COMPARED {
        let find = |scores: &[Score]| {
            let of = scores.iter().find(|score| score.name == name)?;
            Some(relative(scores, family, of))
        };
        let theirs = all.iter().find(|score| score.name == name);
        let p75 = theirs.map_or_else(String::new, |theirs| {
            let ours = percentile_at(all, family, theirs.gigabyte_hours).unwrap_or(f64::NAN);
            format!(
                "{:.0} % (theirs {:.0} %)",
                ours * 100.0,
                theirs.percentile(0.75) * 100.0
            )
        });
        let Some((cold, memory)) = find(all) else {
            continue;
        };
        let each: Vec<_> = seeds.iter().filter_map(|scores| find(scores)).collect();
        let cold = change(cold, each.iter().map(|(cold, _)| *cold));
        let memory = change(memory, each.iter().map(|(_, memory)| *memory));
        let _ = writeln!(text, "| {name} | {cold} | {memory} | {p75} |");
    }
    text
}

/// In percent, with the range over the seeds.
fn change(all: Option<f64>, each: impl Iterator<Item = Option<f64>>) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let each: Vec<f64> = each.flatten().map(percent).collect();
    let Some(all) = all.map(percent) else {
        return "outside the curve".to_owned();
    };
    let least = each.iter().copied().fold(f64::INFINITY, f64::min);
    let most = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{all:+.0} % ({least:+.0} … {most:+.0})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(family: &'static str, cold: u64, gigabyte_hours: f64) -> Score {
        Score {
            family,
            cold,
            gigabyte_hours,
            ..Score::default()
        }
    }

    #[test]
    fn curves_are_read_between_their_points() {
        let scores = [score("a", 400, 10.0), score("a", 100, 40.0)];
        let (cold, memory) = relative(&scores, "a", &score("b", 400, 20.0));
        assert!((cold.expect("inside") - 0.5).abs() < 1e-9);
        assert!((memory.expect("inside") - 0.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_claimed_outside_a_curve() {
        let scores = [score("a", 400, 10.0), score("a", 100, 40.0)];
        assert_eq!(relative(&scores, "a", &score("b", 50, 50.0)), (None, None));
    }
}
