//! Shows what of a record fits the query.

use std::collections::BTreeSet;

use super::candidates::Candidate;
use super::hit::Hit;
use super::learned::LearnedFacts;
use super::pack::frame_bytes;
use crate::error::Error;
use crate::index::unit::{WINDOW_STEPS, head, short_synopsis};
use crate::index::{LexicalQuery, Tokenizer};
use crate::learn::{Attempts, Quote, step_name};
use crate::model::{Episode, Excerpt, Note, Record, Step};
use crate::secret::mask;
use crate::storage::{StepRange, Storage};

/// Longest excerpt of a note, in bytes.
const NOTE_BYTES: usize = 700;

/// Longest excerpt of an episode's task, in bytes.
const TASK_BYTES: usize = 320;

/// Longest excerpt of an episode's summary, in bytes.
const SUMMARY_BYTES: usize = 320;

/// Longest excerpt of what came of the step that fits, in bytes.
const RESULT_BYTES: usize = 160;

/// Shortest excerpts worth showing, in bytes: of a task, and of any text.
const MIN_TASK_BYTES: usize = 80;
const MIN_PART_BYTES: usize = 48;

/// Bytes of a text in which the best part is looked for.
const MAX_SEARCHED_BYTES: usize = 16 * 1024;

/// The same for each of the steps of a window: of a hundred long answers only these are read
/// through.
const MAX_SEARCHED_STEP_BYTES: usize = 2 * 1024;

/// The words of a query, with a tokenizer that learns the stems of the texts it reads.
struct Words {
    query: LexicalQuery,
    tokenizer: Tokenizer,
}

impl Words {
    /// Hashes of the query's terms that a text holds.
    fn terms_in(&mut self, text: &str) -> Vec<u64> {
        self.query.terms_in(&mut self.tokenizer, text)
    }
}

/// Makes hits of the candidates within `room_bytes`, reading the steps that fit in one query.
///
/// What short hits leave is for the long ones: all have the same limit, as large as there is room.
pub(super) fn write(
    storage: &dyn Storage,
    found: Vec<(Candidate, Record)>,
    query: &str,
    learned: Option<&dyn LearnedFacts>,
    room_bytes: usize,
) -> Result<Vec<Hit>, Error> {
    let range = |(candidate, record): &(Candidate, Record)| match (candidate.step_idx, record) {
        (Some(from), Record::Episode(episode)) => {
            Some(StepRange { episode: episode.id, from, limit: WINDOW_STEPS })
        }
        _ => None,
    };
    let ranges: Vec<StepRange> = found.iter().filter_map(range).collect();
    let steps = if ranges.is_empty() {
        Vec::new()
    } else {
        storage.steps(&ranges).map_err(Error::storage("read steps"))?
    };
    let mut words = Words { query: LexicalQuery::new(query), tokenizer: Tokenizer::for_index() };
    let mut steps = steps.into_iter();
    let windows: Vec<Vec<Step>> = found
        .iter()
        .map(|found| range(found).and_then(|_| steps.next()).unwrap_or_default())
        .collect();
    let mut texts: Vec<String> = found
        .iter()
        .zip(&windows)
        .map(|((_, record), window)| excerpt(record, window, usize::MAX, &mut words))
        .collect();
    let attempts = attempts(&found, learned)?;
    let frames: usize = attempts.iter().map(|attempts| frame_bytes(attempts.as_ref())).sum();
    let room = room_bytes.saturating_sub(frames);
    let limit = common_limit(texts.iter().map(String::len), room).max(MIN_TASK_BYTES);
    for ((text, (_, record)), window) in texts.iter_mut().zip(&found).zip(&windows) {
        if text.len() > limit {
            *text = excerpt(record, window, limit, &mut words);
        }
    }
    let hit = |(((candidate, record), text), attempts): (_, Option<Attempts>)| {
        let contradicts = Vec::new();
        let Candidate { score, strength, signals, terms, step_idx, .. } = candidate;
        // Rules for secrets grow; what was stored before them is masked on its way out.
        let (text, _) = mask(text);
        Hit { record, strength, score, text, step_idx, attempts, contradicts, signals, terms }
    };
    Ok(found.into_iter().zip(texts).zip(attempts).map(hit).collect())
}

/// Returns the attempts that each record stands for.
fn attempts(
    found: &[(Candidate, Record)],
    learned: Option<&dyn LearnedFacts>,
) -> Result<Vec<Option<Attempts>>, Error> {
    let Some(learned) = learned else { return Ok(vec![None; found.len()]) };
    let ids = found.iter().map(|(_, record)| record.id().episode());
    let mut known = learned.attempts(&ids.clone().flatten().collect::<Vec<_>>())?.into_iter();
    Ok(ids.map(|id| id.and_then(|_| known.next().flatten())).collect())
}

