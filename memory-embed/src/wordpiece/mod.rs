//! Text to token ids: the uncased WordPiece tokenizer of BERT.
//!
//! Two steps, as in the original (Devlin et al. 2018, `tokenization.py`): [`words`] cleans and
//! splits, [`vocabulary`] cuts each word into the longest known pieces. The result equals that of
//! the `tokenizers` crate, with one intended difference: a marker such as `[SEP]` written out in a
//! text is text, never the marker, so that stored text cannot end its own reading.

mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

use crate::weights::Weights;
use std::ops::ControlFlow;
use vocabulary::Vocabulary;

/// Marker before every text, `[CLS]`.
pub(crate) const START: u32 = 101;
/// Marker after every text, `[SEP]`.
pub(crate) const END: u32 = 102;
/// A word that is too long or cannot be cut into known pieces, `[UNK]`.
const UNKNOWN: u32 = 100;

/// The tokenizer, a view of the model's vocabulary.
#[derive(Debug, Clone)]
pub(crate) struct WordPiece<'a> {
    vocabulary: Vocabulary<'a>,
}

impl<'a> WordPiece<'a> {
    /// Costs nothing: the packed file holds the finished hash table.
    pub(crate) fn new(weights: &Weights<'a>) -> Self {
        WordPiece { vocabulary: Vocabulary::new(weights) }
    }

    /// The first `limit` wordpieces of `text`, without markers.
    ///
    /// Reads no further than needed: a text of any length costs as much as its first `limit`
    /// pieces.
    pub(crate) fn encode(&self, text: &str, limit: usize) -> Vec<u32> {
        let mut pieces = Vec::new();
        words::for_each(text, |word| {
            match word {
                Some(word) => self.vocabulary.cut(word, &mut pieces),
                None => pieces.push(UNKNOWN),
            }
            if pieces.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        pieces.truncate(limit);
        pieces
    }

    /// The first `limit` wordpieces of `text`, between the two markers.
    pub(crate) fn tokens(&self, text: &str, limit: usize) -> Vec<u32> {
        let pieces = self.encode(text, limit);
        std::iter::once(START).chain(pieces).chain([END]).collect()
    }
}
