//! A query as weighted terms.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::tokenize::Tokenizer;

/// English function words: they carry no topic. Dropped from queries only (a unit keeps them, so
/// that a query of nothing else still finds something).
const STOP_WORDS: &str = "a about after again all also am an and any are as at be because been \
    before being but by can cannot cant could couldnt did didnt do does doesnt doing dont for \
    from had has hasnt have havent having he her here hers him his how i if in into is isnt it \
    its me more most my no nor not of off on once only or other our ours out over own same she \
    should so some such than that the their theirs them then there these they this those \
    through to too under until up very was wasnt we were what when where which while who whom \
    why will with wont would you your yours";

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
    /// Factor on the term's score: its frequency in the query.
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
                let weight = u16::try_from(run.len()).unwrap_or(u16::MAX).into();
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
    fn a_repeated_term_weighs_as_often_as_it_is_named() {
        let query = LexicalQuery::new("retry, retries and RETRYING");
        let weights: Vec<f32> = query.terms().iter().map(|term| term.weight).collect();
        assert_eq!(weights, [3.0]);
    }
}
