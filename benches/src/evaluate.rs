//! Quality of one column on one set: ranks of the right answers, and silence where there is none.

use std::time::Duration;

use memory_core::{Error, Strength};
use serde::Serialize;

use crate::metrics::mean;
use crate::percentile::Percentiles;
use crate::retrieval_set::{Question, RetrievalSet};
use crate::scores::{DEPTH, Ranked, Scores, score};
use crate::searcher::{Answer, Asked, Column, Loading, Searcher};
use crate::{sessions, targets};

/// Number of questions about other corpora that are put to each corpus.
const N_FOREIGN: usize = 200;

/// Strength of a query that names none.
const DEFAULT_STRENGTH: Strength = Strength::Weak;

/// All figures of one column on one set.
#[derive(Debug, Clone, Serialize)]
pub struct SetReport {
    /// The set.
    pub set: String,
    /// The column.
    pub column: &'static str,
    /// Cost of loading.
    pub loading: Loading,
    /// Scores of the parts of the set; the first is the one that counts.
    pub scores: Vec<Scores>,
    /// Time of the answers, at strength `any`.
    pub latency: Option<Percentiles>,
    /// Effect of the floor.
    pub floor: Floor,
}

/// Effect of the default strength: the hits that it leaves out, rightly and wrongly.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Floor {
    /// Questions of the set that have no answer in it.
    pub unanswerable: Silence,
    /// Questions of other sets, put to this corpus: they have no answer in it either.
    pub foreign: Silence,
    /// Answerable questions with a right answer among the first 10 at strength `any`.
    pub n_found: usize,
    /// Share of these that have none left at the default strength.
    pub lost: Option<f64>,
    /// Share of these with a right answer that is called strong.
    pub strong: Option<f64>,
}

/// Answers at the default strength to questions that have no right one.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Silence {
    /// Questions put.
    pub n: usize,
    /// Share answered with nothing.
    pub nothing: Option<f64>,
    /// Share answered with nothing or with weak hits only.
    pub none_strong: Option<f64>,
}

/// Loads a set into a column and puts its questions.
pub fn evaluate(
    column: &dyn Column,
    set: &RetrievalSet,
    others: &[&RetrievalSet],
) -> Result<SetReport, Error> {
    let (searcher, loading) = column.load(set)?;
    let searcher = searcher.as_ref();
    let (answers, latencies) = ask_all(searcher, set)?;
    let target = |view: &str| targets::recall_at_10(column.name(), &set.name, view);
    let scores = set.views().into_iter().map(|view| {
        let part =
            set.questions.iter().zip(&answers).filter(|(question, _)| (view.holds)(question));
        let part: Vec<Ranked<'_>> = part.map(|(q, answer)| Ranked::of(q, answer)).collect();
        score(view.name, &part, target(view.name))
    });
    let mut scores: Vec<Scores> = scores.collect();
    let by_session = sessions::ranked(searcher, set)?;
    if !by_session.is_empty() {
        scores.push(score("sessions", &by_session, target("sessions")));
    }
    Ok(SetReport {
        set: set.name.clone(),
        column: column.name(),
        loading,
        scores,
        latency: Percentiles::of(latencies),
        floor: floor(searcher, set, &answers, others)?,
    })
}

fn ask_all(
    searcher: &dyn Searcher,
    set: &RetrievalSet,
) -> Result<(Vec<Answer>, Vec<Duration>), Error> {
    let mut answers = Vec::with_capacity(set.questions.len());
    for question in &set.questions {
        answers.push(ask(searcher, question, Strength::Any)?);
    }
    let latencies = answers.iter().map(|answer| answer.latency).collect();
    Ok((answers, latencies))
}

/// Puts a question; its excluded ids are asked for on top and dropped, so that ten others remain.
fn ask(searcher: &dyn Searcher, asked: &Question, strength: Strength) -> Result<Answer, Error> {
    let limit = DEPTH + asked.exclude.len();
    let scope = asked.scope.as_deref();
    let mut answer = searcher.search(&Asked { text: &asked.text, scope, limit, strength })?;
    answer.hits.retain(|(id, _)| !asked.exclude.contains(id));
    answer.hits.truncate(DEPTH);
    Ok(answer)
}

fn floor(
    searcher: &dyn Searcher,
    set: &RetrievalSet,
    answers: &[Answer],
    others: &[&RetrievalSet],
) -> Result<Floor, Error> {
    let mut unanswerable = Vec::new();
    let (mut lost, mut strong) = (Vec::new(), Vec::new());
    for (question, answer) in set.questions.iter().zip(answers) {
        let mut gold = answer.hits.iter().filter(|(id, _)| question.gold().contains(id)).peekable();
        if question.is_unanswerable() {
            unanswerable.push(ask(searcher, question, DEFAULT_STRENGTH)?);
        } else if gold.peek().is_some() {
            strong.push(share_of(gold.any(|(_, strength)| *strength == Strength::Strong)));
            let kept = ask(searcher, question, DEFAULT_STRENGTH)?;
            lost.push(share_of(!kept.hits.iter().any(|(id, _)| question.gold().contains(id))));
        }
    }
    let mut foreign = Vec::new();
    for question in foreign_questions(set, others) {
        foreign.push(ask(searcher, &question, DEFAULT_STRENGTH)?);
    }
    Ok(Floor {
        unanswerable: silence(&unanswerable),
        foreign: silence(&foreign),
        n_found: lost.len(),
        lost: mean(lost),
        strong: mean(strong),
    })
}

