//! Targets of the runs of each scope, counted.

use rustc_hash::FxHashMap;

use super::interner::NameId;
use crate::learn::digest::TargetKind;

/// A target in the table: its kind and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TargetKey {
    pub(crate) kind: TargetKind,
    pub(crate) name: NameId,
}

/// A target of a scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeTarget<'a> {
    pub(crate) key: TargetKey,
    pub(crate) name: &'a str,
    /// Number of runs that changed it.
    pub(crate) n_changed: u32,
}

/// Numbers of runs that changed a target, and that only read it.
type Counts = [u32; 2];

/// For each scope its targets.
#[derive(Debug, Default)]
pub(super) struct ScopeTargets(FxHashMap<NameId, FxHashMap<TargetKey, Counts>>);

impl ScopeTargets {
    /// Adds the targets of a run.
    pub(super) fn add(&mut self, scope: NameId, targets: &[(TargetKey, bool)]) {
        if targets.is_empty() {
            return;
        }
        let counts = self.0.entry(scope).or_default();
        for (target, is_changed) in targets {
            let [changed, read] = counts.entry(*target).or_default();
            *if *is_changed { changed } else { read } += 1;
        }
    }

    /// Removes the targets of a run that was added.
    pub(super) fn remove(&mut self, scope: NameId, targets: &[(TargetKey, bool)]) {
        let Some(counts) = self.0.get_mut(&scope) else { return };
        for (target, is_changed) in targets {
            let Some([changed, read]) = counts.get_mut(target) else { continue };
            let count = if *is_changed { &mut *changed } else { &mut *read };
            *count = count.saturating_sub(1);
            if *changed == 0 && *read == 0 {
                counts.remove(target);
            }
        }
        if counts.is_empty() {
            self.0.remove(&scope);
        }
    }

    /// Returns the targets of a scope, or of all; one of several scopes is counted over them.
    pub(super) fn in_scope<'a>(
        &self,
        scope: Option<NameId>,
        name: impl Fn(NameId) -> &'a str,
    ) -> Vec<ScopeTarget<'a>> {
        let target = |(key, [n_changed, _]): (&TargetKey, &Counts)| ScopeTarget {
            key: *key,
            name: name(key.name),
            n_changed: *n_changed,
        };
        if let Some(scope) = scope {
            return self.0.get(&scope).into_iter().flatten().map(target).collect();
        }
        let mut all: FxHashMap<TargetKey, Counts> = FxHashMap::default();
        for (key, [changed, read]) in self.0.values().flatten() {
            let counts = all.entry(*key).or_default();
            *counts = [counts[0] + changed, counts[1] + read];
        }
        all.iter().map(target).collect()
    }

    /// Returns whether runs of another scope have a target too.
    pub(super) fn is_elsewhere(&self, scope: NameId, target: TargetKey) -> bool {
        self.0.iter().any(|(other, targets)| *other != scope && targets.contains_key(&target))
    }

    /// Returns the number of targets of all scopes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.values().map(FxHashMap::len).sum()
    }
}
