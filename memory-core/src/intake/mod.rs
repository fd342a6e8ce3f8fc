//! From what a caller gives to what is stored: checked, masked and cut, before anything is written.
//!
//! In: episodes, steps and notes as callers give them. Out: records of the model, and a receipt of
//! how many secrets were masked and texts cut. Used by [`crate::Memory`]; knows neither storage nor
//! search.

mod text;

use crate::config::Config;
use crate::error::Error;
use crate::learn::error_message;
use crate::model::{
    Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Note, NoteId, NoteKind, Origin,
    Outcome, RecordId, Relation, Scope, Shown, Source, Step, Timestamp,
};
use text::Sanitizer;

/// A task that an attempt begins on.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEpisode {
    /// The project it belongs to.
    pub scope: Scope,
    /// The task; not empty.
    pub task: String,
    /// The setting.
    pub context: Context,
    /// Place that an imported one came from.
    pub source: Option<Source>,
    /// Who its text comes from; the agent, if not said.
    pub origin: Origin,
    /// Beginning of the attempt; now, if not said.
    pub started_at: Option<Timestamp>,
    /// Its ties to earlier episodes.
    pub relations: Vec<Relation>,
    /// Records that were shown before it began.
    pub shown: Vec<Shown>,
    /// Judgements of readers elsewhere.
    pub feedback: Feedback,
}

impl NewEpisode {
    /// Returns an attempt at `task` that begins now, in a setting of which nothing is known.
    #[must_use]
    pub fn new(scope: Scope, task: impl Into<String>) -> Self {
        Self {
            scope,
            task: task.into(),
            context: Context::default(),
            source: None,
            origin: Origin::default(),
            started_at: None,
            relations: Vec::new(),
            shown: Vec::new(),
            feedback: Feedback::default(),
        }
    }
}

/// A tool call to be logged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewStep {
    /// Id that the client gave the call: what is told of a call again changes nothing.
    pub call_id: Option<String>,
    /// Name of the tool; not empty.
    pub tool: String,
    /// Purpose of the call where the name of the tool says too little.
    pub action: Option<String>,
    /// Arguments, as JSON text; empty when there were none.
    pub args: String,
    /// The answer of the tool.
    pub observation: String,
    /// Success of the call; if not said, true unless there is an error.
    pub ok: Option<bool>,
    /// The error message.
    pub error: Option<String>,
    /// Duration, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Tokens that it cost.
    pub n_tokens: Option<u64>,
    /// Time of the call; now, if not said.
    pub occurred_at: Option<Timestamp>,
}

/// The end of an episode.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// Its outcome; `None` abandons the episode.
    pub outcome: Option<Outcome>,
    /// Evidence from which the outcome was inferred; `None` for one that was reported.
    pub inferred: Option<String>,
    /// A summary of the work.
    pub summary: Option<String>,
    /// Files, links or commits that came of it.
    pub artifacts: Vec<String>,
    /// Lessons; each is stored as a note of its own, linked to the episode.
    pub lessons: Vec<String>,
    /// Quality of the result, in [0, 1].
    pub reward: Option<f64>,
    /// The reason of success or failure.
    pub reflection: Option<String>,
    /// Outcome less what was expected, in [-1, 1].
    pub surprise: Option<f64>,
    /// Records whose advice was followed.
    pub followed: Vec<RecordId>,
    /// Its end; now, if not said.
    pub ended_at: Option<Timestamp>,
}

/// A text to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNote {
    /// The project it belongs to.
    pub scope: Scope,
    /// Its kind.
    pub kind: NoteKind,
    /// The text; not empty.
    pub text: String,
    /// The speaker.
    pub speaker: Option<String>,
    /// The conversation or document it is part of.
    pub session: Option<String>,
    /// Position within the session.
    pub position: u32,
    /// Free labels.
    pub tags: Vec<String>,
    /// Place that an imported one came from.
    pub source: Option<Source>,
    /// Who its text comes from; the agent, if not said.
    pub origin: Origin,
    /// The episode that taught it.
    pub episode: Option<EpisodeId>,
    /// The note that it replaces.
    pub supersedes: Option<NoteId>,
    /// Time of what it says; now, if not said.
    pub occurred_at: Option<Timestamp>,
    /// Beginning of its validity.
    pub valid_from: Option<Timestamp>,
    /// End of its validity.
    pub valid_to: Option<Timestamp>,
    /// Number of equal texts merged into it elsewhere.
    pub n_merged: u32,
    /// Time of the last of them.
    pub merged_at: Option<Timestamp>,
    /// Judgements of readers elsewhere.
    pub feedback: Feedback,
}

