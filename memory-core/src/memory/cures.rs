//! Cures of errors, given at the moment an error comes again.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Memory;
use super::{MovedOdds, NextTool};
use crate::error::Error;
use crate::learn::{
    Cure, CureExample, Demonstration, KnownError, MetError, Signature, salient_words, step_name,
};
use crate::model::{EpisodeId, Note, Origin, Scope, Step, Timestamp};
use crate::secret::mask;
use crate::storage::{self, StepRange};

/// Maximum number of errors of one call that are looked up.
const MAX_ERRORS: usize = 3;

/// Maximum number of confirmed cures of one error; of sightings one is told.
const MAX_CURES: usize = 2;

/// Number of newest steps of an episode in which its open errors are looked for.
const MAX_STEPS: u32 = 30;

/// Shortest word by which a lesson is about an error, in bytes.
const MIN_WORD_BYTES: usize = 4;

/// Result of logging steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Number of steps that the episode has now.
    pub n_steps: u32,
    /// Errors among the new steps that were met before and are still open, one for each signature,
    /// each once in an episode; also empty when what was learned could not be read.
    pub known_errors: Vec<KnownError>,
    /// Steps that met an error of which a cure was told in the episode before, each with the step
    /// that met it then.
    pub repeated_errors: Vec<(u32, u32)>,
    /// Odds of the episode, where they have moved by .15 since they were told.
    pub odds: Option<MovedOdds>,
    /// Tools that came next in such moments, likeliest first; empty unless the last steps repeat
    /// themselves.
    pub next_tools: Vec<NextTool>,
}

/// A failed step that no later step of its call made up for.
pub(super) struct FailedStep {
    /// Position among the steps.
    position: u32,
    error: MetError,
    /// Words of it that matter, in one line.
    salient: String,
    /// Line that says what went wrong.
    message: String,
}

impl FailedStep {
    /// Returns the index of the step, where that of the first one is `first_idx`.
    pub(super) fn step_idx(&self, first_idx: u32) -> u32 {
        first_idx.saturating_add(self.position)
    }

    pub(super) const fn signature(&self) -> Signature {
        self.error.signature
    }

    pub(super) fn into_error(self) -> MetError {
        self.error
    }
}

/// Returns the first failed step of each error that is still open after the steps.
fn failed_steps(steps: &[Step]) -> Vec<FailedStep> {
    let mut failed: Vec<FailedStep> = Vec::new();
    for (position, step) in (0_u32..).zip(steps) {
        if failed.len() == MAX_ERRORS {
            break;
        }
        let Some(error) = MetError::of(step) else { continue };
        let later = steps.get(position as usize + 1..).unwrap_or_default();
        let is_over = later.iter().any(|later| later.ok && step_name(later) == error.tool);
        if !is_over && failed.iter().all(|known| known.error.signature != error.signature) {
            let message = Signature::message_of(step).unwrap_or_default();
            failed.push(FailedStep { position, error, salient: salient_of(step), message });
        }
    }
    failed
}

fn salient_of(step: &Step) -> String {
    salient_words(step.error.as_ref().unwrap_or(&step.observation).as_str()).join(" ")
}

/// Returns the words of a text that say something, each once.
fn words_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| word.len() >= MIN_WORD_BYTES).map(str::to_lowercase).collect()
}

/// Returns the steps that show how cures worked.
pub(super) fn example_ranges(known: &KnownError) -> Vec<StepRange> {
    let examples = known.cures.iter().flat_map(|cure| &cure.examples);
    let range = |example: &CureExample| StepRange {
        episode: example.episode,
        from: example.error_at - example.n_before(),
        limit: example.n_before().saturating_add(example.n_steps()),
    };
    examples.map(range).collect()
}

