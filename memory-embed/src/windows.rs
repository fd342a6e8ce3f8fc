//! Cutting a long text into windows that the model can read.

use crate::packed_format::POSITIONS;
use crate::wordpiece::{END, START};

/// Wordpieces in a full window: the model's positions less the two markers.
pub(crate) const WINDOW: usize = POSITIONS - 2;
/// Fewest wordpieces that neighbouring windows share, so that no sentence is seen only in two halves.
const OVERLAP: usize = 32;
/// Most windows of a text. What lies beyond them does not influence its vector.
const MOST_WINDOWS: usize = 8;
/// Wordpieces of a text that are read: the reach of all its windows.
pub(crate) const REACH: usize = MOST_WINDOWS * (WINDOW - OVERLAP) + OVERLAP;

/// Windows over `pieces` (at most [`REACH`] are used), each with markers at both ends.
///
/// A text of up to [`WINDOW`] pieces gives one. A longer one gives as few as cover it with neighbours
/// sharing at least [`OVERLAP`], all of equal length, evenly spread: a short last window would
/// otherwise speak for a few words with the weight of many.
pub(crate) fn windows(pieces: &[u32]) -> Vec<Vec<u32>> {
    let pieces = pieces.get(..REACH).unwrap_or(pieces);
    let count = pieces.len().saturating_sub(OVERLAP).div_ceil(WINDOW - OVERLAP).max(1);
    let length = (pieces.len() + (count - 1) * OVERLAP).div_ceil(count).min(WINDOW);
    let last_start = pieces.len().saturating_sub(length);
    let starts = (0..count).map(|number| match count {
        1 => 0,
        _ => number * last_start / (count - 1),
    });
    let window = |start: usize| {
        let pieces = pieces.iter().skip(start).take(length).copied();
        std::iter::once(START).chain(pieces).chain([END]).collect()
    };
    starts.map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_piece_overlap_and_fit_the_model() {
        for length in (0..REACH + 300).chain([10_000]) {
            let pieces: Vec<u32> = (1000..).take(length).collect();
            let windows = windows(&pieces);
            assert!(windows.len() <= MOST_WINDOWS);
            let mut covered = 0;
            for (number, window) in windows.iter().enumerate() {
                assert!(window.len() <= POSITIONS);
                assert_eq!((window[0], window[window.len() - 1]), (START, END));
                let body = &window[1..window.len() - 1];
                let start = body.first().map_or(0, |piece| *piece as usize - 1000);
                assert!(number == 0 || start + OVERLAP <= covered, "{length}: gap at {start}");
                covered = start + body.len();
            }
            assert_eq!(covered, length.min(REACH));
        }
    }
}
