use std::path::Path;
use std::sync::Arc;

use crate::intake::{Completion, NewEpisode, NewStep};
use crate::memory::{Memory, SearchIndex};
use crate::model::{EpisodeId, RecordId, Scope};
use crate::storage::MemStorage;

const TOOLS: [&str; 3] = ["make all", "pytest -q", "npm test"];
const ERRORS: [&str; 5] = [
    "make: no rule for the target",
    "connect ECONNREFUSED 10.0.0.7:3306",
    "connect ECONNREFUSED 10.0.0.7:5672",
    "ModuleNotFoundError: No module named 'attrs'",
    "No module named 'attrs'",
];
const REMEDIES: [&str; 3] = ["touch rules", "docker start db", "pip install attrs"];

fn run(command: &str, error: Option<&str>) -> NewStep {
    let args = serde_json::json!({ "command": command }).to_string();
    NewStep { tool: "bash".into(), args, error: error.map(Into::into), ..NewStep::default() }
}

fn scope(n: usize) -> Scope {
    Scope::new(["acme/shop", "acme/till"][n % 2]).unwrap()
}

/// Stores an episode: a call that fails, mostly with a remedy and the call again.
fn tell(memory: &Memory, n: usize) -> EpisodeId {
    let new = NewEpisode::new(scope(n / 3), format!("task {n}"));
    let id = memory.start(new).unwrap().value;
    let (tool, error) = (TOOLS[n % 3], ERRORS[(n * 7 / 2) % 5]);
    let mut steps = vec![run(tool, Some(error))];
    match n % 5 {
        0 => steps.push(run(tool, Some(error))),
        1 => steps.extend([run(REMEDIES[n % 3], None), run(tool, Some(ERRORS[n % 5]))]),
        _ => steps.extend([run(REMEDIES[(n / 2) % 3], None), run(tool, None)]),
    }
    memory.log(id, steps).unwrap();
    memory.finish(id, Completion::default()).unwrap();
    id
}

fn opened(storage: &Arc<MemStorage>, catalog: Option<&Path>) -> Memory {
    let storage = Arc::<MemStorage>::clone(storage);
    let catalog = catalog.map(Path::to_owned);
    let search = if catalog.is_none() { SearchIndex::Loaded } else { SearchIndex::Absent };
    Memory::builder(storage).search(search).catalog(catalog).open().unwrap()
}

/// Asserts that a process with the catalog answers as one that learned all, about calls of tools.
fn assert_same(storage: &Arc<MemStorage>, catalog: &Path, tools: &[&str]) {
    let (mut n_cures, mut n_warnings) = (0, 0);
    for n in 0..tools.len().min(2) {
        for (command, error) in tools.iter().flat_map(|t| ERRORS.iter().map(move |e| (t, e))) {
            let answer = |memory: &Memory| {
                let cure = memory.cure_for(&scope(n), run(command, Some(error))).unwrap();
                (cure, memory.warning_for(&scope(n), run(command, None)).unwrap())
            };
            // Each question in a process of its own, as in a hook.
            let (all, few) =
                (answer(&opened(storage, None)), answer(&opened(storage, Some(catalog))));
            assert_eq!(few, all, "{command}: {error}");
            n_cures += usize::from(all.0.is_some_and(|known| !known.cures.is_empty()));
            n_warnings += usize::from(all.1.is_some());
        }
    }
    assert!(n_cures > 2 * tools.len() && n_warnings > 0, "{n_cures} cures, {n_warnings} warnings");
}

#[test]
fn a_question_by_the_catalog_has_the_answer_of_all_that_was_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db.catalog");
    let storage = Arc::new(MemStorage::new());
    let memory = opened(&storage, None);
    let told: Vec<EpisodeId> = (0..70).map(|n| tell(&memory, n)).collect();
    assert_same(&storage, &path, &TOOLS);
    assert!(path.exists(), "so much is written");

    // A few more, and some that are forgotten, without another file.
    let written = std::fs::read(&path).unwrap();
    for n in 70..85 {
        tell(&memory, n);
    }
    let ids: Vec<RecordId> = told.iter().step_by(4).map(|id| RecordId::Episode(*id)).collect();
    memory.forget(&ids).unwrap();
    assert_same(&storage, &path, &TOOLS);
    assert_eq!(std::fs::read(&path).unwrap(), written);
}

#[test]
fn a_catalog_that_is_damaged_or_of_another_store_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db.catalog");
    let storage = Arc::new(MemStorage::new());
    let memory = opened(&storage, None);
    for n in 0..70 {
        tell(&memory, n);
    }
    let other = Arc::new(MemStorage::new());
    tell(&opened(&other, None), 1);
    let foreign = opened(&other, Some(&path));
    foreign.keep_catalog().unwrap();
    assert_same(&storage, &path, &TOOLS[..1]);
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 9, whole.len() / 2] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert_same(&storage, &path, &TOOLS[..1]);
    }
    let mut bent = whole.clone();
    bent[200] ^= 1;
    std::fs::write(&path, bent).unwrap();
    assert_same(&storage, &path, &TOOLS[..1]);
}
