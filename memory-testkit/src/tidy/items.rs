//! Modules, imports and paths of a Rust source text.
//!
//! Input is the text of one file; output is what the rules about modules need to know of it: which
//! modules it declares, what it imports, and which paths its code names. Expressions and types are
//! not understood beyond that. Used by [`super::modules`] and the rules on top of it.

use std::collections::BTreeSet;

use super::lexing::{code_only, word_len};

/// A `mod name;` or `mod name { … }` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declaration {
    /// Name of the module.
    pub(super) name: String,
    /// Inline modules of the file around it, outermost first.
    pub(super) inside: Vec<String>,
    /// Value of its `#[path = "…"]`.
    pub(super) path: Option<String>,
    /// Its attributes have `#[cfg(test)]`.
    pub(super) is_test: bool,
    /// The body follows in the same file.
    pub(super) is_inline: bool,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// Inline modules of the file around it, outermost first.
    pub(super) inside: Vec<String>,
    /// Path as written, from its first segment on.
    pub(super) path: Vec<String>,
    /// Name under which it is known here; `None` for `*`.
    pub(super) alias: Option<String>,
    /// Begins with `pub`: others may take the name from here.
    pub(super) is_public: bool,
    /// Line, from 1.
    pub(super) line: usize,
}

/// A path of at least two segments in code, such as `wire::render`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodePath {
    /// Inline modules of the file around it, outermost first.
    pub(super) inside: Vec<String>,
    /// Its segments.
    pub(super) segments: Vec<String>,
    /// Line, from 1.
    pub(super) line: usize,
}

/// All that is read of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    /// Modules, in the order of the text.
    pub(super) declarations: Vec<Declaration>,
    /// Imports, in the order of the text.
    pub(super) imports: Vec<Import>,
    /// Paths outside of imports.
    pub(super) paths: Vec<CodePath>,
    /// Words of the code outside of imports.
    pub(super) words: BTreeSet<String>,
    /// Names after `fn`, `struct` and the like: what the file defines, methods included.
    pub(super) defined: BTreeSet<String>,
}

/// Words before the name of an item.
const DEFINING: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "const", "static"];

impl Items {
    /// Reads a source text.
    pub(super) fn of(text: &str) -> Self {
        let code = code_only(text);
        let tokens = tokens(&code);
        let mut reader = Reader { text, code: &code, tokens, ..Reader::default() };
        while reader.at < reader.tokens.len() {
            reader.step();
        }
        reader.items
    }
}

/// An identifier, `::`, or one character.
struct Token<'a> {
    /// Byte at which it begins.
    at: usize,
    /// Line, from 1.
    line: usize,
    text: &'a str,
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = code[at..].chars().next() {
        let rest = &code[at..];
        let len = match c {
            // A lifetime is no name of an item.
            '\'' => 1 + word_len(&rest[1..]),
            _ if rest.starts_with("::") => 2,
            _ if rest.starts_with("r#") => 2 + word_len(&rest[2..]),
            _ => word_len(rest).max(c.len_utf8()),
        };
        if !c.is_whitespace() && c != '\'' {
            found.push(Token { at, line, text: rest[..len].trim_start_matches("r#") });
        }
        line += usize::from(c == '\n');
        at += len;
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Goes through the tokens of a file once.
#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    code: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Open inline modules, each with the depth of braces outside of it.
    open: Vec<(usize, String)>,
    depth: usize,
    items: Items,
}

