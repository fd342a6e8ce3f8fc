//! Comparison of remembered texts: is one the same as another, and do they contradict each other?
//!
//! In: two texts. Out: whether they may be merged ([`is_same`]), and how they relate otherwise
//! ([`Statement::compare`]). Used when a text is remembered and when hits are ordered; the index
//! finds texts that may be the same by [`key_text`].
//!
//! What is merged wrongly is lost, so that texts are the same only if they differ in nothing but
//! white space, the capital at the beginning of a sentence and closing punctuation. A contradiction
//! is only told, never decided; it is judged by words alone. Limits: English word lists, a few
//! words of other languages; paraphrases are not seen.

mod canonical;
mod compare;
mod words;

pub(crate) use canonical::{is_same, is_same_in_small_letters, key_text};
pub(crate) use compare::{Amendment, Comparison, Statement};
