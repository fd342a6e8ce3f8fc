//! Ids in the text of an answer, made short.
//!
//! Whoever words an answer writes whole ids; here they become the last digits, which cost a model a
//! quarter of the tokens. One place knows how ids are shown, whoever made the sentence. Quoted text
//! is left as it was stored. Limits: an id of which nothing is stored stays whole.

use std::collections::BTreeMap;

use memory_core::{EpisodeId, Memory};

use super::render::QUOTE_MARK;

/// Length of an id as it is printed.
const WHOLE: usize = 36;

/// Returns the text with short ids; where the store cannot tell them, they stay whole.
pub(crate) fn short_ids(memory: &Memory, text: String) -> String {
    let mut known: BTreeMap<[u8; 16], Option<String>> = BTreeMap::new();
    let mut short = |id: [u8; 16]| -> Option<String> {
        let look_up = || {
            let tail = memory.short_id(id).inspect_err(|error| {
                tracing::debug!(%error, "an id is shown whole");
            });
            tail.ok().flatten().map(|tail| tail.to_string())
        };
        known.entry(id).or_insert_with(look_up).clone()
    };
    if !text.split('\n').any(|line| next_id(line, 0).is_some()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let mut from = 0;
        while let Some((at, id)) = next_id(line, from).filter(|_| !line.starts_with(QUOTE_MARK)) {
            out.push_str(line.get(from..at).unwrap_or_default());
            from = at + WHOLE;
            match short(id) {
                Some(tail) => out.push_str(&tail),
                None => out.push_str(line.get(at..from).unwrap_or_default()),
            }
        }
        out.push_str(line.get(from..).unwrap_or_default());
    }
    out
}

/// Finds the first whole id from a place on.
fn next_id(line: &str, from: usize) -> Option<(usize, [u8; 16])> {
    let bytes = line.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    // Nothing is looked at but what stands around a hyphen.
    let hyphens = bytes.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'-');
    hyphens.map(|(at, _)| at).filter_map(|hyphen| hyphen.checked_sub(8)).find_map(|at| {
        let is_free = at >= from && !at.checked_sub(1).is_some_and(is_word) && !is_word(at + WHOLE);
        let id = line.get(at..at + WHOLE).filter(|_| is_free)?;
        let has_hyphens = [8, 13, 18, 23].iter().all(|n| id.as_bytes().get(*n) == Some(&b'-'));
        let id = id.parse::<EpisodeId>().ok().filter(|_| has_hyphens)?;
        Some((at, id.to_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use memory_core::{MemStorage, NewEpisode, Scope};

    use super::*;

    #[test]
    fn ids_in_our_own_words_are_short_and_quoted_ones_stay() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let new = NewEpisode::new(Scope::new("s").unwrap(), "t");
        let id = memory.start(new).unwrap().value.to_string();
        let tail = id.get(28..).unwrap();
        let gone = "01890000-0000-7000-8000-0000deadbeef";
        let text = format!(
            "1. episode {id} · (note {id}, {gone})\n   > see {id}\nx{id} {id}0 {id}-é {id}\n"
        );
        let expected = format!(
            "1. episode {tail} · (note {tail}, {gone})\n   > see {id}\nx{id} {id}0 {tail}-é \
             {tail}\n"
        );
        assert_eq!(short_ids(&memory, text), expected);
        assert_eq!(short_ids(&memory, "a-b · none".to_owned()), "a-b · none");
    }
}
