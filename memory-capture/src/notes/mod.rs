//! Memories that other programs keep as text: from their files to notes.
//!
//! [`markdown`] cuts documents and the memory of Claude Code into notes, [`mcp_memory`] reads the
//! knowledge graph of the reference server. Pure functions over text: the caller opens files and
//! knows the project. A note is known again by its text and its place, so that an import after a
//! change brings what is new.

pub mod markdown;
pub mod mcp_memory;

use memory_core::{Import, NewNote, NoteKind, Scope, Source, Timestamp};

use crate::hash::fnv;
use crate::importer::Captured;

/// What all notes of a file share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the importer, as in sources of records.
    pub importer: &'static str,
    /// The file, as a name that stays the same between imports.
    pub file: String,
    /// The project.
    pub scope: Scope,
    /// Time of what is told: that of the file.
    pub at: Timestamp,
}

impl Origin {
    /// Returns a note at a place in the file.
    fn note(&self, place: &str, position: usize, kind: NoteKind, text: String) -> Captured {
        let hash = fnv(&[place.as_bytes(), text.as_bytes()]);
        let external_id = format!("{}#{hash:016x}", self.file);
        let new = NewNote {
            session: Some(self.file.clone()),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            source: Some(Source {
                importer: self.importer.into(),
                external_id: external_id.into(),
            }),
            occurred_at: Some(self.at),
            ..NewNote::new(self.scope.clone(), kind, text)
        };
        Captured {
            record: Import::Note(Box::new(new)),
            links: Vec::new(),
            alias: None,
            is_reward_clamped: false,
            is_time_unknown: false,
        }
    }
}
