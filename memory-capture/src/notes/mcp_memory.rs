//! The knowledge graph of the reference memory server (`@modelcontextprotocol/server-memory`),
//! as of its release of 2026: one entity or relation a line.

use memory_core::NoteKind;
use serde_json::Value;

use super::Origin;
use crate::fields::{Object, first_text, list, text};
use crate::importer::Captured;

/// Reads a graph; each observation and each relation becomes a note. Lines that are neither are
/// returned by their number, with the reason.
#[must_use]
pub fn read(content: &str, origin: &Origin) -> (Vec<Captured>, Vec<(usize, String)>) {
    let (mut notes, mut bad) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(Value::Object(object)) => {
                if !take(&object, origin, &mut notes) {
                    bad.push((number, "is no entity and no relation".to_owned()));
                }
            }
            Ok(_) => bad.push((number, "is no object".to_owned())),
            Err(error) => bad.push((number, format!("is no JSON: {error}"))),
        }
    }
    (notes, bad)
}

/// Takes an entity, a relation, or a whole graph in one object; returns whether it was one.
fn take(object: &Object, origin: &Origin, notes: &mut Vec<Captured>) -> bool {
    let (entities, relations) = (list(object, "entities"), list(object, "relations"));
    if !entities.is_empty() || !relations.is_empty() {
        let parts = entities.iter().chain(relations).filter_map(Value::as_object);
        let mut is_whole = true;
        for part in parts {
            is_whole &= take(part, origin, notes);
        }
        return is_whole;
    }
    if let (Some(from), Some(to), Some(kind)) =
        (text(object, "from"), text(object, "to"), first_text(object, &["relationType", "type"]))
    {
        let told = format!("{from} {} {to}.", kind.replace('_', " "));
        notes.push(origin.note("relation", notes.len(), NoteKind::Fact, told));
        return true;
    }
    let Some(name) = text(object, "name") else { return false };
    let kind = text(object, "entityType").filter(|kind| !kind.is_empty());
    let head = kind.map_or_else(|| name.to_owned(), |kind| format!("{name} ({kind})"));
    let observations = list(object, "observations").iter().filter_map(Value::as_str);
    for observation in observations.map(str::trim).filter(|told| !told.is_empty()) {
        let told = format!("{head}: {observation}");
        notes.push(origin.note(name, notes.len(), NoteKind::Fact, told));
    }
    true
}

#[cfg(test)]
mod tests {
    use memory_core::{Import, Scope, Timestamp};

    use super::*;

    fn texts(content: &str) -> (Vec<String>, Vec<usize>) {
        let origin = Origin {
            importer: "mcp-memory",
            file: "memory.json".to_owned(),
            scope: Scope::new("shop").unwrap(),
            at: Timestamp::from_millis(1),
        };
        let (notes, bad) = read(content, &origin);
        let text = |note: &Captured| match &note.record {
            Import::Note(note) => note.text.clone(),
            other => panic!("{other:?}"),
        };
        (notes.iter().map(text).collect(), bad.into_iter().map(|(number, _)| number).collect())
    }

    #[test]
    fn observations_and_relations_become_notes_and_other_lines_are_named() {
        let content = r#"
{"type":"entity","name":"till","entityType":"service","observations":["listens on 8081"," "]}
{"type":"relation","from":"till","to":"stock","relationType":"depends_on"}
{"type":"entity","name":"empty","entityType":"x","observations":[]}
nonsense
{"type":"other"}
[1]"#;
        let told = ["till (service): listens on 8081", "till depends on stock."];
        assert_eq!(texts(content), (told.map(str::to_owned).to_vec(), vec![5, 6, 7]));
    }

    #[test]
    fn a_graph_in_one_object_is_read_too() {
        let content = r#"{"entities":[{"name":"a","entityType":"","observations":["b"]}],
            "relations":[{"from":"a","to":"c","relationType":"uses"}]}"#;
        let content = content.replace('\n', "");
        assert_eq!(texts(&content).0, ["a: b", "a uses c."]);
    }
}
