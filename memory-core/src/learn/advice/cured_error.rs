//! Errors that earlier attempts met and whose cure is known.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::precedent::Precedent;
use crate::learn::digest::Signature;
use crate::learn::pattern::CureExample;
use crate::learn::quote::StepRef;
use crate::learn::table::{Learned, NameId};

/// Maximum number of errors that are given.
const MAX_ERRORS: usize = 3;

/// Success rate below which a cure is no advice, though better than a retry.
const MIN_CURE_RATE: f64 = 0.3;

/// An error that may come, and what cured it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CuredError {
    /// Signature of the error.
    pub(crate) signature: Signature,
    /// Tool that it comes from.
    pub(crate) tool: NameId,
    /// Its best cure as an instruction.
    pub(crate) cure: String,
    /// Number of times that the cure was tried.
    pub(crate) n_tried: u32,
    /// Number of times that it worked.
    pub(crate) n_resolved: u32,
    /// Failed step of the nearest attempt that met the error.
    pub(crate) met: StepRef,
    /// Step that shows the cure, from the same scope: calls of other projects say little.
    pub(crate) example: Option<StepRef>,
}

impl Learned {
    /// Finds the errors that precedents met most often and that have a cure, each cure once.
    pub(crate) fn cured_errors(&self, precedents: &[Precedent<'_>]) -> Vec<CuredError> {
        let mut met: BTreeMap<(Signature, NameId), (u32, StepRef)> = BTreeMap::new();
        for Precedent { run, .. } in precedents {
            for incident in &run.incidents {
                let key = (incident.signature, run.tool_at(incident.at));
                // The first occurrence is in the nearest run.
                let step = StepRef { episode: run.id, idx: incident.at };
                met.entry(key).or_insert((0, step)).0 += 1;
            }
        }
        let mut met: Vec<_> = met.into_iter().collect();
        met.sort_by_key(|(key, (n, _))| (Reverse(*n), *key));
        let scope = precedents.first().map(|precedent| precedent.run.scope);
        let mut found: Vec<CuredError> = Vec::new();
        for ((signature, tool), (_, met)) in met {
            let known =
                self.known_error(&self.met_error(signature, self.name(tool)), met.idx, None, 1);
            let cures = known.into_iter().flat_map(|known| known.cures);
            let Some(cure) = cures
                .into_iter()
                .find(|cure| cure.is_confirmed && cure.success.mean >= MIN_CURE_RATE)
            else {
                continue;
            };
            if found.iter().any(|other| other.tool == tool && other.cure == cure.text) {
                continue;
            }
            let mut examples = cure.examples.iter();
            let own =
                examples.find(|example| self.run(example.episode).map(|run| run.scope) == scope);
            found.push(CuredError {
                signature,
                tool,
                n_tried: cure.n_tried,
                n_resolved: cure.n_resolved,
                met,
                example: own.map(CureExample::resolving_step),
                cure: cure.text,
            });
            if found.len() == MAX_ERRORS {
                break;
            }
        }
        found
    }
}
