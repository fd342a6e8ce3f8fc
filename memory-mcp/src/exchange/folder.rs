//! A folder as carrier: a shared disk, a folder that a program keeps in step, a git work tree.
//!
//! Each machine has a folder of its own in it, named after its id, into which it alone writes
//! segments with growing numbers. None is ever changed, so that copies of the folder never
//! conflict, in whatever order its files arrive. What is not whole yet is read another time. Where
//! there are many, their machine merges some into one that takes their place ([`listing`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memory_core::backend::HalfFile;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};
use memory_core::{RecordId, Timestamp};

use super::segment;

mod listing;
mod merging;

use listing::Segment;

/// A folder through which machines exchange.
pub(crate) struct Folder {
    path: PathBuf,
    address: String,
    /// Segments that were looked through and are whole, and the newest one of each entry in them.
    indexed: BTreeSet<(MachineId, u64)>,
    newest: BTreeMap<(MachineId, RecordId), u64>,
}

/// Ranges that were read of each machine.
#[derive(Debug, Default, PartialEq, Eq)]
struct Position(BTreeMap<MachineId, Read>);

/// Segments of a machine that were read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    /// All up to this number.
    below: u64,
    /// Some above it: one between them had not come yet, or not whole.
    some: BTreeSet<u64>,
    /// Number of the one that was read in part, and the entries of it that were.
    part: (u64, u64),
}

impl Folder {
    /// The folder at that path, which must be there: one that is made anew in place of a disk that
    /// is not mounted would be seen by nobody.
    pub(crate) fn new(path: PathBuf) -> Self {
        let address = format!("folder:{}", path.display());
        Self { path, address, indexed: BTreeSet::new(), newest: BTreeMap::new() }
    }

    fn away(&self, at: &Path, error: &io::Error) -> CarrierError {
        let reason = format!("{}: {error}", at.display()).into();
        CarrierError::Away { address: self.address.as_str().into(), reason }
    }

    fn check(&self) -> Result<(), CarrierError> {
        if self.path.is_dir() {
            return Ok(());
        }
        Err(CarrierError::Refused {
            address: self.address.as_str().into(),
            reason: "there is no such folder: make it, or mount its disk".into(),
        })
    }

    /// Lists the segments of a machine's folder by number; none where there is no folder.
    fn segments(&self, folder: &Path) -> Result<BTreeMap<u64, Segment>, CarrierError> {
        listing::segments(folder).map_err(|error| self.away(folder, &error))
    }

    /// Lists the folders of machines.
    fn machines(&self) -> Result<BTreeMap<MachineId, PathBuf>, CarrierError> {
        let folders = fs::read_dir(&self.path).map_err(|error| self.away(&self.path, &error))?;
        let mut machines = BTreeMap::new();
        for folder in folders {
            let path = folder.map_err(|error| self.away(&self.path, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(machine) = machine_of(name) {
                machines.insert(machine, path);
            }
        }
        Ok(machines)
    }

    /// Reads a segment; `None` for one that is not whole yet.
    fn read(machine: MachineId, path: &Path) -> Option<Vec<Entry>> {
        let entries = segment::from_bytes(machine, &fs::read(path).ok()?);
        if entries.is_none() {
            tracing::info!(segment = %path.display(), "is not whole yet");
        }
        entries
    }

    /// Looks through the segments that are not read yet and new to this handle: a later one may
    /// replace what an earlier one says. Gives those that are to be read, oldest first.
    fn unread(
        &mut self,
        machine: MachineId,
        segments: BTreeMap<u64, Segment>,
        read: &mut Read,
    ) -> Vec<Segment> {
        for merged in segments.values().filter(|segment| segment.is_merged()) {
            // It says what those say that it took the place of.
            if read.has_all(merged.first, merged.last - 1) {
                read.add(merged.first, merged.last);
            }
        }
        let is_unread = |segment: &Segment| !read.has_all(segment.first, segment.last);
        let mut unread: Vec<Segment> = segments.into_values().filter(is_unread).collect();
        unread.retain(|segment| self.index(machine, segment));
        let merged: Vec<Segment> = unread.iter().filter(|one| one.is_merged()).cloned().collect();
        unread.retain(|segment| !merged.iter().any(|whole| whole.covers(segment)));
        unread
    }

    /// Notes which entries a segment has; gives whether it is whole.
    fn index(&mut self, machine: MachineId, segment: &Segment) -> bool {
        if self.indexed.contains(&(machine, segment.last)) {
            return true;
        }
        let Some(entries) = Self::read(machine, &segment.path) else { return false };
        self.indexed.insert((machine, segment.last));
        for entry in entries {
            let newest = self.newest.entry((machine, entry.record)).or_default();
            *newest = (*newest).max(segment.last);
        }
        true
    }

    /// Merges segments of a machine's folder where there are many. What fails is tried again with
    /// the next push.
    fn merge(&self, machine: MachineId, folder: &Path) -> Result<(), CarrierError> {
        let segments = self.segments(folder)?;
        merging::sweep(machine, &segments);
        let Some(merged) = merging::plan(machine, folder, &segments) else { return Ok(()) };
        self.write(&merged.path, &segment::to_bytes(&merged.entries))?;
        // Not before what takes their place can be read.
        if Self::read(machine, &merged.path).is_some() {
            for path in merged.replaced {
                fs::remove_file(&path).map_err(|error| self.away(&path, &error))?;
            }
        }
        Ok(())
    }

    /// Writes a segment; it appears under its name when it is whole.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CarrierError> {
        let written = HalfFile::create(path).and_then(|half| {
            half.file().write_all(bytes)?;
            self.open_to_others(half.file())?;
            half.place(true)
        });
        written.map(drop).map_err(|error| self.away(path, &error))
    }

    /// Gives a file the permissions of the folder: whoever may read that may read what is in it.
    #[cfg(unix)]
    fn open_to_others(&self, file: &fs::File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let mode = fs::metadata(&self.path)?.permissions().mode() & 0o644;
        file.set_permissions(fs::Permissions::from_mode(mode | 0o600))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn open_to_others(&self, _file: &fs::File) -> io::Result<()> {
        Ok(())
    }
}

impl Carrier for Folder {
    fn address(&self) -> &str {
        &self.address
    }

    fn largest_entry(&self) -> usize {
        usize::MAX
    }

    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError> {
        self.check()?;
        let mut by_machine: BTreeMap<MachineId, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            by_machine.entry(entry.machine).or_default().push(entry.clone());
        }
        for (machine, entries) in by_machine {
            let folder = self.path.join(name_of(machine));
            fs::create_dir_all(&folder).map_err(|error| self.away(&folder, &error))?;
            // Before there is a new one: those that are there were read by whoever is up to date.
            if let Err(error) = self.merge(machine, &folder) {
                tracing::warn!(%error, "the segments of this machine are not merged");
            }
            let last = self.segments(&folder)?.last_key_value().map_or(0, |(number, _)| *number);
            let path = listing::path_of(&folder, last + 1, last + 1);
            self.write(&path, &segment::to_bytes(&entries))?;
        }
        Ok(())
    }

    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError> {
        self.check()?;
        let mut position = after.and_then(Position::from_cursor).unwrap_or_default();
        let mut page = Page { entries: Vec::new(), n_bytes: 0, limit_bytes };
        for (machine, folder) in self.machines()? {
            if machine == own {
                continue;
            }
            let segments = self.segments(&folder)?;
            let read = position.0.entry(machine).or_default();
            for Segment { first, last: number, path, .. } in self.unread(machine, segments, read) {
                let Some(found) = Self::read(machine, &path) else { continue };
                let is_listed = |entry: &Entry| {
                    let newest = self.newest.get(&(machine, entry.record)).copied();
                    newest.is_none_or(|newest| newest == number) && scopes.contains(&entry.scope)
                };
                let n_done = if read.part.0 == number { read.part.1 } else { 0 };
                if let Some(n_done) = page.take(last_of_each(found), n_done, is_listed) {
                    read.part = (number, n_done);
                    let cursor = position.to_cursor();
                    return Ok(Pulled { entries: page.entries, cursor, more: true });
                }
                read.add(first, number);
            }
        }
        Ok(Pulled { entries: page.entries, cursor: position.to_cursor(), more: false })
    }

    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError> {
        Ok(None)
    }
}

/// Keeps the last entry of each record, in their order.
fn last_of_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Entry> =
        entries.into_iter().rev().filter(|entry| seen.insert(entry.record)).collect();
    kept.reverse();
    kept
}

