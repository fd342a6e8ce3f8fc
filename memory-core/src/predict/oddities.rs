//! Episodes that are unlike all others in steps, tokens, latency and errors together.

use super::cluster::{N_FEATURES, Point, clusters};
use crate::learn::Run;
use crate::stats::{deviation, median, real};

/// Maximum number of episodes that are compared: the newest.
const MAX_EPISODES: usize = 2_000;

/// Fewest episodes that are compared.
const MIN_EPISODES: usize = 20;

/// Distance within which episodes are alike, in robust standard deviations.
const RADIUS: f64 = 1.5;

/// Fewest episodes, one itself among them, that are alike.
const MIN_ALIKE: usize = 4;

/// Number of an episode that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Steps,
    Tokens,
    Latency,
    /// Share of failed steps.
    Errors,
}

const FEATURES: [Feature; N_FEATURES] =
    [Feature::Steps, Feature::Tokens, Feature::Latency, Feature::Errors];

/// An episode that is unlike the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oddity<'a> {
    pub(crate) run: &'a Run,
    /// Feature in which it stands out most, its value and the median of all.
    pub(crate) feature: Feature,
    pub(crate) value: f64,
    pub(crate) usual: f64,
    /// Distance between the two in robust standard deviations.
    pub(crate) distance: f64,
}

/// Finds the episodes that belong to no cluster, the most distant first.
pub(crate) fn oddities<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<Oddity<'a>> {
    let mut runs: Vec<&Run> = runs.collect();
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.age_key()));
    runs.truncate(MAX_EPISODES);
    if runs.len() < MIN_EPISODES {
        return Vec::new();
    }
    let mut points: Vec<Point> = runs.iter().map(|run| features(run)).collect();
    let centres = scale(&mut points);
    let labels = clusters(&points, RADIUS, MIN_ALIKE);
    let alone = runs.iter().zip(&points).zip(labels).filter(|(_, label)| label.is_none());
    let mut odd: Vec<Oddity<'_>> = alone
        .filter_map(|((run, point), _)| {
            let named = FEATURES.iter().zip(point).zip(features(run)).zip(centres);
            let (((feature, distance), value), usual) =
                named.max_by(|a, b| a.0.0.1.abs().total_cmp(&b.0.0.1.abs()))?;
            let [value, usual] = [value, usual].map(|value| match feature {
                Feature::Errors => value,
                _ => value.exp_m1(),
            });
            Some(Oddity { run, feature: *feature, value, usual, distance: *distance })
        })
        .collect();
    odd.sort_by(|a, b| b.distance.abs().total_cmp(&a.distance.abs()));
    odd
}

/// Returns the features of a run before they are scaled; NaN for what is unknown.
#[expect(clippy::cast_precision_loss, reason = "durations and counts of tokens")]
fn features(run: &Run) -> Point {
    let log = |value: Option<u64>| value.map_or(f64::NAN, |value| (value as f64).ln_1p());
    let n_failed = real(run.moves.iter().filter(|step| !step.ok).count());
    let share = n_failed / real(run.moves.len().max(1));
    [log(u64::try_from(run.moves.len()).ok()), log(run.n_tokens), log(run.latency_ms), share]
}

/// Scales each feature to its median and robust deviation; what is unknown becomes 0, the median.
/// Returns the medians.
#[expect(clippy::indexing_slicing, reason = "a feature of a point of fixed size")]
fn scale(points: &mut [Point]) -> Point {
    let mut centres = [0.0; N_FEATURES];
    for feature in 0..N_FEATURES {
        let known = points.iter().map(|point| point[feature]).filter(|value| value.is_finite());
        let mut known: Vec<f64> = known.collect();
        let centre = median(&mut known).unwrap_or(0.0);
        centres[feature] = centre;
        // Where most are equal, the differences of the others are taken as they are.
        let spread = deviation(&known, centre).filter(|spread| *spread > 0.0).unwrap_or(1.0);
        for point in points.iter_mut() {
            let value = (point[feature] - centre) / spread;
            point[feature] = if value.is_finite() { value } else { 0.0 };
        }
    }
    centres
}
