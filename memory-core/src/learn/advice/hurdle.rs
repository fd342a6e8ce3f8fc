//! Errors that attempts at a task keep meeting.

use super::playbook::{KnownError, Precedent};
use crate::learn::{Ending, NameNo, Signature};
use crate::model::EpisodeId;

/// Most errors that are given.
const MAX_HURDLES: usize = 3;

/// An error that several attempts met, or the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hurdle {
    /// The kind of error.
    pub(crate) signature: Signature,
    /// The tool that failed.
    pub(crate) tool: NameNo,
    /// Attempts that met it.
    pub(crate) n_with: u32,
    /// Attempts that were looked at.
    pub(crate) n_of: u32,
    /// Of those that met it the ones that got over it.
    pub(crate) n_resolved: u32,
    /// The nearest attempt that shows it, and the failed step.
    pub(crate) example: (EpisodeId, u32),
    /// The nearest attempt that got over it, and the step that succeeded.
    pub(crate) resolved_by: Option<(EpisodeId, u32)>,
}

/// The errors of attempts at a task, those that most of them met first, but for those whose cure is known.
///
/// An error that one of several attempts met is left out: it may be that attempt's own.
pub(crate) fn hurdles(nearest: &[Precedent<'_>], known: &[KnownError]) -> Vec<Hurdle> {
    let n_of = u32::try_from(nearest.len()).unwrap_or(u32::MAX);
    let mut found: Vec<Hurdle> = Vec::new();
    for precedent in nearest {
        let run = precedent.run;
        let mut met: Vec<Signature> = Vec::new();
        for incident in &run.incidents {
            let signature = incident.signature;
            if met.contains(&signature) || known.iter().any(|known| known.signature == signature) {
                continue;
            }
            met.push(signature);
            let mut same = run.incidents.iter().filter(|other| other.signature == signature);
            let resolved_by = same.find_map(|other| match other.ending {
                Ending::Resolved { at, .. } => Some((run.id, at)),
                _ => None,
            });
            let n_resolved = u32::from(resolved_by.is_some());
            if let Some(hurdle) = found.iter_mut().find(|hurdle| hurdle.signature == signature) {
                hurdle.n_with += 1;
                hurdle.n_resolved += n_resolved;
                hurdle.resolved_by = hurdle.resolved_by.or(resolved_by);
                continue;
            }
            let tool = run.moves.get(incident.at as usize).map_or(0, |step| step.tool);
            let example = (run.id, incident.at);
            found.push(Hurdle {
                signature,
                tool,
                n_with: 1,
                n_of,
                n_resolved,
                example,
                resolved_by,
            });
        }
    }
    found.retain(|hurdle| hurdle.n_with >= 2 || n_of == 1);
    found.sort_by_key(|hurdle| std::cmp::Reverse((hurdle.n_with, hurdle.n_resolved)));
    found.truncate(MAX_HURDLES);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::evidence::sample::run;
    use crate::learn::{Incident, Run};
    use crate::model::Outcome;

    fn with(id: u8, incidents: &[(u32, u64, Option<u32>)]) -> Run {
        let incidents = incidents.iter().map(|(at, signature, resolved)| Incident {
            at: *at,
            signature: Signature(*signature),
            ending: resolved
                .map_or(Ending::Open, |at| Ending::Resolved { at, changed: Vec::new() }),
        });
        let mut run = run(id, 1, Some(Outcome::Failure), &[-1, -2, 1, 2]);
        run.incidents = incidents.collect();
        run
    }

    fn found(runs: &[Run], known: &[KnownError]) -> Vec<Hurdle> {
        let precedents: Vec<_> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        hurdles(&precedents, known)
    }

    #[test]
    fn what_several_attempts_met_comes_first_and_what_one_of_many_met_is_left_out() {
        let runs = [
            with(1, &[(0, 7, None), (1, 8, None), (0, 7, None)]),
            with(2, &[(0, 7, Some(2))]),
            with(3, &[(1, 9, Some(3)), (0, 7, None)]),
        ];
        let found = found(&runs, &[]);
        assert_eq!(found.len(), 1);
        let Hurdle { tool, n_with, n_of, n_resolved, example, resolved_by, .. } = &found[0];
        assert_eq!((*tool, *n_with, *n_of, *n_resolved), (1, 3, 3, 1));
        assert_eq!((*example, *resolved_by), ((runs[0].id, 0), Some((runs[1].id, 2))));
    }

    #[test]
    fn the_only_attempt_s_errors_count_unless_their_cure_is_known() {
        let runs = [with(1, &[(0, 7, None), (1, 8, Some(3))])];
        assert_eq!(found(&runs, &[]).iter().map(|h| h.signature.0).collect::<Vec<_>>(), [8, 7]);
        let known = KnownError {
            signature: Signature(8),
            tool: 2,
            cure: String::new(),
            n_tried: 1,
            n_resolved: 1,
            met: (runs[0].id, 1),
            example: Some((runs[0].id, 3)),
        };
        assert_eq!(found(&runs, &[known]).iter().map(|h| h.signature.0).collect::<Vec<_>>(), [7]);
    }
}
