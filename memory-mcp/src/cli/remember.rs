//! `remember`: stores a text.

use memory_core::{NewNote, NoteKind, RecordId, RecordKind, Remembered};
use serde_json::json;

use super::output::{Failure, Output, given};
use super::{filter, instant, record};
use crate::config::Settings;
use crate::{scope, store};

/// Arguments of `remember`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Text to be remembered; `-` reads standard input
    text: String,
    /// lesson, fact, preference, decision, reference or turn
    #[arg(long, default_value = "fact", value_parser = filter::note_kind)]
    kind: NoteKind,
    /// Free label; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    /// The note that this one replaces
    #[arg(long, value_name = "ID")]
    supersedes: Option<String>,
    /// Beginning of its validity
    #[arg(long, value_name = "WHEN")]
    valid_from: Option<String>,
    /// End of its validity; a date is in it
    #[arg(long, value_name = "WHEN")]
    valid_to: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let text = given(args.text)?;
    let scope = scope::own(settings)?;
    let valid_from = instant::period(args.valid_from.as_deref())?.map(|period| period.start);
    let valid_to = instant::period(args.valid_to.as_deref())?.map(|period| period.end);
    let store = store::open(settings)?;
    let memory = &store.memory;
    let supersedes = match args.supersedes {
        None => None,
        Some(prefix) => match memory.resolve(&[RecordKind::Note], &prefix)? {
            RecordId::Note(id) => Some(id),
            RecordId::Episode(_) => None,
        },
    };
    let note = NewNote {
        tags: args.tag,
        supersedes,
        valid_from,
        valid_to,
        ..NewNote::new(scope.clone(), args.kind, text)
    };
    let receipt = memory.remember(note)?;
    let (fate, contradicts) = match &receipt.value {
        Remembered::New { contradicts, .. } => ("stored", contradicts.as_slice()),
        Remembered::Merged { .. } => ("merged", &[][..]),
        Remembered::Rejected { .. } => ("superseded", &[][..]),
    };
    if output.is_json() {
        return output.value(&json!({
            "id": receipt.value.id().to_string(),
            "fate": fate,
            "contradicts": contradicts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "scope": scope.as_str(),
            "n_masked": receipt.n_masked,
            "n_cut": receipt.n_cut,
        }));
    }
    let id = record::short_id(memory, receipt.value.id().into())?;
    output.line(&match receipt.value {
        Remembered::New { .. } => format!("remembered {id} in {scope}"),
        Remembered::Merged { .. } => format!("already stored as {id}; nothing new was stored"),
        Remembered::Rejected { .. } => {
            format!("not stored: superseded by {id}; to bring it back add --supersedes {id}")
        }
    })?;
    for other in contradicts {
        let other = record::short_id(memory, (*other).into())?;
        output.remark(&format!(
            "may contradict {other}; both are kept; to replace it add --supersedes {other}"
        ));
    }
    output.remark_receipt(&receipt);
    Ok(())
}