impl Reader<'_> {
    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn inside(&self) -> Vec<String> {
        self.open.iter().map(|(_, name)| name.clone()).collect()
    }

    fn line(&self, at: usize) -> usize {
        self.tokens[at].line
    }

    /// Reads what begins at the current token and goes past it.
    fn step(&mut self) {
        let next = self.token(self.at + 1);
        match self.token(self.at) {
            "mod" if is_word(next) => return self.module(),
            // `use<'a>` in a bound captures lifetimes and imports nothing.
            "use" if next != "<" => return self.import(),
            "{" => self.depth += 1,
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                if self.open.last().is_some_and(|(outside, _)| *outside == self.depth) {
                    self.open.pop();
                }
            }
            word if is_word(word) => return self.word(),
            _ => {}
        }
        self.at += 1;
    }

    fn module(&mut self) {
        let name = self.token(self.at + 1).to_owned();
        let is_inline = self.token(self.at + 2) == "{";
        if is_inline || self.token(self.at + 2) == ";" {
            let attributes = attributes(self.text, &self.code[..self.tokens[self.at].at]);
            let path = attributes.split_once("#[path").and_then(|(_, rest)| rest.split('"').nth(1));
            self.items.declarations.push(Declaration {
                name: name.clone(),
                inside: self.inside(),
                path: path.map(str::to_owned),
                is_test: attributes.contains("#[cfg(test)]"),
                is_inline,
            });
        }
        if is_inline {
            self.open.push((self.depth, name));
        }
        // The brace, if there is one, is counted by the next step.
        self.at += 2;
    }

    fn import(&mut self) {
        let (line, before) = (self.line(self.at), self.at.wrapping_sub(1));
        // `pub use` or `pub(crate) use`.
        let is_public = matches!(self.token(before), "pub" | ")");
        self.at += 1;
        if self.token(self.at) == "::" {
            self.at += 1;
        }
        self.tree(&[], is_public, line);
        while !matches!(self.token(self.at), ";" | "") {
            self.at += 1;
        }
    }

    /// Reads one branch of a `use`, up to the `,`, `}` or `;` after it.
    fn tree(&mut self, prefix: &[String], is_public: bool, line: usize) {
        let mut path = prefix.to_vec();
        loop {
            match self.token(self.at) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.token(self.at), "}" | ";" | "") {
                        self.tree(&path, is_public, line);
                        if self.token(self.at) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    return self.bring_in(path, None, is_public, line);
                }
                // `module::{self}` is the module itself.
                "self" if !path.is_empty() => self.at += 1,
                word if is_word(word) => {
                    path.push(word.to_owned());
                    self.at += 1;
                }
                _ => return,
            }
            match self.token(self.at) {
                "::" => self.at += 1,
                "as" => {
                    let alias = self.token(self.at + 1).to_owned();
                    self.at += 2;
                    return self.bring_in(path, Some(alias), is_public, line);
                }
                _ => {
                    let alias = path.last().cloned();
                    return self.bring_in(path, alias, is_public, line);
                }
            }
        }
    }

    fn bring_in(&mut self, path: Vec<String>, alias: Option<String>, is_public: bool, line: usize) {
        let inside = self.inside();
        self.items.imports.push(Import { inside, path, alias, is_public, line });
    }

    /// Reads a word, and the path that it begins if it begins one.
    fn word(&mut self) {
        // `macro_rules! name` has a `!` before its name.
        let before = [1, 2].map(|n| self.at.checked_sub(n).map_or("", |at| self.token(at)));
        let is_defined = DEFINING.contains(&before[0]) || before == ["!", "macro_rules"];
        let starts = !matches!(before[0], "::" | ".");
        if is_defined {
            self.items.defined.insert(self.token(self.at).to_owned());
        }
        let (first, mut segments) = (self.at, vec![self.token(self.at).to_owned()]);
        while self.token(self.at + 1) == "::" && is_word(self.token(self.at + 2)) {
            self.at += 2;
            segments.push(self.token(self.at).to_owned());
        }
        self.at += 1;
        self.items.words.extend(segments.iter().cloned());
        // An exported macro is called as if it lay in the crate root, wherever it is defined.
        let is_exported =
            segments.len() == 2 && segments[0] == "crate" && self.token(self.at) == "!";
        if starts && segments.len() > 1 && !is_exported {
            let (inside, line) = (self.inside(), self.line(first));
            self.items.paths.push(CodePath { inside, segments, line });
        }
    }
}

/// Attributes and comments right before the item that `before` ends at.
fn attributes<'a>(text: &'a str, before: &str) -> &'a str {
    // Only attributes and visibility stand between the end of the last item and this one.
    let start = before.rfind([';', '}', '{']).map_or(0, |at| at + 1);
    &text[start..before.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<(String, Option<String>)> {
        let imports = Items::of(text).imports.into_iter();
        imports.map(|import| (import.path.join("::"), import.alias)).collect()
    }

    #[test]
    fn every_branch_of_an_import_is_read() {
        let text = "use crate::{a, b::{self, c as d}, e::*};\npub use super::f;";
        let named = |path: &str, alias: &str| (path.to_owned(), Some(alias.to_owned()));
        let expected = [
            named("crate::a", "a"),
            named("crate::b", "b"),
            named("crate::b::c", "d"),
            ("crate::e".to_owned(), None),
            named("super::f", "f"),
        ];
        assert_eq!(imports(text), expected);
        let items = Items::of(text);
        assert_eq!(
            items.imports.iter().map(|i| i.is_public).collect::<Vec<_>>()[3..],
            [false, true]
        );
        assert_eq!(items.imports.last().unwrap().line, 2);
    }

    #[test]
    fn comments_strings_and_lifetimes_are_no_imports() {
        let text = "// use crate::a;\nlet s = \"use crate::b;\"; fn f() -> impl Sized + use<'_> {}";
        assert_eq!(imports(text), []);
    }

    #[test]
    fn paths_in_code_are_read_with_their_module() {
        let text = "fn f() { wire::render(x.y::<u8>(), Vec::<u8>::new()); }\n\
            mod tests {\n use super::*;\n fn g() { super::f(); crate::a::B::new() }\n}";
        let items = Items::of(text);
        let paths: Vec<_> = items
            .paths
            .iter()
            .map(|p| (p.inside.join("/"), p.segments.join("::"), p.line))
            .collect();
        let expected = [
            (String::new(), "wire::render".to_owned(), 1),
            ("tests".to_owned(), "super::f".to_owned(), 4),
            ("tests".to_owned(), "crate::a::B::new".to_owned(), 4),
        ];
        assert_eq!(paths, expected);
        assert!(items.defined.contains("f") && items.defined.contains("g"));
        assert!(!items.defined.contains("render"));
    }
}
