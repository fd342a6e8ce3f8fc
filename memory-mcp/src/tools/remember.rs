//! `remember`: keeps a text for good.

use memory_core::{NewNote, NoteKind, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Labels, Moment, One, arguments, is_zero, receipt};

/// Importer of notes that a client gives an id of its own.
const IMPORTER: &str = "mcp";

pub(super) struct Remember;

arguments! {
    /// What `remember` takes.
    pub(super) struct Args {
        text: String = "One self-contained statement",
        kind: Option<One<NoteKind>> = "Default fact",
        scope: Option<String> = "Project; default: the current one",
        tags: Labels = "",
        supersedes: Option<String> = "Id of the note that this one replaces",
        valid_from: Option<Moment> = "",
        valid_to: Option<Moment> = "",
        source_id: Option<String> = "Your own id of it; unique",
    }
}

/// What `remember` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Remembered {
    note_id: String,
    kind: &'static str,
    scope: String,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
}

impl Tool for Remember {
    const NAME: &'static str = "remember";
    const ABOUT: &'static str = "Call when something lasting comes up: a fact about the project, a \
        user's preference, a decision and its reason.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Remembered;

    fn run(call: &Call<'_>, args: Args) -> Result<Remembered, CallError> {
        let scope = call.scope(args.scope.as_deref())?;
        let kind = args.kind.map_or(NoteKind::Fact, |One(kind)| kind);
        let mut new = NewNote::new(scope.clone(), kind, args.text);
        new.tags = args.tags.0;
        if let Some(id) = &args.supersedes {
            new.supersedes = Some(call.note_id("supersedes", id)?);
        }
        new.valid_from = args.valid_from.map(|moment| moment.0);
        new.valid_to = args.valid_to.map(|moment| moment.0);
        new.source = args
            .source_id
            .map(|id| Source { importer: IMPORTER.into(), external_id: id.into_boxed_str() });
        let note = call.memory.remember(new)?;
        Ok(Remembered {
            note_id: note.value.to_string(),
            kind: kind.name(),
            scope: scope.to_string(),
            n_masked: note.n_masked,
            n_cut: note.n_cut,
        })
    }
}

impl Answer for Remembered {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = format!("remembered {} {} in scope {}", self.kind, self.note_id, self.scope);
        receipt(&mut out, self.n_masked, self.n_cut);
        out
    }
}
