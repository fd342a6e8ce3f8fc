//! Right answers of the retrieval sets within the first tokens of a recall.

use std::path::Path;

use serde_json::json;

use super::replay::Session;
use super::{Report, Table, n_tokens};
use crate::data::DataError;
use crate::retrieval_set::{Question, RetrievalSet};
use crate::server::MeasuredServer;
use crate::table::{number, share};

/// Tokens within which a right answer counts.
const WITHIN: [usize; 3] = [500, 1_000, 1_500];

/// Reads the retrieval sets of a folder, or those that are named, and asks their questions.
///
/// What counts is the share of a question's right answers whose hits end within so many tokens of
/// the answer's text, at the default size and at 1,500 tokens.
///
/// # Errors
///
/// A [`DataError`] when the data or the program cannot be read.
pub fn gold(dir: &Path, program: &Path, only: &[String]) -> Result<Report, DataError> {
    let mut report = Report::default();
    for name in RetrievalSet::names(dir, only)? {
        let set = RetrievalSet::read(dir, &name)?;
        eprintln!("delivery: {name}, {} texts …", set.documents.len());
        let unreadable =
            |source| DataError::Unreadable { path: program.to_owned(), line: 0, source };
        let server = MeasuredServer::new(program).map_err(unreadable)?;
        let corpus = dir.join(format!("{name}.corpus.jsonl.gz"));
        let corpus = corpus.canonicalize().map_err(unreadable)?.display().to_string();
        let _duration = server.run(&["import", "jsonl", &corpus]);
        let session = Session::new(server.start().0);
        session.settle();
        let rows = [None, Some(1_500)].map(|max_tokens| row(&session, &set, max_tokens));
        let headings = vec!["size", "questions", "@500", "@1000", "@1500", "hits", "tokens"];
        let table = Table { part: "gold", headings, rows: rows.into() };
        report.tables.push((name, table));
        session.close();
    }
    Ok(report)
}

fn row(session: &Session, set: &RetrievalSet, max_tokens: Option<usize>) -> Vec<String> {
    let (mut n_hits, mut tokens, mut shares) = (0, 0, [0.0; WITHIN.len()]);
    let asked: Vec<&Question> = set.questions.iter().filter(|q| q.is_answerable()).collect();
    for question in &asked {
        let scope = question.scope.as_deref().unwrap_or("*");
        let answer = session.call(
            "recall",
            &json!({"query": question.text, "scope": scope, "max_tokens": max_tokens,
                "strength": "any", "limit": 10 + question.exclude.len()}),
        );
        tokens += n_tokens(&answer.text);
        let ends = ends(&answer.text);
        n_hits += ends.len();
        // The ids of the set stand in the structured answer alone, in the order of the text.
        let hits = answer.structured["hits"].as_array().map_or(&[][..], Vec::as_slice);
        let ids = hits.iter().map(|hit| hit["source_id"].as_str().unwrap_or_default());
        let found: Vec<(&str, usize)> = ids.zip(ends).collect();
        for (share, within) in shares.iter_mut().zip(WITHIN) {
            let is_within =
                |id: &&String| found.iter().any(|(hit, end)| hit == id && *end <= within);
            let n_found = question.gold().iter().filter(is_within).count();
            *share += n_found as f64 / question.gold().len() as f64;
        }
    }
    let n = asked.len().max(1) as f64;
    let size = max_tokens.map_or_else(|| "default".to_owned(), |n| n.to_string());
    let mut row = vec![size, asked.len().to_string()];
    row.extend(shares.map(|sum| share(Some(sum / n))));
    row.extend([number(n_hits as f64 / n), number(tokens as f64 / n)]);
    row
}

/// Returns the tokens of an answer up to the end of each hit.
fn ends(text: &str) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    for (at, _) in text.match_indices('\n') {
        let line = text.get(at + 1..).unwrap_or_default();
        let number = line.split_once(". ").and_then(|(number, _)| number.parse().ok());
        if number == Some(starts.len() + 1) {
            starts.push(at);
        }
    }
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    ends.take(starts.len()).map(|end| n_tokens(text.get(..end).unwrap_or(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_ends_where_the_next_begins() {
        let text = "2 hits.\n1. note a\n   > 2. x\n2. note b\n   > y";
        assert_eq!(ends(text), [n_tokens("2 hits.\n1. note a\n   > 2. x"), n_tokens(text)]);
        assert!(ends("nothing").is_empty());
    }
}
