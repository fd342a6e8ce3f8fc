//! The changes of [`super::document`], in TOML.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::entry::{Entry, Unfit};
use super::jsonc::Json;
use super::ours::is_ours;

/// Returns the text with an entry below the path of names.
pub(super) fn with_entry(text: &str, path: &[&str], entry: &Entry) -> Result<String, Unfit> {
    let (Entry::Member(name, value) | Entry::Default(name, value) | Entry::Element(name, value)) =
        entry;
    let mut document = parse(text)?;
    let mut table = document.as_table_mut();
    for part in path {
        let made = Item::Table(implicit());
        let item = table.entry(part).or_insert(made);
        table = item.as_table_mut().ok_or_else(|| Unfit::Form((*part).to_owned(), "a table"))?;
    }
    let present = table.get(name).map(json);
    match (entry, present) {
        (Entry::Default(..), Some(_)) => {}
        (Entry::Default(..) | Entry::Member(..), None) => {
            table.insert(name, item(value));
        }
        (Entry::Member(..), Some(present)) => {
            if value.is_part_of(&present) {
                return Ok(text.to_owned());
            }
            if !is_ours(&present) {
                return Err(Unfit::Taken(name.clone()));
            }
            table.insert(name, item(value));
        }
        (Entry::Element(..), present) => {
            let present = present.unwrap_or(Json::Array(Vec::new()));
            if present.elements().iter().any(|element| value.is_part_of(element)) {
                return Ok(text.to_owned());
            }
            push(table, name, value)?;
        }
    }
    Ok(document.to_string())
}

/// Returns the text without what is ours below the path of names, and without what that emptied.
pub(super) fn without_ours(text: &str, path: &[&str]) -> Result<String, Unfit> {
    let mut document = parse(text)?;
    let is_changed = strip_below(document.as_table_mut(), path);
    Ok(if is_changed { document.to_string() } else { text.to_owned() })
}

/// Returns the value at a path of names, if there is one.
pub(super) fn value_at(text: &str, path: &[&str]) -> Result<Option<Json>, Unfit> {
    let document = parse(text)?;
    let found = path.iter().try_fold(document.as_item(), |item, name| item.get(name));
    Ok(found.map(json))
}

fn parse(text: &str) -> Result<DocumentMut, Unfit> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map_or(1, |before| before.matches('\n').count() + 1);
        Unfit::Toml(format!("line {line}: {}", error.message().replace('\n', "; ")))
    })
}

/// A table that is written only for what is in it.
fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

fn push(table: &mut Table, name: &str, value: &Json) -> Result<(), Unfit> {
    if let Some(present) = table.get_mut(name) {
        strip_list(present);
    }
    let list = table.entry(name).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    if let (Some(list), Item::Table(element)) = (list.as_array_of_tables_mut(), item(value)) {
        list.push(element);
        return Ok(());
    }
    let list = list.as_array_mut().ok_or_else(|| Unfit::Form(name.to_owned(), "a list"))?;
    list.push(inline(value));
    Ok(())
}

/// Strips what is ours below a path; returns whether anything was.
fn strip_below(table: &mut Table, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return strip(table) };
    let Some(Item::Table(inner)) = table.get_mut(first) else { return false };
    let is_changed = strip_below(inner, rest);
    if is_changed && inner.is_empty() {
        table.remove(first);
    }
    is_changed
}

fn strip(table: &mut Table) -> bool {
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    let mut is_changed = false;
    for name in names {
        let Some(item) = table.get_mut(&name) else { continue };
        if is_ours(&json(item)) {
            table.remove(&name);
            is_changed = true;
        } else if strip_list(item) {
            is_changed = true;
            if json(item).elements().is_empty() {
                table.remove(&name);
            }
        }
    }
    is_changed
}

/// Strips the elements of a list that are ours, also those inside of groups of others.
fn strip_list(list: &mut Item) -> bool {
    let mut is_changed = false;
    if let Some(tables) = list.as_array_of_tables_mut() {
        let n_before = tables.len();
        tables.retain(|table| !is_ours(&table_json(table)));
        is_changed = tables.len() != n_before;
        for table in tables.iter_mut() {
            is_changed |= table.get_mut("hooks").is_some_and(strip_list);
        }
    } else if let Some(values) = list.as_array_mut() {
        let n_before = values.len();
        values.retain(|value| !is_ours(&value_json(value)));
        is_changed = values.len() != n_before;
    }
    is_changed
}

fn item(value: &Json) -> Item {
    match value {
        Json::Object(members) => {
            let mut table = Table::new();
            for (name, value) in members {
                table.insert(name, item(value));
            }
            Item::Table(table)
        }
        Json::Array(elements) if is_list_of_objects(value) => {
            let mut tables = ArrayOfTables::new();
            for element in elements {
                if let Item::Table(table) = item(element) {
                    tables.push(table);
                }
            }
            Item::ArrayOfTables(tables)
        }
        value => Item::Value(inline(value)),
    }
}

fn is_list_of_objects(value: &Json) -> bool {
    let elements = value.elements();
    !elements.is_empty() && elements.iter().all(|element| matches!(element, Json::Object(_)))
}

fn inline(value: &Json) -> Value {
    match value {
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (name, value) in members {
                table.insert(name, inline(value));
            }
            Value::InlineTable(table)
        }
        Json::Array(elements) => Value::Array(elements.iter().map(inline).collect::<Array>()),
        Json::Text(text) => Value::from(text.as_str()),
        // TOML has the same words but null, which no entry of ours holds.
        Json::Word(word) => word.parse().unwrap_or_else(|_| Value::from(word.as_str())),
    }
}

fn json(item: &Item) -> Json {
    match item {
        Item::Table(table) => table_json(table),
        Item::ArrayOfTables(tables) => Json::Array(tables.iter().map(table_json).collect()),
        Item::Value(value) => value_json(value),
        Item::None => Json::Word("null".to_owned()),
    }
}

fn table_json(table: &Table) -> Json {
    Json::Object(table.iter().map(|(name, item)| (name.to_owned(), json(item))).collect())
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::Text(text.value().clone()),
        Value::Array(elements) => Json::Array(elements.iter().map(value_json).collect()),
        Value::InlineTable(table) => Json::Object(
            table.iter().map(|(name, value)| (name.to_owned(), value_json(value))).collect(),
        ),
        other => Json::Word(other.to_string().trim().to_owned()),
    }
}
