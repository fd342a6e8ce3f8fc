//! Members of a JSON object, read without building a tree.
//!
//! Arguments of steps are JSON text of which a few short members matter. The text may be cut in the
//! middle: reading stops at the first malformed part, and the members before it count.

use std::borrow::Cow;

/// Returns the members of the object that `text` begins with, as (name, raw value) in their order;
/// none where it begins with something else.
///
/// The name is as written between its quotes, the value as written, both with their escapes. Costs
/// one pass over the text.
pub(crate) fn members(text: &str) -> Members<'_> {
    let text = text.trim_start();
    Members { rest: text.strip_prefix('{').unwrap_or_default() }
}

/// Iterator over the members of an object.
#[derive(Debug, Clone)]
pub(crate) struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let member = read_member(self.rest);
        self.rest = member.map_or("", |(_, _, rest)| rest);
        member.map(|(name, value, _)| (name, value))
    }
}

/// Reads one member; returns its name, its value and the text after its comma.
fn read_member(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    let name_end = string_end(text)?;
    let (name, rest) = text.split_at_checked(name_end)?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let (value, rest) = value.split_at_checked(value_end(value)?)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(',').unwrap_or_default();
    Some((name.get(1..name_end.checked_sub(1)?)?, value.trim_end(), rest))
}

/// Returns the elements of the list that `text` begins with, as written; none where it begins with
/// something else.
pub(crate) fn elements(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start().strip_prefix('[').unwrap_or_default();
    std::iter::from_fn(move || {
        let text = rest.trim_start();
        let (element, after) = text.split_at_checked(value_end(text)?)?;
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or_default();
        Some(element.trim_end()).filter(|element| !element.is_empty())
    })
}

/// Returns the end of the string that `text` begins with, past its closing quote.
pub(super) fn string_end(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    bytes.next().filter(|(_, byte)| *byte == b'"')?;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
    None
}

/// Returns the end of the value that `text` begins with; `None` where it is cut off.
fn value_end(text: &str) -> Option<usize> {
    if text.starts_with('"') {
        return string_end(text);
    }
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let end = at + string_end(text.get(at..)?)?;
                // The iterator is already past the opening quote.
                for _ in at + 1..end {
                    bytes.next();
                }
            }
            b'{' | b'[' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the text of a raw value that is a string; `None` for other values. Escapes that JSON
/// does not have stay as they are.
pub(crate) fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = escape.chars();
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let (c, n_bytes) = unicode_escape(chars.as_str());
                text.push(c);
                chars = chars.as_str().get(n_bytes..).unwrap_or_default().chars();
            }
            Some(c) => text.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// Returns the character of the digits after `\u`, and the number of bytes that it takes (with the
/// second half of a surrogate pair).
fn unicode_escape(digits: &str) -> (char, usize) {
    let unit = |at: usize| u32::from_str_radix(digits.get(at..at + 4)?, 16).ok();
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if let Some(c) = char::from_u32(first) {
        return (c, 4);
    }
    let second = unit(6).filter(|_| digits.get(4..6) == Some("\\u"));
    let units = [Some(first), second].map(|unit| unit.and_then(|unit| u16::try_from(unit).ok()));
    if let [Some(first), Some(second)] = units
        && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
    {
        return (c, 10);
    }
    (char::REPLACEMENT_CHARACTER, 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,6}|[\"\\\\{}\\[\\],: \n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\é]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_that_a_whole_parser_finds(value in json(), pretty in any::<bool>()) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let mut found = Map::new();
            for (name, raw) in members(&text) {
                let name = unquoted(&format!("\"{name}\"")).unwrap().into_owned();
                let parsed: Value = serde_json::from_str(raw).unwrap();
                if let Value::String(text) = &parsed {
                    let found = unquoted(raw).unwrap();
                    prop_assert_eq!(found.as_ref(), text);
                } else {
                    prop_assert_eq!(unquoted(raw), None);
                }
                found.insert(name, parsed);
            }
            prop_assert_eq!(found, value.as_object().cloned().unwrap_or_default());
        }

        #[test]
        fn any_text_and_any_cut_of_json_is_read_without_harm(
            text in "\\PC{0,40}", value in json(), at in any::<prop::sample::Index>(),
        ) {
            let whole = value.to_string();
            let cut = whole.get(..at.index(whole.len() + 1)).unwrap_or_default();
            for text in [text.as_str(), cut] {
                for (_, raw) in members(text) {
                    let _text = unquoted(raw);
                }
            }
        }
    }

    #[test]
    fn elements_of_a_list_are_read() {
        let all = |text| elements(text).collect::<Vec<_>>();
        assert_eq!(all(r#"[ "a,b" , {"c":[1]},3]"#), [r#""a,b""#, r#"{"c":[1]}"#, "3"]);
        assert!(all("[]").is_empty() && all("{}").is_empty() && all("[\"a").is_empty());
    }

    #[test]
    fn members_before_a_cut_are_read() {
        let text = r#"{"path": "a/b", "content": "x [… 12 bytes left out"#;
        assert_eq!(members(text).collect::<Vec<_>>(), [("path", "\"a/b\"")]);
        assert_eq!(members("[1]").count() + members("").count() + members("{").count(), 0);
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        let raw = r#""a\n\u00e9\ud83e\udd80\ud83e \"q\" \\ \u12""#;
        assert_eq!(unquoted(raw).unwrap(), "a\né🦀\u{fffd} \"q\" \\ \u{fffd}12");
    }
}
