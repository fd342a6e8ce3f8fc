//! Matching of patterns against runs, for the comparison of runs with and without a pattern.

use super::body::PatternBody;
use super::context::Facet;
use super::sequence::{has_contiguous, has_gapped};
use crate::learn::digest::Signature;
use crate::learn::table::{Learned, Move, NameId, Remedy, Run};

/// A pattern in the numbers of one table.
#[derive(Debug)]
pub(super) enum Matcher {
    /// Matches runs with the sequence.
    Sequence { moves: Vec<Move>, gapped: bool },
    /// Of the runs that came to the decision point, matches those that took the branch.
    Branch { after: Option<Move>, tool: Option<NameId> },
    /// Of the runs that tried anything against the error, matches those that tried this.
    Remedy { signature: Signature, tool: NameId, path: Vec<NameId>, kind: RemedyKind },
    /// Matches runs of the context.
    Context { facet: Facet, value: NameId },
}

/// Kind of a remedy, with what its tools do not say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RemedyKind {
    /// Retry at once with these arguments changed.
    Retry(Vec<Box<str>>),
    /// Retry after other tools.
    Via,
    /// Use of another tool.
    Instead,
}

impl Matcher {
    /// Returns whether a run has the pattern; `None` for a run that cannot have it.
    pub(super) fn matches(&self, run: &Run) -> Option<bool> {
        match self {
            Self::Sequence { moves, gapped: false } => Some(has_contiguous(&run.moves, moves)),
            Self::Sequence { moves, gapped: true } => Some(has_gapped(&run.moves, moves)),
            Self::Context { facet, value } => Some(facet.values(run).any(|other| other == *value)),
            Self::Branch { after, tool } => {
                let froms = std::iter::once(None).chain(run.moves.iter().copied().map(Some));
                let tos = run.moves.iter().map(|step| Some(step.tool)).chain([None]);
                let mut here = froms.zip(tos).filter(|(from, _)| from == after).peekable();
                here.peek()?;
                Some(here.any(|(_, next)| next == *tool))
            }
            Self::Remedy { signature, tool, path, kind } => {
                let errors = run.incidents.iter().filter(|incident| {
                    incident.signature == *signature && run.tool_at(incident.at) == *tool
                });
                let mut remedies =
                    errors.filter_map(|incident| Remedy::of(run, incident)).peekable();
                remedies.peek()?;
                let mut all = remedies.flat_map(Remedy::with_beginnings);
                Some(all.any(|remedy| is_remedy(&remedy, path, kind)))
            }
        }
    }
}

fn is_remedy(remedy: &Remedy<'_>, path: &[NameId], kind: &RemedyKind) -> bool {
    match (remedy, kind) {
        (Remedy::Retry(changed), RemedyKind::Retry(wanted)) => *changed == wanted.as_slice(),
        (Remedy::Via(own), RemedyKind::Via) | (Remedy::Instead(own), RemedyKind::Instead) => {
            own.tools().eq(path.iter().copied())
        }
        _ => false,
    }
}

impl Learned {
    /// Returns the matcher of a pattern; `None` where no run holds one of its names any more.
    pub(super) fn matcher(&self, body: &PatternBody) -> Option<Matcher> {
        let step =
            |(tool, ok): &(Box<str>, bool)| Some(Move { tool: self.name_id(tool)?, ok: *ok });
        Some(match body {
            PatternBody::Sequence { steps, gapped } => Matcher::Sequence {
                moves: steps.iter().map(step).collect::<Option<_>>()?,
                gapped: *gapped,
            },
            // The most frequent branch is compared with the others.
            PatternBody::Decision { after, branches, .. } => Matcher::Branch {
                after: match after {
                    Some(after) => Some(step(after)?),
                    None => None,
                },
                tool: match &branches.first()?.tool {
                    Some(tool) => Some(self.name_id(tool)?),
                    None => None,
                },
            },
            PatternBody::Recovery { tool, signature, cure } => {
                let path = cure.via.iter().chain(&cure.instead).map(|tool| self.name_id(tool));
                let kind = match &cure.instead {
                    None if cure.via.is_empty() => RemedyKind::Retry(cure.changed.clone()),
                    None => RemedyKind::Via,
                    Some(_) => RemedyKind::Instead,
                };
                let (signature, tool) = (*signature, self.name_id(tool)?);
                Matcher::Remedy { signature, tool, path: path.collect::<Option<_>>()?, kind }
            }
            PatternBody::Context(context) => {
                Matcher::Context { facet: context.facet, value: self.name_id(&context.value)? }
            }
        })
    }
}
