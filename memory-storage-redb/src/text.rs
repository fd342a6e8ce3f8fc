//! The parts that values have in common.

use memory_core::exchange::MachineId;
use memory_core::{Author, Excerpt, Feedback, Origin, RecordId, Scope, Source, StorageError};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::schema::{kind_byte, kind_of};

/// A text with the length that it had before it was cut.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Text<'a>(&'a str, u64);

impl<'a> Text<'a> {
    pub(crate) fn of(text: &'a Excerpt) -> Self {
        Self(text.as_str(), text.full_bytes())
    }

    pub(crate) fn excerpt(self) -> Excerpt {
        Excerpt::from_parts(self.0.to_owned(), self.1)
    }
}

/// A record of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Id(u8, [u8; 16]);

impl Id {
    pub(crate) fn of(id: RecordId) -> Self {
        Self(kind_byte(id.kind()), id.to_bytes())
    }

    pub(crate) fn record(self) -> Result<RecordId, StorageError> {
        let kind = kind_of(self.0).ok_or_else(|| corrupt("a record of no known kind"))?;
        Ok(RecordId::from_bytes(kind, self.1))
    }
}

/// Place that an imported record came from: importer and id there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Place<'a>(&'a str, &'a str);

impl<'a> Place<'a> {
    pub(crate) fn of(source: &'a Source) -> Self {
        Self(&source.importer, &source.external_id)
    }

    pub(crate) fn source(self) -> Source {
        Source { importer: self.0.into(), external_id: self.1.into() }
    }
}

/// Author of a record of another machine: name and machine.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Maker<'a>(&'a str, [u8; 16]);

impl<'a> Maker<'a> {
    pub(crate) fn of(author: &'a Author) -> Self {
        Self(&author.name, author.machine.0)
    }

    pub(crate) fn author(self) -> Author {
        Author { name: self.0.into(), machine: MachineId(self.1) }
    }
}

/// Counts of judgements: helpful, unhelpful.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Judged(u32, u32);

impl Judged {
    pub(crate) fn of(feedback: Feedback) -> Self {
        Self(feedback.n_helpful, feedback.n_unhelpful)
    }

    pub(crate) fn feedback(self) -> Feedback {
        Feedback { n_helpful: self.0, n_unhelpful: self.1 }
    }
}

pub(crate) fn labels(labels: &[Box<str>]) -> Vec<&str> {
    labels.iter().map(|label| &**label).collect()
}

pub(crate) fn owned(labels: &[&str]) -> Vec<Box<str>> {
    labels.iter().map(|label| (*label).into()).collect()
}

pub(crate) fn scope(name: &str) -> Result<Scope, StorageError> {
    Scope::from_stored(name).map_err(|_| corrupt("a scope that none can have"))
}

pub(crate) fn origin(name: &str) -> Result<Origin, StorageError> {
    named(Origin::from_name(name), name)
}

/// Returns the meaning of a name, which is damage where it has none.
pub(crate) fn named<T>(found: Option<T>, name: &str) -> Result<T, StorageError> {
    found.ok_or_else(|| corrupt(&format!("`{name}` has no meaning here")))
}
