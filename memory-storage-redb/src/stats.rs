//! Counts of the stored records.

use std::collections::BTreeMap;

use memory_core::{RecordKind, StorageError, StorageStats};
use redb::ReadableTableMetadata;

use crate::error::{corrupt, failed};
use crate::list;
use crate::schema::{joined, kind_byte};
use crate::vectors;
use crate::view::View;

/// Counts what is stored; reads a key of each record.
pub(crate) fn read(view: &View, size_bytes: u64) -> Result<StorageStats, StorageError> {
    let open = [kind_byte(RecordKind::Episode), 1];
    let after = [kind_byte(RecordKind::Episode), 2];
    let open = view.lists.range::<&[u8]>(&open[..]..&after[..]).map_err(failed)?;
    let mut scopes = BTreeMap::new();
    for kind in [RecordKind::Episode, RecordKind::Note] {
        count_scopes(view, kind, &mut scopes)?;
    }
    Ok(StorageStats {
        n_episodes: view.episodes.len().map_err(failed)?,
        n_open: open.count() as u64,
        n_steps: view.steps.len().map_err(failed)?,
        n_notes: view.notes.len().map_err(failed)?,
        vectors: vectors::count(&view.models, &view.vectors)?,
        size_bytes,
        scopes: scopes.into_iter().collect(),
    })
}

fn count_scopes(
    view: &View,
    kind: RecordKind,
    scopes: &mut BTreeMap<Box<str>, u64>,
) -> Result<(), StorageError> {
    let first = list::scopes(kind);
    for row in view.lists.range::<&[u8]>(&first[..]..).map_err(failed)? {
        let (key, _) = row.map_err(failed)?;
        let Some(rest) = key.value().strip_prefix(&first) else { break };
        let name = rest.split_at_checked(4).and_then(|(n_bytes, rest)| {
            let n_bytes = u32::from_be_bytes(joined(&[n_bytes]));
            std::str::from_utf8(rest.get(..n_bytes as usize)?).ok()
        });
        let name = name.ok_or_else(|| corrupt("the list of a scope"))?;
        match scopes.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(scopes.insert(name.into(), 1)),
        }
    }
    Ok(())
}
