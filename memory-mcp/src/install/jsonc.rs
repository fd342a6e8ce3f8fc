//! JSON with comments and trailing commas, edited without losing any of them.
//!
//! A document is read into a tree of positions; a change is made in the text, at these positions,
//! so that whatever it does not name stays as it was, byte for byte. Used by
//! [`super::document`].

mod edit;
mod parse;

pub(super) use edit::{insert, remove, replace};
pub(super) use parse::parse;

use std::ops::Range;

/// A value without its place, members in the order in which they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// Members by name.
    Object(Vec<(String, Self)>),
    /// Elements.
    Array(Vec<Self>),
    /// A text.
    Text(String),
    /// A number, a truth value or null, as it was written.
    Word(String),
}

impl Json {
    /// Reads a value from a text that is known to be good, such as a filled template.
    pub(super) fn read(text: &str) -> Result<Self, BadSyntax> {
        parse(text).map(|node| node.value())
    }

    /// Returns the member of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Returns the elements of a list, none of anything else.
    pub(super) fn elements(&self) -> &[Self] {
        if let Self::Array(elements) = self { elements } else { &[] }
    }

    /// Returns the text, of a text.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns whether everything that this value says stands in the other one too.
    pub(super) fn is_part_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(members), Self::Object(_)) => members.iter().all(|(name, value)| {
                other.member(name).is_some_and(|present| value.is_part_of(present))
            }),
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_part_of(b))
            }
            (a, b) => a == b,
        }
    }

    /// Returns whether any text of this value passes the test.
    #[cfg(test)]
    pub(super) fn any_text(&self, passes: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Object(members) => members.iter().any(|(_, value)| value.any_text(passes)),
            Self::Array(elements) => elements.iter().any(|value| value.any_text(passes)),
            Self::Text(text) => passes(text),
            Self::Word(_) => false,
        }
    }

    /// Writes the value over several lines, as editors do; lists of plain values stay on one line.
    pub(super) fn pretty(&self, unit: &str, base: &str) -> String {
        let inner = format!("{base}{unit}");
        match self {
            Self::Object(members) if !members.is_empty() => {
                let lines: Vec<String> = members
                    .iter()
                    .map(|(name, value)| {
                        format!("{inner}{}: {}", quoted(name), value.pretty(unit, &inner))
                    })
                    .collect();
                format!("{{\n{}\n{base}}}", lines.join(",\n"))
            }
            Self::Object(_) => "{}".to_owned(),
            Self::Array(elements) if elements.iter().any(Self::is_nested) => {
                let lines: Vec<String> = elements
                    .iter()
                    .map(|value| format!("{inner}{}", value.pretty(unit, &inner)))
                    .collect();
                format!("[\n{}\n{base}]", lines.join(",\n"))
            }
            Self::Array(elements) => {
                let items: Vec<String> =
                    elements.iter().map(|value| value.pretty(unit, base)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Text(text) => quoted(text),
            Self::Word(word) => word.clone(),
        }
    }

    /// Writes the value on one line.
    pub(super) fn one_line(&self) -> String {
        match self {
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| {
                    format!("{}: {}", quoted(name), value.one_line())
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            Self::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::one_line).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Text(text) => quoted(text),
            Self::Word(word) => word.clone(),
        }
    }

    const fn is_nested(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Array(_))
    }
}

/// Returns a text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A value with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// From its first to behind its last character.
    pub(super) span: Range<usize>,
    /// Its content.
    pub(super) kind: Kind,
}

/// Content of a [`Node`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// An object; its members in order.
    Object(Vec<Member>),
    /// A list.
    Array(Vec<Node>),
    /// A text, decoded.
    Text(String),
    /// A number, a truth value or null.
    Word(String),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// Its name, decoded.
    pub(super) name: String,
    /// Position of the first character of its name.
    pub(super) start: usize,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// Returns the value without its places.
    pub(super) fn value(&self) -> Json {
        match &self.kind {
            Kind::Object(members) => {
                Json::Object(members.iter().map(|m| (m.name.clone(), m.value.value())).collect())
            }
            Kind::Array(elements) => Json::Array(elements.iter().map(Self::value).collect()),
            Kind::Text(text) => Json::Text(text.clone()),
            Kind::Word(word) => Json::Word(word.clone()),
        }
    }

    /// Returns the member of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// Returns the value below by names, as far as there are objects.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.member(name))
    }

    /// Returns the spans of the members (with their names) or elements.
    pub(super) fn items(&self) -> Vec<Range<usize>> {
        match &self.kind {
            Kind::Object(members) => members.iter().map(|m| m.start..m.value.span.end).collect(),
            Kind::Array(elements) => elements.iter().map(|node| node.span.clone()).collect(),
            Kind::Text(_) | Kind::Word(_) => Vec::new(),
        }
    }
}

/// A text that is no JSON, even with comments and trailing commas allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct BadSyntax {
    /// Line, from 1.
    pub(super) line: usize,
    /// Problem.
    pub(super) what: &'static str,
}

#[cfg(test)]
mod tests;
