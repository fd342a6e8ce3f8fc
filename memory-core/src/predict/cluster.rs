//! Density-based clusters of episodes: what belongs to none is unlike all others.
//!
//! Source: M. Ester, H.-P. Kriegel, J. Sander, X. Xu, "A density-based algorithm for discovering
//! clusters in large spatial databases with noise", 1996.

/// Number of features of a point.
pub(crate) const N_FEATURES: usize = 4;

/// Features of a point.
pub(crate) type Point = [f64; N_FEATURES];

/// Returns for each point the number of its cluster, from 0 in the order of their first dense
/// points; `None` for a point in no cluster.
///
/// A point is dense that has `min_points` points, itself among them, within `radius`; clusters are
/// connected dense points with all that lie within the radius of one. A point between two clusters
/// belongs to the first of them.
#[expect(clippy::indexing_slicing, reason = "places are those of a sorted list of all points")]
pub(crate) fn clusters(points: &[Point], radius: f64, min_points: usize) -> Vec<Option<usize>> {
    // By the first feature, so that only points near in it are compared.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| points[*a][0].total_cmp(&points[*b][0]));
    let mut place = vec![0; points.len()];
    for (at, point) in order.iter().enumerate() {
        place[*point] = at;
    }
    let is_near = |a: usize, b: usize| {
        let square = |(x, y): (&f64, &f64)| (x - y) * (x - y);
        let distance: f64 = points[a].iter().zip(&points[b]).map(square).sum();
        distance <= radius * radius
    };
    let near = |point: usize| -> Vec<usize> {
        let within = |other: &&usize| (points[**other][0] - points[point][0]).abs() <= radius;
        let after = order[place[point]..].iter().take_while(within);
        let before = order[..place[point]].iter().rev().take_while(within);
        after.chain(before).copied().filter(|other| is_near(point, *other)).collect()
    };
    let neighbours: Vec<Vec<usize>> = (0..points.len()).map(near).collect();
    let is_dense = |point: usize| neighbours[point].len() >= min_points;
    let mut labels: Vec<Option<usize>> = vec![None; points.len()];
    let mut n_clusters = 0;
    for first in 0..points.len() {
        if labels[first].is_some() || !is_dense(first) {
            continue;
        }
        labels[first] = Some(n_clusters);
        let mut open = vec![first];
        while let Some(point) = open.pop() {
            if !is_dense(point) {
                continue;
            }
            for other in &neighbours[point] {
                if labels[*other].is_none() {
                    labels[*other] = Some(n_clusters);
                    open.push(*other);
                }
            }
        }
        n_clusters += 1;
    }
    labels
}
