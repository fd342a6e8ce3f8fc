//! Long texts as overlapping chunks that fit the model.
//!
//! Input is the wordpieces of a text, output one token sequence for each chunk.

use crate::packed_format::POSITIONS;
use crate::wordpiece::{END, START};

/// Number of wordpieces in a full chunk: the model's positions less the two markers.
pub(crate) const CHUNK_PIECES: usize = POSITIONS - 2;
/// Fewest wordpieces that neighbouring chunks share, so that no sentence is seen only in halves.
const OVERLAP: usize = 32;
/// Most chunks of a text. Text beyond them does not influence its vector.
const MAX_CHUNKS: usize = 8;
/// Most wordpieces of a text that are read, in all its chunks.
pub(crate) const MAX_PIECES: usize = MAX_CHUNKS * (CHUNK_PIECES - OVERLAP) + OVERLAP;

/// Cuts `pieces` (at most [`MAX_PIECES`] are used) into chunks, each with markers at both ends.
///
/// A text of up to [`CHUNK_PIECES`] pieces gives one chunk. A longer one gives as few as cover it
/// with neighbours sharing at least [`OVERLAP`], all of equal length, evenly spread: a short last
/// chunk would otherwise repeat a few words with the weight of many.
pub(crate) fn chunks(pieces: &[u32]) -> Vec<Vec<u32>> {
    let pieces = pieces.get(..MAX_PIECES).unwrap_or(pieces);
    let count = pieces.len().saturating_sub(OVERLAP).div_ceil(CHUNK_PIECES - OVERLAP).max(1);
    let length = (pieces.len() + (count - 1) * OVERLAP).div_ceil(count).min(CHUNK_PIECES);
    let last_start = pieces.len().saturating_sub(length);
    let starts = (0..count).map(|number| match count {
        1 => 0,
        _ => number * last_start / (count - 1),
    });
    let chunk = |start: usize| {
        let pieces = pieces.iter().skip(start).take(length).copied();
        std::iter::once(START).chain(pieces).chain([END]).collect()
    };
    starts.map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_piece_overlap_and_fit_the_model() {
        for length in (0..MAX_PIECES + 300).chain([10_000]) {
            let pieces: Vec<u32> = (1000..).take(length).collect();
            let chunks = chunks(&pieces);
            assert!(chunks.len() <= MAX_CHUNKS);
            let mut covered = 0;
            for (number, chunk) in chunks.iter().enumerate() {
                assert!(chunk.len() <= POSITIONS);
                assert_eq!((chunk[0], chunk[chunk.len() - 1]), (START, END));
                let body = &chunk[1..chunk.len() - 1];
                let start = body.first().map_or(0, |piece| *piece as usize - 1000);
                assert!(number == 0 || start + OVERLAP <= covered, "{length}: gap at {start}");
                covered = start + body.len();
            }
            assert_eq!(covered, length.min(MAX_PIECES));
        }
    }
}
