//! BM25 against its formula, and what becomes of orphans.

use std::{collections::BTreeMap, fmt::Write as _};

use proptest::prelude::*;

use super::*;

/// BM25 by its formula over plain maps: the slow twin.
#[derive(Default)]
struct Naive {
    units: BTreeMap<u32, BTreeMap<u64, u32>>,
    n_words: BTreeMap<u32, u32>,
}

impl Naive {
    fn put(&mut self, unit: u32, text: &str) {
        let mut terms = BTreeMap::new();
        let mut n_words = 0;
        Tokenizer::for_query().for_each_term(text, |term| {
            *terms.entry(term.hash()).or_default() += 1;
            n_words += u32::from(matches!(term, Term::Word(_)));
        });
        self.units.insert(unit, terms);
        self.n_words.insert(unit, n_words);
    }

    /// Score and coverage by unit.
    fn score(&self, query: &LexicalQuery, mask: Option<&Mask>) -> BTreeMap<u32, (f64, f64)> {
        let len = |unit: &u32| f64::from(self.n_words[unit]);
        let n = self.units.len() as f64;
        let average_len = (self.units.keys().map(len).sum::<f64>() / n).max(1.0);
        let (k1, b) = (f64::from(K1), f64::from(B));
        let mut found: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        let mut idf_mass = 0.0;
        for term in query.terms() {
            let df = self.units.values().filter(|u| u.contains_key(&term.hash)).count() as f64;
            let idf =
                |n: f64, df: f64| f64::from(term.weight) * (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            let information = idf(n, df);
            idf_mass += information;
            let is_searched = |unit: u32| mask.is_none_or(|mask| mask.contains(unit));
            let searched = || self.units.iter().filter(|(unit, _)| is_searched(**unit));
            let ranking = if query.is_in_pairs() {
                let holding = searched().filter(|(_, u)| u.contains_key(&term.hash)).count();
                idf(searched().count() as f64, holding as f64)
            } else {
                information
            };
            for (&unit, terms) in &self.units {
                let Some(&f) = terms.get(&term.hash) else {
                    continue;
                };
                if mask.is_some_and(|mask| !mask.contains(unit)) {
                    continue;
                }
                let f = f64::from(f);
                let norm = k1 * (1.0 - b + b * len(&unit) / average_len);
                let cell = found.entry(unit).or_default();
                cell.0 += ranking * f * (k1 + 1.0) / (f + norm);
                cell.1 += information;
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

/// Words, and runs of Han, of whose characters and pairs some recur.
const WORDS: &str = "([a-f]{1,2}|[甲乙丙丁]{1,3})( ([a-f]{1,2}|[甲乙丙丁]{1,3})){0,8}";

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
