//! Looks for the id of a request in a text that is no JSON, or too long to be read.
//!
//! Input: the bytes of one line, in pieces of any size. Output: the id of the request that it was
//! meant to be. Used where a line cannot be parsed, so that whoever sent it gets an answer. Knows
//! strings, escapes and nesting and nothing else: it never fails, takes linear time and keeps a few
//! bytes.

use serde_json::Value;

/// Longest id or key that is kept, in bytes.
const MAX_TOKEN_BYTES: usize = 1024;

/// State of a scan over one line.
#[derive(Debug, Default)]
pub(super) struct Skim {
    /// Number of objects and arrays around the current byte.
    depth: u32,
    /// Set where the outermost value is an object.
    is_object: bool,
    text: Text,
    member: Member,
    /// Key of the current member of the outermost object.
    key: String,
    /// Bytes of the key, or of the value of `id`, that is being read.
    token: Vec<u8>,
    id: Option<Value>,
    has_method: bool,
    has_result: bool,
}

/// Place within a string.
#[derive(Debug, Default, PartialEq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

/// Place within a member of the outermost object.
#[derive(Debug, Default, PartialEq)]
enum Member {
    #[default]
    Key,
    /// After the colon.
    Value,
}

impl Skim {
    /// Scans a whole line.
    pub(super) fn of(line: &[u8]) -> Self {
        let mut skim = Self::default();
        skim.feed(line);
        skim
    }

    /// Scans the next piece of the line.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for byte in piece {
            self.step(*byte);
        }
    }

    /// Returns the id of the request; `Null` where none can be read, or where the line looks like
    /// the answer to a request of ours, whose ids are not the client's.
    pub(super) fn request_id(self) -> Value {
        let is_answer = self.has_result && !self.has_method;
        self.id.filter(|_| !is_answer).unwrap_or_default()
    }

    fn step(&mut self, byte: u8) {
        if self.text != Text::Outside {
            self.keep(byte);
            self.text = match byte {
                _ if self.text == Text::Escaped => Text::Inside,
                b'\\' => Text::Escaped,
                b'"' => {
                    self.end_token();
                    Text::Outside
                }
                _ => Text::Inside,
            };
            return;
        }
        match byte {
            b'"' => {
                self.text = Text::Inside;
                self.keep(byte);
            }
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.is_object = byte == b'{';
                }
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => {
                self.end_token();
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => {
                self.end_token();
                if self.depth == 1 {
                    self.member = Member::Key;
                    self.key.clear();
                }
            }
            b':' if self.depth == 1 => self.member = Member::Value,
            byte if byte.is_ascii_whitespace() => self.end_token(),
            byte => self.keep(byte),
        }
    }

    /// Keeps a byte of a key, or of the value of `id`.
    fn keep(&mut self, byte: u8) {
        let is_wanted = self.depth == 1 && (self.member == Member::Key || self.key == "id");
        // One byte more than is allowed shows that the token is too long.
        if is_wanted && self.token.len() <= MAX_TOKEN_BYTES {
            self.token.push(byte);
        }
    }

    fn end_token(&mut self) {
        let token = std::mem::take(&mut self.token);
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !self.is_object {
            return;
        }
        let text = repaired(&String::from_utf8_lossy(&token));
        match (&self.member, serde_json::from_str(&text)) {
            (Member::Value, Ok(id @ (Value::String(_) | Value::Number(_)))) => self.id = Some(id),
            (Member::Key, Ok(Value::String(key))) => {
                self.has_method |= key == "method";
                self.has_result |= key == "result" || key == "error";
                self.key = key;
            }
            _ => {}
        }
    }
}

/// Returns JSON with each half of a surrogate pair that stands alone replaced by U+FFFD.
///
/// Programs that cut texts in UTF-16 leave half an emoji behind and write it as an escape
/// (`\ud83d`).
pub(super) fn repaired(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let n_bytes = match surrogate(escape) {
            Some(0xd800..=0xdbff)
                if matches!(escape.get(6..).and_then(surrogate), Some(0xdc00..=0xdfff)) =>
            {
                12
            }
            Some(_) => {
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // The backslash and what it escapes, which may be another backslash.
            None => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (kept, after) = escape.split_at(n_bytes);
        out.push_str(kept);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Returns the surrogate that an escape at the beginning of `text` stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(line: &str) -> Value {
        // In pieces of every size: nothing may depend on where one ends.
        let whole = Skim::of(line.as_bytes()).request_id();
        for size in 1..8 {
            let mut skim = Skim::default();
            line.as_bytes().chunks(size).for_each(|piece| skim.feed(piece));
            assert_eq!(skim.request_id(), whole, "{line} in pieces of {size}");
        }
        whole
    }

    #[test]
    fn the_id_of_a_broken_request_is_found_wherever_it_stands() {
        for (line, found) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"#, json!(7)),
            (r#"{"id":"a-1","method":"ping",}"#, json!("a-1")),
            (r#"{"method":"m","params":{"id":3,"a":["id",{"id":4}]},"id": -2 }x"#, json!(-2)),
            (r#"{"params":"\"id\":1,{","id":"x\u00e9\"","method":7,"#, json!("x\u{e9}\"")),
            (r#"{"method":"m","id":"half \ud83d"}"#, json!("half \u{fffd}")),
        ] {
            assert_eq!(id(line), found, "{line}");
        }
    }

    #[test]
    fn what_names_no_request_has_no_id() {
        for line in [
            "not json",
            "",
            r#"[{"id":1,"method":"ping"}"#,
            r#"{"params":{"id":1}"#,
            r#"{"id":null,"method":"#,
            r#"{"id":{"a":1},"method":"#,
            r#"{"jsonrpc":"2.0","id":3,"result":{"roots":["#,
            r#"{"id":12"#,
            r#""id":1,"method":"ping""#,
        ] {
            assert_eq!(id(line), Value::Null, "{line}");
        }
    }

    #[test]
    fn an_id_of_megabytes_is_not_kept() {
        let mut skim = Skim::default();
        skim.feed(b"{\"id\":\"");
        (0..2_000).for_each(|_| skim.feed(&[b'x'; 1024]));
        assert!(skim.token.capacity() < 4 * MAX_TOKEN_BYTES, "{}", skim.token.capacity());
        skim.feed(b"\",\"method\":\"ping\"");
        assert_eq!(skim.request_id(), Value::Null);
    }

    #[test]
    fn only_halves_of_pairs_are_replaced() {
        for (json, whole) in [
            (r#""\ud83d\ude80""#, "\u{1f680}"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\uDE80\uD83D""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude80""#, "\u{fffd}\u{1f680}"),
            (r#""\\ud83d é\\""#, "\\ud83d é\\"),
            (r#""\ud83dx\n\u00e9""#, "\u{fffd}x\n\u{e9}"),
        ] {
            let text: String = serde_json::from_str(&repaired(json)).unwrap();
            assert_eq!(text, whole, "{json}");
        }
        for broken in ["\\", "\"\\u", "\"\\ud8", "\\ud83d\\", "\\é"] {
            _ = repaired(broken);
        }
    }
}
