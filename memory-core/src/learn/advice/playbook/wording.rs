//! Wording of a playbook: short lines, each with its counts.

use super::{Among, ExpectedError, FailedEnd, Lesson, Pitfall, Playbook, RouteStep, Workplace};
use crate::learn::advice::budgeted_text::BudgetedText;
use crate::learn::advice::pitfall::Mistake;
use crate::learn::advice::vocabulary::{Mentions, Vocabulary};
use crate::learn::digest::TargetKind;
use crate::learn::pattern::{Cure, KnownError};
use crate::learn::text::{name_in_backticks, one_line, percent};
use crate::model::display_name;
use crate::secret::mask;

/// Maximum number of lines with pitfalls, each with up to three tools.
const MAX_PITFALLS: usize = 3;
const MAX_PITFALL_TOOLS: usize = 3;

/// Maximum number of lines of the route.
const MAX_ROUTE_LINES: usize = 9;

/// Maximum number of episodes named as evidence in the text; the playbook itself holds all.
const MAX_IDS: usize = 2;

/// Maximum bytes of a lesson.
const LESSON_BYTES: usize = 240;

/// Number of attempts in the scope from which its success rate is worth saying.
const MIN_SCOPE: f64 = 5.0;

/// Values of the lines, which say what is left out first when the budget is small. A section shows
/// as many lines as it has values.
const EXPECTATION_VALUE: f64 = 1.0;
const PLACES_VALUE: f64 = 0.95;
const EFFORT_VALUE: f64 = 0.68;
const FAILED_END_VALUES: [f64; 3] = [0.8, 0.6, 0.5];
const LESSON_VALUES: [f64; 3] = [0.85, 0.65, 0.55];
const EVIDENCE_VALUE: f64 = 0.4;

/// Value of an error that is never met, and what certainty adds.
const ERROR_VALUE: f64 = 0.86;
const ERROR_CHANCE_VALUE: f64 = 0.1;

/// Maximum bytes of the text of an error that may come, and of what ends it.
const ERROR_BYTES: usize = 72;
const CURE_BYTES: usize = 110;

impl Playbook {
    /// Returns the tools and steps that its text may name.
    pub(crate) fn mentions(&self) -> Mentions {
        let mut mentions = Mentions::default();
        for step in &self.route {
            mentions.tools(step.tools.iter().copied());
            mentions.steps(step.examples.iter().copied());
        }
        for (tool, step) in self.failed_ends.iter().flat_map(|end| &end.steps) {
            mentions.tools([*tool]);
            mentions.steps([*step]);
        }
        for pitfall in &self.pitfalls {
            mentions.tools(pitfall.tool());
            mentions.steps(pitfall.example);
        }
        for error in &self.expected_errors {
            mentions.tools([error.tool]);
            mentions.steps([error.met]);
        }
        mentions
    }

    /// Words the playbook in at most `max_tokens`: whole lines, the least valuable left out first.
    pub(crate) fn text(&self, vocabulary: &Vocabulary, max_tokens: usize) -> String {
        let mut text = BudgetedText::default();
        // A lesson without words takes the place of a line and gives none.
        let lessons = LESSON_VALUES.into_iter().zip(&self.lessons);
        let lessons = lessons.filter_map(|(value, lesson)| Some((value, lesson_line(lesson)?)));
        text.section("Lessons:", lessons);
        text.line(EXPECTATION_VALUE, self.expectation());
        if let Some(effort) = &self.effort {
            text.line(EFFORT_VALUE, effort.words());
        }
        if let Some(line) = places_line(&self.workplaces) {
            text.line(PLACES_VALUE, line);
        }
        text.numbered_section(self.route_heading(), self.route_lines(vocabulary));
        let ends = failed_end_lines(&self.failed_ends, vocabulary);
        text.section("Tried without success, at the end:", FAILED_END_VALUES.into_iter().zip(ends));
        text.section("Beware:", pitfall_lines(&self.pitfalls, vocabulary));
        let errors = self.expected_errors.iter().map(|error| {
            let value = ERROR_VALUE + ERROR_CHANCE_VALUE * error.chance;
            (value, expected_line(error, vocabulary))
        });
        text.section("What will probably go wrong:", errors);
        if !self.evidence.is_empty() {
            text.line(EVIDENCE_VALUE, self.evidence_line());
        }
        text.render(max_tokens)
    }

