//! Semantic side of a search: the query's vector, and the similarity of units to it.
//!
//! Input: a query's text, the embedder and the index of vectors; output: a cosine per unit, and the
//! share of the query that the model can read. Used by fusion and by the verdict on strength. A
//! query in a script that the model was not taught has no vector at all.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::embed::{EmbedError, Embedder, Role};
use crate::index::unit::head;
use crate::index::{Columns, Contents, Mask, NameNo, QueryScorer, UnitNo};

/// Bytes of a query that are embedded: more than the embedded model reads, little for a provider.
const MAX_EMBEDDED_BYTES: usize = 2_048;

/// Least share of readable letters of a query that is embedded.
const MIN_READABLE: f32 = 0.5;

/// The words of a text: runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The speakers that a query names.
pub(super) fn named_speakers(columns: &Columns, text: &str) -> FxHashSet<NameNo> {
    words(text).flat_map(|word| columns.speakers_named(word)).copied().collect()
}

/// The speakers that a query means by “I” and “you”.
pub(super) fn meant_speakers(columns: &Columns, text: &str) -> FxHashSet<NameNo> {
    words(text).flat_map(roles_meant).map(|role| columns.known_name(role)).collect()
}

/// Names of the speaker that a pronoun stands for, in a conversation of a user with an assistant.
fn roles_meant(word: &str) -> &'static [&'static str] {
    match word.to_ascii_lowercase().as_str() {
        // A lower-case i is a variable more often than a person.
        "i" if word != "I" => &[],
        "i" | "me" | "my" | "mine" | "myself" => &["user", "human"],
        "you" | "your" | "yours" => &["assistant", "ai"],
        _ => &[],
    }
}

/// A query as a vector.
pub(super) struct QueryVector {
    vector: Vec<f32>,
    readable: f32,
}

impl QueryVector {
    /// Embeds a query, without the names of speakers: they would draw it to everything those said.
    ///
    /// `None` for a query in a script that the model does not read, or without a word.
    pub(super) fn embed(
        embedder: &dyn Embedder,
        without_names: impl FnOnce(&str) -> String,
        text: &str,
    ) -> Result<Option<Self>, EmbedError> {
        let text = head(text, MAX_EMBEDDED_BYTES);
        let readable = readable(text);
        // Signs without a word mean nothing, but their vector is near something all the same.
        if readable < MIN_READABLE || words(text).next().is_none() {
            return Ok(None);
        }
        let text = without_names(text);
        let vector = embedder.embed(Role::Query, &[&text])?.into_iter().next();
        Ok(vector.map(|vector| Self { vector, readable }))
    }
}

/// A text without the names of speakers; unchanged if nothing else is in it.
pub(super) fn without_speakers(columns: &Columns, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let is_name = !word.is_empty() && !columns.speakers_named(word).is_empty();
        kept.push_str(if is_name { piece.get(word.len()..).unwrap_or_default() } else { piece });
    }
    if words(&kept).next().is_none() { text.to_owned() } else { kept }
}

/// Share of a text's letters that are of the Latin script, which the embedded model was taught; 1
/// for a text without letters.
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(super) fn readable(text: &str) -> f32 {
    let (mut n_letters, mut n_latin) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        n_letters += 1;
        n_latin += usize::from(is_latin(c));
    }
    if n_letters == 0 { 1.0 } else { n_latin as f32 / n_letters as f32 }
}

const fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}')
}

/// Similarity of each unit's vector to the query's.
pub(super) struct SemanticScores<'a> {
    top: Vec<(UnitNo, f32)>,
    probe: QueryScorer<'a>,
    mask: &'a Mask,
    /// Cosines computed so far: a unit is scored as itself and as the neighbour of others.
    known: RefCell<FxHashMap<UnitNo, Option<f32>>>,
    mean: f32,
    readable: f32,
}

impl<'a> SemanticScores<'a> {
    /// Compares the query with the units of the mask; `None` while none of them has a vector.
    pub(super) fn find(
        contents: &'a Contents,
        mask: &'a Mask,
        query: &QueryVector,
        n_best: usize,
    ) -> Option<Self> {
        let dense = contents.semantic.as_ref()?.dense();
        let found = dense.survey(&query.vector, n_best, Some(mask));
        let found = found.and_then(|ranking| Ok((ranking, dense.scorer(&query.vector)?)));
        let (ranking, probe) = found
            .inspect_err(|error| tracing::warn!(%error, "a query's vector cannot be used"))
            .ok()
            .filter(|(ranking, _)| !ranking.top.is_empty())?;
        Some(Self {
            known: RefCell::default(),
            top: ranking.top,
            probe,
            mask,
            mean: ranking.mean,
            readable: query.readable,
        })
    }

    /// The nearest units, best first.
    pub(super) fn top(&self) -> &[(UnitNo, f32)] {
        &self.top
    }

    /// Cosine of a unit; `None` for one that has no vector or does not pass the mask.
    ///
    /// Computed from 8-bit codes, also for the nearest: equal vectors must score alike.
    pub(super) fn cosine(&self, unit: UnitNo) -> Option<f32> {
        let score = || self.probe.score(unit).filter(|_| self.mask.contains(unit));
        *self.known.borrow_mut().entry(unit).or_insert_with(score)
    }

    /// Cosine of a unit above the mean of all units.
    pub(super) fn above_mean(&self, unit: UnitNo) -> Option<f32> {
        Some(self.cosine(unit)? - self.mean)
    }

    /// Share of the query that the model reads.
    pub(super) const fn readable(&self) -> f32 {
        self.readable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_other_scripts_are_not_read() {
        for text in ["naïve café", "Tiếng Việt", "Ｆｕｌｌ", "8443", "Łódź"] {
            assert!(readable(text) >= 1.0, "{text}");
        }
        for text in ["数据库", "ฐานข้อมูล", "ሰላም", "база", "قاعدة", "មូលដ្ឋាន"]
        {
            assert!(readable(text) <= 0.0, "{text}");
        }
        assert!((readable("ab база") - 1.0 / 3.0).abs() < 1e-6);
    }
}