/// Returns the largest limit at which texts of these lengths, each cut to it, fit into a room.
fn common_limit(lengths: impl Iterator<Item = usize>, room: usize) -> usize {
    let mut lengths: Vec<usize> = lengths.collect();
    lengths.sort_unstable();
    let (mut left, mut n_left) = (room, lengths.len());
    for length in lengths {
        let share = left / n_left;
        if length > share {
            return share;
        }
        (left, n_left) = (left - length, n_left - 1);
    }
    usize::MAX
}

/// Returns what of a record fits the query, in about `limit` bytes.
fn excerpt(record: &Record, window: &[Step], limit: usize, query: &mut Words) -> String {
    match record {
        Record::Note(note) => note_excerpt(note, limit, query),
        Record::Episode(episode) => episode_excerpt(episode, window, limit, query),
    }
}

fn note_excerpt(note: &Note, limit: usize, query: &mut Words) -> String {
    let text = fitting_part(note.text.as_str(), NOTE_BYTES.min(limit), query);
    match &note.speaker {
        Some(speaker) => format!("{speaker}: {text}"),
        None => text,
    }
}

/// Shows the task, then what was done: the agent's summary, the synopsis, and the step that fits
/// if it was found by one. The task gets what these leave.
fn episode_excerpt(episode: &Episode, window: &[Step], limit: usize, query: &mut Words) -> String {
    let closing = episode.closing.as_ref();
    let summary = closing.and_then(|closing| closing.summary.as_ref());
    let mut left = limit.saturating_sub(MIN_TASK_BYTES);
    let mut part = |text: Option<String>| {
        let text = text.filter(|text| !text.is_empty() && text.len() <= left)?;
        left = left.saturating_sub(text.len() + 1);
        Some(text)
    };
    let synopsis = part(short_synopsis(episode, limit.saturating_sub(MIN_TASK_BYTES + 1)));
    let step = part(fitting_step(window, query));
    let summary = summary.and_then(|summary| {
        let room = SUMMARY_BYTES.min(left.saturating_sub(MIN_PART_BYTES));
        (room >= MIN_PART_BYTES)
            .then(|| format!("Summary: {}", fitting_part(summary.as_str(), room, query)))
    });
    let used = summary.as_ref().map_or(0, String::len);
    let task_bytes = TASK_BYTES.min(left.saturating_sub(used).saturating_add(MIN_TASK_BYTES));
    // Where the synopsis says what was done, the title says what for; else the part that fits must.
    let task = if synopsis.is_some() {
        beginning(episode.task.as_str(), task_bytes)
    } else {
        one_line(&fitting_part(episode.task.as_str(), task_bytes, query))
    };
    let parts = [Some(task), summary, synopsis, step];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Returns the step of a window that holds most of the query's terms, the first of equals, in one
/// line, with the number of times that it comes in a row there.
fn fitting_step(window: &[Step], query: &mut Words) -> Option<String> {
    let mut best: Option<(usize, &Step)> = None;
    for step in window {
        let n_terms = n_terms_of(step, query);
        if best.is_none_or(|(most, _)| n_terms > most) {
            best = Some((n_terms, step));
        }
    }
    let (_, step) = best?;
    let from = window.iter().position(|other| other.idx == step.idx).unwrap_or_default();
    let again = window.iter().skip(from).take_while(|other| is_same(other, step)).count();
    let times = if again > 1 { format!(" ×{again}") } else { String::new() };
    Some(format!("#{}{times} {}", step.idx, step_line(step, query)))
}

/// Returns whether two steps say the same.
fn is_same(a: &Step, b: &Step) -> bool {
    let texts = |step: &Step| (step.tool.clone(), step.action.clone(), step.ok);
    texts(a) == texts(b)
        && a.args.as_str() == b.args.as_str()
        && a.observation.as_str() == b.observation.as_str()
        && a.error.as_ref().map(Excerpt::as_str) == b.error.as_ref().map(Excerpt::as_str)
}

/// Returns the number of the query's terms that a step holds.
fn n_terms_of(step: &Step, query: &mut Words) -> usize {
    let said = step.error.as_ref().unwrap_or(&step.observation).as_str();
    let mut terms = query.terms_in(head(said, MAX_SEARCHED_STEP_BYTES));
    terms.extend(query.terms_in(head(step.args.as_str(), MAX_SEARCHED_STEP_BYTES)));
    terms.sort_unstable();
    terms.dedup();
    terms.len()
}

/// A step in one line: what was done, and what came of it. Of an answer that is data, not prose,
/// half a line would say nothing.
fn step_line(step: &Step, query: &mut Words) -> String {
    let quote = Quote::of(step);
    let call = quote.call.map_or_else(|| step_name(step), |call| format!("{}: {call}", step.tool));
    let said = step.error.as_ref().unwrap_or(&step.observation).as_str();
    let said = one_line(head(said, MAX_SEARCHED_STEP_BYTES));
    let is_data = said.starts_with(['{', '[']) && said.len() > RESULT_BYTES;
    let result = match quote.error {
        Some(error) => fitting_part(&one_line(&error), RESULT_BYTES, query),
        None if is_data => "ok".to_owned(),
        None => fitting_part(&said, RESULT_BYTES, query),
    };
    let mark = if step.ok { "→" } else { "✗" };
    format!("{call} {mark} {result}").trim_end().to_owned()
}

/// A text with its runs of white space folded.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text in one line of at most `limit` bytes.
fn beginning(text: &str, limit: usize) -> String {
    let line = one_line(head(text, limit.saturating_mul(2).max(limit)));
    if line.len() <= limit && text.len() <= limit.saturating_mul(2) {
        return line;
    }
    format!("{} …", head(&line, limit.saturating_sub(4)).trim_end())
}

/// At most `limit` bytes of a text: whole if it is short, else the run of lines that holds most of
/// the query's terms. What is left out is marked.
fn fitting_part(text: &str, limit: usize, query: &mut Words) -> String {
    let text = text.trim();
    if text.len() <= limit {
        return text.to_owned();
    }
    let used = head(text, MAX_SEARCHED_BYTES);
    let pieces = pieces(used, limit / 2);
    let terms: Vec<Vec<u64>> = pieces.iter().map(|(_, piece)| query.terms_in(piece)).collect();
    let mut best = (0, 0, 0..0);
    for (i, (start, _)) in pieces.iter().enumerate() {
        let mut seen: BTreeSet<&u64> = BTreeSet::new();
        let mut end = *start;
        let run = pieces.iter().zip(&terms).skip(i);
        for ((at, piece), terms) in run.take_while(|((at, p), _)| at + p.len() - start <= limit) {
            seen.extend(terms);
            end = at + piece.len();
        }
        // More terms first; then the earlier part, which usually says what it is about.
        if seen.len() > best.0 || best.2.is_empty() {
            best = (seen.len(), i, *start..end);
        }
    }
    let (_, first, range) = best;
    let part = text.get(range.clone()).unwrap_or_else(|| head(text, limit)).trim();
    let before = if first > 0 { "… " } else { "" };
    let after = if range.end < text.len() { " …" } else { "" };
    format!("{before}{part}{after}")
}

/// A text in lines and sentences, each at most `limit` bytes, with their positions.
fn pieces(text: &str, limit: usize) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for line in
        text.split_inclusive(['\n', '。', '！', '？']).flat_map(|line| line.split_inclusive(". "))
    {
        let mut rest = line;
        while !rest.is_empty() {
            let piece = head(rest, limit.max(4));
            pieces.push((at, piece));
            at += piece.len();
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> Words {
        Words { query: LexicalQuery::new(query), tokenizer: Tokenizer::for_query() }
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(fitting_part(" short ", 10, &mut words("x")), "short");
    }

    #[test]
    fn a_long_text_is_shown_where_it_speaks_of_the_query() {
        let filler = "Nothing to see in this line.\n".repeat(40);
        let text = format!("{filler}The migration failed on the orders table.\n{filler}");
        let part = fitting_part(&text, 120, &mut words("orders table migration"));
        assert!(part.contains("The migration failed on the orders table."), "{part}");
        assert!(part.starts_with("… ") && part.ends_with(" …") && part.len() < 140, "{part}");
    }

    #[test]
    fn a_title_is_the_beginning_in_one_line() {
        assert_eq!(beginning("Mend\n  the door", 40), "Mend the door");
        let long = beginning(&"Mend the door. ".repeat(20), 40);
        assert!(long.starts_with("Mend the door.") && long.ends_with(" …"), "{long}");
        assert!(long.len() <= 40);
    }

    #[test]
    fn what_short_texts_leave_is_for_the_long_ones() {
        assert_eq!(common_limit([10, 500, 300].into_iter(), 410), 200);
        assert_eq!(common_limit([10, 500, 30].into_iter(), 410), 370);
        assert_eq!(common_limit([10, 20].into_iter(), 30), usize::MAX);
        assert_eq!(common_limit([].into_iter(), 0), usize::MAX);
    }

    #[test]
    fn a_long_text_without_the_query_is_shown_from_its_beginning() {
        let part = fitting_part(&"日本語のテキスト。".repeat(50), 90, &mut words("zebra"));
        assert!(part.starts_with("日本語") && part.ends_with(" …"), "{part}");
    }
}
