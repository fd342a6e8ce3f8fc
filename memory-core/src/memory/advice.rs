//! What experience says about a task, an error, and an episode that ended.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Memory, wording};
use crate::error::Error;
use crate::intake::mask;
use crate::learn::advice::{
    Contradiction, KnownError, Lesson, LessonRequest, Playbook, Precedent, Sources, Words, call_of,
    lesson_request, playbook, reflect,
};
use crate::learn::evidence::History;
use crate::learn::evidence::Record as Successes;
use crate::learn::{Learned, NameNo, Run, Signature, TaskKey};
use crate::model::{EpisodeId, HitKind, NoteId, NoteKind, Record, RecordId, Scope, Step};
use crate::retrieve::{Hit, Query, Strength};
use crate::storage::{StepRange, Storage};

/// Episodes of tasks alike that advice rests on, besides those of the very task.
const N_ALIKE: usize = 24;

/// Attempts at the very task that advice rests on, newest first.
const N_SAME: usize = 50;

/// Notes that are told.
const N_LESSONS: usize = 3;

/// Kinds of error that are told with their cures.
const N_ERRORS: usize = 3;

/// Success rate below which a cure is no advice, though better than a retry.
const MIN_CURE_RATE: f64 = 0.3;

/// Likeness below which a task says nothing about another.
const MIN_LIKENESS: f64 = 0.15;

/// Share of its likeness that an episode keeps when a part of its steps is alike and not its task.
const STEPS_SHARE: f64 = 0.5;

/// Advice for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The advice in words, within the budget.
    pub text: String,
    /// Whether there is any experience to go by.
    pub is_experienced: bool,
    /// Chance that an attempt succeeds: mean of its posterior; `None` without experience.
    pub expected: Option<f64>,
    /// 80 % interval of it.
    pub interval: Option<(f64, f64)>,
    /// Attempts behind it whose result is known.
    pub n_runs: u32,
    /// Of these the attempts at the very task.
    pub n_same_task: u32,
    /// The episodes that it rests on, nearest first.
    pub evidence: Vec<EpisodeId>,
    /// Why tasks alike could not be looked for, if so.
    pub degraded: Option<String>,
}

/// What an ended episode teaches; nothing by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reflection {
    /// How good it was, in [0, 1]; `None` for unknown.
    pub reward: Option<f64>,
    /// Its credit less what was expected, in [−1, 1]; `None` for unknown.
    pub surprise: Option<f64>,
    /// Ranked evidence in words, most telling first, one item a line; empty when it teaches nothing.
    pub text: String,
    /// Things that it teaches.
    pub n_evidence: usize,
    /// A question to the agent, when there is something to learn.
    pub request: Option<String>,
}

