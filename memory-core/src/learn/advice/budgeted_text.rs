//! Text within a budget: whole lines, the least valuable left out first.

/// Number of bytes of a token, as in all answers.
const BYTES_PER_TOKEN: usize = 4;

/// Number of bytes before a numbered line.
const NUMBER_BYTES: usize = 4;

/// Lines with their values, from which a text within a budget is made.
#[derive(Debug, Default)]
pub(crate) struct BudgetedText {
    lines: Vec<Line>,
    headings: Vec<Heading>,
}

#[derive(Debug)]
struct Heading {
    text: String,
    /// Its lines that are shown are numbered.
    is_numbered: bool,
}

#[derive(Debug)]
struct Line {
    /// Lines of a higher value are kept longer.
    value: f64,
    /// Position of its heading in `headings`.
    heading: Option<usize>,
    text: String,
}

impl BudgetedText {
    /// Adds a line outside of any section.
    pub(crate) fn line(&mut self, value: f64, text: impl Into<String>) {
        self.lines.push(Line { value, heading: None, text: text.into() });
    }

    /// Adds a section; its heading is shown with its first line and left out with its last.
    pub(crate) fn section(
        &mut self,
        heading: impl Into<String>,
        lines: impl IntoIterator<Item = (f64, String)>,
    ) {
        self.add(Heading { text: heading.into(), is_numbered: false }, lines);
    }

    /// Adds a section of which the lines that are shown are numbered, without gaps.
    pub(crate) fn numbered_section(
        &mut self,
        heading: impl Into<String>,
        lines: impl IntoIterator<Item = (f64, String)>,
    ) {
        self.add(Heading { text: heading.into(), is_numbered: true }, lines);
    }

    fn add(&mut self, heading: Heading, lines: impl IntoIterator<Item = (f64, String)>) {
        let at = Some(self.headings.len());
        self.headings.push(heading);
        let lines = lines.into_iter();
        self.lines.extend(lines.map(|(value, text)| Line { value, heading: at, text }));
    }

    /// Renders the most valuable lines that fit into `max_tokens`, in their order.
    ///
    /// A line that does not fit is left out whole, and a less valuable one may still fit.
    #[expect(clippy::indexing_slicing, reason = "positions of lines and headings of this text")]
    pub(crate) fn render(&self, max_tokens: usize) -> String {
        let mut bytes_left = max_tokens.saturating_mul(BYTES_PER_TOKEN);
        let mut by_value: Vec<usize> = (0..self.lines.len()).collect();
        by_value.sort_by(|a, b| self.lines[*b].value.total_cmp(&self.lines[*a].value));
        let mut is_line_kept = vec![false; self.lines.len()];
        let mut is_heading_kept = vec![false; self.headings.len()];
        for i in by_value {
            let line = &self.lines[i];
            let new_heading = line.heading.filter(|heading| !is_heading_kept[*heading]);
            let heading_bytes =
                new_heading.map_or(0, |heading| self.headings[heading].text.len() + 1);
            let is_numbered = line.heading.is_some_and(|at| self.headings[at].is_numbered);
            let number_bytes = if is_numbered { NUMBER_BYTES } else { 0 };
            let n_bytes = line.text.len() + 1 + heading_bytes + number_bytes;
            if n_bytes > bytes_left {
                continue;
            }
            bytes_left -= n_bytes;
            is_line_kept[i] = true;
            if let Some(heading) = new_heading {
                is_heading_kept[heading] = true;
            }
        }
        let mut kept: Vec<String> = Vec::new();
        let mut last_heading = None;
        let mut number = 0;
        for (line, _) in self.lines.iter().zip(is_line_kept).filter(|(_, is_kept)| *is_kept) {
            if line.heading != last_heading {
                kept.extend(line.heading.map(|heading| self.headings[heading].text.clone()));
                (last_heading, number) = (line.heading, 0);
            }
            number += 1;
            let is_numbered = line.heading.is_some_and(|at| self.headings[at].is_numbered);
            kept.push(if is_numbered {
                format!("{number}. {}", line.text)
            } else {
                line.text.clone()
            });
        }
        kept.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> BudgetedText {
        let mut text = BudgetedText::default();
        text.line(1.0, "first");
        text.numbered_section("Steps:", [(0.5, "look".to_owned()), (0.9, "mend".to_owned())]);
        text.section("Nothing:", []);
        text.section("Beware:", [(0.7, "- of dogs".to_owned())]);
        text
    }

    #[test]
    fn the_least_valuable_lines_go_first_and_headings_with_their_last_line() {
        let text = text();
        assert_eq!(text.render(100), "first\nSteps:\n1. look\n2. mend\nBeware:\n- of dogs");
        assert_eq!(text.render(10), "first\nSteps:\n1. mend\nBeware:\n- of dogs");
        assert_eq!(text.render(6), "first\nSteps:\n1. mend", "without a gap in the numbers");
        assert_eq!(text.render(0), "");
    }

    proptest::proptest! {
        #[test]
        fn a_text_keeps_its_budget(max_tokens in 0_usize..30) {
            proptest::prop_assert!(text().render(max_tokens).len() <= max_tokens * BYTES_PER_TOKEN);
        }
    }
}
