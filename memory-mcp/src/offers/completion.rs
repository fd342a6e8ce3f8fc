//! Completion of scopes and ids while a person types.

use memory_core::{ListEntry, RecordFilter, RecordKind};

use crate::call::Call;
use crate::error::CallError;

/// Most values that are offered: a menu, not a list of all.
const MAX_VALUES: usize = 20;

/// Newest records that are looked through for an id.
const MAX_LOOKED_AT: usize = 200;

/// Returns values of an argument that begin with what was typed: ids of the project's newest
/// records, newest first, or scopes; none for an argument that can be anything.
pub(crate) fn complete(
    call: &Call<'_>,
    of: &str,
    argument: &str,
    typed: &str,
) -> Result<Vec<String>, CallError> {
    let typed = typed.trim().to_lowercase();
    match (of, argument) {
        ("handoff" | "end-episode", "episode_id") | ("memory://episode/{id}", "id") => {
            ids(call, RecordKind::Episode, &typed)
        }
        ("memory://note/{id}", "id") => ids(call, RecordKind::Note, &typed),
        ("memory://scope/{scope}", "scope") => {
            let status = call.memory.status()?;
            let scopes = status.storage.scopes.into_iter().map(|(scope, _)| scope.into_string());
            // Somewhere in it: what one remembers of an address is its end.
            let fits = |scope: &String| scope.to_lowercase().contains(&typed);
            Ok(scopes.filter(fits).take(MAX_VALUES).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn ids(call: &Call<'_>, kind: RecordKind, typed: &str) -> Result<Vec<String>, CallError> {
    let scope = Some(call.served.project.scope());
    let filter = RecordFilter { scope, ..RecordFilter::default() };
    let newest: Vec<ListEntry> = call.memory.list(kind, &filter, None, MAX_LOOKED_AT)?;
    let mut values = Vec::new();
    for entry in newest {
        let tail = call.memory.short_id(entry.id.to_bytes())?.map(|tail| tail.to_string());
        values.extend(tail.filter(|tail| tail.starts_with(typed)));
        if values.len() >= MAX_VALUES {
            break;
        }
    }
    Ok(values)
}
