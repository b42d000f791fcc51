//! The few shapes that the plots are made of. Knows nothing of figures.

use std::fmt::Write;

/// Colours, chosen to be told apart by everybody and to be legible on white.
pub(crate) mod colour {
    pub(crate) const INK: &str = "#1f2937";
    pub(crate) const FAINT: &str = "#6b7280";
    pub(crate) const GRID: &str = "#e5e7eb";
    pub(crate) const ZYGO: &str = "#0f766e";
    pub(crate) const ZYGO_LIGHT: &str = "#5eaaa3";
    pub(crate) const PLATFORM: &str = "#9a6b3f";
    pub(crate) const BARE: &str = "#b6bdc8";
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture in the making.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty white picture with a title.
    pub(crate) fn new(width: f64, height: f64, title: &str, subtitle: &str) -> Self {
        let mut svg = Self {
            width,
            height,
            body: String::new(),
        };
        svg.bold(24.0, 34.0, 18.0, title);
        svg.text(24.0, 55.0, 12.5, Anchor::Start, colour::FAINT, subtitle);
        svg
    }

    /// A text whose base line begins, has its middle, or ends at a point.
    pub(crate) fn text(
        &mut self,
        x: f64,
        y: f64,
        size: f64,
        anchor: Anchor,
        fill: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" fill="{fill}">{text}</text>"#
        ));
    }

    /// A heading.
    pub(crate) fn bold(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let (text, ink) = (escape(text), colour::INK);
        self.push(format_args!(r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" font-weight="600" fill="{ink}">{text}</text>"#));
    }

    /// A filled rectangle with slightly round corners.
    pub(crate) fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2" fill="{fill}"/>"#
        ));
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        self.push(format_args!(
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{stroke}" stroke-width="{width}"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through points; dashed when `dash` is not empty.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], stroke: &str, dash: &str) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        self.push(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{stroke}" stroke-width="2" stroke-linejoin="round" stroke-dasharray="{dash}"/>"#,
            points.join(" ")
        ));
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{shape}");
    }

    /// The file's text.
    pub(crate) fn finish(self) -> String {
        let Self {
            width,
            height,
            body,
        } = self;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">
<rect width="100%" height="100%" rx="6" fill="#ffffff"/>
{body}</svg>
"##
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
