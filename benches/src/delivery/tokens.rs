//! Sizes of the answers.

use serde_json::json;

use super::{Part, Session, Table, n_tokens};
use crate::episodes::Attempt;

/// Tools whose answers are measured.
const TOOLS: [&str; 4] = ["start_episode", "recommend", "recall", "log_steps"];

/// Tokens of the answers of each tool.
#[derive(Debug, Default)]
pub(super) struct Tokens([Vec<usize>; TOOLS.len()]);

impl Part for Tokens {
    fn began(&mut self, session: &Session, attempt: &Attempt, id: &str, answer: &str) {
        let [starts, advice, recalls, _] = &mut self.0;
        let (task, scope) = (attempt.episode.task.as_str(), attempt.episode.scope.as_str());
        starts.push(n_tokens(answer));
        advice.push(n_tokens(&session.ask("recommend", &json!({"episode_id": id}))));
        let asked = json!({"query": task, "scope": scope});
        recalls.push(n_tokens(&session.ask("recall", &asked)));
    }

    fn logged(&mut self, _: &Attempt, _: usize, answer: &str) {
        let [.., logs] = &mut self.0;
        logs.push(n_tokens(answer));
    }

    fn table(&self) -> Option<Table> {
        let row = |(tool, sizes): (&&str, &Vec<usize>)| {
            let mut sizes = sizes.clone();
            sizes.sort_unstable();
            let at = |percent: usize| {
                let rank = (sizes.len() * percent).div_ceil(100).max(1);
                sizes.get(rank - 1).map_or_else(|| "-".to_owned(), ToString::to_string)
            };
            vec![(*tool).to_owned(), sizes.len().to_string(), at(50), at(95), at(100)]
        };
        let rows = TOOLS.iter().zip(&self.0).map(row).collect();
        let headings = vec!["answer", "n", "median", "95th", "largest"];
        Some(Table { part: "tokens", headings, rows })
    }
}
