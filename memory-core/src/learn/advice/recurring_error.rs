//! Errors that attempts at a task keep meeting.

use super::cured_error::CuredError;
use super::precedent::Precedent;
use crate::learn::digest::{Ending, Signature};
use crate::learn::quote::StepRef;
use crate::learn::table::NameId;

/// Maximum number of errors that are given.
const MAX_ERRORS: usize = 3;

/// An error that several attempts met, or the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecurringError {
    /// Signature of the error.
    pub(crate) signature: Signature,
    /// Tool that failed.
    pub(crate) tool: NameId,
    /// Number of attempts that met it.
    pub(crate) n_with: u32,
    /// Number of attempts that were examined.
    pub(crate) n_of: u32,
    /// Number of attempts that met and resolved it.
    pub(crate) n_resolved: u32,
    /// Failed step of the nearest attempt that met it.
    pub(crate) example: StepRef,
    /// Step that succeeded in the nearest attempt that resolved it.
    pub(crate) resolved_by: Option<StepRef>,
}

/// Finds the errors of attempts at a task, those that most of them met first, without those whose
/// cure is known.
///
/// An error that only one of several attempts met is left out: it may be specific to that attempt.
pub(crate) fn recurring_errors(
    nearest: &[Precedent<'_>],
    cured: &[CuredError],
) -> Vec<RecurringError> {
    let n_of = u32::try_from(nearest.len()).unwrap_or(u32::MAX);
    let mut found: Vec<RecurringError> = Vec::new();
    for run in nearest.iter().map(|precedent| precedent.run) {
        let mut seen: Vec<Signature> = Vec::new();
        for incident in &run.incidents {
            let signature = incident.signature;
            if seen.contains(&signature) || cured.iter().any(|error| error.signature == signature) {
                continue;
            }
            seen.push(signature);
            let mut same = run.incidents.iter().filter(|other| other.signature == signature);
            let resolved_by = same.find_map(|other| match other.ending {
                Ending::Resolved { at, .. } => Some(StepRef { episode: run.id, idx: at }),
                _ => None,
            });
            let n_resolved = u32::from(resolved_by.is_some());
            if let Some(error) = found.iter_mut().find(|error| error.signature == signature) {
                error.n_with += 1;
                error.n_resolved += n_resolved;
                error.resolved_by = error.resolved_by.or(resolved_by);
                continue;
            }
            found.push(RecurringError {
                signature,
                tool: run.tool_at(incident.at),
                n_with: 1,
                n_of,
                n_resolved,
                example: StepRef { episode: run.id, idx: incident.at },
                resolved_by,
            });
        }
    }
    found.retain(|error| error.n_with >= 2 || n_of == 1);
    found.sort_by_key(|error| std::cmp::Reverse((error.n_with, error.n_resolved)));
    found.truncate(MAX_ERRORS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Incident;
    use crate::learn::sample::run;
    use crate::learn::table::Run;
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

    fn found(runs: &[Run], cured: &[CuredError]) -> Vec<RecurringError> {
        let precedents: Vec<_> =
            runs.iter().map(|run| Precedent { run, similarity: 1.0 }).collect();
        recurring_errors(&precedents, cured)
    }

    #[test]
    fn errors_of_several_attempts_come_first_and_those_of_one_of_many_are_left_out() {
        let runs = [
            with(1, &[(0, 7, None), (1, 8, None), (0, 7, None)]),
            with(2, &[(0, 7, Some(2))]),
            with(3, &[(1, 9, Some(3)), (0, 7, None)]),
        ];
        let found = found(&runs, &[]);
        assert_eq!(found.len(), 1);
        let RecurringError { tool, n_with, n_of, n_resolved, example, resolved_by, .. } = &found[0];
        assert_eq!((*tool, *n_with, *n_of, *n_resolved), (1, 3, 3, 1));
        let step = |run: &Run, idx| StepRef { episode: run.id, idx };
        assert_eq!((*example, *resolved_by), (step(&runs[0], 0), Some(step(&runs[1], 2))));
    }

    #[test]
    fn errors_of_the_only_attempt_count_unless_their_cure_is_known() {
        let runs = [with(1, &[(0, 7, None), (1, 8, Some(3))])];
        assert_eq!(found(&runs, &[]).iter().map(|e| e.signature.0).collect::<Vec<_>>(), [8, 7]);
        let step = |idx| StepRef { episode: runs[0].id, idx };
        let cured = CuredError {
            signature: Signature(8),
            tool: 2,
            cure: String::new(),
            n_tried: 1,
            n_resolved: 1,
            met: step(1),
            example: Some(step(3)),
        };
        assert_eq!(found(&runs, &[cured]).iter().map(|e| e.signature.0).collect::<Vec<_>>(), [7]);
    }
}
