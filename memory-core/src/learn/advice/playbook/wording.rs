//! A playbook in words: short lines, each with its counts.

use super::{KnownError, Playbook};
use crate::learn::NameNo;
use crate::learn::advice::hurdle::Hurdle;
use crate::learn::advice::pitfall::{Mistake, Pitfall};
use crate::learn::advice::route::RouteStep;
use crate::learn::advice::text::{Page, Words, one_line, percent};

/// Most pitfalls, errors and lessons that are told.
const MAX_PITFALLS: usize = 3;
const MAX_ERRORS: usize = 3;
const MAX_LESSONS: usize = 3;
const MAX_DEAD_ENDS: usize = 3;
const MAX_ROUTE_LINES: usize = 9;

/// Most episodes named as evidence in the text; the playbook itself holds all.
const MAX_IDS: usize = 2;

const LESSON_BYTES: usize = 240;

impl Playbook {
    /// The playbook in words, of at most `max_tokens`: whole lines, the least valuable left out first.
    pub(crate) fn text(&self, words: &Words<'_>, max_tokens: usize) -> String {
        let mut page = Page::default();
        page.line(1.0, self.expectation());
        page.section(self.route_heading(), self.route_lines(words));
        page.section("Tried without success, at the end:", self.dead_end_lines(words));
        page.section("Beware:", pitfall_lines(&self.pitfalls, words));
        let hurdles = self.hurdles.iter().zip([0.7, 0.58, 0.52]);
        page.section("Errors met:", hurdles.map(|(h, value)| (value, hurdle_line(h, words))));
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
            _ if self.n_runs == 1 => " in part".to_owned(),
            n => format!(", {n} in part"),
        };
        let tried = match (self.n_same_task, self.n_runs) {
            (0, n) => format!("Not tried before. {} at tasks like it", attempts(n)),
            (same, n) if same == n => format!("{} at this task before", attempts(n)),
            (same, n) => format!("{} at this task and {} like it before", attempts(same), n - same),
        };
        let succeeded = match self.n_succeeded {
            _ if self.n_runs == 1 && self.n_succeeded + self.n_partial == 1 => {
                "it succeeded".to_owned()
            }
            0 if self.n_runs == 1 => "it failed".to_owned(),
            0 => "none succeeded".to_owned(),
            n if n == self.n_runs => "all succeeded".to_owned(),
            n => format!("{n} succeeded"),
        };
        let [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map(percent);
        format!(
            "{tried}: {succeeded}{partly}. Chance of success {mean} (80% interval {lower} to {upper})."
        )
    }

    fn route_heading(&self) -> String {
        let n = self.steps.first().map_or(0, |step| step.n_of);
        let of = match (n, self.n_same_task) {
            _ if self.steps_credit < 1.0 => {
                format!("Nothing worked fully. The best attempt ({})", percent(self.steps_credit))
            }
            (1, 0) => "What worked on the nearest task".to_owned(),
            (1, _) => "What worked the one time".to_owned(),
            (n, 0) => format!("What worked on {n} tasks like it"),
            (n, _) => format!("What worked {n} times"),
        };
        match self.median_steps {
            0 | 1 => format!("{of}:"),
            median if n == 1 => format!("{of}, in {median} steps:"),
            median => format!("{of}, in some {median} steps:"),
        }
    }

