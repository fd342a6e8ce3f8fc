//! Advice for a task, from how attempts at it and at tasks like it went.

use super::pitfall::{Mistake, Pitfall, median_steps, pitfalls};
use super::route::{RouteStep, route};
use super::text::{Page, Words, one_line, percent};
use crate::learn::evidence::reward::{credit_of, succeeded};
use crate::learn::evidence::{Posterior, Record};
use crate::learn::{NameNo, Run, Signature};
use crate::model::{EpisodeId, NoteId, Outcome};

/// Similarity from which a run counts as one of the very same task.
const SAME: f64 = 0.999;

/// Most pitfalls, errors and lessons that are told.
const MAX_PITFALLS: usize = 3;
const MAX_ERRORS: usize = 3;
const MAX_LESSONS: usize = 3;

/// Most episodes named as evidence in the text; the playbook itself holds all.
const MAX_IDS: usize = 2;

const LESSON_BYTES: usize = 240;

/// A run to go by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Precedent<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// How like its task is to the one in question, in (0, 1]; 1 for the same.
    pub(crate) similarity: f64,
}

/// An error that may come, and what helped against it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownError {
    /// The kind of error.
    pub(crate) signature: Signature,
    /// The tool that it comes from.
    pub(crate) tool: NameNo,
    /// What was done against it, in words: "changed `path`".
    pub(crate) cure: String,
    /// How often that was tried.
    pub(crate) n_tried: u32,
    /// How often it helped.
    pub(crate) n_resolved: u32,
    /// An episode that shows it, the failed step and the one that succeeded.
    pub(crate) example: (EpisodeId, u32, u32),
}

/// A note that may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// The note.
    pub(crate) id: NoteId,
    /// Its text.
    pub(crate) text: String,
}

/// What a playbook is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sources<'a> {
    /// Runs of the task and of tasks like it, nearest first, newest first among equals.
    pub(crate) precedents: &'a [Precedent<'a>],
    /// What came of all runs of the scope.
    pub(crate) scope: Record,
    /// Cures of errors that runs like these met, best first.
    pub(crate) errors: &'a [KnownError],
    /// Notes about the task, best first.
    pub(crate) lessons: &'a [Lesson],
}

/// Advice for a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Playbook {
    /// Expected success of an attempt, over attempts weighted by likeness; 80 % interval. `None` when there is
    /// no experience with this.
    pub(crate) expected: Option<Posterior>,
    /// Runs behind it whose result is known, and of these the successes and the partial ones.
    pub(crate) n_runs: u32,
    /// Of these the successes.
    pub(crate) n_succeeded: u32,
    /// Of these the partial successes.
    pub(crate) n_partial: u32,
    /// Of these the runs of the very same task.
    pub(crate) n_same_task: u32,
    /// Median number of steps of the successes that the way was taken from; 0 without one.
    pub(crate) median_steps: u32,
    /// The way that worked.
    pub(crate) steps: Vec<RouteStep>,
    /// What to beware of, clearest first.
    pub(crate) pitfalls: Vec<Pitfall>,
    /// Errors that may come and their cures.
    pub(crate) errors: Vec<KnownError>,
    /// Notes about the task.
    pub(crate) lessons: Vec<Lesson>,
    /// Episodes that it rests on, nearest first.
    pub(crate) evidence: Vec<EpisodeId>,
    /// What came of all runs of the scope.
    pub(crate) scope: Record,
}

