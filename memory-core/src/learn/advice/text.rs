//! Puts advice into words: whole lines within a budget, the least valuable left out first.

use crate::index::unit::head;
use crate::learn::NameNo;
use crate::model::{EpisodeId, display_name};

/// Bytes of a token, as everywhere in answers.
const BYTES_PER_TOKEN: usize = 4;

/// Most bytes of an example of a call or an error within a line.
const EXAMPLE_BYTES: usize = 110;

/// How numbers become words: what only the caller can look up.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    /// Name of a tool.
    pub(crate) tool: &'a dyn Fn(NameNo) -> Option<&'a str>,
    /// What a step of an episode called, shortened: its arguments, without the tool's name.
    pub(crate) call: &'a dyn Fn(EpisodeId, u32) -> Option<String>,
    /// What error a step of an episode had.
    pub(crate) error: &'a dyn Fn(EpisodeId, u32) -> Option<String>,
}

impl Words<'_> {
    /// The tool's name in backticks; its number where it has none.
    pub(crate) fn tool(&self, tool: NameNo) -> String {
        match (self.tool)(tool) {
            Some(name) => format!("`{}`", display_name(name)),
            None => format!("tool {tool}"),
        }
    }

    /// Tools in order, shortened in the middle where they are many.
    pub(crate) fn tools(&self, tools: &[NameNo]) -> String {
        let name = |tool: &NameNo| self.tool(*tool);
        let mut once = tools.to_vec();
        once.dedup();
        match once.as_slice() {
            [a, b, .., y, z] if once.len() > 5 => {
                format!("{} → {} → … → {} → {}", name(a), name(b), name(y), name(z))
            }
            _ => once.iter().map(name).collect::<Vec<_>>().join(" → "),
        }
    }

    /// What a step called, in one short line; `None` where it says nothing.
    pub(crate) fn call(&self, id: EpisodeId, step: u32) -> Option<String> {
        (self.call)(id, step).and_then(|text| one_line(&text, EXAMPLE_BYTES))
    }

    /// What error a step had, in one short line.
    pub(crate) fn error(&self, id: EpisodeId, step: u32) -> Option<String> {
        (self.error)(id, step).and_then(|text| one_line(&text, EXAMPLE_BYTES))
    }

    /// The error's text in quotes.
    pub(crate) fn quoted_error(&self, id: EpisodeId, step: u32) -> String {
        self.error(id, step).map_or_else(|| "(no message)".to_owned(), |text| format!("“{text}”"))
    }
}

/// A text on one line, cut at a character with `…`; `None` when nothing is left of it.
pub(crate) fn one_line(text: &str, limit: usize) -> Option<String> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limit {
            line.truncate(head(&line, limit.saturating_sub('…'.len_utf8())).len());
            line.push('…');
            break;
        }
    }
    (!line.is_empty()).then_some(line)
}

/// A share as a whole percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

/// Lines that want to be said.
#[derive(Debug, Default)]
pub(crate) struct Page {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Higher stays longer.
    value: f64,
    /// Number of the heading it stands under.
    heading: Option<usize>,
    is_heading: bool,
    text: String,
}

impl Page {
    /// Adds a line outside of any section.
    pub(crate) fn line(&mut self, value: f64, text: impl Into<String>) {
        self.lines.push(Line { value, heading: None, is_heading: false, text: text.into() });
    }

    /// Adds a section; it is left out with the last of its lines.
    pub(crate) fn section(
        &mut self,
        heading: impl Into<String>,
        lines: impl IntoIterator<Item = (f64, String)>,
    ) {
        let at = self.lines.len();
        let text = heading.into();
        self.lines.push(Line { value: 0.0, heading: Some(at), is_heading: true, text });
        self.lines.extend(lines.into_iter().map(|(value, text)| Line {
            value,
            heading: Some(at),
            is_heading: false,
            text,
        }));
        if self.lines.len() == at + 1 {
            self.lines.pop();
        }
    }

    /// The text of at most `max_tokens`: the most valuable lines, in their order.
    ///
    /// A line that does not fit is left out whole, and a less valuable one may still fit.
    pub(crate) fn render(&self, max_tokens: usize) -> String {
        let mut left = max_tokens.saturating_mul(BYTES_PER_TOKEN);
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        order.retain(|i| self.lines.get(*i).is_some_and(|line| !line.is_heading));
        let value = |i: &usize| self.lines.get(*i).map_or(0.0, |line| line.value);
        order.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.cmp(b)));
        let mut kept = vec![false; self.lines.len()];
        for i in order {
            let Some(line) = self.lines.get(i) else { continue };
            let heading = line.heading.filter(|at| kept.get(*at) == Some(&false));
            let heading_len =
                heading.and_then(|at| self.lines.get(at)).map_or(0, |h| h.text.len() + 1);
            let len = line.text.len() + 1 + heading_len;
            if len > left {
                continue;
            }
            left -= len;
            for at in heading.into_iter().chain([i]) {
                if let Some(kept) = kept.get_mut(at) {
                    *kept = true;
                }
            }
        }
        let kept = self.lines.iter().zip(kept).filter(|(_, kept)| *kept);
        kept.map(|(line, _)| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::default();
        page.line(1.0, "first");
        page.section("Steps:", [(0.5, "1. look".to_owned()), (0.9, "2. mend".to_owned())]);
        page.section("Nothing:", []);
        page.section("Beware:", [(0.7, "- of dogs".to_owned())]);
        page
    }

    #[test]
    fn the_least_valuable_lines_go_first_and_headings_with_their_last_line() {
        let page = page();
        assert_eq!(page.render(100), "first\nSteps:\n1. look\n2. mend\nBeware:\n- of dogs");
        assert_eq!(page.render(10), "first\nSteps:\n2. mend\nBeware:\n- of dogs");
        assert_eq!(page.render(6), "first\nSteps:\n2. mend");
        assert_eq!(page.render(0), "");
    }

    proptest::proptest! {
        #[test]
        fn a_page_keeps_its_budget(max_tokens in 0_usize..30) {
            proptest::prop_assert!(page().render(max_tokens).len() <= max_tokens * BYTES_PER_TOKEN);
        }

        #[test]
        fn any_text_becomes_one_short_line(text in "\\PC{0,60}\n?\\PC{0,60}", limit in 4_usize..50) {
            if let Some(line) = one_line(&text, limit) {
                proptest::prop_assert!(line.len() <= limit && !line.contains('\n'));
            } else {
                proptest::prop_assert!(text.trim().is_empty());
            }
        }
    }
}
