//! Delivery: what the answers of the server, as a model reads them, hold of what then helped.
//!
//! The episodes of a set are replayed against the server over real pipes, step by step, as an agent
//! does it. Each [`Part`] looks at the answers and at what the episode then did, and gives a table;
//! a part may put questions of its own to the server. Another part is another file of this folder
//! and a line in `parts`.

mod cures;
mod files;
mod gold;
mod moment;
mod names;
mod replay;
mod tokens;
mod warned;

use serde_json::Value;

pub use gold::gold;
pub use replay::{Session, replay_all};

use crate::episodes::Attempt;
use crate::table;

/// Bytes of a token, as the product counts them.
const BYTES_PER_TOKEN: usize = 4;

/// Returns the tokens of an answer, as the product counts them.
#[must_use]
pub fn n_tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// Measurement over the replay of a set.
pub trait Part {
    /// Takes the answer of `start_episode`; `id` names the episode from now on.
    fn began(&mut self, session: &Session, attempt: &Attempt, id: &str, answer: &str);

    /// Takes the answer of `log_steps` for the step at a position.
    fn logged(&mut self, _attempt: &Attempt, _idx: usize, _answer: &str) {}

    /// Takes note that the episode has ended.
    fn ended(&mut self, _attempt: &Attempt) {}

    /// Returns what was measured; `None` where the set does not have what it takes.
    fn table(&self) -> Option<Table>;
}

/// Names of the parts that can be asked for, besides `gold`.
pub const PARTS: [&str; 5] = ["files", "tokens", "warned", "cures", "moment"];

/// Returns the parts of those names, fresh for a set.
fn parts(names: &[String]) -> Vec<Box<dyn Part>> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut parts: Vec<Box<dyn Part>> = Vec::new();
    if wanted("files") {
        parts.push(Box::new(files::Files::default()));
    }
    if wanted("tokens") {
        parts.push(Box::new(tokens::Tokens::default()));
    }
    if wanted("warned") {
        parts.push(Box::new(warned::Warned::default()));
    }
    if wanted("cures") {
        parts.push(Box::new(cures::Cures::default()));
    }
    if wanted("moment") {
        parts.push(Box::new(moment::Moments::default()));
    }
    parts
}

/// Rows of a part on one set.
#[derive(Debug, Clone)]
pub struct Table {
    /// Name of the part.
    pub part: &'static str,
    /// Headings of the rows, without that of the set.
    pub headings: Vec<&'static str>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

/// Tables of all sets.
#[derive(Debug, Default)]
pub struct Report {
    /// Each with the name of its set.
    pub tables: Vec<(String, Table)>,
}

impl Report {
    /// Lays out the tables part by part, the sets below each other.
    #[must_use]
    pub fn text(&self) -> String {
        let mut names: Vec<&str> = self.tables.iter().map(|(_, table)| table.part).collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        let section = |part: &&str| {
            let mut headings = vec!["set"];
            let mut rows = Vec::new();
            for (set, table) in self.tables.iter().filter(|(_, table)| table.part == *part) {
                headings.truncate(1);
                headings.extend(&table.headings);
                rows.extend(
                    table
                        .rows
                        .iter()
                        .map(|row| [std::slice::from_ref(set), row.as_slice()].concat()),
                );
            }
            format!("{part}\n{}", table::layout(&headings, &rows))
        };
        names.iter().map(section).collect::<Vec<_>>().join("\n\n")
    }

    /// Returns all figures, by part.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut parts = serde_json::Map::new();
        for (set, table) in &self.tables {
            let headings = [&["set"], table.headings.as_slice()].concat();
            let rows = parts.entry(table.part).or_insert_with(|| Value::Array(Vec::new()));
            let objects = table.rows.iter().map(|row| {
                table::object(&headings, &[std::slice::from_ref(set), row.as_slice()].concat())
            });
            rows.as_array_mut().into_iter().for_each(|rows| rows.extend(objects.clone()));
        }
        Value::Object(parts)
    }
}
