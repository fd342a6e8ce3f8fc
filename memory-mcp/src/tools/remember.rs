//! `remember`: keeps a text for good.

use memory_core::{NewNote, NoteKind, Period, Remembered, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Labels, One, arguments, is_zero, put, quote, receipt, title};

/// Importer of notes that a client gives an id of its own.
const IMPORTER: &str = "mcp";

/// Most contradictions that are quoted.
const MAX_CONTRADICTIONS: usize = 2;

/// Longest quotation of another note, in characters.
const MAX_QUOTED_CHARS: usize = 200;

pub(super) struct Remember;

arguments! {
    /// Arguments of `remember`.
    pub(super) struct Args {
        text: String = "One self-contained statement",
        kind: Option<One<NoteKind>> = "",
        scope: Option<String> = "",
        tags: Labels = "",
        supersedes: Option<String> = "",
        valid_from: Option<Period> = "For programs. ",
        valid_to: Option<Period> = "For programs. ",
        source_id: Option<String> = "For programs. Your own unique id",
    }
}

/// Answer of `remember`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stored {
    /// The current note that says it.
    note_id: String,
    /// `stored`; `merged` into a note of the same text; `superseded`: not stored.
    fate: &'static str,
    kind: &'static str,
    scope: String,
    /// Tags came with the text.
    #[serde(skip)]
    has_tags: bool,
    /// Notes that this one may contradict; all are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contradicts: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
}

impl Tool for Remember {
    const NAME: &'static str = "remember";
    const TITLE: &'static str = "Remember";
    const SEARCH_HINT: &'static str = "store fact, preference";
    const ABOUT: &'static str = "Keeps a lasting fact, preference, or decision with its reason.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Stored;

    fn run(call: &Call<'_>, args: Args) -> Result<Stored, CallError> {
        let scope = call.scope(args.scope.as_deref())?;
        let kind = args.kind.map_or(NoteKind::Fact, |One(kind)| kind);
        let mut new = NewNote::new(scope.clone(), kind, args.text);
        let has_tags = !args.tags.0.is_empty();
        new.tags = args.tags.0;
        if let Some(id) = &args.supersedes {
            new.supersedes = Some(call.note_id("supersedes", id)?);
        }
        new.valid_from = args.valid_from.map(|period| period.start);
        new.valid_to = args.valid_to.map(|period| period.end);
        new.source = args
            .source_id
            .map(|id| Source { importer: IMPORTER.into(), external_id: id.into_boxed_str() });
        let receipt = call.memory.remember(new)?;
        let (fate, contradicts) = match &receipt.value {
            Remembered::New { contradicts, .. } => ("stored", contradicts.as_slice()),
            Remembered::Merged { .. } => ("merged", &[][..]),
            Remembered::Rejected { .. } => ("superseded", &[][..]),
        };
        Ok(Stored {
            note_id: receipt.value.id().to_string(),
            fate,
            kind: kind.name(),
            scope: scope.to_string(),
            has_tags,
            contradicts: contradicts.iter().map(ToString::to_string).collect(),
            n_masked: receipt.n_masked,
            n_cut: receipt.n_cut,
        })
    }
}

impl Answer for Stored {
    fn text(&self, call: &Call<'_>) -> String {
        let Self { note_id, kind, scope, .. } = self;
        let mut out = match self.fate {
            "merged" if self.has_tags => {
                format!("already stored as {kind} {note_id}; the tags were added to it")
            }
            "merged" => format!("already stored as {kind} {note_id}; nothing new was stored"),
            "superseded" => format!(
                "not stored: this text was superseded by note {note_id}:{}\nIf it holds again, \
                 call remember with supersedes {note_id}",
                quoted(call, note_id)
            ),
            _ => format!("remembered {kind} {note_id} in scope {scope}"),
        };
        receipt(&mut out, self.n_masked, self.n_cut);
        for id in self.contradicts.iter().take(MAX_CONTRADICTIONS) {
            put(&mut out, format_args!("\nMay contradict note {id}:{}", quoted(call, id)));
        }
        if !self.contradicts.is_empty() {
            put(
                &mut out,
                format_args!(
                    "\nBoth are kept. To replace a note, call remember with the text that holds \
                     and supersedes set to that note's id"
                ),
            );
        }
        out
    }
}

/// Returns the beginning of a note as a quotation; nothing when it was forgotten meanwhile.
fn quoted(call: &Call<'_>, id: &str) -> String {
    let mut out = String::new();
    let note = id.parse().ok().and_then(|id| call.memory.note(id).ok());
    if let Some(note) = note {
        quote(&mut out, &title(note.text.as_str(), MAX_QUOTED_CHARS));
    }
    out
}
