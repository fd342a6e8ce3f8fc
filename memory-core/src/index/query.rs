//! A query as weighted terms.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::tokenize::Tokenizer;

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

static STOP_HASHES: LazyLock<FxHashSet<u64>> = LazyLock::new(|| {
    let mut hashes = FxHashSet::default();
    Tokenizer::for_query().for_each_term(STOP_WORDS, |hash| {
        hashes.insert(hash);
    });
    hashes
});

/// The distinct terms of a query and how often it names them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LexicalQuery {
    terms: Vec<QueryTerm>,
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
        let mut hashes = Vec::new();
        Tokenizer::for_query().for_each_term(text, |hash| hashes.push(hash));
        if hashes.iter().any(|hash| !STOP_HASHES.contains(hash)) {
            hashes.retain(|hash| !STOP_HASHES.contains(hash));
        }
        hashes.sort_unstable();
        let terms = hashes
            .chunk_by(|a, b| a == b)
            .filter_map(|run| {
                let frequency = f32::from(u16::try_from(run.len()).unwrap_or(u16::MAX));
                let weight = frequency * (K3 + 1.0) / (frequency + K3);
                run.first().map(|&hash| QueryTerm { hash, weight })
            })
            .collect();
        Self { terms }
    }

    /// Terms in ascending order of hash.
    pub(crate) fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// Hashes of the query's terms that a text holds, with repeats, in the text's order.
    pub(crate) fn terms_in(&self, tokenizer: &mut Tokenizer, text: &str) -> Vec<u64> {
        let mut found = Vec::new();
        tokenizer.for_each_term(text, |hash| {
            if self.terms.binary_search_by_key(&hash, |term| term.hash).is_ok() {
                found.push(hash);
            }
        });
        found
    }

    /// Whether the text held no term at all: such a query matches nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
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
    fn a_repeated_term_weighs_more_but_not_without_bound() {
        let weight = |text: &str| LexicalQuery::new(text).terms().first().unwrap().weight;
        assert!((weight("retry") - 1.0).abs() < 1e-6);
        assert!((weight("retry, retries and RETRYING") - 27.0 / 11.0).abs() < 1e-6);
        assert!(weight(&"retry ".repeat(10_000)) < 9.0);
    }
}
