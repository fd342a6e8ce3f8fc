//! A corpus with questions whose right answers are known.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::data::{DataError, broken, read_lines, set_names};

const CORPUS: &str = ".corpus.jsonl.gz";
const QUERIES: &str = ".queries.jsonl.gz";

/// The categories of the BEAM sets whose gold messages hold the answer; the others ask for
/// summaries, orders or manners, of which a few messages are only a part.
const BEAM_CATEGORIES: [&str; 5] = [
    "contradiction_resolution",
    "information_extraction",
    "knowledge_update",
    "multi_session_reasoning",
    "temporal_reasoning",
];

/// A text of a corpus.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    /// Its id in the set.
    pub id: String,
    /// Content.
    pub text: String,
    /// Date, in the notation of the set.
    #[serde(default)]
    pub ts: Option<String>,
    /// The conversation or document it is part of.
    #[serde(default)]
    pub session: Option<String>,
    /// Speaker.
    #[serde(default)]
    pub speaker: Option<String>,
    /// Scope in which it is searched, that of the questions about it.
    #[serde(default)]
    pub scope: Option<String>,
}

/// A question to a corpus.
#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    /// Its id in the set.
    pub id: String,
    /// The question itself.
    pub text: String,
    /// Ids of the right answers as first published.
    #[serde(default)]
    gold: Vec<String>,
    /// Ids of the right answers after an audit; these count.
    #[serde(default)]
    gold_audited: Option<Vec<String>>,
    /// Right answers that are whole sessions: no unit to be found, but not unanswerable either.
    #[serde(default)]
    gold_sessions: Vec<String>,
    /// Grade of each right answer.
    #[serde(default)]
    pub grades: Option<BTreeMap<String, f64>>,
    /// Category.
    #[serde(default)]
    pub category: Option<String>,
    /// Scope in which to search; the whole corpus without one.
    #[serde(default)]
    pub scope: Option<String>,
    /// Ids that do not count as answers, such as the question itself.
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl Question {
    /// Ids of the right answers.
    #[must_use]
    pub fn gold(&self) -> &[String] {
        self.gold_audited.as_deref().unwrap_or(&self.gold)
    }

    /// True if the corpus holds a right text.
    #[must_use]
    pub fn is_answerable(&self) -> bool {
        !self.gold().is_empty()
    }

    /// True if the corpus holds no answer.
    #[must_use]
    pub fn is_unanswerable(&self) -> bool {
        self.gold().is_empty() && self.gold_sessions.is_empty()
    }
}

/// A corpus and its questions.
#[derive(Debug, Clone)]
pub struct RetrievalSet {
    /// Its name.
    pub name: String,
    /// The corpus, in the order of the file.
    pub documents: Vec<Document>,
    /// The questions.
    pub questions: Vec<Question>,
}

impl RetrievalSet {
    /// Names of the sets in `dir`: all, or those of `wanted`.
    pub fn names(dir: &Path, wanted: &[String]) -> Result<Vec<String>, DataError> {
        let found = set_names(dir, CORPUS)?;
        match wanted.iter().find(|name| !found.contains(name)) {
            Some(name) => {
                let wanted = format!("the sets there are {}", found.join(", "));
                Err(DataError::Missing { path: dir.join(format!("{name}{CORPUS}")), wanted })
            }
            None if wanted.is_empty() => Ok(found),
            None => Ok(wanted.to_vec()),
        }
    }

    /// Reads a set and checks that its two files fit each other.
    pub fn read(dir: &Path, name: &str) -> Result<Self, DataError> {
        let (corpus, queries) =
            (dir.join(format!("{name}{CORPUS}")), dir.join(format!("{name}{QUERIES}")));
        let documents: Vec<Document> = read_lines(&corpus)?;
        let questions: Vec<Question> = read_lines(&queries)?;
        let mut ids = HashSet::with_capacity(documents.len());
        for (i, document) in documents.iter().enumerate() {
            if !ids.insert(document.id.as_str()) {
                return Err(broken(&corpus, i + 1, format!("`{}` is there twice", document.id)));
            }
        }
        for (i, question) in questions.iter().enumerate() {
            let gold = question.gold();
            if let Some(id) = gold.iter().find(|id| !ids.contains(id.as_str())) {
                return Err(broken(&queries, i + 1, format!("gold `{id}` is not in the corpus")));
            }
            if gold.iter().collect::<HashSet<_>>().len() < gold.len() {
                return Err(broken(&queries, i + 1, "a gold id is there twice"));
            }
        }
        Ok(Self { name: name.to_owned(), documents, questions })
    }

    /// The parts of the set that are scored: the first is the one that counts.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        let all = View { name: "all", holds: is_answerable };
        if self.name.starts_with("beam") {
            vec![View { name: "named", holds: is_of_named_category }, all]
        } else {
            vec![all]
        }
    }
}

/// A part of a set.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// Decides if a question belongs to it.
    pub holds: fn(&Question) -> bool,
}

fn is_answerable(question: &Question) -> bool {
    question.is_answerable()
}

fn is_of_named_category(question: &Question) -> bool {
    let is_named = question.category.as_deref().is_some_and(|c| BEAM_CATEGORIES.contains(&c));
    question.is_answerable() && is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: &str) -> Question {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn audited_gold_counts_where_there_is_any() {
        let plain = question(r#"{"id":"q","text":"?","gold":["a"]}"#);
        let audited = question(r#"{"id":"q","text":"?","gold":["a"],"gold_audited":["b"]}"#);
        assert_eq!((plain.gold(), audited.gold()), (&["a".to_owned()][..], &["b".to_owned()][..]));
    }

    #[test]
    fn gold_sessions_make_a_question_neither_scored_nor_unanswerable() {
        let by_session = question(r#"{"id":"q","text":"?","gold":[],"gold_sessions":["s"]}"#);
        assert!(!by_session.is_answerable() && !by_session.is_unanswerable());
        assert!(question(r#"{"id":"q","text":"?","gold":[]}"#).is_unanswerable());
    }

    #[test]
    fn only_beam_is_scored_by_category() {
        let asked = question(r#"{"id":"q","text":"?","gold":["a"],"category":"summarization"}"#);
        let set = |name: &str| RetrievalSet {
            name: name.into(),
            documents: Vec::new(),
            questions: Vec::new(),
        };
        let counts =
            |name| set(name).views().iter().map(|view| (view.holds)(&asked)).collect::<Vec<_>>();
        assert_eq!((counts("beam100k"), counts("locomo")), (vec![false, true], vec![true]));
    }
}