    /// Words how attempts went, and the chance of success.
    fn expectation(&self) -> String {
        let Some(expected) = self.expected else {
            return match self.scope.success_rate() {
                Some(rate) if self.scope.n >= MIN_SCOPE => format!(
                    "No attempt at such a task is known. In this project {} of {:.0} attempts \
                     succeeded.",
                    percent(rate),
                    self.scope.n
                ),
                _ => "No attempt at such a task is known.".to_owned(),
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
        // What says why the chance is far from the share of successes.
        let lately = match self.n_since_success {
            0 | 1 => String::new(),
            n => format!(", none of the last {n}"),
        };
        let [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map(percent);
        format!(
            "{tried}: {succeeded}{partly}{lately}. Chance of success {mean} \
             (80% interval {lower} to {upper})."
        )
    }

    fn route_heading(&self) -> String {
        let n = self.route.first().map_or(0, |step| step.n_of);
        let source = match (n, self.is_own_route) {
            _ if self.route_credit < 1.0 => {
                format!("Nothing worked fully. The best attempt ({})", percent(self.route_credit))
            }
            (1, false) => "What worked on the nearest task".to_owned(),
            (1, true) => "What worked the one time".to_owned(),
            (n, false) => format!("What worked on {n} tasks like it"),
            (n, true) => format!("What worked {n} times"),
        };
        match self.median_steps {
            // The effort is told by itself.
            _ if self.effort.is_some() => format!("{source}:"),
            0 | 1 => format!("{source}:"),
            median if n == 1 => format!("{source}, in {median} steps:"),
            median => format!("{source}, in some {median} steps:"),
        }
    }

    /// Words the route: one line for each step with a call, consecutive steps without one in one
    /// line. Tools alone that not all used say nothing, nor does a route of other tasks without any
    /// call.
    fn route_lines(&self, vocabulary: &Vocabulary) -> Vec<(f64, String)> {
        let mut lines: Vec<(f64, String)> = Vec::new();
        let (mut has_call_before, mut has_any_call) = (true, self.is_own_route);
        for (i, step) in self.route.iter().enumerate() {
            let is_last = i + 1 == self.route.len();
            let call = self.call(step, vocabulary);
            if call.is_none() && step.n_with < step.n_of {
                continue;
            }
            has_any_call |= call.is_some();
            let text = step_text(step, call.as_deref(), is_last, vocabulary);
            let value = 0.6 + 0.3 * step.support();
            match lines.last_mut() {
                Some((row_value, row)) if !has_call_before && call.is_none() => {
                    row.push_str(" → ");
                    row.push_str(&text);
                    *row_value = row_value.max(value);
                }
                _ => {
                    // Of equal steps the earlier ones are kept longer, and the last one longest.
                    #[expect(clippy::cast_precision_loss, reason = "a few steps")]
                    let lateness = if is_last { 0.0 } else { lines.len() as f64 * 0.01 };
                    lines.push((value - lateness, text));
                }
            }
            has_call_before = call.is_some();
        }
        if !has_any_call {
            return Vec::new();
        }
        while lines.len() > MAX_ROUTE_LINES {
            let least = lines.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0));
            let Some((least, _)) = least else { break };
            lines.remove(least);
        }
        lines
    }

    /// Returns the call of a step. Calls of other tasks are of use only where several of these
    /// tasks share them.
    fn call(&self, step: &RouteStep, vocabulary: &Vocabulary) -> Option<String> {
        let mut calls = step.examples.iter().map(|example| vocabulary.call(*example));
        let first = calls.next().flatten()?;
        let is_general = self.is_own_route || step.n_of == 1;
        (is_general || calls.any(|call| call.as_ref() == Some(&first))).then_some(first)
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

/// Words where such work was done: names with the number of similar attempts that changed them.
fn places_line(places: &[Workplace]) -> Option<String> {
    let name = |place: &Workplace| {
        let name = match place.kind {
            TargetKind::File | TargetKind::Table | TargetKind::Address => {
                display_name(&place.name).into_owned()
            }
            TargetKind::Id | TargetKind::Term => name_in_backticks(&place.name),
        };
        match place.n_changed {
            0 => name,
            n => format!("{name} {n}×"),
        }
    };
    let names: Vec<String> = places.iter().map(name).collect();
    // Rules for secrets grow: what was stored before them is masked on its way out.
    (!names.is_empty())
        .then(|| mask(format!("Where such work was done (n× changed): {}", names.join(", "))).0)
}

/// Words the ends of attempts that did not succeed, most frequent first; equal ends once. A step
/// that only looked, and found something, says nothing of what was tried.
fn failed_end_lines(failed_ends: &[FailedEnd], vocabulary: &Vocabulary) -> Vec<String> {
    let mut ends: Vec<(String, u32)> = Vec::new();
    for failed_end in failed_ends {
        let end = failed_end.steps.iter().find_map(|(tool, step)| {
            let call = vocabulary.call(*step).filter(|_| vocabulary.says_what_was_tried(*step))?;
            Some(format!("{}: {call}", vocabulary.tool(*tool)))
        });
        let Some(end) = end else { continue };
        match ends.iter_mut().find(|(known, _)| *known == end) {
            Some((_, n)) => *n += 1,
            None => ends.push((end, 1)),
        }
    }
    ends.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let n_all = failed_ends.len();
    ends.into_iter().map(|(end, n)| format!("- {end} [{n} of {n_all}]")).collect()
}

/// Words a step: its tools, their number, the call.
fn step_text(
    step: &RouteStep,
    call: Option<&str>,
    is_last: bool,
    vocabulary: &Vocabulary,
) -> String {
    let tools: Vec<String> = step.tools.iter().map(|tool| vocabulary.tool(*tool)).collect();
    let times = match (step.tools.len(), step.n_times) {
        (1, 1) => String::new(),
        (1, n_times) => format!(" {n_times}×"),
        (_, n_times) => format!(" in turns, {n_times}×"),
    };
    let call = call.map_or_else(String::new, |call| match (step.n_times, is_last) {
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

/// Words the clearest pitfalls; tools with the same counts share a line.
fn pitfall_lines(pitfalls: &[Pitfall], vocabulary: &Vocabulary) -> Vec<(f64, String)> {
    let mut groups: Vec<(&Pitfall, Vec<&Pitfall>)> = Vec::new();
    for pitfall in pitfalls {
        match groups.iter_mut().find(|(first, _)| is_same_statement(first, pitfall)) {
            Some((_, group)) => group.push(pitfall),
            None => groups.push((pitfall, vec![pitfall])),
        }
    }
    let lines = groups.into_iter().take(MAX_PITFALLS).map(|(first, group)| {
        let tools = group.iter().filter_map(|pitfall| pitfall.tool());
        let tools: Vec<String> =
            tools.take(MAX_PITFALL_TOOLS).map(|tool| vocabulary.tool(tool)).collect();
        (0.45 + 0.4 * first.contrast(), pitfall_line(first, &tools.join(", "), vocabulary))
    });
    lines.collect()
}

/// Returns whether two pitfalls say the same of different tools.
fn is_same_statement(a: &Pitfall, b: &Pitfall) -> bool {
    let counts = |p: &Pitfall| (p.n_failed_with, p.n_failed, p.n_succeeded_with, p.n_succeeded);
    std::mem::discriminant(&a.mistake) == std::mem::discriminant(&b.mistake)
        && counts(a) == counts(b)
}

/// Words a mistake of failed attempts, about some tools, with its counts.
pub(in crate::learn::advice) fn pitfall_line(
    pitfall: &Pitfall,
    tools: &str,
    vocabulary: &Vocabulary,
) -> String {
    let Pitfall { n_failed_with, n_failed, n_succeeded_with, n_succeeded, .. } = *pitfall;
    let failed = format!("{n_failed_with} of {n_failed} unsuccessful attempts");
    let succeeded = format!("{n_succeeded_with} of {n_succeeded} successes");
    let call = pitfall.example.and_then(|step| vocabulary.call(step));
    let example = call.map_or_else(String::new, |call| format!(", as in {call}"));
    match pitfall.mistake {
        Mistake::Used(_) => format!("- {failed} used {tools}, {succeeded} did{example}"),
        Mistake::LeftOut(_) => {
            let did = n_succeeded - n_succeeded_with;
            format!(
                "- {failed} left out {tools}; {did} of {n_succeeded} successes did not{example}"
            )
        }
        Mistake::Stuck(_) => {
            format!("- {tools} failed three times in a row in {failed}, in {succeeded}{example}")
        }
        Mistake::StoppedEarly { failed, succeeded } => format!(
            "- Unsuccessful attempts stopped early: {failed} steps against {succeeded} (medians)"
        ),
    }
}

/// Words an error that may come: how often it came, and what ended it.
fn expected_line(error: &ExpectedError, vocabulary: &Vocabulary) -> String {
    let ExpectedError { n_with, n_of, .. } = error;
    let tool = vocabulary.tool(error.tool);
    let text = vocabulary.error_within(error.met, ERROR_BYTES);
    let among = match error.among {
        Among::Task => "at this task",
        Among::Scope => "here",
        Among::Agent => "of this agent",
    };
    let end = error.known.as_ref().and_then(end_of).unwrap_or_default();
    format!("- {tool} {text} {n_with} of {n_of} runs {among}{end}")
}

/// Words what ended an error before: what was done where it was cured in most cases, or that
/// nothing ever did.
fn end_of(known: &KnownError) -> Option<String> {
    if known.cures.is_empty() {
        return (known.n_resolved == 0).then(|| "; never resolved".to_owned());
    }
    let cure = known.cures.iter().find(|cure| 2 * cure.n_resolved >= cure.n_tried)?;
    let done = cure.demonstration.as_ref().and_then(|shown| shown.in_short(CURE_BYTES));
    let done = match done {
        Some(done) => done,
        None if cure.is_plain_retry() => "a plain retry".to_owned(),
        None => return None,
    };
    let Cure { n_tried, n_resolved, .. } = cure;
    Some(match (cure.is_confirmed, n_tried) {
        (false, 1) => format!("; cured once: {done}"),
        _ => format!("; cured {n_resolved} of {n_tried} times: {done}"),
    })
}

fn lesson_line(lesson: &Lesson) -> Option<String> {
    let text = one_line(&lesson.text, LESSON_BYTES)?;
    Some(format!("- {text} (note {})", lesson.id))
}
