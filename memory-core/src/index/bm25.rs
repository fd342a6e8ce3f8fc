//! The lexical index: BM25 over the units, with updates, deletes and masks.
//!
//! Score of unit u for query q (Robertson & Zaragoza, "The Probabilistic Relevance Framework:
//! BM25 and Beyond", 2009; the idf that is never negative is Lucene's):
//!
//! ```text
//! Σ over terms t of q:  w(t,q) · ln(1 + (N − df + ½) / (df + ½)) · f·(k1 + 1) / (f + k1·(1 − b + b·len/avg_len))
//! ```
//!
//! A unit's text cannot be had back, so a removed unit's postings cannot be looked up. Every `put`
//! therefore gets a fresh document number; removing a unit orphans its document, scoring skips
//! orphans and counts df from the live postings it walks over anyway, and when orphans pile up all
//! lists are rewritten without them. Scores are those of an index built of the live units alone.

use std::io::{Read, Write};

use super::{
    mask::Mask,
    postings::Postings,
    query::{LexicalQuery, QueryTerm},
    scores::{LexicalScores, Match},
    snapshot::{Reader, SnapshotError, Writer},
    tokenize::Tokenizer,
};

/// Saturation of term frequency.
///
/// K1 and B are the textbook pair. On a grid (0.6–1.5 × 0.3–0.9) over nine evaluation sets no other
/// pair gains more than .004 of mean recall@10, and what it wins on long texts it loses on chats.
const K1: f32 = 1.2;
/// Strength of length normalisation, 0..=1.
const B: f32 = 0.75;
/// Terms a query is cut to: bounds the cost of a pasted issue or log. On the evaluation sets 128
/// find no more on balance, 32 find less.
const MAX_QUERY_TERMS: usize = 64;
/// Documents from which on a term that three quarters of them hold is left out of a query with other
/// terms. Its idf is below .29, that of a term of ten of 10,000 is 6.9.
const MANY_DOCUMENTS: usize = 10_000;
/// From here on a count of postings may be too small.
const MAX_COUNT: u32 = (1 << 24) - 1;
/// Orphans are swept when they outnumber a quarter of the live units, and this.
const MIN_ORPHANS: usize = 64;

/// No unit, in the table of documents; no document, in the table of units.
const NONE: u32 = u32::MAX;

/// An in-memory inverted index of units.
pub(crate) struct Bm25 {
    tokenizer: Tokenizer,
    postings: Postings,
    /// By document number, in order of insertion.
    documents: Vec<Document>,
    /// Document number by unit number.
    document_of: Vec<u32>,
    live: Mask,
    n_live: usize,
    live_len: u64,
    /// Scratch of `put`.
    terms: Vec<u64>,
}

/// A unit as it was put: `unit` is `NONE` once replaced or removed.
#[derive(Clone, Copy)]
struct Document {
    unit: u32,
    len: u32,
}

impl Bm25 {
    /// An empty index.
    pub(crate) fn new() -> Self {
        Self {
            tokenizer: Tokenizer::for_index(),
            postings: Postings::new(),
            documents: Vec::new(),
            document_of: Vec::new(),
            live: Mask::new(),
            n_live: 0,
            live_len: 0,
            terms: Vec::new(),
        }
    }

    /// Indexes a unit's text; what the unit held before is gone.
    ///
    /// Cost: linear in the text; now and then, after many replacements or removals, a rewrite of
    /// the lists, amortised constant per posting.
    pub(crate) fn put(&mut self, unit: u32, text: &str) {
        self.remove(unit);
        let Ok(number) = u32::try_from(self.documents.len()) else {
            return;
        };
        let mut terms = std::mem::take(&mut self.terms);
        terms.clear();
        self.tokenizer.for_each_term(text, |hash| terms.push(hash));
        terms.sort_unstable();
        for run in terms.chunk_by(|a, b| a == b) {
            if let Some(&hash) = run.first() {
                let frequency = u32::try_from(run.len()).unwrap_or(u32::MAX);
                self.postings.push(hash, number, frequency);
            }
        }
        let len = u32::try_from(terms.len()).unwrap_or(u32::MAX);
        self.terms = terms;
        self.documents.push(Document { unit, len });
        let at = unit as usize;
        if self.document_of.len() <= at {
            self.document_of.resize(at + 1, NONE);
        }
        if let Some(document) = self.document_of.get_mut(at) {
            *document = number;
        }
        self.live.set(unit);
        self.n_live += 1;
        self.live_len += u64::from(len);
    }

