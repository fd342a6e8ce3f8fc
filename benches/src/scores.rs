//! Scores of rankings against the right answers of their questions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::{capped_recall_at, mean, ndcg_at, recall_at, reciprocal_rank};
use crate::retrieval_set::Question;
use crate::searcher::Answer;

/// Depth to which rankings are scored.
pub(crate) const DEPTH: usize = 10;

/// Scores of a part of a set: how far up its right answers rank, as means over its questions.
#[derive(Debug, Clone, Serialize)]
pub struct Scores {
    /// The part.
    pub view: &'static str,
    /// Questions in it.
    pub n: usize,
    /// Mean of |gold ∩ first 5| / |gold|.
    pub recall_at_5: Option<f64>,
    /// Mean of |gold ∩ first 10| / |gold|.
    pub recall_at_10: Option<f64>,
    /// Mean of |gold ∩ first 10| / min(10, |gold|), for comparison with tables that count so.
    pub capped_recall_at_10: Option<f64>,
    /// Mean nDCG of the first 10.
    pub ndcg_at_10: Option<f64>,
    /// Mean reciprocal rank of the first right answer among the first 10.
    pub mrr: Option<f64>,
    /// The recall@10 to reach.
    pub target_recall_at_10: Option<f64>,
    /// recall@10 by category of question.
    pub recall_at_10_by_category: BTreeMap<String, f64>,
}

impl Scores {
    /// True if there is a target and it is missed.
    #[must_use]
    pub fn misses_target(&self) -> bool {
        self.target_recall_at_10.is_some_and(|target| self.recall_at_10.is_none_or(|v| v < target))
    }
}

/// Ranking for one question, with the right answers.
#[derive(Debug, Clone)]
pub(crate) struct Ranked<'a> {
    /// Ids of the right answers.
    pub(crate) gold: Cow<'a, [String]>,
    /// Ids of the hits, best first.
    pub(crate) ids: Vec<String>,
    /// Grade of each right answer, where they differ.
    pub(crate) grades: Option<&'a BTreeMap<String, f64>>,
    /// Category of the question.
    pub(crate) category: Option<&'a str>,
}

impl<'a> Ranked<'a> {
    pub(crate) fn of(question: &'a Question, answer: &Answer) -> Self {
        Self {
            gold: question.gold().into(),
            ids: answer.hits.iter().map(|(id, _)| id.clone()).collect(),
            grades: question.grades.as_ref(),
            category: question.category.as_deref(),
        }
    }
}

/// Scores a part of a set; `target` is the recall@10 to reach.
pub(crate) fn score(view: &'static str, part: &[Ranked<'_>], target: Option<f64>) -> Scores {
    let mean_of = |measure: &dyn Fn(&Ranked<'_>) -> f64| mean(part.iter().map(measure));
    let mut by_category = BTreeMap::<String, Vec<f64>>::new();
    for ranked in part {
        let category = ranked.category.unwrap_or_default().to_owned();
        let recall = recall_at(DEPTH, &ranked.ids, &ranked.gold);
        by_category.entry(category).or_default().push(recall);
    }
    let by_category =
        by_category.into_iter().filter_map(|(name, values)| Some((name, mean(values)?)));
    Scores {
        view,
        n: part.len(),
        recall_at_5: mean_of(&|ranked| recall_at(5, &ranked.ids, &ranked.gold)),
        recall_at_10: mean_of(&|ranked| recall_at(DEPTH, &ranked.ids, &ranked.gold)),
        capped_recall_at_10: mean_of(&|ranked| capped_recall_at(DEPTH, &ranked.ids, &ranked.gold)),
        ndcg_at_10: mean_of(&|r| ndcg_at(DEPTH, &r.ids, &r.gold, r.grades)),
        mrr: mean_of(&|r| reciprocal_rank(r.ids.get(..DEPTH).unwrap_or(&r.ids), &r.gold)),
        target_recall_at_10: target,
        recall_at_10_by_category: by_category.collect(),
    }
}