impl Memory {
    /// Returns advice for a task from how attempts at it, and at tasks like it, went in a scope; `None`
    /// stands for all scopes.
    ///
    /// `max_tokens` bounds the text; whole lines are left out, the least valuable first. What is quoted in
    /// it is stored text, masked once more.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no task or no budget, [`Error::Storage`].
    pub fn recommend<'a>(
        &self,
        task: &str,
        scope: impl Into<Option<&'a Scope>>,
        max_tokens: usize,
    ) -> Result<Advice, Error> {
        let scope = scope.into();
        if task.trim().is_empty() {
            return Err(Error::invalid("task", "must not be empty"));
        }
        if max_tokens == 0 {
            return Err(Error::invalid("max_tokens", "must be at least 1"));
        }
        self.learn()?;
        let (alike, degraded) = match self.alike_episodes(task, scope) {
            Ok((hits, degraded)) => (hits, degraded),
            Err(error @ Error::Storage { .. }) => return Err(error),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let lessons = self.lessons_for(task, scope)?;
        let learned = self.learning.learned();
        let precedents = precedents(&learned, task, scope, &alike);
        let errors = known_errors(&learned, &precedents);
        let book = playbook(&Sources {
            precedents: &precedents,
            scope: Successes::of(learned.unordered(scope.map(Scope::as_str))),
            errors: &errors,
            lessons: &lessons,
        });
        let text = Lookup::new(self.storage.as_ref(), &learned)
            .in_words(|words| book.text(words, max_tokens));
        Ok(advice(&book, &text, degraded))
    }

    /// What an ended episode teaches, held against all that ended before it.
    ///
    /// `told` says what became of its lessons: without any, or where one contradicts a note, more are asked for.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Conflict`] while it is open, [`Error::Storage`].
    pub fn reflect(&self, id: EpisodeId, told: &[super::Remembered]) -> Result<Reflection, Error> {
        self.learn()?;
        let contradictions = self.contradictions(told)?;
        let learned = self.learning.learned();
        let Some(run) = learned.run(id) else {
            let episode = self.episode(id)?;
            let reason = format!("is {}; reflect on it when it has ended", episode.status().name());
            return Err(Error::Conflict { id: id.into(), reason: reason.into() });
        };
        let scope = learned.name(run.scope).to_owned();
        let is_before = |other: &&Run| (other.ended_at, other.id) < (run.ended_at, run.id);
        let before: Vec<&Run> = learned.unordered(Some(&scope)).filter(is_before).collect();
        let mut task: Vec<&Run> = before.iter().copied().filter(|r| r.task == run.task).collect();
        task.sort_unstable_by_key(|other| std::cmp::Reverse((other.ended_at, other.id)));
        let of_type = |r: &&Run| run.task_type != 0 && r.task_type == run.task_type;
        let task_type: Vec<&Run> = before.iter().copied().filter(of_type).collect();
        let history = History {
            task: &task,
            task_type: &task_type,
            scope: Successes::of(before.iter().copied()),
        };
        let errors = |signature: Signature| {
            let met = before
                .iter()
                .copied()
                .filter(|r| r.incidents.iter().any(|incident| incident.signature == signature));
            crate::learn::advice::ErrorRecord::of(signature, run.task, met)
        };
        let reflection = reflect(run, &history, &errors, &[]);
        let lookup = Lookup::new(self.storage.as_ref(), &learned);
        let text = lookup.in_words(|words| reflection.text(id, words, REFLECTION_TOKENS));
        // Who has told lessons is asked for more only where one contradicts a note.
        let asks = told.is_empty() || !contradictions.is_empty();
        let request = lookup.in_words_opt(|words| {
            let request = asks.then(|| lesson_request(id, &reflection, contradictions, words));
            request.flatten().map(question)
        });
        Ok(Reflection {
            reward: reflection.reward.score,
            surprise: reflection.reward.surprise,
            text,
            n_evidence: reflection.evidence.len(),
            request,
        })
    }

    /// Episodes of a scope that are alike in their task or steps, and why the search was incomplete, if so.
    fn alike_episodes(
        &self,
        task: &str,
        scope: Option<&Scope>,
    ) -> Result<(Vec<Hit>, Option<String>), Error> {
        let mut query = Query::new(task);
        query.scope = scope.cloned();
        query.kinds = vec![HitKind::Episode];
        query.limit = Some(N_ALIKE.min(self.config.max_limit));
        query.strength = Strength::Strong;
        query.max_tokens = Some(usize::MAX);
        let found = self.recall(&query)?;
        Ok((found.hits, found.degraded))
    }

    /// Notes that are surely about a task.
    fn lessons_for(&self, task: &str, scope: Option<&Scope>) -> Result<Vec<Lesson>, Error> {
        let mut query = Query::new(task);
        query.scope = scope.cloned();
        let kinds = [NoteKind::Lesson, NoteKind::Decision, NoteKind::Preference, NoteKind::Fact];
        query.kinds = kinds.map(HitKind::Note).to_vec();
        query.limit = Some(N_LESSONS);
        query.strength = Strength::Strong;
        let found = match self.recall(&query) {
            Ok(found) => found.hits,
            Err(error @ Error::Storage { .. }) => return Err(error),
            // The advice says already that nothing could be looked for.
            Err(_) => Vec::new(),
        };
        let lesson = |hit: Hit| match hit.record {
            Record::Note(note) => Some(Lesson { id: note.id, text: note.text.as_str().to_owned() }),
            Record::Episode(_) => None,
        };
        Ok(found.into_iter().filter_map(lesson).collect())
    }

    /// Pairs of lessons that were told just now and notes that say something else.
    fn contradictions(&self, told: &[super::Remembered]) -> Result<Vec<Contradiction>, Error> {
        let mut pairs = Vec::new();
        for lesson in told {
            let super::Remembered::New { id, contradicts } = lesson else { continue };
            for other in contradicts {
                let quote = |id: NoteId| -> Result<(NoteId, String), Error> {
                    Ok((id, self.note(id)?.text.as_str().to_owned()))
                };
                pairs.push(Contradiction { one: quote(*id)?, other: quote(*other)? });
            }
        }
        Ok(pairs)
    }
}

/// Longest reflection, in tokens.
const REFLECTION_TOKENS: usize = 300;

/// Attempts at the task itself, newest first, then those at tasks like it, nearest first.
fn precedents<'a>(
    learned: &'a Learned,
    task: &str,
    scope: Option<&Scope>,
    alike: &[Hit],
) -> Vec<Precedent<'a>> {
    let key = TaskKey::of(task);
    let same = match scope {
        Some(scope) => learned.runs_of_task(scope.as_str(), key),
        None => learned.runs_in(None).into_iter().filter(|run| run.task == key).collect(),
    };
    let same = same.into_iter().take(N_SAME);
    let mut all: Vec<Precedent<'a>> = same.map(|run| Precedent { run, similarity: 1.0 }).collect();
    let mut others: Vec<Precedent<'a>> = Vec::new();
    for hit in alike {
        let RecordId::Episode(id) = hit.record.id() else { continue };
        let Some(run) = learned.run(id).filter(|run| run.task != key) else { continue };
        let similarity = likeness(hit);
        if similarity >= MIN_LIKENESS {
            others.push(Precedent { run, similarity });
        }
    }
    others.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    all.append(&mut others);
    all
}

