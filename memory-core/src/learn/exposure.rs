//! Which runs have a pattern, for the comparison with those that do not.

use super::contexts::Facet;
#[cfg(test)]
use super::evidence::Trial;
#[cfg(test)]
use super::patterns::Pattern;
use super::patterns::What;
use super::remedy::Remedy;
use super::sequences::{occurs, occurs_gapped};
use super::{Learned, Move, NameNo, Run, Signature};

/// A pattern in the numbers of one table.
#[derive(Debug)]
pub(super) enum Probe {
    /// Runs have the sequence or not.
    Sequence { moves: Vec<Move>, gapped: bool },
    /// Of the runs that came here, some took the branch.
    Branch { after: Option<Move>, tool: Option<NameNo> },
    /// Of the runs that did something about the error, some did this.
    Remedy { signature: Signature, tool: NameNo, via: Vec<NameNo>, kind: Kind },
    /// Runs are of the context or not.
    Context { facet: Facet, value: NameNo },
}

/// What is done about an error, as far as its tools do not say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Retry(Vec<Box<str>>),
    Via,
    Instead,
}

impl Probe {
    /// Whether a run has it; `None` for a run that it has nothing to do with.
    pub(super) fn exposed(&self, run: &Run) -> Option<bool> {
        match self {
            Self::Sequence { moves, gapped: false } => Some(occurs(&run.moves, moves)),
            Self::Sequence { moves, gapped: true } => Some(occurs_gapped(&run.moves, moves)),
            Self::Context { facet, value } => Some(facet.values(run).any(|other| other == *value)),
            Self::Branch { after, tool } => {
                let froms = std::iter::once(None).chain(run.moves.iter().copied().map(Some));
                let tools = run.moves.iter().map(|step| Some(step.tool)).chain([None]);
                let mut here = froms.zip(tools).filter(|(from, _)| from == after).peekable();
                here.peek()?;
                Some(here.any(|(_, next)| next == *tool))
            }
            Self::Remedy { signature, tool, .. } => {
                let own = run.incidents.iter().filter(|incident| {
                    let failed = run.moves.get(incident.at as usize);
                    incident.signature == *signature
                        && failed.is_some_and(|step| step.tool == *tool)
                });
                let mut remedies = own.filter_map(|incident| Remedy::of(run, incident)).peekable();
                remedies.peek()?;
                Some(remedies.any(|done| done.with_beginnings().any(|remedy| self.is(&remedy))))
            }
        }
    }

    fn is(&self, remedy: &Remedy<'_>) -> bool {
        let Self::Remedy { via, kind, .. } = self else { return false };
        match (remedy, kind) {
            (Remedy::Retry(changed), Kind::Retry(wanted)) => *changed == wanted.as_slice(),
            (Remedy::Via(path), Kind::Via) | (Remedy::Instead(path), Kind::Instead) => {
                path.tools().eq(via.iter().copied())
            }
            _ => false,
        }
    }
}

impl Learned {
    /// The pattern in this table's numbers; `None` where a name is nobody's any more.
    pub(super) fn probe(&self, what: &What) -> Option<Probe> {
        let step =
            |(tool, ok): &(Box<str>, bool)| Some(Move { tool: self.name_no(tool)?, ok: *ok });
        Some(match what {
            What::Sequence { steps, gapped } => Probe::Sequence {
                moves: steps.iter().map(step).collect::<Option<_>>()?,
                gapped: *gapped,
            },
            What::Decision { after, branches, .. } => Probe::Branch {
                after: after.as_ref().map(|after| step(after).ok_or(())).transpose().ok()?,
                tool: match &branches.first()?.tool {
                    Some(tool) => Some(self.name_no(tool)?),
                    None => None,
                },
            },
            What::Recovery { tool, signature, cure } => {
                let last = cure.instead.iter();
                let via = cure.via.iter().chain(last).map(|tool| self.name_no(tool));
                let kind = match &cure.instead {
                    None if cure.via.is_empty() => Kind::Retry(cure.changed.clone()),
                    None => Kind::Via,
                    Some(_) => Kind::Instead,
                };
                let (signature, tool) = (*signature, self.name_no(tool)?);
                Probe::Remedy { signature, tool, via: via.collect::<Option<_>>()?, kind }
            }
            What::Context(context) => {
                Probe::Context { facet: context.facet, value: self.name_no(&context.value)? }
            }
        })
    }

    /// Runs of a scope with an outcome, each with whether it has the pattern, within the strata that it is
    /// compared in; of a decision point and of a recovery only the runs that came there.
    ///
    /// Of a decision point those count as exposed that took its most frequent branch.
    #[cfg(test)]
    pub(crate) fn strata(
        &self,
        pattern: &Pattern,
        scope: Option<&str>,
    ) -> impl Iterator<Item = Trial> {
        let probe = self.probe(&pattern.what);
        let runs = self.unordered(scope);
        runs.filter_map(move |run| run.trial(probe.as_ref()?.exposed(run)?))
    }
}
