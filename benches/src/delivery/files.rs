//! Files that the right change touches, by the answer of `start_episode`, beside three baselines.
//!
//! Episodes of which the data says which files were changed count. A file is *seen* when an earlier
//! episode changed it, else *new*.

use std::collections::BTreeMap;

use serde_json::json;

use super::names::{is_named, paths};
use super::{Part, Session, Table, n_tokens};
use crate::episodes::Attempt;
use crate::table::{number, share};

/// Episodes that the third baseline asks for.
const N_SIMILAR: usize = 10;

/// Files that the second baseline names.
const N_FREQUENT: usize = 5;

/// Shares of files that were named, with what that took.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Changed files of the episodes before, by the ids that their answers gave.
    before: BTreeMap<String, Vec<String>>,
    /// Number of earlier episodes of each scope that changed a file.
    n_changed: BTreeMap<(String, String), usize>,
    counts: BTreeMap<&'static str, Count>,
}

/// Files of one way of naming them.
#[derive(Debug, Default)]
struct Count {
    n_answers: usize,
    /// Seen files: all, and those that were named; then the same of new files.
    seen: [usize; 2],
    new: [usize; 2],
    n_names: usize,
    n_tokens: usize,
}

impl Count {
    fn row(&self, name: &str) -> Vec<String> {
        let part = |[all, named]: [usize; 2]| share((all > 0).then(|| named as f64 / all as f64));
        let mean = |sum: usize| number(sum as f64 / self.n_answers.max(1) as f64);
        vec![
            name.to_owned(),
            self.seen[0].to_string(),
            part(self.seen),
            self.new[0].to_string(),
            part(self.new),
            mean(self.n_names),
            mean(self.n_tokens),
        ]
    }
}

impl Files {
    fn frequent(&self, scope: &str) -> Vec<&str> {
        let of_scope = self.n_changed.iter().filter(|((of, _), _)| of == scope);
        let mut files: Vec<(&str, usize)> =
            of_scope.map(|((_, file), n)| (file.as_str(), *n)).collect();
        files.sort_by_key(|(file, n)| (std::cmp::Reverse(*n), *file));
        files.into_iter().take(N_FREQUENT).map(|(file, _)| file).collect()
    }

    /// Returns the files that the most similar episodes changed.
    fn similar(&self, session: &Session, attempt: &Attempt, own: &str) -> Vec<&str> {
        let (task, scope) = (attempt.episode.task.as_str(), attempt.episode.scope.as_str());
        let answer = session.ask(
            "recall",
            &json!({"query": task, "scope": scope, "kinds": ["episode"], "strength": "any",
                "limit": N_SIMILAR + 1, "max_tokens": 20_000}),
        );
        // A hit begins with its number, its kind and its id.
        let ids = answer.lines().filter_map(|line| {
            let mut words = line.split(' ');
            words.next()?.strip_suffix('.')?.parse::<usize>().ok()?;
            words.find(|word| self.before.contains_key(*word) && *word != own)
        });
        let files = ids.take(N_SIMILAR).filter_map(|id| self.before.get(id)).flatten();
        let mut files: Vec<&str> = files.map(String::as_str).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

impl Part for Files {
    fn began(&mut self, session: &Session, attempt: &Attempt, id: &str, answer: &str) {
        if attempt.files_changed.is_empty() {
            return;
        }
        let (task, scope) = (attempt.episode.task.as_str(), attempt.episode.scope.as_str());
        let (frequent, similar) = (self.frequent(scope), self.similar(session, attempt, id));
        let names = |files: &[&str]| files.join("\n");
        let answers = [
            ("answer", answer.to_owned(), paths(answer).len()),
            ("issue's own text", task.to_owned(), paths(task).len()),
            ("five most frequent", names(&frequent), frequent.len()),
            ("ten most similar", names(&similar), similar.len()),
        ];
        for (name, text, n_names) in answers {
            let count = self.counts.entry(name).or_default();
            count.n_answers += 1;
            count.n_names += n_names;
            count.n_tokens += n_tokens(&text);
            for file in &attempt.files_changed {
                let key = (scope.to_owned(), file.clone());
                let counted = if self.n_changed.contains_key(&key) {
                    &mut count.seen
                } else {
                    &mut count.new
                };
                counted[0] += 1;
                counted[1] += usize::from(is_named(&text, file));
            }
        }
        self.before.insert(id.to_owned(), attempt.files_changed.clone());
    }

    fn ended(&mut self, attempt: &Attempt) {
        for file in &attempt.files_changed {
            let key = (attempt.episode.scope.as_str().to_owned(), file.clone());
            *self.n_changed.entry(key).or_default() += 1;
        }
    }

    fn table(&self) -> Option<Table> {
        let headings = vec!["by", "seen", "named", "new", "named", "names", "tokens"];
        let order = ["answer", "issue's own text", "five most frequent", "ten most similar"];
        let rows: Vec<Vec<String>> =
            order.iter().filter_map(|name| Some(self.counts.get(name)?.row(name))).collect();
        (!rows.is_empty()).then_some(Table { part: "files", headings, rows })
    }
}
