//! The segments of a machine's folder, by their names.
//!
//! `00000007.segment` is what one push wrote. `00000001-00000009.segment` took the place of all
//! with these numbers: it has their entries, of each record the newest. Both may lie side by side
//! for a while, in whatever order files come and go on their way to another machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Ending of the names of segments.
const ENDING: &str = ".segment";

/// Most numbers that one segment takes the place of; a name that says more is none of ours.
const MAX_NUMBERS: u64 = 1 << 20;

/// A segment that is there, whole or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first number that it stands for.
    pub(super) first: u64,
    /// The last one, which no other segment has.
    pub(super) last: u64,
    /// The file.
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) n_bytes: u64,
}

impl Segment {
    /// Returns whether it took the place of others.
    pub(super) const fn is_merged(&self) -> bool {
        self.first < self.last
    }

    /// Returns whether it took the place of that one.
    pub(super) const fn covers(&self, other: &Self) -> bool {
        self.first <= other.first && other.last < self.last
    }
}

/// Returns the path of the segment with these numbers.
pub(super) fn path_of(folder: &Path, first: u64, last: u64) -> PathBuf {
    folder.join(if first == last {
        format!("{last:08}{ENDING}")
    } else {
        format!("{first:08}-{last:08}{ENDING}")
    })
}

/// Lists the segments of a folder by their last number; none where there is no folder.
pub(super) fn segments(folder: &Path) -> io::Result<BTreeMap<u64, Segment>> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut segments = BTreeMap::new();
    for file in files {
        let file = file?;
        let name = file.file_name();
        if let Some((first, last)) = name.to_str().and_then(numbers_of) {
            // One that is gone by now is read as one that is not whole.
            let n_bytes = file.metadata().map_or(0, |found| found.len());
            segments.insert(last, Segment { first, last, path: file.path(), n_bytes });
        }
    }
    Ok(segments)
}

fn numbers_of(name: &str) -> Option<(u64, u64)> {
    let name = name.strip_suffix(ENDING)?;
    let (first, last) = name.split_once('-').unwrap_or((name, name));
    let (first, last) = (first.parse().ok()?, last.parse::<u64>().ok()?);
    let is_range = first <= last && last - first < MAX_NUMBERS && last < u64::MAX / 2;
    is_range.then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_numbers_and_strange_ones_nothing() {
        for (first, last) in [(7, 7), (1, 9), (1, 123_456_789)] {
            let path = path_of(Path::new("f"), first, last);
            let read = numbers_of(path.file_name().unwrap().to_str().unwrap());
            let is_ours = last - first < MAX_NUMBERS;
            assert_eq!(read, is_ours.then_some((first, last)));
        }
        for name in
            ["x.segment", "9-1.segment", "1-2-3.segment", "1", "18446744073709551615.segment"]
        {
            assert_eq!(numbers_of(name), None, "{name}");
        }
    }
}
