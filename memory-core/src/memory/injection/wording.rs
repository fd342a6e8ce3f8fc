//! Words of injections: one to three lines, each with its evidence.

use crate::learn::{KnownError, name_in_backticks, one_line};
use crate::memory::Warning;
use crate::model::{Episode, Outcome, Record};
use crate::retrieve::Hit;

/// Number of bytes of a token, as in all answers.
const BYTES_PER_TOKEN: usize = 4;

/// Longest head of a task, in bytes: the prompt is like it.
const TASK_BYTES: usize = 60;

/// Longest line of a cure or warning, in bytes: 80 tokens for all of it.
const LINE_BYTES: usize = 150;

/// A cure in words.
pub(super) struct Cured {
    pub(super) text: String,
    /// The call that it advises.
    pub(super) advised: Option<String>,
    /// Whether that is the failed call, changed.
    pub(super) is_change: bool,
}

/// Returns the cure of an error with the call that it advises; `None` where nothing cures it.
///
/// An error that only resembles the known one is told as such.
pub(super) fn cure(known: &KnownError) -> Option<Cured> {
    let cure = known.cures.first()?;
    let tool = name_in_backticks(&known.tool);
    let head = match &known.differs {
        None if known.from_class => format!("Errors of {tool} like this came here before."),
        None => format!("{tool} failed so {} in past work here.", times(known.n_seen)),
        Some((there, here)) if !there.is_empty() => {
            let differs = one_line(&format!("there {there}, here {here}"), LINE_BYTES)?;
            format!("{tool} failed alike in past work here ({differs}).")
        }
        Some(_) => format!("{tool} failed alike in past work here."),
    };
    let mut parts = vec![head];
    if cure.is_confirmed {
        let text = upper(&one_line(&cure.text, LINE_BYTES)?);
        parts.push(format!(" {text} helped {} of {} times.", cure.n_resolved, cure.n_tried));
    } else {
        parts.push(format!(" Seen to help {}.", times(cure.n_resolved)));
    }
    let shown = cure.demonstration.as_ref();
    let lines = shown.into_iter().flat_map(|shown| shown.acts.iter().chain(&shown.change));
    for done in lines.filter_map(|done| one_line(done, LINE_BYTES)) {
        parts.push(format!("\n> {done}"));
    }
    let passed = shown.and_then(|shown| shown.passed.clone());
    if let Some(passed) = passed.as_deref().and_then(|passed| one_line(passed, LINE_BYTES)) {
        parts.push(format!("\n> then passed: {passed}"));
    } else if !cure.is_confirmed {
        // Without what was done, "seen to help" says nothing.
        shown.filter(|shown| !shown.acts.is_empty() || shown.change.is_some())?;
    }
    let advised = shown.and_then(|shown| shown.acts.first().cloned()).or(passed);
    let changed = shown.and_then(|shown| changed_call(shown.change.as_deref()?));
    let is_change = advised.is_none() && changed.is_some();
    Some(Cured { text: parts.concat(), advised: advised.or(changed), is_change })
}

/// Returns the second side of a difference, the call as it passed.
fn changed_call(change: &str) -> Option<String> {
    let (_, after) = change.rsplit_once("` → `")?;
    Some(after.trim_end_matches('`').to_owned())
}

/// Returns a warning.
pub(super) fn warning(warning: &Warning) -> String {
    let mut parts = vec![format!(
        "This call of {} failed {} of {} times in past work here.",
        name_in_backticks(&warning.tool),
        warning.n_failed,
        warning.n_made,
    )];
    let quoted = |text: &Option<String>| text.as_deref().and_then(|t| one_line(t, LINE_BYTES));
    if let Some(error) = quoted(&warning.error) {
        parts.push(format!(" Last error: “{error}”."));
    }
    if let Some(instead) = quoted(&warning.instead) {
        parts.push(format!(" What worked instead: {instead}"));
    }
    parts.concat()
}

/// Returns hits as lines, as many as fit; `None` where none says more than the prompt.
pub(super) fn hits(hits: &[Hit], ids: &[String], max_tokens: usize) -> Option<String> {
    let each = max_tokens * BYTES_PER_TOKEN / hits.len().max(1);
    let lines = hits.iter().zip(ids).filter_map(|(hit, id)| hit_line(hit, id, each));
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| format!("Past work here close to this:\n{}", lines.join("\n")))
}

/// Returns how an episode ended, in brackets; nothing where nobody knows.
pub(super) fn ending(episode: &Episode) -> String {
    let standing = episode.standing();
    if standing == Outcome::Unjudged.name() { String::new() } else { format!(" ({standing})") }
}

/// Returns the line of a hit: of an episode what was done, behind the head of its task.
fn hit_line(hit: &Hit, id: &str, max_bytes: usize) -> Option<String> {
    let (head, text) = match &hit.record {
        Record::Episode(episode) => {
            let (task, done) = hit.text.split_once('\n')?;
            let task = one_line(task, TASK_BYTES)?;
            let head = format!("- episode {id}{}, {task}: ", ending(episode));
            (head, done.replace('\n', "; "))
        }
        Record::Note(note) => {
            (format!("- {} {id}: ", note.kind.name()), hit.text.replace('\n', " "))
        }
    };
    let text = one_line(&text, max_bytes.saturating_sub(head.len() + 1))?;
    Some(format!("{head}{text}"))
}

fn times(n: u32) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

/// A sentence begins with a capital.
fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
