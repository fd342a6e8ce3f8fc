//! The one way to write.

use super::{Seq, StoredVector};
use crate::model::{
    Closing, Episode, EpisodeId, Note, NoteId, Record, RecordId, Relation, Scope, Shown, Source,
    Step, Timestamp,
};

/// Events that a commit must survive before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The end of this process, also by `kill -9`.
    Process,
    /// A power cut.
    Power,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Inserts an episode with the steps that it has so far.
    ///
    /// Rejected with `Exists` when its id or source is stored, with `Forgotten` when a record of
    /// that source was removed. `n_steps` and the steps' `idx` are set by the storage; of steps
    /// with the same `call_id` one is stored, as by `AppendSteps`.
    InsertEpisode {
        /// The episode.
        episode: Box<Episode>,
        /// Its steps, in order.
        steps: Vec<Step>,
    },
    /// Appends steps to an open episode; their `idx` is set by the storage.
    ///
    /// A step whose `call_id` the episode has already is passed over, so that the same call may be
    /// told again, by another process too. If the stored one has no result
    /// ([`Step::has_result`]) and the new one has, the new one takes its place and keeps its
    /// position and time. Where that leaves nothing to be stored, there is no change, and the
    /// episode may have ended.
    ///
    /// Rejected with `Missing`, `Closed`, `TooManySteps`, or `Elsewhere` for an episode that has an
    /// author: its steps come from the machine that began it.
    AppendSteps {
        /// The episode.
        episode: EpisodeId,
        /// The steps, in order.
        steps: Vec<Step>,
        /// The most steps that the episode may have then.
        limit: u32,
    },
    /// Ends an open episode, or one of which nobody has reported yet how it ended
    /// ([`Closing::is_provisional`]): the new end takes the place of the old one. Rejected with
    /// `Missing` or `Closed`.
    Close {
        /// The episode.
        episode: EpisodeId,
        /// Its end.
        closing: Box<Closing>,
    },
    /// Inserts a note; when it supersedes another, that one is marked (and gets a change).
    ///
    /// Rejected with `Exists` when its id or source is stored, with `Forgotten` when a note of that
    /// source was removed, with `Missing` when the superseded note or the note's episode is not
    /// stored, with `Superseded` when the superseded note is so already.
    InsertNote(Box<Note>),
    /// Removes a record for good: an episode with its steps, or a note, and the vectors of its
    /// units. Rejected with `Missing`. Its source, if it has one, is remembered as forgotten.
    ///
    /// Notes that an episode taught stay and lose the link; a note that was superseded by a removed
    /// one becomes current again, and one that superseded a removed one forgets it (each gets a
    /// change). Where several notes superseded one, that of the highest id is named.
    Remove(RecordId),
    /// Stores a record as a whole, in place of what is stored under its id: one that comes from
    /// elsewhere, or was merged with such. Its source is not forgotten any more.
    ///
    /// What it names may not be stored, or not yet. Which note superseded it is not taken from it
    /// but found: the one of the highest id that says so. The source of a stored record stays, and
    /// so do vectors. Rejected with `Changed`, or with `Exists` when another record of its source
    /// is stored.
    Place(Box<Placed>),
    /// Removes what is stored under an id, if anything, as `Remove` does, and remembers as
    /// forgotten the given source alone. Rejected with `Exists` when another record of that source
    /// is stored.
    Withdraw {
        /// The record.
        id: RecordId,
        /// The source to be remembered as forgotten.
        source: Option<Source>,
    },
    /// Counts a reader's judgement of a record. Rejected with `Missing`.
    Judge {
        /// The record.
        id: RecordId,
        /// Rating of the reader.
        helpful: bool,
    },
    /// Counts that the text of a note was remembered again, and adds the labels that came with it
    /// to the note's. Rejected with `Missing`.
    Merge {
        /// The note.
        note: NoteId,
        /// Time at which the text was given again.
        at: Timestamp,
        /// Labels to be added; the note's stay sorted and without repeats.
        tags: Vec<Box<str>>,
    },
    /// Sets which other records an episode names, in place of those it named: one that comes from
    /// elsewhere may be stored before them. Rejected with `Missing`.
    Tie {
        /// The episode.
        episode: EpisodeId,
        /// Its ties to earlier episodes.
        relations: Vec<Relation>,
        /// Records that were shown when it began.
        shown: Vec<Shown>,
        /// Records whose advice was followed; none while it is open.
        followed: Vec<RecordId>,
    },
    /// Moves a record to another scope. Rejected with `Missing`.
    SetScope {
        /// The record.
        id: RecordId,
        /// The scope that it belongs to from now on.
        scope: Scope,
    },
    /// Keeps what was learned of an episode's steps, in place of what is kept; nothing happens when
    /// the episode is not stored (it may be forgotten meanwhile). Derived from the steps: makes no
    /// change.
    KeepDigest {
        /// The episode.
        episode: EpisodeId,
        /// Digest, in a form that the engine alone reads.
        digest: Box<[u8]>,
    },
    /// Lets the records of a source be stored again that were removed. Rejected with
    /// `NotForgotten` where none was. Makes no change.
    Lift(Source),
    /// Keeps bytes under a name, in place of what is kept there; empty ones remove it. Makes no
    /// change.
    KeepState {
        /// The name.
        name: Box<str>,
        /// Content, in a form that its keeper alone reads.
        bytes: Box<[u8]>,
        /// Time at which it is kept.
        at: Timestamp,
    },
    /// Removes the states that were kept before an instant. Makes no change.
    DropStates {
        /// States from here on stay.
        before: Timestamp,
    },
    /// Stores vectors, in place of those that the units have by the same model.
    ///
    /// Those of records that are not stored are left out: a record may be forgotten while its
    /// vectors are made. Rejected with `NoVector` or `Dimension` (of those that are left out, too).
    /// Whoever writes at the same time waits meanwhile: some dozens at once delay nobody
    /// noticeably.
    PutVectors {
        /// Embedding model that made them.
        model: Box<str>,
        /// The vectors, all of one dimension.
        vectors: Vec<StoredVector>,
    },
    /// Removes the oldest vectors of a model, at most `limit`; of an unknown one there are none.
    DropVectors {
        /// Embedding model that made them.
        model: Box<str>,
        /// Most vectors to remove.
        limit: u32,
    },
}

/// A record that is stored as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The record; `n_steps` is set by the storage.
    pub record: Record,
    /// All steps of an episode, in order; their `idx` is set by the storage. `None` leaves those
    /// that are stored.
    pub steps: Option<Vec<Step>>,
    /// Position of the feed at which the stored state was read: `Changed` when the record has a
    /// newer change. `None` where it does not matter.
    pub seen: Option<Seq>,
}

/// Changes that are applied all or none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteBatch {
    /// The changes, in order.
    pub ops: Vec<Op>,
}

impl WriteBatch {
    /// A batch of one change.
    #[must_use]
    pub fn of(op: Op) -> Self {
        Self { ops: vec![op] }
    }
}

/// Effect of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Steps of the episode after an insertion or an appending.
    Steps {
        /// Number of steps that the episode has now.
        n_steps: u32,
        /// Number of steps that were appended; others were there already.
        n_new: u32,
        /// Position of the last of the given steps, whether it is new or was there; 0 where none
        /// was given.
        last: u32,
    },
    /// Nothing more to say.
    Done,
}

/// A batch that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Position of its last change in the feed; for an empty batch the position before it.
    pub seq: Seq,
    /// Effects of the changes, in the order of the batch.
    pub applied: Vec<Applied>,
}