    /// Takes a unit out; an unknown one is no error.
    pub(crate) fn remove(&mut self, unit: u32) {
        let Some(number) = self.document_of.get_mut(unit as usize) else {
            return;
        };
        let number = std::mem::replace(number, NONE);
        let Some(document) = self.documents.get_mut(number as usize) else {
            return;
        };
        document.unit = NONE;
        self.live_len -= u64::from(document.len);
        self.n_live -= 1;
        self.live.clear(unit);
        let n_orphans = self.documents.len() - self.n_live;
        if n_orphans > MIN_ORPHANS && n_orphans > self.n_live / 4 {
            self.sweep();
        }
    }

    /// Writes all but what follows from it.
    pub(super) fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<(), SnapshotError> {
        out.array(&self.documents, |Document { unit, len }| {
            (u64::from(unit) << 32 | u64::from(len)).to_le_bytes()
        })?;
        self.postings.write(out)
    }

    /// Reads what [`Bm25::write`] wrote, for units with numbers below `n_numbers`.
    pub(super) fn read<R: Read>(
        input: &mut Reader<R>,
        n_numbers: usize,
    ) -> Result<Self, SnapshotError> {
        let mut index = Self::new();
        index.documents = input.array(|bytes| {
            let number = u64::from_le_bytes(bytes);
            Document { unit: upper_half(number), len: lower_half(number) }
        })?;
        index.postings = Postings::read(input)?;
        let units = (0..).zip(&index.documents).filter(|(_, document)| document.unit != NONE);
        for (number, &Document { unit, len }) in units {
            let at = unit as usize;
            if at >= n_numbers {
                return Err(SnapshotError::Corrupt { what: "documents" });
            }
            if index.document_of.len() <= at {
                index.document_of.resize(at + 1, NONE);
            }
            if let Some(document) = index.document_of.get_mut(at) {
                *document = number;
            }
            index.live.set(unit);
            index.n_live += 1;
            index.live_len += u64::from(len);
        }
        Ok(index)
    }

    /// Number of units.
    #[cfg(test)]
    pub(crate) const fn n_units(&self) -> usize {
        self.n_live
    }

    /// Bytes held: dictionary, lists, tables and caches.
    pub(crate) fn size_bytes(&self) -> usize {
        self.postings.size_bytes()
            + self.tokenizer.size_bytes()
            + self.live.size_bytes()
            + self.documents.capacity() * size_of::<Document>()
            + self.document_of.capacity() * size_of::<u32>()
            + self.terms.capacity() * size_of::<u64>()
    }

    /// Scores every unit (in the mask, if there is one) that holds a term of the query.
    ///
    /// Cost: the postings of the query's terms, whatever the size of the corpus.
    pub(crate) fn score(
        &self,
        query: &LexicalQuery,
        mask: Option<&Mask>,
        scores: &mut LexicalScores,
    ) {
        scores.reset(self.document_of.len());
        let average_len = self.average_len();
        let mut matches = std::mem::take(&mut scores.matches);
        for term in self.informative(query) {
            if let Some(df) = self.known_df(term.hash) {
                let expected = scores.expect(term.weight, idf(self.n_live, df));
                self.visit(term.hash, mask, average_len, |found| scores.add(found, expected));
            } else {
                matches.clear();
                let df = self.visit(term.hash, mask, average_len, |found| matches.push(found));
                let expected = scores.expect(term.weight, idf(self.n_live, df));
                for found in &matches {
                    scores.add(*found, expected);
                }
            }
        }
        scores.matches = matches;
    }

    /// A term's df without a walk over its list: there must be no orphans in it.
    fn known_df(&self, hash: u64) -> Option<usize> {
        let count = self.postings.count(hash);
        (self.documents.len() == self.n_live && count < MAX_COUNT).then_some(count as usize)
    }

