//! Charts as inline SVG: lines over the number of services on logarithmic axes, and bars. Colours are
//! classes, which the page defines for light and dark.

use std::fmt::Write as _;

use super::markdown::number;
use super::statistics::Summary;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 64.0;
/// Room for the names at the ends of the lines.
const RIGHT: f64 = 130.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 44.0;
/// The height of a line of text.
const TEXT: f64 = 15.0;

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What stands at its end; also the class of its colour.
    pub name: String,
    /// The number of services, and what was measured.
    pub points: Vec<(f64, Summary)>,
}

/// One bar of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What stands before it.
    pub name: String,
    /// How long it is.
    pub value: Summary,
}

/// A logarithmic axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// The logarithms of what stands at its ends.
    from: f64,
    to: f64,
    /// Where its ends are.
    start: f64,
    end: f64,
}

impl Axis {
    fn at(self, value: f64) -> f64 {
        let part = (value.log10() - self.from) / (self.to - self.from);
        self.start + part * (self.end - self.start)
    }

    /// Whole powers of ten, which ticks stand at.
    fn ticks(self) -> Vec<f64> {
        (-6_i32..=9)
            .map(f64::from)
            .filter(|power| (self.from - 1e-9..=self.to + 1e-9).contains(power))
            .map(|power| 10_f64.powf(power))
            .collect()
    }
}

/// A chart of lines; empty when there is nothing to draw. `unit` stands at the upper end of the axis.
pub fn lines(unit: &str, lines: &[Line]) -> String {
    // A logarithm of nothing is nowhere.
    let lines: Vec<Line> = lines
        .iter()
        .map(|line| Line {
            name: line.name.clone(),
            points: kept(&line.points),
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    let all = || lines.iter().flat_map(|line| &line.points);
    let Some(least) = all().map(|(_, y)| y.lower.min(y.median)).reduce(f64::min) else {
        return String::new();
    };
    let most = all().map(|(_, y)| y.upper).fold(least, f64::max);
    let far = all().map(|(x, _)| *x).fold(1.0, f64::max);
    let x = Axis {
        from: 0.0,
        to: far.log10().max(1.0),
        start: LEFT,
        end: WIDTH - RIGHT,
    };
    let from = least.log10().floor();
    let y = Axis {
        from,
        to: most.log10().ceil().max(from + 1.0),
        start: HEIGHT - BOTTOM,
        end: TOP,
    };
    let mut svg = open(HEIGHT);
    grid(&mut svg, x, y, unit);
    for line in &lines {
        draw(&mut svg, line, x, y);
    }
    names(&mut svg, &lines, x, y);
    svg + "</svg>\n"
}

/// A chart of horizontal bars; empty when there is nothing to draw.
pub fn bars(unit: &str, bars: &[Bar]) -> String {
    let Some(most) = bars.iter().map(|bar| bar.value.upper).reduce(f64::max) else {
        return String::new();
    };
    let step = 30.0;
    let left = 150.0;
    // Beside a bar stands its number with the unit.
    let room = WIDTH - left - 170.0;
    let count = f64::from(u16::try_from(bars.len()).unwrap_or(u16::MAX));
    let mut svg = open(count * step + 8.0);
    let mut top = 4.0;
    for bar in bars {
        let length = if most > 0.0 {
            (bar.value.median / most * room).max(1.0)
        } else {
            1.0
        };
        let middle = top + step / 2.0 + 4.0;
        let text = format!("{} {unit}", number(bar.value.median));
        let _ = write!(
            svg,
            "<g class=\"{}\"><title>{}: {text}</title>\
             <text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"bar\" x=\"{left}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"18\" rx=\"3\"/>\
             <text x=\"{:.1}\" y=\"{middle:.1}\">{text}</text></g>",
            class(&bar.name),
            escaped(&bar.name),
            left - 8.0,
            escaped(&bar.name),
            top + 6.0,
            left + length + 8.0,
        );
        top += step;
    }
    svg + "</svg>\n"
}

/// The name of a class, made of a name for people.
pub fn class(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    });
    format!("of-{}", letters.collect::<String>())
}

/// Text that stands for itself in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn kept(points: &[(f64, Summary)]) -> Vec<(f64, Summary)> {
    let mut kept: Vec<(f64, Summary)> = points
        .iter()
        .filter(|(x, y)| *x > 0.0 && y.lower > 0.0)
        .copied()
        .collect();
    kept.sort_by(|a, b| a.0.total_cmp(&b.0));
    kept
}

fn open(height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">")
}

fn grid(svg: &mut String, x: Axis, y: Axis, unit: &str) {
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            x.start,
            x.end,
            x.start - 8.0,
            at + 4.0,
            tick_text(tick),
        );
    }
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            y.start,
            y.end,
            y.start + 18.0,
            tick_text(tick),
        );
    }
    let _ = write!(
        svg,
        "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">services</text>\
         <text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text>",
        f64::midpoint(x.start, x.end),
        y.start + 36.0,
        x.start + 6.0,
        y.end + 12.0,
        escaped(unit),
    );
}

