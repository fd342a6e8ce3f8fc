//! The vocabulary, and cutting a word into its pieces.

use super::UNKNOWN;
use crate::packed_format::{EMPTY_SLOT, HASH_START, first_slot, token_hash};
use crate::weights::Weights;

/// Mark of a piece that continues a word.
const CONTINUED: &[u8] = b"##";

/// The model's tokens, found by hash in the packed file.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary<'a> {
    slots: &'a [u16],
    ends: &'a [u32],
    text: &'a [u8],
}

impl<'a> Vocabulary<'a> {
    pub(super) fn new(weights: &Weights<'a>) -> Self {
        Vocabulary {
            slots: weights.token_slots,
            ends: weights.token_ends,
            text: weights.token_text,
        }
    }

    /// Appends the pieces of `word` to `pieces`: from the left, always the longest that is known,
    /// or a single `[UNK]` if some part is not covered.
    ///
    /// Time grows with the square of the word's length, which [`words`](super::words) bounds.
    pub(super) fn cut(&self, word: &str, pieces: &mut Vec<u32>) {
        let before = pieces.len();
        let mut rest = word;
        let mut prefix: &[u8] = &[];
        while !rest.is_empty() {
            let Some((id, bytes)) = self.longest(prefix, rest) else {
                pieces.truncate(before);
                pieces.push(UNKNOWN);
                return;
            };
            pieces.push(id);
            rest = rest.get(bytes..).unwrap_or_default();
            prefix = CONTINUED;
        }
    }

    /// The longest start of `rest` that is a token after `prefix`: its id and its bytes in `rest`.
    fn longest(&self, prefix: &[u8], rest: &str) -> Option<(u32, usize)> {
        let start = token_hash(HASH_START, prefix);
        // The whole rest first: most words are one piece.
        let whole = token_hash(start, rest.as_bytes());
        if let Some(id) = self.find(whole, prefix, rest.as_bytes()) {
            return Some((id, rest.len()));
        }
        let mut found = None;
        let mut hash = start;
        for (at, character) in rest.char_indices() {
            let end = at + character.len_utf8();
            hash = token_hash(hash, rest.as_bytes().get(at..end)?);
            let id = self.find(hash, prefix, rest.as_bytes().get(..end)?);
            found = id.map(|id| (id, end)).or(found);
        }
        found
    }

    /// Id of the token `prefix + rest`, whose hash is `hash`.
    fn find(&self, hash: u32, prefix: &[u8], rest: &[u8]) -> Option<u32> {
        let first = first_slot(hash);
        let after = self.slots.iter().skip(first).chain(self.slots);
        let candidates = after.take_while(|&&id| id != EMPTY_SLOT).map(|&id| u32::from(id));
        let mut candidates = candidates;
        candidates
            .find(|&id| self.token(id).and_then(|token| token.strip_prefix(prefix)) == Some(rest))
    }

    /// The bytes of a token.
    fn token(&self, id: u32) -> Option<&'a [u8]> {
        let id = usize::try_from(id).ok()?;
        let start = match id.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let end = *self.ends.get(id)?;
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}
