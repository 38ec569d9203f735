//! A plot as inline SVG: lines over an axis, for a page that needs nothing beside it.
#![expect(clippy::float_arithmetic, reason = "places on a picture; what is decided is decided in integers")]

use std::fmt::Write as _;

use super::html::escaped;

/// Of the picture and of the field within it, in pixels.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 850.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 262.0;
/// Colours that the page's style has for lines, by number.
const COLOURS: usize = 6;

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero.
    Linear,
    /// By powers of ten; what is not positive is left out.
    Logarithmic,
}

/// A line: points from left to right; a gap where there is no value.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A plot of lines.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    /// Marks of the horizontal axis: where, and what stands there.
    pub(super) marks: Vec<(f64, String)>,
    pub(super) scale: Scale,
    pub(super) lines: Vec<Line>,
}

/// From values to pixels.
struct Field {
    x: (f64, f64),
    y: (f64, f64),
    scale: Scale,
}

impl Field {
    fn across(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0).max(f64::MIN_POSITIVE) * (RIGHT - LEFT)
    }

    fn up(&self, y: f64) -> Option<f64> {
        let placed = |y: f64, low: f64, high: f64| BOTTOM - (y - low) / (high - low).max(1e-9) * (BOTTOM - TOP);
        match self.scale {
            Scale::Linear => Some(placed(y, self.y.0, self.y.1)),
            Scale::Logarithmic if y > 0.0 => Some(placed(y.log10(), self.y.0.log10(), self.y.1.log10())),
            Scale::Logarithmic => None,
        }
    }
}

impl Plot {
    /// As SVG.
    pub(super) fn svg(&self) -> String {
        let values = || self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
        let across = || {
            let points = self.lines.iter().flat_map(|line| &line.points).map(|(x, _)| *x);
            points.chain(self.marks.iter().map(|(x, _)| *x))
        };
        let grid = grid(self.scale, values());
        let (Some(low), Some(high)) = (grid.first(), grid.last()) else {
            return String::new(); // nothing to show
        };
        let x = (across().fold(f64::INFINITY, f64::min), across().fold(f64::NEG_INFINITY, f64::max));
        let field = Field { x, y: (*low, *high), scale: self.scale };
        let title = escaped(&self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
             <text class=\"title\" x=\"{LEFT}\" y=\"16\">{title}</text>\n"
        );
        // A String takes everything.
        for value in &grid {
            let y = field.up(*value).unwrap_or(BOTTOM);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                tick(*value)
            );
        }
        for (x, text) in &self.marks {
            let x = field.across(*x);
            let _ = writeln!(
                svg,
                "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{BOTTOM}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"tick middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                BOTTOM + 5.0,
                BOTTOM + 19.0,
                escaped(text)
            );
        }
        let mut legend_at = RIGHT;
        for (number, line) in self.lines.iter().enumerate().rev() {
            let colour = number % COLOURS;
            for part in line.points.split(|(_, y)| y.is_none()).filter(|part| !part.is_empty()) {
                svg.push_str(&polyline(&field, part, colour));
            }
            let _ = writeln!(
                svg,
                "<text class=\"legend end c{colour}\" x=\"{legend_at:.1}\" y=\"16\">{}</text>",
                escaped(&line.name)
            );
            legend_at -= 16.0 + 6.6 * f64::from(u32::try_from(line.name.chars().count()).unwrap_or(0));
        }
        svg + "</svg>\n"
    }
}

fn polyline(field: &Field, part: &[(f64, Option<f64>)], colour: usize) -> String {
    let placed: Vec<(f64, f64)> = part.iter().filter_map(|(x, y)| Some((field.across(*x), field.up((*y)?)?))).collect();
    match placed.as_slice() {
        [] => String::new(),
        // A line of one point would not be seen.
        [(x, y)] => format!("<circle class=\"dot c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>\n"),
        points => {
            let text: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            format!("<polyline class=\"line c{colour}\" points=\"{}\"/>\n", text.join(" "))
        }
    }
}