fn draw(svg: &mut String, line: &Line, x: Axis, y: Axis) {
    let points: Vec<String> = line
        .points
        .iter()
        .map(|(services, value)| format!("{:.1},{:.1}", x.at(*services), y.at(value.median)))
        .collect();
    let _ = write!(
        svg,
        "<g class=\"{}\"><polyline points=\"{}\"/>",
        class(&line.name),
        points.join(" ")
    );
    for (services, value) in &line.points {
        let (across, up) = (x.at(*services), y.at(value.median));
        let _ = write!(
            svg,
            "<line class=\"spread\" x1=\"{across:.1}\" x2=\"{across:.1}\" y1=\"{:.1}\" \
             y2=\"{:.1}\"/><circle cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"4\">\
             <title>{}, {}: {} ({} to {})</title></circle>",
            y.at(value.lower),
            y.at(value.upper),
            escaped(&line.name),
            tick_text(*services),
            number(value.median),
            number(value.lower),
            number(value.upper),
        );
    }
    *svg += "</g>";
}

/// The names at the lines' ends, moved apart where they would cover each other: those of lines that go
/// all the way beside the chart, the others beside their last point.
fn names(svg: &mut String, lines: &[Line], x: Axis, y: Axis) {
    let mut ends: Vec<(f64, f64, &str)> = lines
        .iter()
        .filter_map(|line| {
            let (services, value) = line.points.last()?;
            Some((y.at(value.median), x.at(*services), line.name.as_str()))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (whole, short): (Vec<_>, Vec<_>) = ends.into_iter().partition(|end| end.1 > x.end - 1.0);
    for ends in [whole, short] {
        let places = spread_out(&ends.iter().map(|end| end.0).collect::<Vec<_>>(), y.start);
        for ((up, across, name), place) in ends.into_iter().zip(places) {
            let _ = write!(
                svg,
                "<g class=\"{}\"><line class=\"leader\" x1=\"{:.1}\" y1=\"{up:.1}\" x2=\"{:.1}\" \
                 y2=\"{place:.1}\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
                class(name),
                across + 5.0,
                across + 16.0,
                across + 20.0,
                place + 4.0,
                escaped(name),
            );
        }
    }
}

/// Moves sorted places apart, at least a line of text, none beyond `most` if it can be helped.
fn spread_out(places: &[f64], most: f64) -> Vec<f64> {
    let mut moved: Vec<f64> = Vec::with_capacity(places.len());
    for place in places {
        let least = moved.last().map_or(f64::MIN, |last| last + TEXT);
        moved.push(place.max(least));
    }
    let mut limit = most;
    for place in moved.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - TEXT;
    }
    moved
}

fn tick_text(value: f64) -> String {
    if value >= 1.0 {
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Line, bars, class, lines, spread_out, tick_text};
    use crate::bench::statistics::Summary;

    fn line(name: &str, values: &[(f64, f64)]) -> Line {
        Line {
            name: name.to_owned(),
            points: values
                .iter()
                .map(|(x, y)| (*x, Summary::of([*y]).unwrap()))
                .collect(),
        }
    }

    #[test]
    fn nothing_gives_no_chart() {
        assert_eq!(lines("ms", &[]), "");
        assert_eq!(lines("ms", &[line("a", &[(1.0, 0.0)])]), "");
        assert_eq!(bars("ms", &[]), "");
    }

    #[test]
    fn a_line_is_drawn_inside() {
        let svg = lines("ms", &[line("s6", &[(1.0, 2.0), (1000.0, 300.0)])]);
        assert!(svg.contains("<polyline points=\"64.0,"), "{svg}");
        assert!(svg.contains("class=\"of-s6\""), "{svg}");
        assert!(svg.contains(">1,000</text>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    }

    #[test]
    fn one_point_is_a_chart_too() {
        let svg = lines("KiB", &[line("tini", &[(1.0, 100.0)])]);
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn the_longest_bar_fills_the_room() {
        let bar = |name: &str, value: f64| Bar {
            name: name.to_owned(),
            value: Summary::of([value]).unwrap(),
        };
        let svg = bars("MB/s", &[bar("cat", 900.0), bar("a <b>", 450.0)]);
        assert!(svg.contains("width=\"400.0\""), "{svg}");
        assert!(svg.contains("width=\"200.0\""), "{svg}");
        assert!(svg.contains("a &lt;b&gt;"), "{svg}");
    }

    #[test]
    fn names_do_not_cover_each_other() {
        assert_eq!(spread_out(&[10.0, 11.0, 80.0], 100.0), [10.0, 25.0, 80.0]);
        assert_eq!(spread_out(&[95.0, 99.0], 100.0), [85.0, 100.0]);
    }

    #[test]
    fn texts_and_classes() {
        assert_eq!(tick_text(1000.0), "1,000");
        assert_eq!(tick_text(1_000_000.0), "1,000,000");
        assert_eq!(tick_text(0.1), "0.1");
        assert_eq!(tick_text(100.0), "100");
        assert_eq!(class("sixfold, s6-log t"), "of-sixfold--s6-log-t");
    }
}
