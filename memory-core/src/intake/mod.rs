//! From what a caller gives to what is stored: checked, masked and cut, before anything is written.
//!
//! Who calls it: [`crate::Memory`]. What it must not know: storage, search.

mod secret;
mod text;

use crate::config::Config;
use crate::error::Error;
use crate::model::{
    Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Note, NoteId, NoteKind, Outcome,
    RecordId, Relation, Scope, Shown, Source, Step, Timestamp,
};
pub(crate) use secret::mask;
use text::Intake;

/// A task that an attempt begins on.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEpisode {
    /// The project it belongs to.
    pub scope: Scope,
    /// What is to be done; not empty.
    pub task: String,
    /// The setting.
    pub context: Context,
    /// Where it is imported from.
    pub source: Option<Source>,
    /// When the attempt began; now, if not said.
    pub started_at: Option<Timestamp>,
    /// Its ties to earlier episodes.
    pub relations: Vec<Relation>,
    /// What was shown before it began.
    pub shown: Vec<Shown>,
    /// What readers said of it elsewhere.
    pub feedback: Feedback,
}

impl NewEpisode {
    /// An attempt at `task` that begins now, in a setting of which nothing is known.
    #[must_use]
    pub fn new(scope: Scope, task: impl Into<String>) -> Self {
        Self {
            scope,
            task: task.into(),
            context: Context::default(),
            source: None,
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
    /// Name of the tool; not empty.
    pub tool: String,
    /// What the tool was used for where its name says too little.
    pub action: Option<String>,
    /// Arguments, as JSON text; empty when there were none.
    pub args: String,
    /// What the tool answered.
    pub observation: String,
    /// Whether it did what it was meant to; if not said, yes unless there is an error.
    pub ok: Option<bool>,
    /// The error message.
    pub error: Option<String>,
    /// Duration, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Tokens that it cost.
    pub n_tokens: Option<u64>,
    /// When it happened; now, if not said.
    pub occurred_at: Option<Timestamp>,
}

/// How an episode ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// What came of it; `None` abandons the episode.
    pub outcome: Option<Outcome>,
    /// What was done.
    pub summary: Option<String>,
    /// Files, links or commits that came of it.
    pub artifacts: Vec<String>,
    /// What was learned; each is stored as a note of its own, linked to the episode.
    pub lessons: Vec<String>,
    /// How good the result was, in [0, 1].
    pub reward: Option<f64>,
    /// What made the difference.
    pub reflection: Option<String>,
    /// By how much the outcome was better than expected, in [-1, 1].
    pub surprise: Option<f64>,
    /// Records whose advice was followed.
    pub followed: Vec<RecordId>,
    /// When it ended; now, if not said.
    pub ended_at: Option<Timestamp>,
}

/// A text to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNote {
    /// The project it belongs to.
    pub scope: Scope,
    /// What it is.
    pub kind: NoteKind,
    /// What is to be remembered; not empty.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// The conversation or document it is part of.
    pub session: Option<String>,
    /// Position within the session.
    pub position: u32,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where it is imported from.
    pub source: Option<Source>,
    /// The episode that taught it.
    pub episode: Option<EpisodeId>,
    /// The note that it replaces.
    pub supersedes: Option<NoteId>,
    /// When it happened or was said; now, if not said.
    pub occurred_at: Option<Timestamp>,
    /// From when it holds.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds.
    pub valid_to: Option<Timestamp>,
    /// How often it was told again elsewhere.
    pub n_merged: u32,
    /// When that was the last time.
    pub merged_at: Option<Timestamp>,
    /// What readers said of it elsewhere.
    pub feedback: Feedback,
}

impl NewNote {
    /// A text that is remembered as of now and for good.
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

/// What was written, and what was changed in it on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<T> {
    /// The result.
    pub value: T,
    /// Secrets that were masked.
    pub n_masked: u32,
    /// Texts that were too long and kept by head and tail.
    pub n_cut: u32,
}

