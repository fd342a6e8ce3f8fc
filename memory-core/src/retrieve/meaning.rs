//! What a query means, and which units mean the same.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::embed::{EmbedError, Embedder, Role};
use crate::index::unit::head;
use crate::index::{Columns, Contents, DenseError, Mask, NameNo, UnitNo};

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

/// The speakers that a query means by “I” and “you”.
pub(super) fn meant_speakers(columns: &Columns, text: &str) -> FxHashSet<NameNo> {
    words(text).flat_map(roles_meant).map(|role| columns.known_name(role)).collect()
}

/// What the speaker is called that a pronoun stands for, in a conversation of a user with an assistant.
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
    cosines: Cosines,
    mean: f32,
    readable: f32,
}

/// Cosines by unit.
enum Cosines {
    /// Of all units that pass the mask, −∞ for others.
    All(Vec<f32>),
    /// Of the units that were asked for.
    Some(FxHashMap<UnitNo, f32>),
}

impl Meaning {
    /// Compares the query with the units of the mask; `None` while none of them has a vector.
    ///
    /// `others` are units that are looked at for another reason. Where there are so many vectors that they
    /// have sketches, only the best, those and their neighbours have a cosine, and one of the best may be
    /// missing.
    pub(super) fn find(
        contents: &Contents,
        mask: &Mask,
        query: &QueryVector,
        n_best: usize,
        others: impl FnOnce() -> Vec<UnitNo>,
    ) -> Option<Self> {
        let dense = contents.semantic.as_ref()?.dense();
        let found = if dense.is_sketched() {
            Self::draw(contents, mask, query, n_best, others)
        } else {
            dense.survey(&query.vector, n_best, Some(mask)).map(|survey| Self {
                top: survey.ranking.top,
                cosines: Cosines::All(survey.by_unit),
                mean: survey.ranking.mean,
                readable: query.readable,
            })
        };
        found
            .inspect_err(|error| tracing::warn!(%error, "a query's vector cannot be used"))
            .ok()
            .filter(|meaning| !meaning.top.is_empty())
    }

    /// The best by sketches, with the cosines of the units that fusion and the verdict look at: the best of
    /// both lists, their neighbours, and the neighbours of those.
    fn draw(
        contents: &Contents,
        mask: &Mask,
        query: &QueryVector,
        n_best: usize,
        others: impl FnOnce() -> Vec<UnitNo>,
    ) -> Result<Self, DenseError> {
        let (dense, columns) = match &contents.semantic {
            Some(semantic) => (semantic.dense(), &contents.columns),
            None => return Err(DenseError::Damaged),
        };
        let ranking = dense.search_fast(&query.vector, n_best, Some(mask))?;
        let mut units: Vec<UnitNo> = ranking.top.iter().map(|(unit, _)| *unit).collect();
        units.extend(others());
        for _ in 0..2 {
            let beside = units.iter().flat_map(|unit| columns.neighbours(*unit)).flatten();
            let beside: Vec<UnitNo> = beside.collect();
            units.extend(beside);
            units.sort_unstable();
            units.dedup();
        }
        units.retain(|unit| mask.contains(*unit));
        let scores = dense.scores_for(&query.vector, &units)?;
        let cosines = units.into_iter().zip(scores);
        let cosines = cosines.filter_map(|(unit, score)| Some((unit, score?))).collect();
        Ok(Self {
            top: ranking.top,
            cosines: Cosines::Some(cosines),
            mean: ranking.mean,
            readable: query.readable,
        })
    }

    /// The nearest units, best first.
    pub(super) fn top(&self) -> &[(UnitNo, f32)] {
        &self.top
    }

    /// Cosine of a unit; `None` for one that has no vector, does not pass the mask or was not asked for.
    pub(super) fn cosine(&self, unit: UnitNo) -> Option<f32> {
        match &self.cosines {
            Cosines::All(by_unit) => by_unit.get(unit as usize).copied().filter(|c| c.is_finite()),
            Cosines::Some(cosines) => cosines.get(&unit).copied(),
        }
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