impl NewNote {
    /// Returns a text that is remembered as of now and for good.
    #[must_use]
    pub fn new(scope: Scope, kind: NoteKind, text: impl Into<String>) -> Self {
        Self {
            scope,
            kind,
            text: text.into(),
            speaker: None,
            session: None,
            position: 0,
            tags: Vec::new(),
            source: None,
            origin: Origin::default(),
            episode: None,
            supersedes: None,
            occurred_at: None,
            valid_from: None,
            valid_to: None,
            n_merged: 0,
            merged_at: None,
            feedback: Feedback::default(),
        }
    }
}

/// Result of a write, and what was changed in it on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<T> {
    /// The result.
    pub value: T,
    /// Number of secrets that were masked.
    pub n_masked: u32,
    /// Number of texts that were too long and kept by head and tail.
    pub n_cut: u32,
}

/// Checks what callers give, masks secrets, cuts what is too long, and counts both.
pub(crate) struct Intake<'a> {
    config: &'a Config,
    now: Timestamp,
    sanitizer: Sanitizer,
}

impl<'a> Intake<'a> {
    pub(crate) fn new(config: &'a Config, now: Timestamp) -> Self {
        Self { config, now, sanitizer: Sanitizer::default() }
    }

    /// Returns the instant at which it was made.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns `value` with the counts so far.
    pub(crate) fn receipt<T>(&self, value: T) -> Receipt<T> {
        Receipt { value, n_masked: self.sanitizer.n_masked, n_cut: self.sanitizer.n_cut }
    }

    pub(crate) fn episode(&mut self, id: EpisodeId, new: NewEpisode) -> Result<Episode, Error> {
        let sanitizer = &mut self.sanitizer;
        let context = new.context;
        Ok(Episode {
            id,
            scope: sanitizer.scope(new.scope),
            task: sanitizer.required("task", new.task, self.config.max_task_bytes)?,
            context: Context {
                task_type: sanitizer.name("task_type", context.task_type)?,
                language: sanitizer.name("language", context.language)?,
                framework: sanitizer.name("framework", context.framework)?,
                domain: sanitizer.name("domain", context.domain)?,
                tags: sanitizer.labels("tags", &context.tags, self.config.max_labels)?,
                agent: sanitizer.name("agent", context.agent)?,
                model: sanitizer.name("model", context.model)?,
                session: sanitizer.name("session", context.session)?,
                branch: sanitizer.name("branch", context.branch)?,
            },
            source: sanitizer.source(new.source)?,
            origin: new.origin,
            author: None,
            started_at: new.started_at.unwrap_or(self.now),
            recorded_at: self.now,
            relations: new.relations,
            shown: new.shown,
            feedback: new.feedback,
            digest: None,
            n_steps: 0,
            closing: None,
        })
    }

    pub(crate) fn steps(&mut self, new: Vec<NewStep>) -> Result<Vec<Step>, Error> {
        Error::check_limit("steps of an episode", self.config.max_steps, new.len())?;
        new.into_iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, mut new: NewStep) -> Result<Step, Error> {
        keep_failing_line(&mut new, self.config);
        let (config, sanitizer) = (self.config, &mut self.sanitizer);
        let error = sanitizer.optional(new.error, config.max_note_bytes);
        Ok(Step {
            idx: 0,
            call_id: sanitizer.name("call_id", new.call_id.map(Into::into))?,
            tool: sanitizer.required_name("tool", new.tool)?,
            action: sanitizer.name("action", new.action.map(Into::into))?,
            args: sanitizer.text(new.args, config.max_args_bytes),
            observation: sanitizer.text(new.observation, config.max_observation_bytes),
            ok: new.ok.unwrap_or(error.is_none()),
            error,
            latency_ms: new.latency_ms,
            n_tokens: new.n_tokens,
            occurred_at: new.occurred_at.unwrap_or(self.now),
        })
    }

