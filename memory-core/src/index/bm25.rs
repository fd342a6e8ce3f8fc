//! The lexical index: BM25 over the units, with updates, deletes and masks.
//!
//! Score of unit u for query q (Robertson & Zaragoza, "The Probabilistic Relevance Framework:
//! BM25 and Beyond", 2009; the idf that is never negative is Lucene's):
//!
//! ```text
//! Σ over terms t of q:  w(t,q) · idf(t) · f·(k1 + 1) / (f + k1·(1 − b + b·len/avg_len))
//! idf(t) = ln(1 + (N − df + ½) / (df + ½))
//! ```
//!
//! A unit's text cannot be had back, so a removed unit's postings cannot be looked up. Every `put`
//! therefore gets a fresh document number; removing a unit orphans its document, scoring skips
//! orphans and counts df from the live postings it walks over anyway, and when orphans pile up all
//! lists are rewritten without them. Scores are those of an index built of the live units alone.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use memory_dense::Mask;

use super::{
    postings::Postings,
    query::{LexicalQuery, QueryTerm},
    scores::{LexicalScores, Match},
    snapshot::codec::{Reader, Writer},
    snapshot::error::SnapshotError,
    tokenize::{Term, Tokenizer},
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
/// Documents from which on a term that three quarters of them hold is left out of a query with
/// other terms. Its idf is below .29, that of a term of ten of 10,000 is 6.9.
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
        let mut n_words = 0_usize;
        self.tokenizer.for_each_term(text, |term| {
            terms.push(term.hash());
            n_words += usize::from(matches!(term, Term::Word(_)));
        });
        terms.sort_unstable();
        for run in terms.chunk_by(|a, b| a == b) {
            if let Some(&hash) = run.first() {
                let frequency = u32::try_from(run.len()).unwrap_or(u32::MAX);
                self.postings.push(hash, number, frequency);
            }
        }
        // Characters that are found besides their pairs, and pictures, make a text no longer.
        let len = u32::try_from(n_words).unwrap_or(u32::MAX);
        self.terms = terms;
        self.documents.push(Document { unit, len });
        let at = unit as usize;
        if self.document_of.len() <= at {
            self.document_of.resize(at + 1, NONE);
        }
        if let Some(document) = self.document_of.get_mut(at) {
            *document = number;
        }
        self.live.insert(unit);
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
        self.live.remove(unit);
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

    /// Returns the memory of the lists, to be written behind what [`Bm25::write`] writes.
    pub(super) fn pages(&self) -> Vec<u8> {
        self.postings.pages()
    }

    /// Reads the memory of the lists, which is read when it is looked at otherwise.
    pub(super) fn read_pages(&self) -> Result<(), SnapshotError> {
        self.postings.read_pages()
    }

    /// Returns whether a part of it could not be read from the snapshot.
    pub(super) fn is_damaged(&self) -> bool {
        self.postings.is_damaged()
    }

    /// Reads what [`Bm25::write`] wrote, for units with numbers below `n_numbers`; the memory of
    /// the lists stays in the file, from byte `start` on.
    pub(super) fn read<R: Read>(
        input: &mut Reader<R>,
        n_numbers: usize,
        file: &Arc<File>,
        start: u64,
    ) -> Result<Self, SnapshotError> {
        let mut index = Self::new();
        index.documents = input.array(|bytes| {
            let number = u64::from_le_bytes(bytes);
            Document { unit: upper_half(number), len: lower_half(number) }
        })?;
        index.postings = Postings::read(input, file, start)?;
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
            index.live.insert(unit);
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
        // English words that carry no topic are listed; of pairs of characters only their frequency
        // among what is searched says so.
        let n_searched = mask.filter(|_| query.is_in_pairs()).map(|mask| self.n_live_in(mask));
        for term in self.informative(query) {
            if let Some(n_searched) = n_searched {
                matches.clear();
                let df = self.visit(term.hash, mask, average_len, |found| matches.push(found));
                let ranking_idf = idf(n_searched, matches.len());
                let expected = scores.expect_ranked(term.weight, idf(self.n_live, df), ranking_idf);
                for found in &matches {
                    scores.add(*found, expected);
                }
            } else if let Some(df) = self.known_df(term.hash) {
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

    /// Number of live units in a mask.
    fn n_live_in(&self, mask: &Mask) -> usize {
        mask.iter().filter(|unit| self.live.contains(*unit)).count()
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

    /// Visits the live units in the mask that hold a term; returns the term's df in the whole
    /// index.
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

    /// Returns whether nearly all units of a large index hold a term: it tells them apart by
    /// hundredths of what other words do, for most of the time of a search.
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
mod tests;
