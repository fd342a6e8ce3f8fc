//! Workplaces: the files and other targets where work like a task was done before.
//!
//! Four things speak for a target, from strongest to weakest: the task names it; episodes like the
//! task changed it, by how like they are and how they ended; its name is made of words of the task;
//! it is often changed in the scope. Figures in `plans/0020`.

use rustc_hash::{FxHashMap, FxHashSet};

use super::precedent::SimilarEpisode;
use crate::learn::digest::{TargetKind, is_test, name_words};
use crate::learn::table::{Learned, NameId, Run, ScopeTarget, TargetKey, TaskKey};
use crate::model::Scope;
use crate::stats::real;

/// Most targets that are given.
const MAX_PLACES: usize = 12;

/// Share of the best score below which a target says nothing any more.
const MIN_SHARE: f64 = 0.04;

/// Weight of an attempt that did not succeed, beside 1 for a success: where it worked was mostly
/// right, what it did there was not.
const UNSUCCESSFUL: f64 = 0.5;

/// Weight of a target that was only read, beside 1 for one that was changed.
const READ: f64 = 0.1;

/// Weight of a test, beside 1: it goes with the place that it tests.
const TEST: f64 = 0.5;

/// Weight of a change by an episode that is not like the task at all.
const PRIOR: f64 = 0.02;

/// Attempts at the task itself that must have an id or a term in common, and share of the nearest
/// runs otherwise: most are of one attempt, or of one task.
const MIN_COMMON: u32 = 2;
const MIN_COMMON_SHARE: f64 = 0.33;

/// Endings of files that are made on the way.
const LEFTOVERS: [&str; 6] = [".patch", ".diff", ".orig", ".rej", ".bak", ".tmp"];

/// A target where work was done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workplace {
    pub(crate) kind: TargetKind,
    pub(crate) name: Box<str>,
    /// Number of similar attempts that changed it, and of those that only read it.
    pub(crate) n_changed: u32,
    pub(crate) n_read: u32,
}

/// Score of a target, with its counts among the similar attempts.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    score: f64,
    n_changed: u32,
    n_read: u32,
    /// Number of attempts at the task itself among both.
    n_own: u32,
}

impl Learned {
    /// Ranks the targets of a scope, or of all, for a task; `near` are the episodes most like it,
    /// best first, each with its similarity as a share of the best one's.
    ///
    /// Costs time linear in the targets of the scope.
    pub(crate) fn workplaces(
        &self,
        task: &str,
        scope: Option<&Scope>,
        near: &[SimilarEpisode],
    ) -> Vec<Workplace> {
        let key = TaskKey::of(task);
        let mut tallies: FxHashMap<TargetKey, Tally> = FxHashMap::default();
        let near = self.near_runs(task, scope, near);
        for (run, similarity) in &near {
            let outcome = if run.succeeded() { 1.0 } else { UNSUCCESSFUL };
            let weight = similarity * similarity * outcome;
            let is_own = run.task == key;
            for (target, is_changed) in &run.targets {
                let tally = tallies.entry(*target).or_default();
                tally.n_own += u32::from(is_own);
                tally.score += weight * if *is_changed { 1.0 } else { READ };
                tally.n_changed += u32::from(*is_changed);
                tally.n_read += u32::from(!*is_changed);
            }
        }
        let mut targets = self.targets_in(scope.map(Scope::as_str));
        let actions = self.actions(scope);
        // What other projects name too is a word of the tool.
        let is_elsewhere = |target: &ScopeTarget<'_>| {
            scope.is_some_and(|scope| self.is_target_elsewhere(scope.as_str(), target.key))
        };
        let is_of_tool = |target: &ScopeTarget<'_>| {
            target.key.kind == TargetKind::Term
                && (actions.contains(target.name) || is_elsewhere(target))
        };
        targets.retain(|target| !is_of_tool(target));
        let targets = named_once(targets);
        let wording = Wording::of(task, &targets);
        for ScopeTarget { key, name, n_changed, .. } in &targets {
            let by_words = wording.score(key.kind, name);
            let tally = tallies.entry(*key).or_default();
            tally.score += by_words + PRIOR * f64::from(*n_changed);
            if is_test(name) {
                tally.score *= TEST;
            }
        }
        best(&targets, &tallies, near.len())
    }

    /// Returns the actions of the tools of a scope: where they are named by an argument they are no
    /// place.
    fn actions(&self, scope: Option<&Scope>) -> FxHashSet<&str> {
        let runs = self.runs_with_tools(scope.map(Scope::as_str));
        let tools: FxHashSet<NameId> = runs.flat_map(|(_, tools)| tools).copied().collect();
        let action = |tool: NameId| Some(self.name(tool).split_once(':')?.1);
        tools.into_iter().filter_map(action).collect()
    }

    /// Returns the runs of the most similar episodes, and of attempts at the task itself.
    fn near_runs(
        &self,
        task: &str,
        scope: Option<&Scope>,
        near: &[SimilarEpisode],
    ) -> Vec<(&Run, f64)> {
        let key = TaskKey::of(task);
        let same = scope.map(|scope| self.runs_of_task(scope.as_str(), key)).unwrap_or_default();
        let others = near.iter().filter_map(|SimilarEpisode { id, similarity }| {
            let run = self.run(*id)?;
            let is_same = same.iter().any(|same| same.id == run.id);
            (!is_same).then_some((run, similarity.clamp(0.0, 1.0)))
        });
        let mut runs: Vec<(&Run, f64)> = others.collect();
        runs.extend(same.iter().map(|run| (*run, 1.0)));
        runs
    }
}

