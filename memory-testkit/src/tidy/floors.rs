//! The rule which room of the engine may know which.

use super::source::code_only;

/// Where the rooms are.
const ENGINE: &str = "memory-core/src/";

/// The rooms, floor by floor from below: a room knows those of its own floor and of the floors below.
const FLOORS: [&[&str]; 6] = [
    &["secret", "dedup"],
    &["model"],
    &["storage", "intake"],
    &["index", "embed", "learn"],
    &["retrieve"],
    &["memory"],
];

/// Places where a room takes something from a floor above it.
#[must_use]
pub fn upward_imports<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        let room = path.strip_prefix(ENGINE).and_then(|rest| rest.split(['/', '.']).next());
        let floor = room.and_then(|room| FLOORS.iter().position(|floor| floor.contains(&room)));
        let (Some(room), Some(floor)) = (room, floor) else { continue };
        let above: Vec<&str> = FLOORS.iter().skip(floor + 1).copied().flatten().copied().collect();
        for (line, code) in (1..).zip(code_only(text).lines()) {
            for upper in above.iter().filter(|upper| takes_from(code, upper)) {
                found.push(format!(
                    "{path}:{line}: `{room}` is below `{upper}` and may not know it"
                ));
            }
        }
    }
    found
}

/// Whether a line takes something from that room, or from several at once, which could not be told apart.
fn takes_from(code: &str, room: &str) -> bool {
    code.match_indices("crate::").any(|(at, start)| {
        let taken = code[at + start.len()..].trim_start();
        let name = taken.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(taken.len());
        taken[..name] == *room || taken.starts_with('{')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_from_a_floor_above_is_found() {
        let bad = [
            ("memory-core/src/index/columns.rs", "use crate::retrieve::HitKind;"),
            ("memory-core/src/index/columns.rs", "use crate::{retrieve::HitKind, model::NoteId};"),
            ("memory-core/src/retrieve/mod.rs", "let records = crate::memory::read(ids);"),
            ("memory-core/src/storage.rs", "use crate::index::Index;"),
        ];
        for (path, text) in bad {
            assert!(!upward_imports([(path, text)].into_iter()).is_empty(), "{path}: {text}");
        }
        let good = [
            (
                "memory-core/src/retrieve/mod.rs",
                "use crate::index::Index; // not crate::memory::Memory",
            ),
            (
                "memory-core/src/index/mod.rs",
                "use crate::embed::Embedder; use crate::memory_map::Map;",
            ),
            ("memory-core/src/memory/notes.rs", "use crate::retrieve::Query;"),
            ("memory-core/src/lib.rs", "pub use crate::memory::Memory;"),
            ("memory-mcp/src/index/mod.rs", "use crate::memory::Memory;"),
        ];
        assert_eq!(upward_imports(good.into_iter()), Vec::<String>::new());
    }
}
