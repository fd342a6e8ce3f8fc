//! Orders candidates by what speaks for them besides their text.

use super::query::Query;
use super::{Candidate, Retriever};
use crate::error::Error;
use crate::index::Contents;
use crate::learn::usefulness_bonus;

/// Most that recency adds to a score, as a share of it.
const RECENCY_SHARE: f64 = 0.03;

/// Share of its score that a hit of the caller's own scope gains when all scopes are searched.
const OWN_SCOPE_SHARE: f64 = 0.25;

/// Share of its score that a record of another machine loses: one's own goes before its equal.
const TEAM_SHARE: f64 = 0.02;

const MS_PER_DAY: f64 = 86_400_000.0;

/// Adds the terms of recency, usefulness and scope, and orders: best first, equal scores newest
/// first.
pub(super) fn order(
    contents: &Contents,
    mut found: Vec<Candidate>,
    query: &Query,
    retriever: &Retriever<'_>,
) -> Result<Vec<Candidate>, Error> {
    let rated = |candidate: &Candidate| {
        let facts = contents.columns.facts(candidate.record);
        (candidate.id, facts.map(|facts| facts.feedback).unwrap_or_default())
    };
    let rated: Vec<_> = found.iter().map(rated).collect();
    let usefulness = retriever.learned.usefulness(&rated)?;
    let own = query.own_scope.as_ref().filter(|_| query.scope.is_none());
    let own = own.map(|scope| contents.columns.known_name(scope.as_str()));
    for (candidate, usefulness) in found.iter_mut().zip(usefulness) {
        let Some(facts) = contents.columns.facts(candidate.record) else { continue };
        let text_score = candidate.score;
        let age_days = days(retriever.now.millis_since(facts.at));
        let halved = 0.5_f64.powf(age_days / retriever.config.recency_half_life_days);
        let mut add = |name, amount: f64| {
            if amount != 0.0 {
                candidate.score += amount;
                candidate.terms.push((name, amount));
            }
        };
        add("recency", text_score * RECENCY_SHARE * halved);
        add("usefulness", usefulness_bonus(text_score, usefulness));
        if facts.team {
            add("team", -text_score * TEAM_SHARE);
        }
        if own == Some(facts.scope) {
            add("own_scope", text_score * OWN_SCOPE_SHARE);
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.id.cmp(&a.id)));
    Ok(found)
}

/// Milliseconds in days; what lies in the future has age 0.
#[expect(clippy::cast_precision_loss, reason = "an age needs no millisecond")]
fn days(age_ms: i64) -> f64 {
    age_ms.max(0) as f64 / MS_PER_DAY
}
