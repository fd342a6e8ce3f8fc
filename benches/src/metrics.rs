//! Measures of a ranking, over distinct ids, best first.

use std::collections::BTreeMap;

/// Returns the share of `gold` among the first `k`: |gold ∩ first k| / |gold|.
///
/// Not divided by min(k, |gold|): a query with more than `k` right answers cannot reach 1. That is
/// how the figures in the data's README are counted (on cranfield the two differ by .03).
#[must_use]
pub fn recall_at(k: usize, ranked: &[String], gold: &[String]) -> f64 {
    share(n_gold_in(k, ranked, gold), gold.len())
}

/// Returns [`recall_at`], divided by min(k, |gold|), so that a perfect ranking always has 1.
#[must_use]
pub fn capped_recall_at(k: usize, ranked: &[String], gold: &[String]) -> f64 {
    share(n_gold_in(k, ranked, gold), gold.len().min(k))
}

/// Returns the discounted gain of the first `k` over that of the best order, with the grade itself
/// as gain and log2(rank + 1) as discount (as `trec_eval` counts it). Ungraded gold has grade 1.
#[must_use]
pub fn ndcg_at(
    k: usize,
    ranked: &[String],
    gold: &[String],
    grades: Option<&BTreeMap<String, f64>>,
) -> f64 {
    let grade = |id: &String| grades.map_or(1.0, |grades| grades.get(id).copied().unwrap_or(0.0));
    let gains = ranked.iter().map(|id| if gold.contains(id) { grade(id) } else { 0.0 });
    let mut best: Vec<f64> = gold.iter().map(grade).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal = discounted(k, best.into_iter());
    if ideal > 0.0 { discounted(k, gains) / ideal } else { 0.0 }
}

/// 1 / rank of the first right answer; 0 without one.
#[must_use]
pub fn reciprocal_rank(ranked: &[String], gold: &[String]) -> f64 {
    ranked.iter().position(|id| gold.contains(id)).map_or(0.0, |i| 1.0 / (i + 1) as f64)
}

/// Mean; `None` of nothing.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0_u32), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

fn n_gold_in(k: usize, ranked: &[String], gold: &[String]) -> usize {
    ranked.iter().take(k).filter(|id| gold.contains(id)).count()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn discounted(k: usize, gains: impl Iterator<Item = f64>) -> f64 {
    gains.take(k).enumerate().map(|(i, gain)| gain / ((i + 2) as f64).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        text.split_whitespace().map(Into::into).collect()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn recall_divides_by_all_gold() {
        let (ranked, gold) = (ids("a x b y c"), ids("a b c d"));
        close(recall_at(1, &ranked, &gold), 0.25);
        close(recall_at(3, &ranked, &gold), 0.5);
        close(recall_at(10, &ranked, &gold), 0.75);
        close(capped_recall_at(1, &ranked, &gold), 1.0);
        close(capped_recall_at(3, &ranked, &gold), 2.0 / 3.0);
        close(recall_at(10, &[], &gold), 0.0);
    }

    #[test]
    fn ndcg_of_plain_gold_by_hand() {
        // Right answers at ranks 2 and 4: 1/log2(3) + 1/log2(5), of 1/log2(2) + 1/log2(3).
        let value = ndcg_at(10, &ids("x a y b"), &ids("a b"), None);
        close(value, (0.630_929_753_571 + 0.430_676_558_073) / 1.630_929_753_571);
    }

    #[test]
    fn ndcg_of_graded_gold_by_hand() {
        let grades = BTreeMap::from([("a".to_owned(), 3.0), ("b".to_owned(), 1.0)]);
        // Grades 1, 0, 3 in the answer against 3, 1 at best: (1 + 3/2) / (3 + 1/log2(3)).
        let value = ndcg_at(10, &ids("b x a"), &ids("a b"), Some(&grades));
        close(value, 2.5 / 3.630_929_753_571);
        close(ndcg_at(10, &ids("a b"), &ids("a b"), Some(&grades)), 1.0);
        close(ndcg_at(1, &ids("b a"), &ids("a b"), Some(&grades)), 1.0 / 3.0);
    }

    #[test]
    fn more_gold_than_k_can_still_be_ideal() {
        let gold = ids("a b c d e f g h i j k l");
        close(ndcg_at(10, &gold, &gold, None), 1.0);
        close(recall_at(10, &gold, &gold), 10.0 / 12.0);
    }

    #[test]
    fn reciprocal_rank_by_hand() {
        close(reciprocal_rank(&ids("x y a b"), &ids("b a")), 1.0 / 3.0);
        close(reciprocal_rank(&ids("x y"), &ids("a")), 0.0);
    }

    #[test]
    fn mean_of_nothing_is_none() {
        assert_eq!(mean([]), None);
        close(mean([1.0, 2.0, 6.0]).unwrap(), 3.0);
    }
}