/// Makes a playbook.
///
/// Where the very task was tried before, the way and the pitfalls come from those attempts alone; attempts at
/// tasks like it only inform the expectation, by their likeness. Without any run there is no expectation: the
/// errors and lessons that the caller found are given all the same.
pub(crate) fn playbook(sources: &Sources<'_>) -> Playbook {
    let known: Vec<&Precedent<'_>> = sources
        .precedents
        .iter()
        .filter(|p| p.similarity > 0.0 && credit_of(p.run).is_some())
        .collect();
    let mut record = Record::default();
    for precedent in &known {
        record.add(precedent.similarity.min(1.0), credit_of(precedent.run).unwrap_or(0.0));
    }
    let same: Vec<Precedent<'_>> =
        known.iter().filter(|p| p.similarity >= SAME).map(|p| **p).collect();
    let nearest = if same.is_empty() { known.iter().map(|p| **p).collect() } else { same.clone() };
    let mut successes: Vec<&Precedent<'_>> = nearest.iter().filter(|p| succeeded(p.run)).collect();
    if successes.is_empty() {
        successes = known.iter().copied().filter(|p| succeeded(p.run)).collect();
    }
    let count = |holds: &dyn Fn(&Precedent<'_>) -> bool| {
        u32::try_from(known.iter().filter(|p| holds(p)).count()).unwrap_or(u32::MAX)
    };
    Playbook {
        expected: (!known.is_empty()).then(|| record.expect(&sources.scope)),
        n_runs: count(&|_| true),
        n_succeeded: count(&|p| succeeded(p.run)),
        n_partial: count(&|p| p.run.outcome == Some(Outcome::Partial)),
        n_same_task: count(&|p| p.similarity >= SAME),
        median_steps: median_steps(&successes),
        steps: route(&successes),
        pitfalls: pitfalls(&nearest),
        errors: sources.errors.to_vec(),
        lessons: sources.lessons.to_vec(),
        evidence: known.iter().map(|p| p.run.id).collect(),
        scope: sources.scope,
    }
}

impl Playbook {
    /// Whether there is anything to go by.
    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_none() && self.errors.is_empty() && self.lessons.is_empty()
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::evidence::sample::run;

    fn words<'a>() -> Words<'a> {
        Words {
            tool: &|tool| ["", "search", "open", "patch", "test"].get(tool as usize).copied(),
            call: &|_, step| (step == 1).then(|| "src/lib.rs".to_owned()),
            error: &|_, _| Some("no such file".to_owned()),
        }
    }

