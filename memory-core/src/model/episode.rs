//! One attempt at one task.

use super::{EpisodeId, Excerpt, RecordId, Scope, Timestamp};
use crate::secret::mask_name;

/// Declares an enum whose variants have a fixed name in storage, answers and arguments.
macro_rules! name_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its fixed name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of that name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(super) use name_enum;

name_enum!(
    /// Where an episode stands.
    Status {
        /// Steps may be logged.
        Open = "open",
        /// Ended with an outcome.
        Completed = "completed",
        /// Ended without one.
        Abandoned = "abandoned",
    }
);

name_enum!(
    /// What came of an attempt.
    Outcome {
        /// The task was done.
        Success = "success",
        /// Some of it was done.
        Partial = "partial",
        /// It was not done.
        Failure = "failure",
        /// The agent rightly did not try.
        Abstained = "abstained",
    }
);

/// What is known about the setting of an episode; every field may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// Kind of task, for example `bugfix`; also an identifier of repeated runs of one task.
    pub task_type: Option<Box<str>>,
    /// Programming or natural language.
    pub language: Option<Box<str>>,
    /// Main framework in play.
    pub framework: Option<Box<str>>,
    /// Field of work, for example `frontend`.
    pub domain: Option<Box<str>>,
    /// Free labels, sorted, without repeats.
    pub tags: Vec<Box<str>>,
    /// The agent program.
    pub agent: Option<Box<str>>,
    /// The language model behind it.
    pub model: Option<Box<str>>,
    /// The client's session.
    pub session: Option<Box<str>>,
    /// The branch of the repository.
    pub branch: Option<Box<str>>,
}

/// Where an imported record came from; the pair is unique within a store and a kind of record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The format or program that it was imported by, for example `jsonl`.
    pub importer: Box<str>,
    /// Its id there.
    pub external_id: Box<str>,
}

impl Source {
    /// Returns the source as it is stored: a secret in the id is masked, the same one always by the
    /// same mark, so that the record is found again.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { external_id: mask_name(&self.external_id).0.into(), ..self }
    }
}

name_enum!(
    /// How an episode stands to an earlier one.
    RelationKind {
        /// Goes on where the other one stopped.
        Follows = "follows",
        /// Tries the same task again.
        Retries = "retries",
        /// Does a part of what the other one is about.
        PartOf = "part_of",
        /// Is about the same work, told twice.
        Duplicates = "duplicates",
    }
);

/// A tie to another episode, which may have been forgotten since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// How it stands to the other one.
    pub kind: RelationKind,
    /// The other one.
    pub episode: EpisodeId,
}

/// A record that was shown when an episode began; it may have been forgotten since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown {
    /// The record.
    pub record: RecordId,
    /// Whether it was a strong hit.
    pub strong: bool,
}

/// What readers said of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// How often it was called helpful.
    pub n_helpful: u32,
    /// How often it was called unhelpful.
    pub n_unhelpful: u32,
}

/// How an episode ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// `None` for an abandoned episode.
    pub outcome: Option<Outcome>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What was done, in the agent's words.
    pub summary: Option<Excerpt>,
    /// Files, links or commits that came of it.
    pub artifacts: Vec<Box<str>>,
    /// How good the result was, in [0, 1].
    pub reward: Option<f64>,
    /// By how much the outcome, as a number in [0, 1], was better than expected when it began.
    pub surprise: Option<f64>,
    /// Records whose advice was followed; some may have been forgotten since.
    pub followed: Vec<RecordId>,
    /// What made the difference.
    pub reflection: Option<Excerpt>,
}

/// One attempt at one task; its steps are stored beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Its id.
    pub id: EpisodeId,
    /// The project it belongs to.
    pub scope: Scope,
    /// What was to be done.
    pub task: Excerpt,
    /// The setting.
    pub context: Context,
    /// Where it was imported from.
    pub source: Option<Source>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// When we were told.
    pub recorded_at: Timestamp,
    /// Its ties to earlier episodes.
    pub relations: Vec<Relation>,
    /// What was shown when it began.
    pub shown: Vec<Shown>,
    /// What readers said of it.
    pub feedback: Feedback,
    /// What was learned of its steps, in a form that the engine alone reads; derived from them.
    pub digest: Option<Box<[u8]>>,
    /// Number of steps stored; kept by the storage.
    pub n_steps: u32,
    /// How it ended; `None` while it is open.
    pub closing: Option<Closing>,
}

impl Episode {
    /// Where the episode stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.closing {
            None => Status::Open,
            Some(closing) if closing.outcome.is_some() => Status::Completed,
            Some(_) => Status::Abandoned,
        }
    }

    /// What came of it, once it is completed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.closing.as_ref().and_then(|closing| closing.outcome)
    }
}
