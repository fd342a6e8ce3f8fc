//! Charts of analyses: a picture as PNG or SVG.
//!
//! The ground is opaque and the colours are those that most people can tell apart, so that a chart
//! reads the same in light and in dark surroundings.

mod canvas;

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use canvas::{Canvas, png};

/// Size of a picture, in pixels.
const SIZE: (u32, u32) = (960, 480);

const GROUND: RGBColor = RGBColor(0xfc, 0xfc, 0xfb);
const INK: RGBColor = RGBColor(0x26, 0x2a, 0x30);
const FAINT: RGBColor = RGBColor(0xdd, 0xde, 0xe0);
const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const ORANGE: RGBColor = RGBColor(0xc7, 0x58, 0x00);

/// Size of letters, in pixels.
const TITLE_SIZE: u32 = 16;
const LABEL_SIZE: u32 = 13;

/// Characters of a title that fit.
const TITLE_CHARS: usize = 56;

/// Labels of the horizontal axis.
const N_LABELS: usize = 6;

/// Contents of a chart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// Label and value of each bin; a bin without one is a gap.
    pub(crate) points: Vec<(String, Option<f64>)>,
    /// Label, value, lower and upper bound of each point of a forecast.
    pub(crate) forecast: Vec<(String, [f64; 3])>,
    /// Bins that stand out.
    pub(crate) marks: Vec<usize>,
    /// True where a mark is a change that goes on, false where it is one bin.
    pub(crate) marks_are_changes: bool,
}

impl Chart {
    /// Returns the chart as a PNG file; `None` where there are less than two values.
    pub(crate) fn png(&self) -> Option<Vec<u8>> {
        self.range()?;
        let (width, height) = SIZE;
        let mut pixels = vec![0; width as usize * height as usize * 3];
        let canvas = Canvas { width, height, pixels: &mut pixels };
        self.draw(&canvas.into_drawing_area()).ok()?;
        png(width, height, &pixels).ok()
    }

    /// Returns the chart as an SVG document; `None` where there are less than two values.
    pub(crate) fn svg(&self) -> Option<String> {
        self.range()?;
        let mut text = String::new();
        self.draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area()).ok()?;
        Some(text)
    }

    /// Returns the range of all values with some room around it.
    fn range(&self) -> Option<Range<f64>> {
        let known = self.points.iter().filter_map(|(_, value)| *value);
        let bounds = self.forecast.iter().flat_map(|(_, values)| *values);
        let all: Vec<f64> = known.chain(bounds).filter(|value| value.is_finite()).collect();
        let (low, high) =
            all.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        let room = if high > low { (high - low) * 0.06 } else { high.abs().max(1.0) * 0.1 };
        (all.len() >= 2)
            .then(|| (if low >= 0.0 { (low - room).max(0.0) } else { low - room })..high + room)
    }

    /// Returns the place and value of each bin that has one.
    fn values(&self) -> Vec<Option<(f64, f64)>> {
        let known = self.points.iter().enumerate();
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        known.map(|(i, (_, value))| finite(*value).map(|value| (real(i), value))).collect()
    }

    /// Returns the points of a forecast: 0 the expected values, 1 the lower bounds, 2 the upper.
    fn bound(&self, bound: usize) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        let from = self.points.len();
        let points = self.forecast.iter().enumerate();
        points.filter_map(move |(i, (_, values))| Some((real(from + i), *values.get(bound)?)))
    }

    /// Returns the outline of the interval of a forecast.
    fn outline(&self) -> Vec<(f64, f64)> {
        self.bound(1).chain(self.bound(2).rev()).collect()
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), Box<dyn Error>>
    where
        B::ErrorType: 'static,
    {
        let range = self.range().ok_or("no values")?;
        let n = self.points.len() + self.forecast.len();
        let labels: Vec<&str> = self
            .points
            .iter()
            .map(|(label, _)| label.as_str())
            .chain(self.forecast.iter().map(|(label, _)| label.as_str()))
            .collect();
        area.fill(&GROUND)?;
        let title: String = self.title.chars().take(TITLE_CHARS).collect();
        let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .caption(title, text(TITLE_SIZE))
            .x_label_area_size(34)
            .y_label_area_size(76)
            .build_cartesian_2d(-0.5..real(n) - 0.5, range.clone())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(FAINT)
            .light_line_style(GROUND)
            .axis_style(INK)
            .label_style(text(LABEL_SIZE))
            .x_labels(N_LABELS)
            .y_labels(6)
            .x_label_formatter(&|x| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a bin"
                )]
                let at = x.round().max(0.0) as usize;
                labels.get(at).map_or_else(String::new, |label| (*label).to_owned())
            })
            .y_label_formatter(&|y| short(*y, range.end - range.start))
            .draw()?;
        if self.marks_are_changes {
            for at in &self.marks {
                let x = real(*at) - 0.5;
                let line = [(x, range.start), (x, range.end)];
                chart.draw_series(DashedLineSeries::new(line, 6, 4, ORANGE.stroke_width(2)))?;
            }
        }
        let outline = self.outline();
        if outline.len() > 2 {
            chart.draw_series([Polygon::new(outline, BLUE.mix(0.18))])?;
            chart.draw_series(LineSeries::new(self.bound(0), BLUE.mix(0.7).stroke_width(2)))?;
        }
        // A gap parts the line; a value between two gaps would be no line at all.
        let values = self.values();
        for part in values.split(Option::is_none) {
            let line = part.iter().copied().flatten();
            chart.draw_series(LineSeries::new(line, BLUE.stroke_width(2)))?;
        }
        let dots = values.iter().copied().flatten();
        let size = if values.len() > 90 { 2 } else { 3 };
        chart.draw_series(dots.map(|point| Circle::new(point, size, BLUE.filled())))?;
        if !self.marks_are_changes {
            let marked = self.marks.iter().filter_map(|at| values.get(*at).copied().flatten());
            chart.draw_series(marked.map(|point| Circle::new(point, 8, ORANGE.stroke_width(3))))?;
        }
        area.present()?;
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of bins")]
const fn real(n: usize) -> f64 {
    n as f64
}