    /// Average length of the live units in terms, at least 1.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an average, needed to seven digits"
    )]
    fn average_len(&self) -> f32 {
        let average = self.live_len as f64 / self.n_live.max(1) as f64;
        (average as f32).max(1.0)
    }

    /// Visits the live units in the mask that hold a term; returns the term's df in the whole index.
    fn visit(
        &self,
        hash: u64,
        mask: Option<&Mask>,
        average_len: f32,
        mut found: impl FnMut(Match),
    ) -> usize {
        let base = K1 * (1.0 - B);
        let slope = K1 * B / average_len;
        let mut df = 0;
        self.postings.for_each(hash, |number, frequency| {
            let Some(&Document { unit, len }) = self.documents.get(number as usize) else {
                return;
            };
            if unit == NONE {
                return;
            }
            df += 1;
            if mask.is_none_or(|mask| mask.contains(unit)) {
                let frequency = to_f32(frequency);
                let saturation = frequency * (K1 + 1.0) / (frequency + base + slope * to_f32(len));
                found(Match { unit, saturation });
            }
        });
        df
    }

    /// The query's terms, cut to the most informative by weight × idf (df with orphans: near
    /// enough to choose by, and known without walking the list).
    fn informative(&self, query: &LexicalQuery) -> Vec<QueryTerm> {
        let mut terms = query.terms().to_vec();
        if terms.iter().any(|term| !self.is_everywhere(term)) {
            terms.retain(|term| !self.is_everywhere(term));
        }
        if terms.len() > MAX_QUERY_TERMS {
            let worth = |term: &QueryTerm| match self.postings.count(term.hash) as usize {
                0 => 0.0,
                df => term.weight * idf(self.n_live, df.min(self.n_live)),
            };
            terms.select_nth_unstable_by(MAX_QUERY_TERMS, |a, b| {
                worth(b).total_cmp(&worth(a)).then(a.hash.cmp(&b.hash))
            });
            terms.truncate(MAX_QUERY_TERMS);
            terms.sort_unstable_by_key(|term| term.hash);
        }
        terms
    }

    /// Whether nearly all units of a large index hold a term: it tells them apart by hundredths of what
    /// other words do, for most of the time of a search.
    fn is_everywhere(&self, term: &QueryTerm) -> bool {
        let df = self.postings.count(term.hash) as usize;
        self.documents.len() >= MANY_DOCUMENTS && df > self.documents.len() / 4 * 3
    }

    /// Rewrites the lists without orphans and numbers the documents anew.
    fn sweep(&mut self) {
        let old = std::mem::take(&mut self.documents);
        let mut number_of = Vec::with_capacity(old.len());
        for document in old {
            if document.unit == NONE {
                number_of.push(NONE);
                continue;
            }
            let number = u32::try_from(self.documents.len()).unwrap_or(NONE);
            number_of.push(number);
            self.documents.push(document);
            if let Some(current) = self.document_of.get_mut(document.unit as usize) {
                *current = number;
            }
        }
        self.postings = self.postings.rewritten(|number| {
            number_of.get(number as usize).copied().filter(|&number| number != NONE)
        });
    }
}

