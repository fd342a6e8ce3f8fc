//! One attempt at one task.

use std::fmt;

use super::{Author, EpisodeId, Excerpt, InvalidValue, RecordId, Scope, Timestamp};
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
    /// State of an episode.
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
    /// Outcome of an attempt.
    Outcome {
        /// The task was done.
        Success = "success",
        /// Some of it was done.
        Partial = "partial",
        /// It was not done.
        Failure = "failure",
        /// The agent rightly did not try.
        Abstained = "abstained",
        /// Ended, and nothing says how: it counts in no statistic, but is found and shown.
        Unjudged = "unjudged",
    }
);

/// Setting of an episode; every field may be missing.
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

/// Place that an imported record came from; the pair is unique within a store and a kind of record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The format or program that it was imported by, for example `jsonl`.
    pub importer: Box<str>,
    /// Its id there.
    pub external_id: Box<str>,
}

impl Source {
    /// Reads what [`Source`] prints: the importer, a colon and the external id.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] where one of them is missing.
    pub fn from_name(name: &str) -> Result<Self, InvalidValue> {
        match name.split_once(':') {
            Some((importer, id)) if !importer.is_empty() && !id.is_empty() => {
                Ok(Self { importer: importer.into(), external_id: id.into() })
            }
            _ => Err(InvalidValue::new(
                "source",
                format!("`{name}` is no source: write IMPORTER:ID, such as jsonl:e17"),
            )),
        }
    }

    /// Returns the source as it is stored: a secret in the id is masked, the same one always by the
    /// same mark, so that the record is found again.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { external_id: mask_name(&self.external_id).0.into(), ..self }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.importer, self.external_id)
    }
}

name_enum!(
    /// Who a record's text comes from.
    Origin {
        /// The user said it.
        User = "user",
        /// The agent concluded it.
        Agent = "agent",
        /// A tool printed it: never shown as advice.
        Tool = "tool",
        /// It was taken over from elsewhere, where its author is not told.
        Imported = "imported",
    }
);

impl Default for Origin {
    /// Returns the agent, who writes whatever nobody else is named for.
    fn default() -> Self {
        Self::Agent
    }
}

name_enum!(
    /// Relation of an episode to an earlier one.
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
    /// Kind of the relation.
    pub kind: RelationKind,
    /// The other one.
    pub episode: EpisodeId,
}

/// A record that was shown when an episode began; it may have been forgotten since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown {
    /// The record.
    pub record: RecordId,
    /// True for a strong hit.
    pub strong: bool,
}

/// Ratings of a record by its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// Number of times it was rated helpful.
    pub n_helpful: u32,
    /// Number of times it was rated unhelpful.
    pub n_unhelpful: u32,
}

/// End of an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// `None` for an abandoned episode.
    pub outcome: Option<Outcome>,
    /// Evidence from which the outcome was inferred, as a short text; `None` for one that the agent
    /// or the user reported. An inferred outcome counts half.
    pub inferred: Option<Box<str>>,
    /// Time of the end.
    pub ended_at: Timestamp,
    /// Summary in the agent's words.
    pub summary: Option<Excerpt>,
    /// Files, links or commits that came of it.
    pub artifacts: Vec<Box<str>>,
    /// Quality of the result, in [0, 1].
    pub reward: Option<f64>,
    /// By how much the outcome, as a number in [0, 1], was better than expected when it began.
    pub surprise: Option<f64>,
    /// Records whose advice was followed; some may have been forgotten since.
    pub followed: Vec<RecordId>,
    /// Cause of the result, in the agent's words.
    pub reflection: Option<Excerpt>,
}

impl Closing {
    /// Returns whether nobody has reported how the episode ended: it may be closed again, with what
    /// is known better.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.inferred.is_some() || self.outcome == Some(Outcome::Unjudged)
    }
}

/// One attempt at one task; its steps are stored beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Its id.
    pub id: EpisodeId,
    /// The project it belongs to.
    pub scope: Scope,
    /// Task of the attempt.
    pub task: Excerpt,
    /// The setting.
    pub context: Context,
    /// Place that it came from, for an imported record.
    pub source: Option<Source>,
    /// Who its task comes from.
    pub origin: Origin,
    /// Its author on another machine; `None` for one's own.
    pub author: Option<Author>,
    /// Beginning of the attempt.
    pub started_at: Timestamp,
    /// Time of its recording.
    pub recorded_at: Timestamp,
    /// Its ties to earlier episodes.
    pub relations: Vec<Relation>,
    /// Records that were shown when it began.
    pub shown: Vec<Shown>,
    /// Feedback of readers.
    pub feedback: Feedback,
    /// Digest of its steps, in a form that the engine alone reads; derived from them.
    pub digest: Option<Box<[u8]>>,
    /// Number of steps stored; kept by the storage.
    pub n_steps: u32,
    /// Its end; `None` while it is open.
    pub closing: Option<Closing>,
}

impl Episode {
    /// Returns the state of the episode.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.closing {
            None => Status::Open,
            Some(closing) if closing.outcome.is_some() => Status::Completed,
            Some(_) => Status::Abandoned,
        }
    }

    /// Returns how the episode stands, in words: its outcome, marked where it was inferred, or its
    /// status where it has none.
    #[must_use]
    pub fn standing(&self) -> String {
        match (self.outcome(), self.inferred()) {
            (Some(outcome), None) => outcome.name().to_owned(),
            (Some(outcome), Some(_)) => format!("{} (inferred)", outcome.name()),
            (None, _) => self.status().name().to_owned(),
        }
    }

    /// Returns the evidence of an inferred outcome; `None` for one that was reported, or none.
    #[must_use]
    pub fn inferred(&self) -> Option<&str> {
        self.closing.as_ref().and_then(|closing| closing.inferred.as_deref())
    }

    /// Returns the outcome, once it is completed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.closing.as_ref().and_then(|closing| closing.outcome)
    }
}
