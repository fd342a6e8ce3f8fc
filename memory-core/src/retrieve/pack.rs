//! Keeps an answer within its budget: whole hits first, then a shortened one, never a cut format.

use super::hit::Hit;
use crate::index::unit::head;
use crate::learn::Attempts;

/// Bytes that a hit takes besides its text: id, kind, score, time, scope.
const HIT_BYTES: usize = 110;

/// Bytes that the attempts take for which a hit stands: their counts, and the id of the best.
const ATTEMPTS_BYTES: usize = 70;

/// Returns the bytes that a hit takes besides its text.
pub(super) fn frame_bytes(attempts: Option<&Attempts>) -> usize {
    let contrast = |attempts: &Attempts| attempts.contrast.as_ref().map_or(0, String::len);
    HIT_BYTES + attempts.map_or(0, |attempts| ATTEMPTS_BYTES + contrast(attempts))
}

/// A text shorter than this says too little to be worth showing.
const MIN_TEXT_BYTES: usize = 120;

/// Shortens or drops hits from the end until the answer fits; gives the number of those concerned.
///
/// The first hit is always kept, shortened if need be: an answer without any would not say more.
pub(super) fn fit(hits: &mut Vec<Hit>, budget_bytes: usize) -> usize {
    let mut left = budget_bytes;
    let mut n_over = 0;
    let mut kept = Vec::with_capacity(hits.len());
    for mut hit in hits.drain(..) {
        let frame = frame_bytes(hit.attempts.as_ref());
        let whole = frame + hit.text.len();
        if whole > left {
            n_over += 1;
            let room = left.saturating_sub(frame);
            if room < MIN_TEXT_BYTES && !kept.is_empty() {
                continue;
            }
            shorten(&mut hit.text, room.max(MIN_TEXT_BYTES));
        }
        left = left.saturating_sub(frame + hit.text.len());
        kept.push(hit);
    }
    *hits = kept;
    n_over
}

fn shorten(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = head(text, limit.saturating_sub('…'.len_utf8())).len();
        text.truncate(end);
        text.push('…');
    }
}
