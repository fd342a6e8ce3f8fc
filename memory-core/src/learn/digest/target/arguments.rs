//! Arguments of a tool: which of them name a target, by the form of name and value.

use std::borrow::Cow;

use crate::learn::digest::action::COMMANDS;
use crate::learn::digest::members::{elements, members, unquoted};

/// Depth of objects and lists within each other that are read.
const MAX_DEPTH: usize = 4;

/// Arguments of one call that are read.
const MAX_LEAVES: usize = 64;

/// Words of names of tools and actions that change something, and those that only look.
const CHANGING: [&str; 26] = [
    "write", "edit", "create", "update", "insert", "delete", "remove", "replace", "patch",
    "append", "move", "rename", "put", "post", "push", "add", "set", "save", "modify", "apply",
    "upload", "merge", "book", "cancel", "send", "fork",
];
const LOOKING: [&str; 15] = [
    "view", "read", "get", "list", "search", "find", "show", "fetch", "query", "open", "cat",
    "describe", "retrieve", "grep", "glob",
];

/// Names of arguments that hold what a file or record becomes.
const CONTENTS: [&str; 12] = [
    "content",
    "contents",
    "new_str",
    "new_string",
    "new_text",
    "newText",
    "file_text",
    "patch",
    "diff",
    "edits",
    "old_str",
    "old_string",
];

/// Words of names of arguments that say that the value is a file, a table, or an id.
const FILES: [&str; 8] =
    ["path", "paths", "file", "files", "filename", "filepath", "filenames", "notebook"];
const TABLES: [&str; 3] = ["table", "tables", "relation"];
const IDS: [&str; 3] = ["id", "ids", "number"];

/// Words of names of arguments that say what is meant in words.
const TERMS: [&str; 11] = [
    "name",
    "title",
    "query",
    "q",
    "arg",
    "repo",
    "repository",
    "target",
    "topic",
    "subject",
    "keyword",
];

/// Role of an argument by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    File,
    Table,
    Id,
    Term,
    Other,
}

/// Returns the role that the name of an argument gives it.
pub(super) fn role(name: &str) -> Role {
    let last = words(name).last();
    let has =
        |list: &[&str]| words(name).any(|word| list.iter().any(|w| w.eq_ignore_ascii_case(word)));
    let is_last =
        |list: &[&str]| last.is_some_and(|word| list.iter().any(|w| w.eq_ignore_ascii_case(word)));
    if has(&FILES) {
        Role::File
    } else if is_last(&IDS) {
        Role::Id
    } else if has(&TABLES) {
        Role::Table
    } else if is_last(&TERMS) {
        Role::Term
    } else {
        Role::Other
    }
}

/// Returns whether a call changes something, by the names of tool, action and arguments.
pub(super) fn is_changing(tool: &str, action: Option<&str>, args: &str) -> bool {
    let verdict = |name: &str| {
        let has = |list: &[&str]| {
            words(name).any(|word| list.iter().any(|w| w.eq_ignore_ascii_case(word)))
        };
        // `post-search` looks: what a call does stands before or after how it is sent.
        if has(&LOOKING) { Some(false) } else { has(&CHANGING).then_some(true) }
    };
    let has_contents = || members(args).any(|(name, _)| CONTENTS.contains(&name));
    action.and_then(verdict).unwrap_or_else(|| has_contents() || verdict(tool) == Some(true))
}

/// Returns the command line among the arguments, if there is one.
pub(super) fn command_line(args: &str) -> Option<Cow<'_, str>> {
    let (_, raw) = members(args).find(|(name, _)| COMMANDS.contains(name))?;
    if !raw.starts_with('[') {
        return unquoted(raw);
    }
    // A program with its arguments; `sh -c` runs a line.
    let words: Vec<Cow<'_, str>> = elements(raw).filter_map(unquoted).collect();
    let at = words.iter().position(|word| matches!(&**word, "-c" | "-lc"));
    match at.and_then(|at| words.get(at + 1)) {
        Some(line) => Some(Cow::Owned(line.clone().into_owned())),
        None => Some(Cow::Owned(words.join(" "))),
    }
}

/// Returns the words of a name, split at signs and before capitals.
pub(crate) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let mut chars = rest.char_indices().skip(1);
            let mut before = rest.chars().next()?;
            let end = chars.find_map(|(at, c)| {
                let is_end = before.is_lowercase() && c.is_uppercase();
                before = c;
                is_end.then_some(at)
            });
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            Some(word)
        })
    })
}

/// Calls `found` with each text and number among the arguments, and its name; those of a list have
/// the name of the list.
pub(super) fn leaves<'a>(args: &'a str, found: &mut impl FnMut(&'a str, Cow<'a, str>)) {
    let mut n_left = MAX_LEAVES;
    for (name, raw) in members(args) {
        walk(name, raw, MAX_DEPTH, &mut n_left, found);
    }
}

fn walk<'a>(
    name: &'a str,
    raw: &'a str,
    depth: usize,
    n_left: &mut usize,
    found: &mut impl FnMut(&'a str, Cow<'a, str>),
) {
    if *n_left == 0 || depth == 0 {
        return;
    }
    if raw.starts_with('{') {
        for (name, raw) in members(raw) {
            walk(name, raw, depth - 1, n_left, found);
        }
    } else if raw.starts_with('[') {
        for raw in elements(raw) {
            walk(name, raw, depth - 1, n_left, found);
        }
    } else if let Some(text) = unquoted(raw) {
        *n_left -= 1;
        found(name, text);
    } else if raw.starts_with(|c: char| c.is_ascii_digit()) {
        *n_left -= 1;
        found(name, Cow::Borrowed(raw));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_at_any_depth_in_their_order() {
        let args = r#"{"owner":"acme","files":[{"path":"a.py","content":"x\ny"},{"path":"b.py"}],
            "n":3,"on":true,"labels":["p","q"]}"#;
        let mut all = Vec::new();
        leaves(args, &mut |name, value| all.push(format!("{name}={value}")));
        let expected =
            ["owner=acme", "path=a.py", "content=x\ny", "path=b.py", "n=3", "labels=p", "labels=q"];
        assert_eq!(all, expected);
    }

    #[test]
    fn the_name_of_an_argument_gives_its_role() {
        let cases = [
            ("file_path", Role::File),
            ("filePath", Role::File),
            ("page_id", Role::Id),
            ("pageId", Role::Id),
            ("issue_number", Role::Id),
            ("table_name", Role::Table),
            ("object_name", Role::Term),
            ("limit", Role::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn a_call_that_changes_something_is_told_from_one_that_looks() {
        assert!(is_changing("write_file", None, "{}"));
        assert!(is_changing("API-patch-page", None, "{}"));
        assert!(is_changing("editor", Some("str_replace"), r#"{"path":"a","new_str":"b"}"#));
        assert!(!is_changing("text_edit_tool", Some("view"), r#"{"path":"a"}"#));
        assert!(!is_changing("API-post-search", None, r#"{"query":"x"}"#));
        assert!(!is_changing("read_file", None, r#"{"path":"a"}"#));
    }

    #[test]
    fn names_are_split_into_words() {
        let all = |name| words(name).collect::<Vec<_>>();
        assert_eq!(all("getPageId"), ["get", "Page", "Id"]);
        assert_eq!(all("API-post-search"), ["API", "post", "search"]);
        assert!(all("").is_empty());
    }
}
