//! What a query means, and which units mean the same.

use rustc_hash::FxHashSet;

use crate::embed::{EmbedError, Embedder, Role};
use crate::index::unit::head;
use crate::index::{Columns, Contents, Mask, NameNo, UnitNo};

/// Bytes of a query that are embedded: about two windows of the model, some milliseconds.
const MAX_EMBEDDED_BYTES: usize = 2_048;

/// Below this share of readable letters a vector says nothing.
pub(super) const MIN_READABLE: f32 = 0.5;

/// The words of a text: runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The speakers that a query names.
pub(super) fn named_speakers(columns: &Columns, text: &str) -> FxHashSet<NameNo> {
    words(text).flat_map(|word| columns.speakers_named(word)).copied().collect()
}

/// A query as a vector.
pub(super) struct QueryVector {
    vector: Vec<f32>,
    readable: f32,
}

impl QueryVector {
    /// Embeds a query, without the names of speakers: they would draw it to everything those said.
    ///
    /// `None` for a query in a script that the model does not read.
    pub(super) fn embed(
        embedder: &dyn Embedder,
        without_names: impl FnOnce(&str) -> String,
        text: &str,
    ) -> Result<Option<Self>, EmbedError> {
        let text = head(text, MAX_EMBEDDED_BYTES);
        let readable = readable(text);
        if readable < MIN_READABLE {
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

/// Share of a text's letters that are of the Latin script, which the embedded model was taught; 1 for a
/// text without letters.
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(super) fn readable(text: &str) -> f32 {
    let (mut n_letters, mut n_latin) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        n_letters += 1;
        n_latin += usize::from(c < '\u{0250}');
    }
    if n_letters == 0 { 1.0 } else { n_latin as f32 / n_letters as f32 }
}

/// How near each unit's vector is to the query's.
pub(super) struct Meaning {
    top: Vec<(UnitNo, f32)>,
    by_unit: Vec<f32>,
    mean: f32,
    readable: f32,
}

impl Meaning {
    /// Compares the query with the units of the mask; `None` while none of them has a vector.
    pub(super) fn find(
        contents: &Contents,
        mask: &Mask,
        query: &QueryVector,
        n_best: usize,
    ) -> Option<Self> {
        let dense = contents.semantic.as_ref()?.dense();
        let survey = dense.survey(&query.vector, n_best, Some(mask));
        let survey = survey
            .inspect_err(|error| tracing::warn!(%error, "a query's vector cannot be used"))
            .ok()
            .filter(|survey| !survey.ranking.top.is_empty())?;
        Some(Self {
            top: survey.ranking.top,
            by_unit: survey.by_unit,
            mean: survey.ranking.mean,
            readable: query.readable,
        })
    }

    /// The nearest units, best first.
    pub(super) fn top(&self) -> &[(UnitNo, f32)] {
        &self.top
    }

    /// Cosine of a unit; `None` for one that has no vector or does not pass the mask.
    pub(super) fn cosine(&self, unit: UnitNo) -> Option<f32> {
        self.by_unit.get(unit as usize).copied().filter(|cosine| cosine.is_finite())
    }

    /// By how much a unit is nearer than units are on average.
    pub(super) fn above_mean(&self, unit: UnitNo) -> Option<f32> {
        Some(self.cosine(unit)? - self.mean)
    }

    /// Share of the query that the model reads.
    pub(super) const fn readable(&self) -> f32 {
        self.readable
    }
}