fn name_of(machine: MachineId) -> String {
    format!("{:032x}", u128::from_be_bytes(machine.0))
}

fn machine_of(name: &str) -> Option<MachineId> {
    let is_name = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(name, 16).ok().filter(|_| is_name)?;
    Some(MachineId(number.to_be_bytes()))
}

impl Read {
    /// Returns whether all these numbers were read.
    fn has_all(&self, first: u64, last: u64) -> bool {
        (first.max(self.below + 1)..=last).all(|number| self.some.contains(&number))
    }

    fn add(&mut self, first: u64, last: u64) {
        if first <= self.below + 1 {
            self.below = self.below.max(last);
            self.some = self.some.split_off(&(self.below + 1));
        } else {
            self.some.extend(first..=last);
        }
        while self.some.remove(&(self.below + 1)) {
            self.below += 1;
        }
    }
}

impl Position {
    fn to_cursor(&self) -> Cursor {
        let mut bytes = Vec::new();
        for (machine, read) in &self.0 {
            bytes.extend(machine.0);
            let Read { below, some, part } = read;
            for number in [*below, part.0, part.1, some.len() as u64].iter().chain(some) {
                bytes.extend(number.to_le_bytes());
            }
        }
        Cursor(bytes.into())
    }

    fn from_cursor(cursor: &Cursor) -> Option<Self> {
        let (mut rest, mut machines) = (&*cursor.0, BTreeMap::new());
        while let Some((machine, left)) = rest.split_first_chunk() {
            rest = left;
            let mut next = || number(&mut rest);
            let (below, part) = (next()?, (next()?, next()?));
            let some = (0..next()?).map(|_| next()).collect::<Option<_>>()?;
            machines.insert(MachineId(*machine), Read { below, some, part });
        }
        rest.is_empty().then_some(Self(machines))
    }
}

/// Entries that are listed, as many as are asked for.
struct Page {
    entries: Vec<Entry>,
    n_bytes: usize,
    limit_bytes: usize,
}

impl Page {
    /// Takes entries behind the first `n_done`; gives how many are done where the page is full.
    fn take(
        &mut self,
        found: Vec<Entry>,
        n_done: u64,
        is_listed: impl Fn(&Entry) -> bool,
    ) -> Option<u64> {
        for (n, entry) in (0..).zip(found) {
            if n < n_done || !is_listed(&entry) {
                continue;
            }
            if self.n_bytes >= self.limit_bytes && !self.entries.is_empty() {
                return Some(n);
            }
            self.n_bytes += entry.bytes.len();
            self.entries.push(entry);
        }
        None
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests;