    /// Returns the end of an episode, and the texts of its lessons.
    pub(crate) fn closing(&mut self, new: Completion) -> Result<(Closing, Vec<Excerpt>), Error> {
        let (config, sanitizer) = (self.config, &mut self.sanitizer);
        if let Some(reward) = new.reward
            && !(0.0..=1.0).contains(&reward)
        {
            return Err(Error::invalid("reward", format!("{reward} is not within 0 and 1")));
        }
        if let Some(surprise) = new.surprise
            && !(-1.0..=1.0).contains(&surprise)
        {
            return Err(Error::invalid("surprise", format!("{surprise} is not within -1 and 1")));
        }
        if new.inferred.is_some() && new.outcome.is_none() {
            return Err(Error::invalid("inferred", "an abandoned episode has no outcome to infer"));
        }
        Error::check_limit("lessons", config.max_labels, new.lessons.len())?;
        let artifacts: Vec<Box<str>> = new.artifacts.into_iter().map(Into::into).collect();
        let mut lessons = Vec::with_capacity(new.lessons.len());
        for lesson in new.lessons {
            lessons.push(sanitizer.required("lessons", lesson, config.max_note_bytes)?);
        }
        let closing = Closing {
            outcome: new.outcome,
            inferred: sanitizer.name("inferred", new.inferred.map(Into::into))?,
            ended_at: new.ended_at.unwrap_or(self.now),
            summary: sanitizer.optional(new.summary, config.max_note_bytes),
            artifacts: sanitizer.labels("artifacts", &artifacts, config.max_labels)?,
            reward: new.reward,
            surprise: new.surprise,
            followed: new.followed,
            reflection: sanitizer.optional(new.reflection, config.max_note_bytes),
        };
        Ok((closing, lessons))
    }

    pub(crate) fn note(&mut self, id: NoteId, new: NewNote) -> Result<Note, Error> {
        let (config, sanitizer) = (self.config, &mut self.sanitizer);
        if let (Some(from), Some(to)) = (new.valid_from, new.valid_to)
            && to < from
        {
            return Err(Error::invalid("valid_to", "must not lie before valid_from"));
        }
        let tags: Vec<Box<str>> = new.tags.into_iter().map(Into::into).collect();
        Ok(Note {
            id,
            kind: new.kind,
            scope: sanitizer.scope(new.scope),
            text: sanitizer.required("text", new.text, config.max_note_bytes)?,
            speaker: sanitizer.name("speaker", new.speaker.map(Into::into))?,
            session: sanitizer.name("session", new.session.map(Into::into))?,
            position: new.position,
            tags: sanitizer.labels("tags", &tags, config.max_labels)?,
            source: sanitizer.source(new.source)?,
            origin: new.origin,
            author: None,
            episode: new.episode,
            occurred_at: new.occurred_at.unwrap_or(self.now),
            recorded_at: self.now,
            valid_from: new.valid_from,
            valid_to: new.valid_to,
            supersedes: new.supersedes,
            superseded_by: None,
            n_merged: new.n_merged,
            merged_at: new.merged_at,
            feedback: new.feedback,
        })
    }

    /// Returns the note of a lesson that an episode taught.
    pub(crate) fn lesson(
        &self,
        id: NoteId,
        episode: &Episode,
        learned_at: Timestamp,
        text: Excerpt,
    ) -> Note {
        Note {
            id,
            kind: NoteKind::Lesson,
            scope: episode.scope.clone(),
            text,
            speaker: None,
            session: None,
            position: 0,
            tags: episode.context.tags.clone(),
            source: None,
            origin: match episode.origin {
                Origin::Imported => Origin::Imported,
                // Whoever gave the task: the lesson is the agent's.
                _ => Origin::Agent,
            },
            author: None,
            episode: Some(episode.id),
            occurred_at: learned_at,
            recorded_at: self.now,
            valid_from: None,
            valid_to: None,
            supersedes: None,
            superseded_by: None,
            n_merged: 0,
            merged_at: None,
            feedback: Feedback::default(),
        }
    }
}

/// Makes the line that says what went wrong the error of a failed step whose text will be cut: in a
/// long log of tests it may stand where the cut is. A long error becomes the observation, unless
/// there is one.
fn keep_failing_line(step: &mut NewStep, config: &Config) {
    let is_failed = !step.ok.unwrap_or(step.error.is_none());
    let told = step.error.as_deref().filter(|error| !error.trim().is_empty());
    let (text, limit) = match told {
        Some(error) => (error, config.max_note_bytes),
        None => (step.observation.as_str(), config.max_observation_bytes),
    };
    if !is_failed || text.len() <= limit {
        return;
    }
    let line = error_message(text);
    if line.trim().is_empty() {
        return;
    }
    let long = step.error.replace(line);
    if step.observation.is_empty() {
        step.observation = long.unwrap_or_default();
    }
}
