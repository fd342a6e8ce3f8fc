//! Ablation: the product with one term of the score left out, a column for each term.

use std::sync::Arc;

use memory_core::Embedder;
use memory_core::bench::Weights;

use crate::evaluate::SetReport;
use crate::searcher::Product;
use crate::table::{layout, share};

/// Column that the others are compared with.
const WHOLE: &str = "fused";

/// Weight of the vectors that is best for all queries of the development sets, where one has to do.
const ONE_WEIGHT: f32 = 0.65;

/// Columns by words alone, by vectors alone, by the plain sum of both, and without each term.
#[must_use]
pub fn columns(embedder: &Arc<dyn Embedder>) -> Vec<Product> {
    let whole = Weights::default();
    let plain = Weights {
        neighbour_share: 0.0,
        speaker_bonus: 0.0,
        pronoun_bonus: 0.0,
        date_bonus: 0.0,
        session_share: 0.0,
        session_coverage: 0.0,
        turn_weight: 1.0,
        fixed_weight: Some(ONE_WEIGHT),
        exact_bonus: 0.0,
        variety: 0.0,
    };
    let weights = [
        ("plain-words", Weights { fixed_weight: Some(0.0), ..plain }),
        ("plain-meaning", Weights { fixed_weight: Some(1.0), ..plain }),
        ("plain-sum", plain),
        ("no-neighbours", Weights { neighbour_share: 0.0, ..whole }),
        ("no-session", Weights { session_share: 0.0, session_coverage: 0.0, ..whole }),
        ("no-speaker", Weights { speaker_bonus: 0.0, ..whole }),
        ("no-pronouns", Weights { pronoun_bonus: 0.0, ..whole }),
        ("no-date", Weights { date_bonus: 0.0, ..whole }),
        ("no-exact", Weights { exact_bonus: 0.0, ..whole }),
        ("one-weight", Weights { fixed_weight: Some(ONE_WEIGHT), ..whole }),
        ("no-turn-cap", Weights { turn_weight: 1.0, ..whole }),
        ("no-variety", Weights { variety: 0.0, ..whole }),
    ];
    let product = |(name, weights)| Product { name, embedder: Some(Arc::clone(embedder)), weights };
    weights.into_iter().map(product).collect()
}

/// Lays out one row per part of a set and one column per way of searching, with the difference to
/// the product as it comes.
#[must_use]
pub fn table(reports: &[SetReport]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for report in reports {
        if !names.contains(&report.column) {
            names.push(report.column);
        }
        for scores in report.scores.iter().filter(|scores| scores.n > 0) {
            if !parts.contains(&(&report.set, scores.view)) {
                parts.push((&report.set, scores.view));
            }
        }
    }
    let value = |column: &str, (set, view): (&str, &str), ndcg: bool| {
        let report = reports.iter().find(|r| r.column == column && r.set == set)?;
        let scores = report.scores.iter().find(|scores| scores.view == view)?;
        if ndcg { scores.ndcg_at_10 } else { scores.recall_at_10 }
    };
    let mut out = String::new();
    for (title, ndcg) in [("recall@10", false), ("nDCG@10", true)] {
        let cell = |column: &&str, part: (&str, &str)| match (
            value(column, part, ndcg),
            value(WHOLE, part, ndcg),
        ) {
            (Some(value), Some(whole)) if *column != WHOLE => {
                format!("{} {:+.3}", share(Some(value)), value - whole)
            }
            (value, _) => share(value),
        };
        let row = |part: &(&str, &str)| {
            let mut row = vec![format!("{} ({})", part.0, part.1)];
            row.extend(names.iter().map(|column| cell(column, *part)));
            row
        };
        let rows: Vec<Vec<String>> = parts.iter().map(row).collect();
        let headings: Vec<&str> = [title].into_iter().chain(names.iter().copied()).collect();
        out.push_str(&layout(&headings, &rows));
        out.push('\n');
    }
    out
}