    /// One line for each step that can be shown; those that cannot are told in a row.
    fn route_lines(&self, words: &Words<'_>) -> Vec<(f64, String)> {
        let mut lines: Vec<(f64, String)> = Vec::new();
        let mut is_row = false;
        for (i, step) in self.steps.iter().enumerate() {
            let is_last = i + 1 == self.steps.len();
            let call = self.call(step, words);
            let text = step_text(step, call.as_deref(), is_last, words);
            match lines.last_mut() {
                Some((value, row)) if is_row && call.is_none() => {
                    row.push_str(" → ");
                    row.push_str(&text);
                    *value = value.max(0.6 + 0.3 * step.support());
                }
                _ => {
                    #[expect(clippy::cast_precision_loss, reason = "a few steps")]
                    let late = if is_last { 0.0 } else { lines.len() as f64 * 0.01 };
                    let value = 0.6 + 0.3 * step.support() - late;
                    lines.push((value, text));
                }
            }
            is_row = call.is_none();
        }
        while lines.len() > MAX_ROUTE_LINES {
            let least = lines.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0));
            let Some((least, _)) = least else { break };
            lines.remove(least);
        }
        let numbered = (1..).zip(lines);
        numbered.map(|(number, (value, text))| (value, format!("{number}. {text}"))).collect()
    }

    /// How a step was called. Of other tasks only what several of them called alike can be of use in this one.
    fn call(&self, step: &RouteStep, words: &Words<'_>) -> Option<String> {
        let mut calls = step.examples.iter().map(|(id, at)| words.call(*id, *at));
        let first = calls.next().flatten()?;
        let is_general = self.n_same_task > 0 || step.n_of == 1;
        (is_general || calls.any(|call| call.as_ref() == Some(&first))).then_some(first)
    }

    /// How attempts ended that did not succeed, where none did; equal ends once.
    fn dead_end_lines(&self, words: &Words<'_>) -> Vec<(f64, String)> {
        let mut ends: Vec<(String, u32)> = Vec::new();
        for dead_end in &self.dead_ends {
            let told = dead_end.steps.iter().find_map(|(tool, at)| {
                words.call(dead_end.id, *at).map(|call| format!("{}: {call}", words.tool(*tool)))
            });
            let Some(end) = told else { continue };
            match ends.iter_mut().find(|(known, _)| *known == end) {
                Some((_, n)) => *n += 1,
                None => ends.push((end, 1)),
            }
        }
        ends.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let n_all = self.dead_ends.len();
        let ends = ends.into_iter().take(MAX_DEAD_ENDS).zip([0.8, 0.6, 0.5]);
        ends.map(|((end, n), value)| (value, format!("- {end} [{n} of {n_all}]"))).collect()
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

/// A step: its tools, how often, how it was called.
fn step_text(step: &RouteStep, call: Option<&str>, is_last: bool, words: &Words<'_>) -> String {
    let tools: Vec<String> = step.tools.iter().map(|tool| words.tool(*tool)).collect();
    let times = match (step.tools.len(), step.times) {
        (1, 1) => String::new(),
        (1, times) => format!(" {times}×"),
        (_, times) => format!(" in turns, {times}×"),
    };
    let call = call.map_or_else(String::new, |call| match (step.times, is_last) {
        (1, _) => format!(": {call}"),
        (_, true) => format!(", last {call}"),
        (_, false) => format!(", first {call}"),
    });
    let support = if step.n_with < step.n_of {
        format!(" [{} of {}]", step.n_with, step.n_of)
    } else {
        String::new()
    };
    format!("{}{times}{call}{support}", tools.join(" and "))
}

fn attempts(n: u32) -> String {
    if n == 1 { "1 attempt".to_owned() } else { format!("{n} attempts") }
}

/// The clearest pitfalls; tools with the same counts in one line.
fn pitfall_lines(pitfalls: &[Pitfall], words: &Words<'_>) -> Vec<(f64, String)> {
    let mut groups: Vec<Vec<&Pitfall>> = Vec::new();
    for pitfall in pitfalls {
        let alike = |group: &&mut Vec<&Pitfall>| {
            group.first().is_some_and(|first| is_told_with(first, pitfall))
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(pitfall),
            None => groups.push(vec![pitfall]),
        }
    }
    let lines = groups.into_iter().take(MAX_PITFALLS).filter_map(|group| {
        let first = group.first()?;
        let tools: Vec<String> = group
            .iter()
            .filter_map(|p| tool_of(p.mistake))
            .take(3)
            .map(|t| words.tool(t))
            .collect();
        Some((0.45 + 0.4 * first.contrast(), pitfall_line(first, &tools.join(", "), words)))
    });
    lines.collect()
}

/// Whether two pitfalls say the same of different tools.
fn is_told_with(a: &Pitfall, b: &Pitfall) -> bool {
    let counts = |p: &Pitfall| (p.n_failed_with, p.n_failed, p.n_succeeded_with, p.n_succeeded);
    std::mem::discriminant(&a.mistake) == std::mem::discriminant(&b.mistake)
        && counts(a) == counts(b)
}

fn tool_of(mistake: Mistake) -> Option<NameNo> {
    match mistake {
        Mistake::Used(tool) | Mistake::LeftOut(tool) | Mistake::Stuck(tool) => Some(tool),
        Mistake::RanLong { .. } | Mistake::StoppedEarly { .. } => None,
    }
}

fn pitfall_line(pitfall: &Pitfall, tools: &str, words: &Words<'_>) -> String {
    let Pitfall { n_failed_with, n_failed, n_succeeded_with, n_succeeded, .. } = *pitfall;
    let failed = format!("{n_failed_with} of {n_failed} unsuccessful attempts");
    let won = format!("{n_succeeded_with} of {n_succeeded} successes");
    let shown = pitfall.example.and_then(|(id, step)| words.call(id, step));
    let as_in = || shown.map_or_else(String::new, |call| format!(", as in {call}"));
    match pitfall.mistake {
        Mistake::Used(_) => format!("- {failed} used {tools}, {won} did{}", as_in()),
        Mistake::LeftOut(_) => {
            let did = n_succeeded - n_succeeded_with;
            format!(
                "- {failed} left out {tools}; {did} of {n_succeeded} successes did not{}",
                as_in()
            )
        }
        Mistake::Stuck(_) => {
            format!("- {tools} failed three times in a row in {failed}, in {won}{}", as_in())
        }
        Mistake::RanLong { failed, succeeded } => {
            format!(
                "- Unsuccessful attempts ran long: {failed} steps against {succeeded} (medians)"
            )
        }
        Mistake::StoppedEarly { failed, succeeded } => format!(
            "- Unsuccessful attempts stopped early: {failed} steps against {succeeded} (medians)"
        ),
    }
}

fn hurdle_line(hurdle: &Hurdle, words: &Words<'_>) -> String {
    let Hurdle { tool, n_with, n_of, n_resolved, .. } = hurdle;
    let text = words.quoted_error(hurdle.example.0, hurdle.example.1);
    let call = hurdle.resolved_by.and_then(|(id, at)| words.call(id, at));
    let resolved = match (n_resolved, call) {
        (0, _) => "never resolved".to_owned(),
        (n, None) => format!("{n} resolved it"),
        (n, Some(call)) => format!("{n} resolved it, as with {call}"),
    };
    format!("- {} {text} in {n_with} of {}; {resolved}", words.tool(*tool), attempts(*n_of))
}

fn error_line(error: &KnownError, words: &Words<'_>) -> String {
    let text = words.quoted_error(error.met.0, error.met.1);
    let call = error.example.and_then(|(id, step)| words.call(id, step));
    let call = call.map_or_else(String::new, |call| format!(": {call}"));
    let KnownError { cure, n_tried, n_resolved, .. } = error;
    format!(
        "- {} {text}: {cure} helped {n_resolved} of {n_tried} times{call}",
        words.tool(error.tool)
    )
}
