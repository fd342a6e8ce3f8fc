//! Segments: files of entries that are written once and never changed.
//!
//! A segment begins with its mark, the length of what follows, and a checksum of it. So a file that
//! is copied only in part is told from a whole one, and one that was damaged too.

use memory_core::exchange::{Entry, MachineId};
use memory_core::{RecordId, RecordKind};

/// Mark of a segment and its version.
const MARK: &[u8; 8] = b"MmcpSg\0\x01";

/// Bytes before the entries: mark, length, checksum.
const HEAD_BYTES: usize = 24;

/// Returns the bytes of a segment.
pub(super) fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        body.push(u8::from(entry.record.kind() == RecordKind::Note));
        body.extend(entry.record.to_bytes());
        for bytes in [entry.scope.as_bytes(), &entry.bytes] {
            body.extend((bytes.len() as u64).to_le_bytes());
            body.extend(bytes);
        }
    }
    let mut segment = MARK.to_vec();
    segment.extend((body.len() as u64).to_le_bytes());
    segment.extend(checksum(&body).to_le_bytes());
    segment.extend(body);
    segment
}

/// Reads the entries of a segment of that machine; `None` for one that is not whole, or not ours.
pub(super) fn from_bytes(machine: MachineId, segment: &[u8]) -> Option<Vec<Entry>> {
    let (head, body) = segment.split_at_checked(HEAD_BYTES)?;
    let (mark, rest) = head.split_first_chunk::<8>()?;
    let (length, sum) = rest.split_first_chunk::<8>()?;
    let is_whole = mark == MARK
        && u64::from_le_bytes(*length) == body.len() as u64
        && u64::from_le_bytes(sum.try_into().ok()?) == checksum(body);
    if !is_whole {
        return None;
    }
    let (mut rest, mut entries) = (body, Vec::new());
    while !rest.is_empty() {
        let kind = match take(&mut rest, 1)? {
            [0] => RecordKind::Episode,
            [1] => RecordKind::Note,
            _ => return None,
        };
        let record = RecordId::from_bytes(kind, take(&mut rest, 16)?.try_into().ok()?);
        let scope = text(&mut rest)?;
        let scope = std::str::from_utf8(scope).ok()?.into();
        let bytes = text(&mut rest)?.into();
        entries.push(Entry { machine, record, scope, bytes });
    }
    Some(entries)
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let n = u64::from_le_bytes(take(rest, 8)?.try_into().ok()?);
    take(rest, usize::try_from(n).ok()?)
}

/// FNV-1a, which is the same in every build.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use memory_core::NoteId;

    use super::*;

    #[test]
    fn a_segment_is_read_whole_or_not_at_all() {
        let machine = MachineId([7; 16]);
        let entry = |n: u8| Entry {
            machine,
            record: NoteId::from_bytes([n; 16]).into(),
            scope: "acme/shöp".into(),
            bytes: vec![n; usize::from(n)].into(),
        };
        let entries: Vec<Entry> = (0..5).map(entry).collect();
        let bytes = to_bytes(&entries);
        assert_eq!(from_bytes(machine, &bytes), Some(entries));
        for end in 0..bytes.len() {
            assert_eq!(from_bytes(machine, &bytes[..end]), None, "cut at {end}");
            let mut wrong = bytes.clone();
            wrong[end] ^= 1;
            assert_eq!(from_bytes(machine, &wrong), None, "damaged at {end}");
        }
        assert_eq!(from_bytes(machine, &to_bytes(&[])), Some(vec![]));
    }
}
