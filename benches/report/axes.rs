//! Where a picture of lines has its plane, and the lines and words of both axes. Knows nothing of scales.

use super::svg::{Anchor, Svg, colour};

pub(super) const WIDTH: f64 = 860.0;
pub(super) const HEIGHT: f64 = 470.0;
pub(super) const LEFT: f64 = 84.0;
pub(super) const RIGHT: f64 = 250.0;
pub(super) const TOP: f64 = 84.0;
pub(super) const BOTTOM: f64 = 56.0;

/// A line across the plane, with its value before it.
pub(super) fn across(svg: &mut Svg, y: f64, value: &str) {
    svg.line((LEFT, y), (WIDTH - RIGHT, y), colour::GRID, 1.0);
    svg.text(
        LEFT - 10.0,
        y + 4.0,
        11.5,
        Anchor::End,
        colour::FAINT,
        value,
    );
}

/// A line up the plane, with its value below it.
pub(super) fn upright(svg: &mut Svg, x: f64, value: &str) {
    svg.line((x, TOP), (x, HEIGHT - BOTTOM), colour::GRID, 1.0);
    svg.text(
        x,
        HEIGHT - BOTTOM + 20.0,
        11.5,
        Anchor::Middle,
        colour::FAINT,
        value,
    );
}

/// What grows to the right.
pub(super) fn below(svg: &mut Svg, words: &str) {
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    svg.text(
        middle,
        HEIGHT - 14.0,
        12.0,
        Anchor::Middle,
        colour::FAINT,
        words,
    );
}