/// Fills in what was done where cures worked, and by what the error told of differs; `read` are the
/// steps of [`example_ranges`].
///
/// A sighting that shows nothing is dropped; of the others the first is kept.
pub(super) fn show(known: &mut KnownError, salient: &str, read: &[Vec<Step>]) {
    let examples: Vec<(usize, CureExample)> = known
        .cures
        .iter()
        .enumerate()
        .flat_map(|(at, cure)| cure.examples.iter().map(move |example| (at, *example)))
        .collect();
    for ((at, example), steps) in examples.into_iter().zip(read) {
        let Some(cure) = known.cures.get_mut(at) else { continue };
        if cure.demonstration.is_some() {
            continue;
        }
        let n_before = example.n_before() as usize;
        let (before, steps) = steps.split_at_checked(n_before).unwrap_or_default();
        cure.demonstration = Demonstration::of(before, steps);
        if cure.demonstration.is_some() {
            // What is shown is what the episode named first did; the others may have taught more.
            cure.examples.sort_by_key(|other| *other != example);
        }
        if let Some((there, here)) = known.differs.as_mut().filter(|(there, _)| there.is_empty()) {
            *there = mask(steps.first().map(salient_of).unwrap_or_default()).0;
            *here = mask(salient.to_owned()).0;
        }
    }
    // What only looked and tried again shows nothing to do, however often it helped.
    let shows = |cure: &Cure| cure.is_plain_retry() || cure.demonstration.is_some();
    known.cures.retain(shows);
    // Of sightings the first one that shows something is told.
    let n_confirmed = known.cures.iter().filter(|cure| cure.is_confirmed).count();
    known.cures.truncate(MAX_CURES.min(n_confirmed + 1));
}