const fn upper_half(number: u64) -> u32 {
    (number >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
const fn lower_half(number: u64) -> u32 {
    number as u32
}

/// Inverse document frequency, never negative: ln(1 + (N − df + ½) / (df + ½)).
#[expect(
    clippy::cast_precision_loss,
    reason = "counts below 2²⁴ are exact, larger ones near enough"
)]
fn idf(n_units: usize, df: usize) -> f32 {
    let absent = n_units.saturating_sub(df) as f32;
    ((absent + 0.5) / (df as f32 + 0.5)).ln_1p()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts below 2²⁴ are exact, larger ones near enough"
)]
const fn to_f32(count: u32) -> f32 {
    count as f32
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
mod tests {
    use std::{collections::BTreeMap, fmt::Write as _};

    use proptest::prelude::*;

    use super::*;

    /// BM25 by its formula over plain maps: the slow twin.
    #[derive(Default)]
    struct Naive {
        units: BTreeMap<u32, BTreeMap<u64, u32>>,
    }

    impl Naive {
        fn put(&mut self, unit: u32, text: &str) {
            let mut terms = BTreeMap::new();
            Tokenizer::for_query().for_each_term(text, |hash| *terms.entry(hash).or_default() += 1);
            self.units.insert(unit, terms);
        }

        /// Score and coverage by unit.
        fn score(&self, query: &LexicalQuery, mask: Option<&Mask>) -> BTreeMap<u32, (f64, f64)> {
            let len = |terms: &BTreeMap<u64, u32>| f64::from(terms.values().sum::<u32>());
            let n = self.units.len() as f64;
            let average_len = (self.units.values().map(len).sum::<f64>() / n).max(1.0);
            let (k1, b) = (f64::from(K1), f64::from(B));
            let mut found: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
            let mut idf_mass = 0.0;
            for term in query.terms() {
                let df = self.units.values().filter(|u| u.contains_key(&term.hash)).count() as f64;
                let idf = f64::from(term.weight) * (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
                idf_mass += idf;
                for (&unit, terms) in &self.units {
                    let Some(&f) = terms.get(&term.hash) else {
                        continue;
                    };
                    if mask.is_some_and(|mask| !mask.contains(unit)) {
                        continue;
                    }
                    let f = f64::from(f);
                    let norm = k1 * (1.0 - b + b * len(terms) / average_len);
                    let cell = found.entry(unit).or_default();
                    cell.0 += idf * f * (k1 + 1.0) / (f + norm);
                    cell.1 += idf;
                }
            }
            for cell in found.values_mut() {
                cell.1 /= idf_mass;
            }
            found
        }
    }

    fn check(index: &Bm25, naive: &Naive, query: &str, mask: Option<&Mask>) {
        let query = LexicalQuery::new(query);
        let mut scores = LexicalScores::new();
        index.score(&query, mask, &mut scores);
        let expected = naive.score(&query, mask);
        assert_eq!(scores.matched().len(), expected.len());
        assert_eq!(index.n_units(), naive.units.len());
        for (&unit, &(score, coverage)) in &expected {
            assert!((f64::from(scores.get(unit)) - score).abs() <= 1e-5 * score.max(1.0));
            assert!((f64::from(scores.coverage(unit)) - coverage).abs() <= 1e-5);
        }
        let best = expected.values().map(|cell| cell.0).fold(0.0, f64::max);
        assert!((f64::from(scores.best()) - best).abs() <= 1e-5 * best.max(1.0));
    }

    const WORDS: &str = "[a-f]{1,2}( [a-f]{1,2}){0,8}";

    proptest! {
        #[test]
        fn scores_are_those_of_the_formula_after_any_history(
            history in prop::collection::vec((0_u32..40, prop::option::of(WORDS)), 1..300),
            queries in prop::collection::vec(WORDS, 1..4),
            masked in prop::collection::vec(0_u32..40, 0..30),
        ) {
            let mut index = Bm25::new();
            let mut naive = Naive::default();
            for (unit, text) in history {
                if let Some(text) = text {
                    index.put(unit, &text);
                    naive.put(unit, &text);
                } else {
                    index.remove(unit);
                    naive.units.remove(&unit);
                }
            }
            let mask: Mask = masked.into_iter().collect();
            for query in queries {
                check(&index, &naive, &query, None);
                check(&index, &naive, &query, Some(&mask));
            }
        }
    }

    #[test]
    fn orphans_are_swept_and_their_memory_given_back() {
        let mut index = Bm25::new();
        let mut naive = Naive::default();
        let text = |unit: u32| format!("common word{} tail{unit}", unit % 7);
        for unit in 0..2000 {
            index.put(unit, &text(unit));
        }
        let full = index.size_bytes();
        for unit in 0..2000 {
            if unit % 10 == 0 {
                naive.put(unit, &text(unit));
            } else {
                index.remove(unit);
            }
        }
        assert!(index.documents.len() <= 200 + 200 / 4 + MIN_ORPHANS);
        assert!(index.size_bytes() < full);
        check(&index, &naive, "common word3 tail10 tail11", None);
    }

    #[test]
    fn a_reused_unit_number_has_nothing_of_its_former_text() {
        let mut index = Bm25::new();
        index.put(3, "alpha beta");
        index.remove(3);
        index.remove(3);
        index.remove(99);
        index.put(3, "gamma");
        let mut scores = LexicalScores::new();
        index.score(&LexicalQuery::new("alpha"), None, &mut scores);
        assert!(scores.matched().is_empty());
        index.score(&LexicalQuery::new("gamma"), None, &mut scores);
        assert_eq!(scores.matched(), [3]);
    }

    #[test]
    fn an_empty_index_and_an_empty_query_find_nothing() {
        let mut index = Bm25::new();
        let mut scores = LexicalScores::new();
        index.score(&LexicalQuery::new("anything"), None, &mut scores);
        assert!(scores.top(5).is_empty());
        index.put(0, "");
        index.put(1, "something");
        index.score(&LexicalQuery::new(" ?! "), None, &mut scores);
        assert!(scores.top(5).is_empty());
        assert!(scores.coverage(1).abs() < f32::EPSILON);
    }

    #[test]
    fn a_word_of_nearly_every_unit_counts_only_where_it_is_all_that_is_asked() {
        let mut index = Bm25::new();
        for unit in 0..u32::try_from(MANY_DOCUMENTS).unwrap() {
            let rare = if unit % 1000 == 3 { " walrus" } else { "" };
            index.put(unit, &format!("common{rare}"));
        }
        let score = |query: &str| {
            let mut scores = LexicalScores::new();
            index.score(&LexicalQuery::new(query), None, &mut scores);
            scores
        };
        let both = score("common walrus");
        assert_eq!((both.matched().len(), both.get(3)), (10, score("walrus").get(3)));
        assert_eq!(score("common").matched().len(), MANY_DOCUMENTS);
    }

    #[test]
    fn a_long_query_is_cut_to_terms_that_occur() {
        let mut index = Bm25::new();
        index.put(0, "needle");
        index.put(1, "hay");
        let mut unseen = String::new();
        for n in 0..5 * MAX_QUERY_TERMS {
            write!(unseen, " unseen{n}x ").unwrap();
        }
        let mut scores = LexicalScores::new();
        index.score(&LexicalQuery::new(&format!("{unseen} needle")), None, &mut scores);
        assert_eq!(scores.matched(), [0]);
    }
}