/// Checks what callers give and counts what it masks and cuts.
pub(crate) struct Desk<'a> {
    config: &'a Config,
    now: Timestamp,
    intake: Intake,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(config: &'a Config, now: Timestamp) -> Self {
        Self { config, now, intake: Intake::default() }
    }

    /// When it was opened.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Hands out `value` with the counts so far.
    pub(crate) fn receipt<T>(&self, value: T) -> Receipt<T> {
        Receipt { value, n_masked: self.intake.n_masked, n_cut: self.intake.n_cut }
    }

    pub(crate) fn episode(&mut self, id: EpisodeId, new: NewEpisode) -> Result<Episode, Error> {
        let intake = &mut self.intake;
        let context = new.context;
        Ok(Episode {
            id,
            scope: new.scope,
            task: intake.required("task", new.task, self.config.max_task_bytes)?,
            context: Context {
                task_type: intake.name("task_type", context.task_type)?,
                language: intake.name("language", context.language)?,
                framework: intake.name("framework", context.framework)?,
                domain: intake.name("domain", context.domain)?,
                tags: intake.labels("tags", &context.tags, self.config.max_labels)?,
                agent: intake.name("agent", context.agent)?,
                model: intake.name("model", context.model)?,
                session: intake.name("session", context.session)?,
                branch: intake.name("branch", context.branch)?,
            },
            source: new.source.map(text::checked_source).transpose()?,
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

    fn step(&mut self, new: NewStep) -> Result<Step, Error> {
        let (config, intake) = (self.config, &mut self.intake);
        let error = intake.optional(new.error, config.max_note_bytes);
        Ok(Step {
            idx: 0,
            tool: intake.required_name("tool", new.tool)?,
            action: intake.name("action", new.action.map(Into::into))?,
            args: intake.text(new.args, config.max_args_bytes),
            observation: intake.text(new.observation, config.max_observation_bytes),
            ok: new.ok.unwrap_or(error.is_none()),
            error,
            latency_ms: new.latency_ms,
            n_tokens: new.n_tokens,
            occurred_at: new.occurred_at.unwrap_or(self.now),
        })
    }

    /// The end of an episode, and the texts of its lessons.
    pub(crate) fn closing(&mut self, new: Completion) -> Result<(Closing, Vec<Excerpt>), Error> {
        let (config, intake) = (self.config, &mut self.intake);
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
        Error::check_limit("lessons", config.max_labels, new.lessons.len())?;
        let artifacts: Vec<Box<str>> = new.artifacts.into_iter().map(Into::into).collect();
        let mut lessons = Vec::with_capacity(new.lessons.len());
        for lesson in new.lessons {
            lessons.push(intake.required("lessons", lesson, config.max_note_bytes)?);
        }
        let closing = Closing {
            outcome: new.outcome,
            ended_at: new.ended_at.unwrap_or(self.now),
            summary: intake.optional(new.summary, config.max_note_bytes),
            artifacts: intake.labels("artifacts", &artifacts, config.max_labels)?,
            reward: new.reward,
            surprise: new.surprise,
            followed: new.followed,
            reflection: intake.optional(new.reflection, config.max_note_bytes),
        };
        Ok((closing, lessons))
    }

    pub(crate) fn note(&mut self, id: NoteId, new: NewNote) -> Result<Note, Error> {
        let (config, intake) = (self.config, &mut self.intake);
        if let (Some(from), Some(to)) = (new.valid_from, new.valid_to)
            && to < from
        {
            return Err(Error::invalid("valid_to", "must not lie before valid_from"));
        }
        let tags: Vec<Box<str>> = new.tags.into_iter().map(Into::into).collect();
        Ok(Note {
            id,
            kind: new.kind,
            scope: new.scope,
            text: intake.required("text", new.text, config.max_note_bytes)?,
            speaker: intake.name("speaker", new.speaker.map(Into::into))?,
            session: intake.name("session", new.session.map(Into::into))?,
            position: new.position,
            tags: intake.labels("tags", &tags, config.max_labels)?,
            source: new.source.map(text::checked_source).transpose()?,
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

    /// The note of a lesson that an episode taught.
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