fn silence(answers: &[Answer]) -> Silence {
    let is_strong = |answer: &Answer| answer.hits.iter().any(|(_, s)| *s == Strength::Strong);
    Silence {
        n: answers.len(),
        nothing: mean(answers.iter().map(|answer| share_of(answer.hits.is_empty()))),
        none_strong: mean(answers.iter().map(|answer| share_of(!is_strong(answer)))),
    }
}

/// Questions that no text of the set can answer, because they are about other corpora; each is put
/// to one of the set's scopes, in turn.
fn foreign_questions(set: &RetrievalSet, others: &[&RetrievalSet]) -> Vec<Question> {
    let mut scopes: Vec<_> = set.documents.iter().map(|document| document.scope.clone()).collect();
    scopes.dedup();
    // Sets of one family may speak of the same persons.
    let family = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'k').len();
    let is_other = |other: &&&RetrievalSet| {
        let stem = |name: &str| name[..family(name)].to_owned();
        stem(&other.name) != stem(&set.name)
    };
    let all: Vec<&Question> = others
        .iter()
        .filter(is_other)
        .flat_map(|other| other.questions.iter().filter(|question| question.is_answerable()))
        .collect();
    let stride = all.len().div_ceil(N_FOREIGN).max(1);
    let chosen = all.into_iter().step_by(stride).zip(scopes.iter().cycle());
    let put = |(question, scope): (&Question, &Option<String>)| {
        let mut question = question.clone();
        question.scope.clone_from(scope);
        question.exclude.clear();
        question
    };
    chosen.map(put).collect()
}

fn share_of(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows the answers to begin with, so that every figure of the report follows by hand.
    struct Script(&'static [(&'static str, &'static [(&'static str, Strength)])]);

    impl Column for Script {
        fn name(&self) -> &'static str {
            "script"
        }

        fn load(&self, _: &RetrievalSet) -> Result<(Box<dyn Searcher>, Loading), Error> {
            Ok((Box::new(Self(self.0)), Loading::default()))
        }
    }

    impl Searcher for Script {
        fn search(&self, asked: &Asked) -> Result<Answer, Error> {
            let hits = self.0.iter().filter(|(text, _)| *text == asked.text);
            let hits = hits.flat_map(|(_, hits)| *hits).filter(|(_, s)| *s >= asked.strength);
            let hits = hits.take(asked.limit).map(|(id, s)| ((*id).to_owned(), *s)).collect();
            Ok(Answer { hits, latency: Duration::from_micros(5) })
        }
    }

    fn set(name: &str, questions: &[&str]) -> RetrievalSet {
        let document = r#"{"id":"a","text":"t","scope":"s"}"#;
        RetrievalSet {
            name: name.into(),
            documents: vec![serde_json::from_str(document).unwrap()],
            questions: questions.iter().map(|json| serde_json::from_str(json).unwrap()).collect(),
        }
    }

    #[test]
    fn a_report_by_hand() {
        use Strength::{Any, Strong, Weak};
        let own = set(
            "own",
            &[
                r#"{"id":"1","text":"one","gold":["a","b"],"exclude":["x"],"category":"c"}"#,
                r#"{"id":"2","text":"two","gold":["a"],"category":"c"}"#,
                r#"{"id":"3","text":"three","gold":["a"],"category":"d"}"#,
                r#"{"id":"4","text":"none","gold":[]}"#,
            ],
        );
        let other = set("other", &[r#"{"id":"5","text":"abroad","gold":["a"]}"#]);
        let script = Script(&[
            ("one", &[("x", Strong), ("a", Strong), ("y", Weak)]),
            ("two", &[("y", Weak), ("a", Any)]),
            ("three", &[]),
            ("none", &[("y", Weak)]),
            ("abroad", &[("y", Any)]),
        ]);
        let report = evaluate(&script, &own, &[&other]).unwrap();
        let [scores] = report.scores.as_slice() else { panic!("one view") };
        assert_eq!((scores.n, scores.recall_at_10), (3, Some(0.5)));
        assert_eq!(scores.mrr, Some(0.5));
        assert_eq!(scores.recall_at_10_by_category.get("c"), Some(&0.75));
        let floor = &report.floor;
        assert_eq!((floor.n_found, floor.lost, floor.strong), (2, Some(0.5), Some(0.5)));
        assert_eq!((floor.unanswerable.n, floor.unanswerable.nothing), (1, Some(0.0)));
        assert_eq!(floor.unanswerable.none_strong, Some(1.0));
        assert_eq!((floor.foreign.n, floor.foreign.nothing), (1, Some(1.0)));
        assert_eq!(report.latency.unwrap().n, 4);
    }

    #[test]
    fn sets_of_one_family_ask_each_other_nothing() {
        let question = [r#"{"id":"1","text":"?","gold":["a"]}"#];
        let (small, large) = (set("beam100k", &question), set("beam500k", &question));
        assert_eq!(foreign_questions(&small, &[&large]).len(), 0);
        let asked = foreign_questions(&small, &[&large, &set("locomo", &question)]);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].scope.as_deref(), Some("s"));
    }
}