/// The values at which lines of the grid stand, rising, and that all others lie between.
fn grid(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let shown = values.filter(|value| value.is_finite() && (scale == Scale::Linear || *value > 0.0));
    let high = shown.clone().fold(f64::NEG_INFINITY, f64::max);
    let low = shown.fold(f64::INFINITY, f64::min);
    if !high.is_finite() {
        return Vec::new();
    }
    match scale {
        Scale::Linear => {
            let step = round_step(high.max(1e-3) / 5.0);
            let mut grid = vec![0.0];
            while let Some(last) = grid.last()
                && *last < high
                && grid.len() < 12
            {
                grid.push(*last + step);
            }
            grid
        }
        Scale::Logarithmic => {
            let mut grid = Vec::new();
            let mut decade = 10.0_f64.powf(low.log10().floor());
            while decade < high * 10.0 && grid.len() < 40 {
                grid.extend([decade, decade * 2.0, decade * 5.0]);
                decade *= 10.0;
            }
            // As little around the values as can be.
            let first = grid.iter().rposition(|value| *value <= low).unwrap_or(0);
            let last = grid.iter().position(|value| *value >= high).unwrap_or(grid.len() - 1).max(first + 1);
            grid.get(first..=last).map(<[f64]>::to_vec).unwrap_or(grid)
        }
    }
}

/// 1, 2 or 5 times a power of ten, not less than `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10.0_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0].map(|times| times * power).into_iter().find(|step| *step >= raw * 0.999_999).unwrap_or(power * 10.0)
}

/// A value as it stands at the grid.
fn tick(value: f64) -> String {
    if value >= 1_000_000.0 {
        format!("{:.1}M", value / 1_000_000.0)
    } else if value >= 10_000.0 {
        format!("{:.0}k", value / 1_000.0)
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale, points: &[(f64, Option<f64>)]) -> Plot {
        let lines = vec![Line { name: "p99 <&>".into(), points: points.to_vec() }];
        Plot { title: "a \"title\"".into(), marks: vec![(0.0, "0".into())], scale, lines }
    }

    #[test]
    fn a_line_breaks_where_there_is_no_value() {
        let at = |x, y: Option<f64>| (x, y);
        let points = [
            at(0.0, Some(1.0)),
            at(1.0, Some(2.0)),
            at(2.0, None),
            at(3.0, Some(2.0)),
            at(4.0, Some(3.0)),
            at(5.0, None),
            at(6.0, Some(1.0)),
        ];
        let svg = plot(Scale::Linear, &points).svg();
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (2, 1), "{svg}");
    }

    #[test]
    fn texts_are_escaped_and_nothing_is_fetched() {
        let svg = plot(Scale::Linear, &[(0.0, Some(1.0))]).svg();
        assert!(svg.contains("p99 &lt;&amp;&gt;") && svg.contains("a &quot;title&quot;"), "{svg}");
        assert!(!svg.contains("href") && !svg.contains("http"));
    }

    #[test]
    fn the_grid_holds_all_values() {
        assert_eq!(
            grid(Scale::Linear, [0.0, 9_700.0].into_iter()),
            [0.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0, 10_000.0]
        );
        assert_eq!(grid(Scale::Linear, [0.0].into_iter()).first(), Some(&0.0));
        assert_eq!(grid(Scale::Logarithmic, [0.9, 45.0].into_iter()), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(grid(Scale::Logarithmic, [0.0].into_iter()), [0.0; 0]);
        assert_eq!(plot(Scale::Logarithmic, &[]).svg(), "");
    }

    #[test]
    fn values_are_placed_within_the_field() {
        let field = Field { x: (0.0, 10.0), y: (1.0, 100.0), scale: Scale::Logarithmic };
        assert_eq!((field.across(0.0), field.across(10.0)), (LEFT, RIGHT));
        assert_eq!((field.up(1.0), field.up(100.0), field.up(0.0)), (Some(BOTTOM), Some(TOP), None));
        assert!((field.up(10.0).unwrap() - (TOP + BOTTOM) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [0.5, 0.0, 20.0, 9_000.0, 20_000.0, 1_500_000.0].map(tick),
            ["0.5", "0", "20", "9000", "20k", "1.5M"]
        );
    }
}