/// How alike a hit's task is, in [0, 1): by the cosine of the vectors, or by the share of the query's
/// words without them. Half of the scale is noise, which counts as nothing.
fn likeness(hit: &Hit) -> f64 {
    let term = |name: &str| hit.terms.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    let share = term("cosine").or_else(|| term("coverage")).unwrap_or_default();
    let likeness = ((share - 0.5) * 2.0).clamp(0.0, 0.95);
    if hit.step_idx.is_some() { likeness * STEPS_SHARE } else { likeness }
}

/// The errors that these runs met most often and that something cures, each cure once.
fn known_errors(learned: &Learned, precedents: &[Precedent<'_>]) -> Vec<KnownError> {
    let mut met: BTreeMap<(Signature, NameNo), (u32, EpisodeId, u32)> = BTreeMap::new();
    for Precedent { run, .. } in precedents {
        for incident in &run.incidents {
            if let Some(failed) = run.moves.get(incident.at as usize) {
                // The first one is of the nearest run.
                let key = (incident.signature, failed.tool);
                met.entry(key).or_insert((0, run.id, incident.at)).0 += 1;
            }
        }
    }
    let mut met: Vec<_> = met.into_iter().collect();
    met.sort_by_key(|(key, (n, ..))| (std::cmp::Reverse(*n), *key));
    let scope = precedents.first().map(|precedent| precedent.run.scope);
    let mut known: Vec<KnownError> = Vec::new();
    for ((signature, tool), (_, id, at)) in met {
        let Some(found) = learned.known_error(signature, learned.name(tool), 1) else { continue };
        let Some(cure) = found.cures.first().filter(|cure| cure.posterior.mean >= MIN_CURE_RATE)
        else {
            continue;
        };
        let text = wording::cure(cure, learned.name(tool));
        if known.iter().any(|known| known.tool == tool && known.cure == text) {
            continue;
        }
        let is_own = |id: EpisodeId| learned.run(id).map(|run| run.scope) == scope;
        let shown = cure.evidence.iter().find(|shown| is_own(shown.episode));
        known.push(KnownError {
            signature,
            tool,
            cure: text,
            n_tried: cure.n_tried,
            n_resolved: cure.n_resolved,
            met: (id, at),
            example: shown.map(|shown| (shown.episode, shown.resolved_at)),
        });
        if known.len() == N_ERRORS {
            break;
        }
    }
    known
}

/// A request as one text: what it is about besides the contrast, which the reflection tells, then the
/// question.
fn question(request: LessonRequest) -> String {
    let told = usize::from(request.contrast.is_some());
    let mut lines: Vec<String> = request.quotes.into_iter().skip(told).collect();
    lines.push(request.question);
    lines.join("\n")
}

fn advice(book: &Playbook, text: &str, degraded: Option<String>) -> Advice {
    Advice {
        text: text.to_owned(),
        is_experienced: !book.is_empty(),
        expected: book.expected.map(|expected| expected.mean),
        interval: book.expected.map(|expected| (expected.lower, expected.upper)),
        n_runs: book.n_runs,
        n_same_task: book.n_same_task,
        evidence: book.evidence.clone(),
        degraded,
    }
}

/// Looks up what advice quotes: each step once, and only when a line wants it.
pub(super) struct Lookup<'a> {
    storage: &'a dyn Storage,
    learned: &'a Learned,
    steps: RefCell<BTreeMap<(EpisodeId, u32), Option<Step>>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(storage: &'a dyn Storage, learned: &'a Learned) -> Self {
        Self { storage, learned, steps: RefCell::new(BTreeMap::new()) }
    }

    /// A step; what cannot be read is not quoted.
    fn step<T>(&self, id: EpisodeId, idx: u32, of: impl Fn(&Step) -> Option<T>) -> Option<T> {
        let mut steps = self.steps.borrow_mut();
        let step = steps.entry((id, idx)).or_insert_with(|| {
            let range = StepRange { episode: id, from: idx, limit: 1 };
            match self.storage.steps(&[range]) {
                Ok(read) => read.into_iter().flatten().next(),
                Err(error) => {
                    tracing::warn!(%error, "advice goes without a quotation");
                    None
                }
            }
        });
        step.as_ref().and_then(of)
    }

    /// What a step called.
    pub(super) fn call(&self, id: EpisodeId, idx: u32) -> Option<String> {
        self.step(id, idx, call_of).map(masked)
    }

    /// What error a step had.
    pub(super) fn error(&self, id: EpisodeId, idx: u32) -> Option<String> {
        self.step(id, idx, Signature::message_of).map(masked)
    }

    /// Puts something into words.
    fn in_words_opt<T>(&self, say: impl FnOnce(&Words<'_>) -> T) -> T {
        let (learned, call, error) =
            (self.learned, |id, idx| self.call(id, idx), |id, idx| self.error(id, idx));
        let tool = |no| Some(learned.name(no)).filter(|name| !name.is_empty());
        say(&Words { tool: &tool, call: &call, error: &error })
    }

    fn in_words(&self, say: impl FnOnce(&Words<'_>) -> String) -> String {
        self.in_words_opt(say)
    }
}

/// What is quoted leaves masked once more: a rule for secrets may be newer than the text.
fn masked(text: String) -> String {
    mask(text).0
}
