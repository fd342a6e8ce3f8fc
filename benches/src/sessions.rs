//! Whole sessions as answers: rank of the conversation in which the answer was given.
//!
//! A session ranks by its best turn, so one that holds a right turn counts as found however the
//! turn itself ranks. This is how session-level figures of the `LoCoMo` set are made elsewhere.

use std::collections::{HashMap, HashSet};

use memory_core::{Error, Strength};

use crate::retrieval_set::RetrievalSet;
use crate::scores::{DEPTH, Ranked};
use crate::searcher::{Asked, Searcher};

/// Number of turns that are asked for, so that there are ten sessions among them.
const N_TURNS: usize = 200;

/// Session of each turn by its id, for sets of conversations with more than ten sessions each;
/// empty for others, where sessions are trivial to find.
fn sessions_of(set: &RetrievalSet) -> HashMap<&str, String> {
    let mut sessions = HashMap::new();
    let (mut names, mut scopes) = (HashSet::new(), HashSet::new());
    for document in set.documents.iter().filter(|document| document.speaker.is_some()) {
        let Some(session) = &document.session else { continue };
        let scope = document.scope.as_deref().unwrap_or_default();
        let name = format!("{scope} {session}");
        names.insert(name.clone());
        scopes.insert(scope);
        sessions.insert(document.id.as_str(), name);
    }
    if names.len() > DEPTH * scopes.len() { sessions } else { HashMap::new() }
}

/// Ranks sessions for each question; empty for sets without sessions.
pub(crate) fn ranked<'a>(
    searcher: &dyn Searcher,
    set: &'a RetrievalSet,
) -> Result<Vec<Ranked<'a>>, Error> {
    let sessions = sessions_of(set);
    let mut ranked = Vec::new();
    let questions = set.questions.iter().filter(|question| question.is_answerable());
    for question in questions.filter(|_| !sessions.is_empty()) {
        let scope = question.scope.as_deref();
        let (text, strength) = (question.text.as_str(), Strength::Any);
        let answer = searcher.search(&Asked { text, scope, limit: N_TURNS, strength })?;
        let distinct = |ids: &mut dyn Iterator<Item = &String>| {
            let mut seen = HashSet::new();
            let names = ids.filter_map(|id| sessions.get(id.as_str()));
            names.filter(|name| seen.insert(*name)).cloned().collect::<Vec<String>>()
        };
        let gold = distinct(&mut question.gold().iter());
        let kept = answer.hits.iter().map(|(id, _)| id).filter(|id| !question.exclude.contains(id));
        let ids = distinct(&mut { kept });
        let category = question.category.as_deref();
        ranked.push(Ranked { gold: gold.into(), ids, grades: None, category });
    }
    Ok(ranked)
}
