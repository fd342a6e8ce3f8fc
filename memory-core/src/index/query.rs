//! A query as weighted terms.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::tokenize::{Term, Tokenizer};

/// English function words: they carry no topic. Dropped from queries only (a unit keeps them, so
/// that a query of nothing else still finds something).
///
/// The first person (`i`, `my`, `we` …) is kept: in a dialogue it tells who speaks. Dropping it
/// cost .03 to .04 recall@10 on long chats and won nothing elsewhere; keeping every word cost .03
/// to .04 on short ones.
const STOP_WORDS: &str = "a about after again all also am an and any are as at be because been \
    before being but by can cannot cant could couldnt did didnt do does doesnt doing dont for \
    from had has hasnt have havent having he her here hers him his how if in into is isnt it its \
    more most no nor not of off on once only or other out over own same she should so some such \
    than that the their theirs them then there these they this those through to too under until \
    up very was wasnt were what when where which while who whom why will with wont would you \
    your yours";

/// Saturation of a term's frequency in the query: a word that a pasted log repeats a hundred times
/// weighs eight times, not a hundred times, what one mention weighs.
const K3: f32 = 8.0;

/// Weight of an ideograph beside the pairs that it is in: a word of one character has no pair of
/// its own.
const CHARACTER_WEIGHT: f32 = 0.3;

static STOP_HASHES: LazyLock<FxHashSet<u64>> = LazyLock::new(|| {
    let mut hashes = FxHashSet::default();
    Tokenizer::for_query().for_each_term(STOP_WORDS, |term| {
        hashes.insert(term.hash());
    });
    hashes
});

/// The distinct terms of a query and how often it names them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LexicalQuery {
    terms: Vec<QueryTerm>,
    is_in_pairs: bool,
}

/// A distinct term of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct QueryTerm {
    /// Term hash of the tokenizer.
    pub(crate) hash: u64,
    /// Factor on the term's score: its frequency f in the query as f·(k3 + 1) / (f + k3)
    /// (Robertson et al., "Okapi at TREC-3", 1994).
    pub(crate) weight: f32,
}

impl LexicalQuery {
    /// Tokenises a query; stop words stay only when there is nothing else.
    pub(crate) fn new(text: &str) -> Self {
        let mut words = Vec::new();
        let mut characters = Vec::new();
        let mut n_syllables = 0_usize;
        Tokenizer::for_query().for_each_term(text, |term| match term {
            Term::Word(hash) | Term::Picture(hash) => words.push(hash),
            Term::Ideograph(hash) => {
                n_syllables += 1;
                characters.push(hash);
            }
            Term::Syllable(_) => n_syllables += 1,
        });
        // Each run of n characters gives n − 1 pairs.
        let is_in_pairs = n_syllables > words.len() / 2;
        if words.iter().any(|hash| !STOP_HASHES.contains(hash)) {
            words.retain(|hash| !STOP_HASHES.contains(hash));
        }
        let mut terms = weighted(words, 1.0);
        // A character that is also asked for alone counts in full.
        let is_word = |hash: &u64| terms.iter().any(|term| term.hash == *hash);
        characters.retain(|hash| !is_word(hash));
        terms.extend(weighted(characters, CHARACTER_WEIGHT));
        terms.sort_unstable_by_key(|term| term.hash);
        Self { terms, is_in_pairs }
    }

    /// Terms in ascending order of hash.
    pub(crate) fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// Returns whether most terms are pairs of Han, Kana or Hangul: they overlap, and there is no
    /// list of those that carry no topic.
    pub(crate) const fn is_in_pairs(&self) -> bool {
        self.is_in_pairs
    }

    /// Hashes of the query's terms that a text holds, with repeats, in the text's order.
    pub(crate) fn terms_in(&self, tokenizer: &mut Tokenizer, text: &str) -> Vec<u64> {
        let mut found = Vec::new();
        tokenizer.for_each_term(text, |term| {
            let hash = term.hash();
            if self.terms.binary_search_by_key(&hash, |term| term.hash).is_ok() {
                found.push(hash);
            }
        });
        found
    }

    /// Returns whether the text held no term at all: such a query matches nothing.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// The distinct terms among hashes, each with its weight.
fn weighted(mut hashes: Vec<u64>, weight_of_one: f32) -> Vec<QueryTerm> {
    hashes.sort_unstable();
    let to_term = |run: &[u64]| {
        let frequency = f32::from(u16::try_from(run.len()).unwrap_or(u16::MAX));
        let weight = weight_of_one * frequency * (K3 + 1.0) / (frequency + K3);
        run.first().map(|&hash| QueryTerm { hash, weight })
    };
    hashes.chunk_by(|a, b| a == b).filter_map(to_term).collect()
}

#[cfg(test)]
mod tests {
    use super::LexicalQuery;

    #[test]
    fn stop_words_count_only_when_there_is_nothing_else() {
        assert_eq!(LexicalQuery::new("what is the parser"), LexicalQuery::new("parser"));
        assert_eq!(LexicalQuery::new("who are you").terms().len(), 3);
        assert!(LexicalQuery::new("?!").is_empty());
    }

    #[test]
    fn an_ideograph_counts_less_beside_its_pairs_than_alone() {
        let weights = |text: &str| {
            let query = LexicalQuery::new(text);
            let mut weights: Vec<f32> = query.terms().iter().map(|term| term.weight).collect();
            weights.sort_unstable_by(f32::total_cmp);
            weights
        };
        assert_eq!(weights("库"), [1.0]);
        assert_eq!(weights("数据"), [0.3, 0.3, 1.0]);
        assert_eq!(weights("数据 据"), [0.3, 1.0, 1.0]);
        assert_eq!(weights("あり"), [1.0]);
    }

    #[test]
    fn most_terms_are_pairs_or_are_not() {
        for text in ["数据库", "用cargo测试代码库", "데이터베이스 백업", "データ"]
        {
            assert!(LexicalQuery::new(text).is_in_pairs(), "{text}");
        }
        for text in ["", "data base", "ฐานข้อมูล", "ሰላም ነው", "use the cargo tests 测试", "库"]
        {
            assert!(!LexicalQuery::new(text).is_in_pairs(), "{text}");
        }
    }

    #[test]
    fn a_repeated_term_weighs_more_but_not_without_bound() {
        let weight = |text: &str| LexicalQuery::new(text).terms().first().unwrap().weight;
        assert!((weight("retry") - 1.0).abs() < 1e-6);
        assert!((weight("retry, retries and RETRYING") - 27.0 / 11.0).abs() < 1e-6);
        assert!(weight(&"retry ".repeat(10_000)) < 9.0);
    }
}