impl Memory {
    /// Returns what is known of the errors of an episode that no later step made up for: what
    /// advice on going on with it begins with.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn open_errors(&self, episode: EpisodeId) -> Result<Vec<KnownError>, Error> {
        let stored = self.episode(episode)?;
        let from = stored.n_steps.saturating_sub(MAX_STEPS);
        let range = StepRange { episode, from, limit: MAX_STEPS };
        let read = self.storage.steps(&[range]).map_err(Error::storage("read steps"))?;
        let steps = read.into_iter().next().unwrap_or_default();
        self.learn()?;
        let failed = failed_steps(&steps);
        Ok(self.known_errors(&failed, from, Some(stored.scope.as_str())))
    }

    /// Returns the errors among steps that are about to be logged.
    ///
    /// Empty where no error was ever learned of; those that another process recorded within the
    /// last second may be missing.
    pub(super) fn errors_of(&self, steps: &[Step], now: Timestamp) -> Vec<FailedStep> {
        if steps.iter().all(|step| step.ok) {
            return Vec::new();
        }
        if let Err(error) = self.learning.refresh_if_due(self.storage.as_ref(), now) {
            // The steps are to be stored in any case: cures are an extra.
            tracing::warn!(%error, "nothing new is learned of errors");
        }
        if self.learning.learned().has_errors() { failed_steps(steps) } else { Vec::new() }
    }

    /// Returns what is known of errors, of which the first step has the index `first_idx`, with
    /// examples from a scope where it has any.
    pub(super) fn known_errors(
        &self,
        failed: &[FailedStep],
        first_idx: u32,
        scope: Option<&str>,
    ) -> Vec<KnownError> {
        if failed.is_empty() {
            return Vec::new();
        }
        // The lock on what was learned is released before the storage is read.
        let mut known: Vec<(KnownError, &FailedStep)> = {
            let learned = self.learning.learned();
            let looked_up = failed.iter().filter_map(|error| {
                let step_idx = error.step_idx(first_idx);
                let known = learned.known_error(&error.error, step_idx, scope, MAX_CURES)?;
                Some((known, error))
            });
            looked_up.collect()
        };
        for (known, error) in &mut known {
            if let Err(error) = self.demonstrate(known, &error.salient) {
                // The steps are stored: that cures show nothing must not look like a failure.
                tracing::warn!(%error, "cures are given without what was done");
                known.cures.retain(|cure| cure.is_confirmed);
            } else if let Err(error) = self.teach(known, &error.message) {
                tracing::warn!(%error, "cures are given without a lesson");
            }
        }
        known.into_iter().map(|(known, _)| known).collect()
    }

    /// Reads what was done where cures worked.
    fn demonstrate(&self, known: &mut KnownError, salient: &str) -> Result<(), Error> {
        let ranges = example_ranges(known);
        if ranges.is_empty() {
            return Ok(());
        }
        let read = self.storage.steps(&ranges).map_err(Error::storage("read what cured"))?;
        show(known, salient, &read);
        Ok(())
    }

    /// Reads the lesson of the episodes in which the cures worked that says most of the error.
    fn teach(&self, known: &mut KnownError, message: &str) -> Result<(), Error> {
        let mut ids: Vec<EpisodeId> = known.cures.iter().flat_map(Cure::episodes).collect();
        ids.dedup();
        let read = storage::episodes(self.storage.as_ref(), &ids);
        let episodes = read.map_err(Error::storage("read where cures worked"))?;
        let mut scopes: Vec<Scope> = episodes.into_iter().flatten().map(|e| e.scope).collect();
        scopes.dedup();
        let mut lessons: Vec<Note> = Vec::new();
        for scope in &scopes {
            lessons.extend(self.lessons_of(scope, &ids)?);
        }
        lessons.retain(|lesson| lesson.origin != Origin::Tool);
        let words = words_of(message);
        let n_common = |lesson: &Note| words_of(lesson.text.as_str()).intersection(&words).count();
        // Of equal ones that of the first cure, of its lessons the newest.
        let place = |lesson: &Note| ids.iter().position(|id| lesson.episode == Some(*id));
        let best = lessons
            .iter()
            .enumerate()
            .min_by_key(|(newer, lesson)| (Reverse(n_common(lesson)), place(lesson), *newer));
        known.lesson = best.map(|(_, lesson)| (lesson.id, lesson.text.as_str().to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::intake::{Completion, NewEpisode, NewStep};
    use crate::model::Scope;
    use crate::storage::MemStorage;

    fn run(command: &str, error: Option<&str>) -> NewStep {
        let args = serde_json::json!({ "command": command }).to_string();
        NewStep { tool: "sh".into(), args, error: error.map(Into::into), ..NewStep::default() }
    }

    fn edit() -> NewStep {
        let args = r#"{"path":"src/cart.py","old_str":"tax = 0","new_str":"tax = rate(order)"}"#;
        NewStep { tool: "edit".into(), args: args.into(), ..NewStep::default() }
    }

    fn scope() -> Scope {
        Scope::new("acme/shop").unwrap()
    }

    /// Returns a memory with one episode of the given steps, which taught a lesson.
    fn taught(steps: Vec<NewStep>) -> Memory {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let id = memory.start(NewEpisode::new(scope(), "make the cart right")).unwrap().value;
        memory.log(id, steps).unwrap();
        let lessons = vec!["Taxes come from the order.".to_owned()];
        memory.finish(id, Completion { lessons, ..Completion::default() }).unwrap();
        memory
    }

    fn told(memory: &Memory, command: &str, error: &str) -> Option<KnownError> {
        memory.cure_for(&scope(), run(command, Some(error))).unwrap()
    }

    #[test]
    fn the_edit_that_cured_is_told_from_the_first_sighting_with_what_then_passed() {
        let error = "AssertionError: expected a tax";
        let steps = || {
            vec![
                run("make test", Some(error)),
                run("cat src/cart.py", None),
                run("make test", Some("AssertionError: something else")),
                edit(),
                run("make test", None),
            ]
        };
        let memory = taught(steps());
        for n in 1..=6 {
            let known = told(&memory, "make test", error).unwrap();
            let [cure] = known.cures.as_slice() else { panic!("{known:?}") };
            let shown = cure.demonstration.as_ref().unwrap();
            assert_eq!(shown.acts, ["edit src/cart.py: `tax = 0` → `tax = rate(order)`"], "{n}");
            assert_eq!(shown.passed.as_deref(), Some("make test"));
            assert_eq!((cure.n_resolved, cure.is_confirmed), (n, n >= 5));
            if n == 1 {
                assert_eq!(known.lesson.unwrap().1, "Taxes come from the order.");
            }
            let id = memory.start(NewEpisode::new(scope(), "again")).unwrap().value;
            memory.log(id, steps()).unwrap();
            memory.finish(id, Completion::default()).unwrap();
        }
    }

    #[test]
    fn the_lesson_is_that_which_says_most_of_the_error_wherever_it_was_cured() {
        let error = "AssertionError: expected a tax";
        let steps = || vec![run("make test", Some(error)), edit(), run("make test", None)];
        let memory = taught(steps());
        let lesson = || told(&memory, "make test", error).unwrap().lesson.unwrap().1;
        let go_on = |lessons: &[&str]| {
            let id = memory.start(NewEpisode::new(scope(), "again")).unwrap().value;
            memory.log(id, steps()).unwrap();
            let lessons = lessons.iter().map(|&lesson| lesson.into()).collect();
            memory.finish(id, Completion { lessons, ..Completion::default() }).unwrap();
        };
        go_on(&[]);
        assert_eq!(lesson(), "Taxes come from the order.", "the newest cure taught nothing");
        go_on(&["Who expected a tax reads `rate`.", "Commit often."]);
        assert_eq!(lesson(), "Who expected a tax reads `rate`.");
    }

    #[test]
    fn an_error_that_differs_in_a_port_is_told_as_one_like_it() {
        let refused = |port: u16| format!("connect ECONNREFUSED 10.0.0.7:{port}");
        let steps = vec![
            run("make test", Some(&refused(3306))),
            run("docker start orders-db", None),
            run("make test", None),
        ];
        let memory = taught(steps);
        let like = told(&memory, "make test", &refused(5672)).unwrap();
        assert_eq!(like.differs, Some(("3306".to_owned(), "5672".to_owned())));
        let same = told(&memory, "make test", &refused(3306)).unwrap();
        assert_eq!(same.differs, None);
        assert_eq!(same.cures[0].demonstration.as_ref().unwrap().acts, ["docker start orders-db"]);
    }

    #[test]
    fn a_shortened_error_one_of_another_program_and_one_in_a_long_log_are_known() {
        let error = "ImportError: cannot import name 'slugify' from 'text.tools'";
        let steps = vec![
            run("python check.py", Some(error)),
            run("pip install slugs", None),
            run("python check.py", None),
        ];
        let memory = taught(steps);
        let passed = "tests/test_all.py::test_error_is_shown PASSED\n".repeat(6_000);
        let log = format!("{passed}E   {error}\n{passed}1 failed, 12000 passed");
        let short = "cannot import name 'slugify' from 'text.tools'".to_owned();
        for (command, error) in
            [("python check.py", short), ("python3 check.py", error.to_owned()), ("pytest", log)]
        {
            let known = told(&memory, command, &error).unwrap();
            let acts = &known.cures[0].demonstration.as_ref().unwrap().acts;
            assert_eq!(acts, &["pip install slugs"], "{command}");
        }
    }

    #[test]
    fn an_error_in_other_words_whose_cure_was_told_is_not_told_again() {
        let worded = "ModuleNotFoundError: No module named 'attrs'";
        let steps =
            vec![run("make", Some(worded)), run("pip install attrs", None), run("make", None)];
        let memory = taught(steps);
        let id = memory.start(NewEpisode::new(scope(), "again")).unwrap().value;
        let log = |error| {
            let logged = memory.log(id, vec![run("make", Some(error))]).unwrap().value;
            (logged.known_errors.len(), logged.repeated_errors)
        };
        assert_eq!(log(worded), (1, vec![]));
        assert_eq!(log("No module named 'attrs'"), (0, vec![(1, 0)]));
        assert_eq!(log("No module named 'attrs'"), (0, vec![(2, 0)]));
    }

    #[test]
    fn what_was_mended_in_the_same_call_and_what_only_looked_is_not_told() {
        let error = "error: no rule to make the target";
        let looked = vec![
            run("make", Some(error)),
            run("ls", None),
            run("git status", None),
            run("make", None),
        ];
        let memory = taught(looked);
        assert_eq!(told(&memory, "make", error).unwrap().cures, []);
        let id = memory.start(NewEpisode::new(scope(), "again")).unwrap().value;
        let steps = vec![run("make", Some(error)), run("make", None)];
        assert_eq!(memory.log(id, steps).unwrap().value.known_errors, []);
    }

    #[test]
    fn the_open_errors_of_an_episode_are_told() {
        let error = "error: no rule to make the target";
        let steps = vec![run("make", Some(error)), run("touch rules", None), run("make", None)];
        let memory = taught(steps);
        let id = memory.start(NewEpisode::new(scope(), "again")).unwrap().value;
        assert_eq!(memory.open_errors(id).unwrap(), []);
        memory.log(id, vec![run("make", Some(error))]).unwrap();
        let open = memory.open_errors(id).unwrap();
        assert_eq!((open.len(), open[0].step_idx, open[0].cures.len()), (1, 0, 1));
        memory.log(id, vec![run("make", None)]).unwrap();
        assert_eq!(memory.open_errors(id).unwrap(), []);
    }
}
