//! Merging of a machine's own segments, so that its folder does not grow for ever.
//!
//! Only the machine that a folder belongs to merges and removes. As many of the newest segments
//! become one as are small beside it: a large one is written again only when as much has come
//! after it, so that each entry is written some few times in all. Readers that have read all that
//! was merged read nothing again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use memory_core::exchange::{Entry, MachineId};

use super::listing::{Segment, path_of};
use super::{Folder, last_of_each};

/// Segments of a folder from which on some are merged.
pub(super) const MAX_SEGMENTS: usize = 64;

/// A merged segment that is to be written in place of others.
pub(super) struct Merged {
    /// Its file.
    pub(super) path: PathBuf,
    /// Its entries.
    pub(super) entries: Vec<Entry>,
    /// The files that it takes the place of.
    pub(super) replaced: Vec<PathBuf>,
}

/// Returns what is to be merged, where there are many segments.
pub(super) fn plan(
    machine: MachineId,
    folder: &Path,
    segments: &BTreeMap<u64, Segment>,
) -> Option<Merged> {
    if segments.len() < MAX_SEGMENTS {
        return None;
    }
    let (mut read, mut replaced, mut n_bytes) = (Vec::new(), Vec::new(), 0);
    let mut first = u64::MAX;
    for segment in segments.values().rev() {
        if segment.n_bytes / 2 > n_bytes && !replaced.is_empty() {
            break;
        }
        // One that cannot be read may hold what nothing else here holds.
        let Some(entries) = Folder::read(machine, &segment.path) else { break };
        n_bytes += segment.n_bytes;
        first = first.min(segment.first);
        replaced.push(segment.path.clone());
        read.push(entries);
    }
    if replaced.len() < 2 {
        return None;
    }
    let last = segments.last_key_value()?.0 + 1;
    let entries = last_of_each(read.into_iter().rev().flatten().collect());
    Some(Merged { path: path_of(folder, first, last), entries, replaced })
}

/// Removes segments whose place a merged one took: what a merging left that was cut off.
pub(super) fn sweep(machine: MachineId, segments: &BTreeMap<u64, Segment>) {
    let merged = segments.values().filter(|segment| segment.is_merged());
    let mut swept = BTreeSet::new();
    for whole in merged {
        let is_covered = |segment: &&Segment| whole.covers(segment);
        let covered: Vec<&Segment> = segments.values().filter(is_covered).collect();
        if !covered.is_empty() && Folder::read(machine, &whole.path).is_some() {
            swept.extend(covered.into_iter().map(|segment| &segment.path));
        }
    }
    for path in swept {
        drop(fs::remove_file(path));
    }
}