/// Returns the targets without those that are a name of another one in fewer words, `a.py` beside
/// `x/a.py` or a table without its schema, and without leftovers of work.
fn named_once(mut targets: Vec<ScopeTarget<'_>>) -> Vec<ScopeTarget<'_>> {
    let sign = |kind: TargetKind| match kind {
        TargetKind::File => Some('/'),
        TargetKind::Table => Some('.'),
        TargetKind::Address | TargetKind::Id | TargetKind::Term => None,
    };
    let last = |target: &ScopeTarget<'_>| {
        let sign = sign(target.key.kind)?;
        Some((target.key.kind, target.name.rsplit_once(sign)?.1.to_owned()))
    };
    let within: FxHashSet<(TargetKind, String)> = targets.iter().filter_map(last).collect();
    targets.retain(|target| {
        let is_leftover = target.key.kind == TargetKind::File
            && LEFTOVERS.iter().any(|ending| target.name.ends_with(ending));
        !is_leftover && !within.contains(&(target.key.kind, target.name.to_owned()))
    });
    targets
}

/// Returns the best targets, best first, for a task with as many runs near it.
fn best(
    targets: &[ScopeTarget<'_>],
    tallies: &FxHashMap<TargetKey, Tally>,
    n_near: usize,
) -> Vec<Workplace> {
    let mut ranked: Vec<(f64, &ScopeTarget<'_>, Tally)> = targets
        .iter()
        .filter_map(|target| {
            let tally = *tallies.get(&target.key)?;
            let n_common = tally.n_changed + tally.n_read;
            let is_common = tally.n_own >= MIN_COMMON
                || n_common > MIN_COMMON && f64::from(n_common) >= MIN_COMMON_SHARE * real(n_near);
            let is_vague = matches!(target.key.kind, TargetKind::Id | TargetKind::Term);
            (is_common || !is_vague).then_some((tally.score, target, tally))
        })
        .collect();
    // Equal scores are told apart by names, not by the order in which episodes came.
    ranked.sort_by(|(a, left, _), (b, right, _)| {
        b.total_cmp(a).then_with(|| left.name.cmp(right.name))
    });
    let best = ranked.first().map_or(0.0, |(score, ..)| *score);
    let is_worth = |(score, ..): &&(f64, &ScopeTarget<'_>, Tally)| *score >= best * MIN_SHARE;
    let place = |(_, target, tally): &(f64, &ScopeTarget<'_>, Tally)| Workplace {
        kind: target.key.kind,
        name: target.name.into(),
        n_changed: tally.n_changed,
        n_read: tally.n_read,
    };
    ranked.iter().take_while(is_worth).take(MAX_PLACES).map(place).collect()
}

/// Words of a task against the names of targets.
struct Wording {
    words: FxHashSet<String>,
    /// Names that the task mentions, with all their endings and beginnings.
    mentioned: FxHashSet<String>,
    /// Number of targets whose names have a word.
    n_with: FxHashMap<String, u32>,
    n_targets: f64,
}

impl Wording {
    fn of(task: &str, targets: &[ScopeTarget<'_>]) -> Self {
        let words = folded(task).collect();
        let mut n_with: FxHashMap<String, u32> = FxHashMap::default();
        for target in targets {
            let own: FxHashSet<String> = folded(stem(target.name)).collect();
            for word in own {
                *n_with.entry(word).or_default() += 1;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of names")]
        let n_targets = targets.len() as f64;
        Self { words, mentioned: mentioned(task), n_with, n_targets }
    }

    /// Scores a name: 1 where the task mentions it, and up to 1 for the information that its words
    /// and those of the task have in common.
    fn score(&self, kind: TargetKind, name: &str) -> f64 {
        let is_mentioned = self.mentioned.contains(name)
            || (kind == TargetKind::File && self.mentioned.contains(stem(name)));
        let own: FxHashSet<String> = folded(stem(name)).collect();
        let (mut all, mut common) = (0.0, 0.0);
        for word in &own {
            let n_with = self.n_with.get(word).map_or(1.0, |n| f64::from(*n));
            let information = (1.0 + self.n_targets / n_with).ln();
            all += information;
            if self.words.contains(word) {
                common += information;
            }
        }
        let share: f64 = if all > 0.0 { common / all } else { 0.0 };
        share * share + f64::from(u8::from(is_mentioned))
    }
}

/// Returns a name without the ending of a file.
fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') && !stem.is_empty() => stem,
        _ => name,
    }
}

/// Returns the words of a text, without case and plural.
fn folded(text: &str) -> impl Iterator<Item = String> {
    name_words(text).filter(|word| word.len() > 1).map(|word| {
        let mut word = word.to_lowercase();
        if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
            word.pop();
        }
        word
    })
}

/// Returns what a task may mean by a name: words with dots or slashes in them, dots as slashes too,
/// each with its endings and beginnings, since a trace names a file from another folder, and an
/// import goes on to what is in the file.
fn mentioned(task: &str) -> FxHashSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let mut all = FxHashSet::default();
    for word in task.split(|c: char| !is_part(c)) {
        let word = word.trim_matches(['.', '/', '-']);
        if word.is_empty() || word.len() > MAX_NAME_BYTES {
            continue;
        }
        all.insert(word.to_owned());
        for (at, _) in word.match_indices('/') {
            all.extend(word.get(at + 1..).map(ToOwned::to_owned));
        }
        let dotted = word.replace('.', "/");
        for (at, _) in dotted.match_indices('/').skip(1) {
            all.extend(dotted.get(..at).map(ToOwned::to_owned));
        }
        all.insert(dotted);
    }
    all
}

/// Longest word of a task that may be a name, in bytes.
const MAX_NAME_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::{Digest, Synopsis, Target};
    use crate::learn::sample::episode;
    use crate::model::{EpisodeId, Outcome};

    /// Returns a table of episodes, each with the files that it changed and then those it read.
    fn learned(runs: &[(Outcome, &[&str], &[&str])]) -> Learned {
        let mut learned = Learned::default();
        for ((outcome, changed, read), n) in runs.iter().zip(1..) {
            let target = |name: &&str, is_changed| Target {
                kind: TargetKind::File,
                name: (*name).into(),
                is_changed,
            };
            let changed = changed.iter().map(|name| target(name, true));
            let read = read.iter().map(|name| target(name, false));
            let synopsis =
                Synopsis { targets: changed.chain(read).collect(), ..Synopsis::default() };
            let digest = Digest { synopsis, ..Digest::default() };
            learned.put(&episode(n, "p", &format!("task {n}"), Some(*outcome)), &digest);
        }
        learned
    }

    fn names(learned: &Learned, task: &str, near: &[(u8, f64)]) -> Vec<String> {
        let near: Vec<SimilarEpisode> = near
            .iter()
            .map(|(n, similarity)| SimilarEpisode {
                id: EpisodeId::from_bytes([*n; 16]),
                similarity: *similarity,
            })
            .collect();
        let scope = Scope::new("p").unwrap();
        let places = learned.workplaces(task, Some(&scope), &near);
        places.into_iter().map(|place| place.name.into()).collect()
    }

    const OK: Outcome = Outcome::Success;

    #[test]
    fn what_more_similar_and_more_successful_episodes_changed_comes_first() {
        let table = learned(&[
            (OK, &["a.py"], &["r.py"]),
            (OK, &["b.py"], &[]),
            (Outcome::Failure, &["c.py"], &[]),
        ]);
        let ranked = names(&table, "x", &[(1, 1.0), (2, 0.8), (3, 1.0)]);
        assert_eq!(ranked, ["a.py", "b.py", "c.py", "r.py"]);
    }

    #[test]
    fn a_file_that_the_task_names_comes_first_however_it_names_it() {
        let table = learned(&[(OK, &["shop/cart.py"], &["shop/tax/rate.py"])]);
        for task in [
            "wrong in shop/tax/rate.py",
            "File \"/srv/app/shop/tax/rate.py\", line 3",
            "shop.tax.rate.Rate.of is wrong",
        ] {
            assert_eq!(names(&table, task, &[(1, 0.9)])[0], "shop/tax/rate.py", "{task}");
        }
        assert_eq!(names(&table, "the carts are wrong", &[])[0], "shop/cart.py");
    }

    #[test]
    fn a_test_goes_behind_what_it_tests() {
        let table = learned(&[(OK, &["tests/test_cart.py", "shop/cart.py"], &[])]);
        assert_eq!(names(&table, "x", &[(1, 1.0)]), ["shop/cart.py", "tests/test_cart.py"]);
    }

    #[test]
    fn the_action_of_a_tool_is_no_place() {
        let mut learned = Learned::default();
        for n in 1..4 {
            let term =
                |name: &str| Target { kind: TargetKind::Term, name: name.into(), is_changed: true };
            let targets = vec![term("get_content"), term("Skills")];
            let digest = Digest {
                tools: vec!["run:get_content".into()],
                moves: vec![(0, true)],
                calls: vec![crate::learn::CallKey::NONE],
                synopsis: Synopsis { targets, ..Synopsis::default() },
                ..Digest::default()
            };
            learned.put(&episode(n, "p", &format!("task {n}"), Some(OK)), &digest);
        }
        assert_eq!(names(&learned, "x", &[(1, 1.0), (2, 1.0), (3, 1.0)]), ["Skills"]);
    }

    #[test]
    fn a_word_that_other_projects_use_too_is_no_place() {
        let mut learned = Learned::default();
        for n in 1..5 {
            let term =
                |name: &str| Target { kind: TargetKind::Term, name: name.into(), is_changed: true };
            let targets = vec![term("PAGES"), term("Skills")];
            let targets = targets.into_iter().take(if n == 4 { 1 } else { 2 }).collect();
            let synopsis = Synopsis { targets, ..Synopsis::default() };
            let digest = Digest { synopsis, ..Digest::default() };
            let scope = if n == 4 { "q" } else { "p" };
            learned.put(&episode(n, scope, &format!("task {n}"), Some(OK)), &digest);
        }
        assert_eq!(names(&learned, "x", &[(1, 1.0), (2, 1.0), (3, 1.0)]), ["Skills"]);
    }

    #[test]
    fn a_place_is_named_once_by_its_longer_name_and_leftovers_are_none() {
        let table = learned(&[
            (OK, &["shop/cart.py", "cart.py", "shop/cart.py.orig"], &[]),
            (OK, &["cart.py"], &["fix.patch"]),
        ]);
        assert_eq!(names(&table, "x", &[(1, 1.0), (2, 1.0)]), ["shop/cart.py"]);
    }

    #[test]
    fn an_id_of_other_tasks_is_no_place_unless_most_have_it() {
        let mut learned = Learned::default();
        for n in 1..7 {
            let id =
                |name: String| Target { kind: TargetKind::Id, name: name.into(), is_changed: true };
            let order = if n < 3 { 0 } else { n };
            let targets = vec![id(format!("order {order}")), id("base main".to_owned())];
            let synopsis = Synopsis { targets, ..Synopsis::default() };
            let digest = Digest { synopsis, ..Digest::default() };
            let task = if n < 3 { "t".to_owned() } else { format!("task {n}") };
            learned.put(&episode(n, "p", &task, Some(OK)), &digest);
        }
        let near: Vec<(u8, f64)> = (1..7).map(|n| (n, 1.0)).collect();
        assert_eq!(names(&learned, "u", &near), ["base main"]);
        assert_eq!(names(&learned, "t", &near), ["base main", "order 0"]);
    }

    #[test]
    fn without_episodes_there_is_no_place() {
        assert!(names(&Learned::default(), "shop/cart.py", &[]).is_empty());
    }
}