    fn of(runs: &[Run], similarity: f64) -> Vec<Precedent<'_>> {
        runs.iter().map(|run| Precedent { run, similarity }).collect()
    }

    fn three_runs() -> Vec<Run> {
        vec![
            run(1, 1, Some(Outcome::Success), &[1, 2, 3, 4]),
            run(2, 1, Some(Outcome::Success), &[1, 2, 3, 3, 4]),
            run(3, 1, Some(Outcome::Failure), &[1, 3]),
        ]
    }

    #[test]
    fn without_runs_there_is_no_expectation_and_it_says_so() {
        let empty = playbook(&Sources::default());
        assert!(empty.is_empty());
        assert_eq!(empty.text(&words(), 400), "No experience with this.");
        let scope = Record { n: 40.0, successes: 10.0 };
        let book = playbook(&Sources { scope, ..Sources::default() });
        assert!(book.text(&words(), 400).ends_with("25% of 40 attempts succeeded."));
        let abandoned = run(1, 1, None, &[1]);
        let precedents = of(std::slice::from_ref(&abandoned), 1.0);
        assert!(playbook(&Sources { precedents: &precedents, ..Sources::default() }).is_empty());
    }

    #[test]
    fn it_says_what_to_expect_what_worked_and_on_what_it_rests() {
        let runs = three_runs();
        let precedents = of(&runs, 1.0);
        let book = playbook(&Sources { precedents: &precedents, ..Sources::default() });
        let expected = book.expected.unwrap();
        assert!((expected.mean - 3.0 / 5.0).abs() < 1e-12, "{expected:?}");
        let text = book.text(&words(), 400);
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "Tried before: of 3 attempts 2 succeeded. Chance of success 60% (80% interval 32% to 86%)."
        );
        assert!(
            text.contains(
                "What worked 2 times, in some 5 steps:\n1. `search`\n2. `open`: src/lib.rs"
            )
        );
        assert!(text.contains(&format!("From {}, {} and 1 more.", runs[0].id, runs[1].id)));
    }

    #[test]
    fn tasks_alike_count_by_their_likeness_and_are_not_called_the_same() {
        let runs = three_runs();
        let near = of(&runs, 0.5);
        let book = playbook(&Sources { precedents: &near, ..Sources::default() });
        assert!((book.expected.unwrap().n - 1.5).abs() < 1e-12);
        assert_eq!(book.n_same_task, 0);
        let text = book.text(&words(), 400);
        assert!(text.starts_with("Not tried before; of 3 attempts like it 2 succeeded."), "{text}");
        assert!(text.contains("What worked on 2 tasks like it"), "{text}");
    }

    #[test]
    fn the_same_task_s_own_way_counts_before_that_of_others() {
        let own = run(1, 1, Some(Outcome::Success), &[1, 4]);
        let other = run(2, 2, Some(Outcome::Success), &[2, 3]);
        let precedents =
            [Precedent { run: &own, similarity: 1.0 }, Precedent { run: &other, similarity: 0.8 }];
        let book = playbook(&Sources { precedents: &precedents, ..Sources::default() });
        let tools: Vec<_> = book.steps.iter().flat_map(|step| step.tools.clone()).collect();
        assert_eq!(tools, [1, 4]);
        assert_eq!((book.n_runs, book.n_same_task), (2, 1));
    }

    #[test]
    fn lessons_errors_and_pitfalls_are_told_with_their_counts() {
        let runs = [
            run(1, 1, Some(Outcome::Success), &[1, 4]),
            run(2, 1, Some(Outcome::Failure), &[1, 3]),
            run(3, 1, Some(Outcome::Failure), &[1, 3]),
        ];
        let error = KnownError {
            signature: Signature(7),
            tool: 3,
            cure: "changing `path`".to_owned(),
            n_tried: 5,
            n_resolved: 4,
            example: (runs[0].id, 0, 1),
        };
        let lesson =
            Lesson { id: NoteId::from_bytes([9; 16]), text: "Run\nthe tests first.".to_owned() };
        let precedents = of(&runs, 1.0);
        let sources = Sources {
            precedents: &precedents,
            errors: &[error],
            lessons: std::slice::from_ref(&lesson),
            ..Sources::default()
        };
        let text = playbook(&sources).text(&words(), 400);
        for line in [
            "- `patch` was used in 2 of 2 failed attempts, in 0 of 1 successes, as in src/lib.rs",
            "- `patch` “no such file”: changing `path` helped 4 of 5 times: src/lib.rs",
            &format!("- Run the tests first. (note {})", lesson.id),
        ] {
            assert!(text.contains(line), "{line}\n---\n{text}");
        }
        let nothing_tried = playbook(&Sources { precedents: &[], ..sources });
        assert!(!nothing_tried.is_empty() && nothing_tried.expected.is_none());
    }

    proptest::proptest! {
        #[test]
        fn a_text_keeps_its_budget_and_the_expectation_its_order(
            runs in proptest::collection::vec(
                (proptest::collection::vec(-4_i32..5, 0..30), 0_u8..4, 0.0_f64..1.0), 0..8),
            max_tokens in 0_usize..500,
        ) {
            let runs: Vec<(Run, f64)> = runs.iter().zip(1..).map(|((tools, outcome, near), id)| {
                let outcome = [Some(Outcome::Success), Some(Outcome::Failure), Some(Outcome::Partial), None]
                    [usize::from(*outcome)];
                (run(id, 1, outcome, tools), *near)
            }).collect();
            let precedents: Vec<Precedent<'_>> =
                runs.iter().map(|(run, similarity)| Precedent { run, similarity: *similarity }).collect();
            let book = playbook(&Sources { precedents: &precedents, ..Sources::default() });
            let text = book.text(&words(), max_tokens);
            proptest::prop_assert!(text.len() <= 4 * max_tokens);
            if let Some(expected) = book.expected {
                proptest::prop_assert!(expected.lower <= expected.mean && expected.mean <= expected.upper);
            }
        }
    }
}
