//! The digest of a project: open work, lessons, what happened last.

use super::wording::ending;
use crate::error::Error;
use crate::learn::{BudgetedText, one_line};
use crate::memory::Memory;
use crate::model::{NoteKind, Record, RecordId, RecordKind, Scope, Status};
use crate::storage::RecordFilter;

/// Open episodes, lessons and ended episodes that are told at most.
const MOST: [usize; 3] = [2, 3, 3];

/// Longest line, in bytes.
const LINE_BYTES: usize = 160;

impl Memory {
    /// Returns the digest of a project with the records that it tells; `None` where it has none.
    pub(super) fn briefing(
        &self,
        scope: &Scope,
        max_tokens: usize,
    ) -> Result<Option<(String, Vec<RecordId>)>, Error> {
        let of_scope = || RecordFilter { scope: Some(scope.clone()), ..RecordFilter::default() };
        let open = RecordFilter { status: Some(Status::Open), ..of_scope() };
        let ended = RecordFilter { status: Some(Status::Completed), ..of_scope() };
        let lessons =
            RecordFilter { note_kind: Some(NoteKind::Lesson), current_only: true, ..of_scope() };
        let asked = [
            ("Open work:", RecordKind::Episode, open),
            ("Lessons:", RecordKind::Note, lessons),
            ("Done last:", RecordKind::Episode, ended),
        ];
        let (mut named, mut told) = (Vec::new(), Vec::new());
        let mut text = BudgetedText::default();
        let mut value = 1.0;
        if let Some(news) = self.news(scope)? {
            text.line(value, format!("News: {news}."));
        }
        for ((heading, kind, filter), most) in asked.into_iter().zip(MOST) {
            let listed: Vec<RecordId> =
                self.list(kind, &filter, None, most)?.into_iter().map(|entry| entry.id).collect();
            let mut lines = Vec::new();
            for record in self.read(&listed)? {
                value *= 0.9;
                lines.extend(line(&record).map(|line| (value, line)));
                named.push(record.id());
                // Of what is done only the title is told: a prompt may still be told how.
                if !matches!(&record, Record::Episode(episode) if episode.closing.is_some()) {
                    told.push(record.id());
                }
            }
            text.section(heading, lines);
        }
        if named.is_empty() {
            return Ok(None);
        }
        let heading = format!("Memory of past work in {scope} (recall finds more):\n");
        let left = max_tokens.saturating_sub(heading.len().div_ceil(4));
        Ok(Some((format!("{heading}{}", text.render(left)), told)))
    }
}

fn line(record: &Record) -> Option<String> {
    Some(match record {
        Record::Episode(episode) => {
            let task = one_line(episode.task.as_str(), LINE_BYTES)?;
            match episode.status() {
                Status::Open => format!("- {task}"),
                _ => format!("- {task}{}", ending(episode)),
            }
        }
        Record::Note(note) => format!("- {}", one_line(note.text.as_str(), LINE_BYTES)?),
    })
}
