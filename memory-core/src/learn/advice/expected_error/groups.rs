//! Kinds of errors: an error told in more or fewer words is the same one, and has one line.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::learn::digest::{Likeness, Signature, Sketch};
use crate::learn::table::{Learned, NameId, Run};

/// Most signatures that are looked at: those that most runs met, those of the task first.
const MAX_SIGNATURES: usize = 128;

/// Kinds of errors, numbered by how many runs met the signature that names the kind, those of the
/// task first.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_signature: FxHashMap<Signature, usize>,
    /// Number of the tool of each kind.
    tools: Vec<usize>,
}

impl Groups {
    /// Groups the errors of runs, those of possible tools.
    pub(super) fn of(
        learned: &Learned,
        rows: &[(&Run, &[NameId])],
        is_of_task: &dyn Fn(&Run) -> bool,
        bases: &mut ToolBases,
        is_possible: &dyn Fn(usize) -> bool,
    ) -> Self {
        let mut counts: FxHashMap<Signature, (bool, u32, NameId)> = FxHashMap::default();
        for (run, _) in rows {
            let mut met: Vec<(Signature, NameId)> = run
                .incidents
                .iter()
                .map(|incident| (incident.signature, run.tool_at(incident.at)))
                .collect();
            met.sort_unstable_by_key(|(signature, _)| *signature);
            met.dedup_by_key(|(signature, _)| *signature);
            let is_of_task = is_of_task(run);
            for (signature, tool) in met {
                let count = counts.entry(signature).or_insert((false, 0, tool));
                count.0 |= is_of_task;
                count.1 += 1;
            }
        }
        let mut ranked: Vec<(Signature, (bool, u32, NameId))> = counts.into_iter().collect();
        ranked.sort_unstable_by_key(|(signature, (is_of_task, n, _))| {
            (Reverse((*is_of_task, *n)), *signature)
        });
        let mut groups = Self::default();
        let mut leaders: Vec<(usize, Sketch)> = Vec::new();
        for (signature, (_, _, tool)) in ranked.into_iter().take(MAX_SIGNATURES) {
            let base = bases.of(learned, tool);
            if !is_possible(base) {
                continue;
            }
            let sketch = learned.sketch(signature);
            if sketch.is_silent() {
                continue;
            }
            let known = leaders.iter().position(|(tool, leader)| {
                *tool == base && leader.likeness(&sketch) == Some(Likeness::Same)
            });
            let kind = known.unwrap_or_else(|| {
                leaders.push((base, sketch));
                groups.tools.push(base);
                leaders.len() - 1
            });
            groups.by_signature.insert(signature, kind);
        }
        groups
    }

    /// Returns the number of kinds.
    pub(super) fn len(&self) -> usize {
        self.tools.len()
    }

    /// Returns the kind of an error; `None` for one that is not looked at.
    pub(super) fn kind(&self, signature: Signature) -> Option<usize> {
        self.by_signature.get(&signature).copied()
    }

    /// Returns the tool of a kind.
    pub(super) fn tool(&self, kind: usize) -> usize {
        self.tools.get(kind).copied().unwrap_or(usize::MAX)
    }
}

/// Numbers of tools without their actions, in the order in which they are asked for: whoever has
/// `bash` may run any program.
#[derive(Debug, Default)]
pub(super) struct ToolBases {
    by_tool: FxHashMap<NameId, usize>,
    by_name: FxHashMap<Box<str>, usize>,
}

impl ToolBases {
    /// Returns the number of a tool without its action.
    pub(super) fn of(&mut self, learned: &Learned, tool: NameId) -> usize {
        if let Some(base) = self.by_tool.get(&tool) {
            return *base;
        }
        let name = learned.name(tool);
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let next = self.by_name.len();
        let base = *self.by_name.entry(name.into()).or_insert(next);
        self.by_tool.insert(tool, base);
        base
    }

    /// Returns the number of tools.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }
}