/// Returns a value in as many digits as the range of the axis needs.
fn short(value: f64, range: f64) -> String {
    match range {
        range if range >= 1e7 => format!("{:.0}M", value / 1e6),
        range if range >= 1e4 => format!("{:.0}k", value / 1e3),
        range if range >= 20.0 => format!("{value:.0}"),
        range if range >= 2.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn chart(n: usize) -> Chart {
        Chart {
            title: "success by day".to_owned(),
            points: (0..n)
                .map(|i| (format!("05-{:02}", i + 1), (i % 5 != 3).then_some(real(i % 3))))
                .collect(),
            forecast: vec![("06-01".to_owned(), [1.0, 0.5, 1.5]); 3],
            marks: vec![n / 2, 9_999],
            marks_are_changes: true,
        }
    }

    #[test]
    fn a_picture_is_a_png_of_opaque_ground_with_ink_on_it() {
        let png = chart(30).png().unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&png[16..24], &[0, 0, 3, 192, 0, 0, 1, 224]);
        let at = png.windows(4).position(|four| four == b"IDAT").unwrap();
        let length = u32::from_be_bytes(png[at - 4..at].try_into().unwrap()) as usize;
        let mut rows = Vec::new();
        let body = &png[at + 4..at + 4 + length];
        flate2::read::ZlibDecoder::new(body).read_to_end(&mut rows).unwrap();
        assert_eq!(rows.len(), 480 * (1 + 960 * 3));
        let pixels = || rows.chunks(1 + 960 * 3).flat_map(|row| row[1..].chunks(3));
        let of = |color: RGBColor| pixels().filter(|p| *p == [color.0, color.1, color.2]).count();
        assert!(of(GROUND) > 300_000, "{}", of(GROUND));
        assert!(of(INK) > 1_000 && of(BLUE) > 200 && of(ORANGE) > 100);
    }

    #[test]
    fn a_drawing_is_an_svg_with_its_title_and_labels() {
        let svg = chart(30).svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("success by day"), "{svg}");
        assert!(svg.contains("05-01"));
    }

    #[test]
    fn too_few_values_and_strange_ones_give_no_picture_or_a_whole_one() {
        assert!(Chart::default().png().is_none() && Chart::default().svg().is_none());
        let strange = Chart {
            points: vec![
                ("a".to_owned(), Some(f64::NAN)),
                ("b".to_owned(), Some(1e300)),
                ("ü".to_owned(), Some(-1e300)),
                ("c".to_owned(), Some(f64::INFINITY)),
            ],
            ..Chart::default()
        };
        assert!(strange.png().is_some() && strange.svg().is_some());
        let one = Chart { points: vec![("a".to_owned(), Some(1.0))], ..Chart::default() };
        assert!(one.png().is_none());
    }
}
