//! One change of a settings file, whatever its format: an entry added, or all that is ours removed.
//!
//! Input: the text of a file. Output: its new text, in which nothing else differs. Used by
//! [`super::plan`].

use super::entry::{Entry, Format, Unfit};
use super::jsonc::{self, Json, Kind, Node};
use super::ours::is_ours;
use super::toml_file;

/// Returns the text with an entry below the path of names.
pub(super) fn with_entry(
    format: Format,
    text: &str,
    path: &[&str],
    entry: &Entry,
) -> Result<String, Unfit> {
    match format {
        Format::Json => json_with(text, path, entry),
        Format::Toml => toml_file::with_entry(text, path, entry),
    }
}

/// Returns the text without what is ours below the path of names, and without what that emptied.
pub(super) fn without_ours(format: Format, text: &str, path: &[&str]) -> Result<String, Unfit> {
    match format {
        Format::Json => json_without(text, path),
        Format::Toml => toml_file::without_ours(text, path),
    }
}

/// Returns the value at a path of names, if there is one.
pub(super) fn value_at(format: Format, text: &str, path: &[&str]) -> Result<Option<Json>, Unfit> {
    match format {
        Format::Json if text.trim().is_empty() => Ok(None),
        Format::Json => Ok(jsonc::parse(text)?.at(path).map(Node::value)),
        Format::Toml => toml_file::value_at(text, path),
    }
}

fn json_with(text: &str, path: &[&str], entry: &Entry) -> Result<String, Unfit> {
    let mut text = if text.trim().is_empty() { "{}\n".to_owned() } else { text.to_owned() };
    if let Entry::Element(name, value) = entry {
        let list_path = [path, &[name.as_str()]].concat();
        let list = jsonc::parse(&text)?.at(&list_path).map(Node::value);
        if list.is_some_and(|list| list.elements().iter().any(|e| value.is_part_of(e))) {
            return Ok(text);
        }
        text = json_without(&text, &list_path)?;
    }
    let root = jsonc::parse(&text)?;
    let (mut node, mut depth) = (&root, 0);
    while let Some(next) = path.get(depth).and_then(|name| node.member(name)) {
        (node, depth) = (next, depth + 1);
    }
    if !matches!(node.kind, Kind::Object(_)) {
        let name = path.get(..depth).map(|path| path.join(".")).unwrap_or_default();
        return Err(Unfit::Form(name, "an object"));
    }
    let missing = path.get(depth..).unwrap_or_default();
    let (name, value) = match entry {
        Entry::Element(name, value) => (name, Json::Array(vec![value.clone()])),
        Entry::Member(name, value) | Entry::Default(name, value) => (name, value.clone()),
    };
    if let Some((first, rest)) = missing.split_first() {
        let inner = Json::Object(vec![(name.clone(), value)]);
        let nest = |value, name: &&str| Json::Object(vec![((*name).to_owned(), value)]);
        let nested = rest.iter().rev().fold(inner, nest);
        return Ok(jsonc::insert(&text, node, Some(first), &nested));
    }
    let Some(present) = node.member(name) else {
        return Ok(jsonc::insert(&text, node, Some(name), &value));
    };
    match entry {
        Entry::Default(..) => Ok(text),
        Entry::Member(_, value) if value.is_part_of(&present.value()) => Ok(text),
        Entry::Member(_, value) if is_ours(&present.value()) => {
            Ok(jsonc::replace(&text, present, value))
        }
        Entry::Member(..) => Err(Unfit::Taken(name.clone())),
        Entry::Element(_, value) if matches!(present.kind, Kind::Array(_)) => {
            Ok(jsonc::insert(&text, present, None, value))
        }
        Entry::Element(..) => Err(Unfit::Form(name.clone(), "a list")),
    }
}

fn json_without(text: &str, path: &[&str]) -> Result<String, Unfit> {
    let mut text = text.to_owned();
    if text.trim().is_empty() {
        return Ok(text);
    }
    loop {
        let root = jsonc::parse(&text)?;
        let Some(node) = root.at(path) else { return Ok(text) };
        let Some(found) = first_ours(node) else { return Ok(text) };
        // Positions from the root to the found one.
        let mut way = way_to(&root, path);
        way.extend(found);
        text = cut(&text, &way)?;
    }
}

/// Removes the item at a way of positions, and the containers that this empties.
fn cut(text: &str, way: &[usize]) -> Result<String, Unfit> {
    let (mut text, mut way) = (text.to_owned(), way);
    while let Some((position, above)) = way.split_last() {
        let root = jsonc::parse(&text)?;
        let Some(container) = follow(&root, above) else { return Ok(text) };
        let was_last = container.items().len() == 1;
        text = jsonc::remove(&text, container, *position);
        if !was_last {
            break;
        }
        way = above;
    }
    Ok(text)
}

fn children(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::Object(members) => members.iter().map(|member| &member.value).collect(),
        Kind::Array(elements) => elements.iter().collect(),
        Kind::Text(_) | Kind::Word(_) => Vec::new(),
    }
}

fn follow<'n>(root: &'n Node, way: &[usize]) -> Option<&'n Node> {
    way.iter().try_fold(root, |node, position| children(node).get(*position).copied())
}

fn way_to(root: &Node, path: &[&str]) -> Vec<usize> {
    let (mut node, mut way) = (root, Vec::new());
    for name in path {
        let Kind::Object(members) = &node.kind else { break };
        let Some(position) = members.iter().position(|member| member.name == *name) else { break };
        way.push(position);
        node = children(node).get(position).copied().unwrap_or(node);
    }
    way
}

/// Returns the way to the first value that is ours as a whole.
fn first_ours(node: &Node) -> Option<Vec<usize>> {
    children(node).into_iter().enumerate().find_map(|(position, child)| {
        if is_ours(&child.value()) {
            return Some(vec![position]);
        }
        let mut way = first_ours(child)?;
        way.insert(0, position);
        Some(way)
    })
}

#[cfg(test)]
mod tests;
