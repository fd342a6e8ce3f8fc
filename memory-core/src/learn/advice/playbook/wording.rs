//! A playbook in words: short lines, each with its counts.

use std::fmt::Write;

use super::{KnownError, Playbook};
use crate::learn::advice::pitfall::{Mistake, Pitfall};
use crate::learn::advice::route::RouteStep;
use crate::learn::advice::text::{Page, Words, one_line, percent};

/// Most pitfalls, errors and lessons that are told.
const MAX_PITFALLS: usize = 3;
const MAX_ERRORS: usize = 3;
const MAX_LESSONS: usize = 3;

/// Most episodes named as evidence in the text; the playbook itself holds all.
const MAX_IDS: usize = 2;

const LESSON_BYTES: usize = 240;

impl Playbook {
    /// The playbook in words, of at most `max_tokens`: whole lines, the least valuable left out first.
    pub(crate) fn text(&self, words: &Words<'_>, max_tokens: usize) -> String {
        let mut page = Page::default();
        page.line(1.0, self.expectation());
        page.section(self.route_heading(), self.route_lines(words));
        let pitfalls = self.pitfalls.iter().take(MAX_PITFALLS);
        page.section(
            "Beware:",
            pitfalls.map(|p| (0.45 + 0.4 * p.contrast(), pitfall_line(p, words))),
        );
        let errors = self.errors.iter().take(MAX_ERRORS).zip([0.75, 0.6, 0.5]);
        page.section("Known errors:", errors.map(|(e, value)| (value, error_line(e, words))));
        let lessons = self.lessons.iter().take(MAX_LESSONS).zip([0.85, 0.65, 0.55]);
        page.section(
            "Lessons:",
            lessons.filter_map(|(lesson, value)| {
                let text = one_line(&lesson.text, LESSON_BYTES)?;
                Some((value, format!("- {text} (note {})", lesson.id)))
            }),
        );
        if !self.evidence.is_empty() {
            page.line(0.4, self.evidence_line());
        }
        page.render(max_tokens)
    }

    fn expectation(&self) -> String {
        let Some(expected) = self.expected else {
            return match self.scope.rate() {
                Some(rate) if self.scope.n >= 5.0 => format!(
                    "No experience with this. In this project {} of {:.0} attempts succeeded.",
                    percent(rate),
                    self.scope.n
                ),
                _ => "No experience with this.".to_owned(),
            };
        };
        let partly = match self.n_partial {
            0 => String::new(),
            n => format!(", {n} in part"),
        };
        let tried = match (self.n_same_task, self.n_runs) {
            (0, n) => format!("Not tried before; of {} like it", attempts(n)),
            (same, n) if same == n => format!("Tried before: of {}", attempts(n)),
            (same, n) => format!("Tried before: of {} ({same} at this very task)", attempts(n)),
        };
        let [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map(percent);
        format!(
            "{tried} {} succeeded{partly}. Chance of success {mean} (80% interval {lower} to {upper}).",
            self.n_succeeded
        )
    }

    fn route_heading(&self) -> String {
        let n = self.steps.first().map_or(0, |step| step.n_of);
        let median = self.median_steps;
        let of = match (n, self.n_same_task) {
            (1, 0) => "What worked on the nearest task".to_owned(),
            (1, _) => "What worked the one time".to_owned(),
            (n, 0) => format!("What worked on {n} tasks like it"),
            (n, _) => format!("What worked {n} times"),
        };
        match median {
            0 | 1 => format!("{of}:"),
            median if n == 1 => format!("{of}, in {median} steps:"),
            median => format!("{of}, in some {median} steps:"),
        }
    }

    fn route_lines(&self, words: &Words<'_>) -> Vec<(f64, String)> {
        let line = |(number, step): (usize, &RouteStep)| {
            let tools: Vec<String> = step.tools.iter().map(|tool| words.tool(*tool)).collect();
            let mut line = format!("{number}. {}", tools.join(" and "));
            if step.tools.len() > 1 {
                line.push_str(&format!(" in turns, {}×", step.times));
            } else if step.times > 1 {
                line.push_str(&format!(" {}×", step.times));
            }
            let (id, at) = step.example;
            if let Some(call) = words.call(id, at) {
                let lead = if step.times > 1 { ", first" } else { ":" };
                line.push_str(&format!("{lead} {call}"));
            }
            if step.n_with < step.n_of {
                line.push_str(&format!(" [{} of {}]", step.n_with, step.n_of));
            }
            #[expect(clippy::cast_precision_loss, reason = "a few steps")]
            let late = number as f64 * 0.01;
            (0.6 + 0.3 * step.support() - late, line)
        };
        (1..).zip(&self.steps).map(line).collect()
    }

    fn evidence_line(&self) -> String {
        let ids: Vec<String> =
            self.evidence.iter().take(MAX_IDS).map(ToString::to_string).collect();
        let more = match self.evidence.len().saturating_sub(MAX_IDS) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!("From {}{more}.", ids.join(", "))
    }
}

fn attempts(n: u32) -> String {
    if n == 1 { "1 attempt".to_owned() } else { format!("{n} attempts") }
}

fn pitfall_line(pitfall: &Pitfall, words: &Words<'_>) -> String {
    let Pitfall { n_failed_with, n_failed, n_succeeded_with, n_succeeded, .. } = *pitfall;
    let failed = format!("{n_failed_with} of {n_failed} failed attempts");
    let won = format!("{n_succeeded_with} of {n_succeeded} successes");
    let shown = pitfall.example.and_then(|(id, step)| words.call(id, step));
    match pitfall.mistake {
        Mistake::Used(tool) => {
            let how = shown.map_or_else(String::new, |call| format!(", as in {call}"));
            format!("- {} was used in {failed}, in {won}{how}", words.tool(tool))
        }
        Mistake::LeftOut(tool) => {
            let did = n_succeeded - n_succeeded_with;
            let how = shown.map_or_else(String::new, |call| format!(": {call}"));
            let tool = words.tool(tool);
            format!("- {failed} left out {tool}; {did} of {n_succeeded} successes used it{how}")
        }
        Mistake::Stuck(tool) => {
            let how = shown.map_or_else(String::new, |call| format!(", as in {call}"));
            let tool = words.tool(tool);
            format!("- {tool} failed three times in a row in {failed}, in {won}{how}")
        }
        Mistake::RanLong { failed, succeeded } => {
            format!("- Failed attempts ran long: {failed} steps against {succeeded} (medians)")
        }
        Mistake::StoppedEarly { failed, succeeded } => {
            format!("- Failed attempts stopped early: {failed} steps against {succeeded} (medians)")
        }
    }
}

fn error_line(error: &KnownError, words: &Words<'_>) -> String {
    let (id, failed, resolved) = error.example;
    let text = words.error_or(Some((id, failed)), error.signature);
    let call = words.call(id, resolved).map_or_else(String::new, |call| format!(": {call}"));
    let KnownError { cure, n_tried, n_resolved, .. } = error;
    format!(
        "- {} {text}: {cure} helped {n_resolved} of {n_tried} times{call}",
        words.tool(error.tool)
    )
}
