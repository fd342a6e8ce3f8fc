//! Views of JSON of which nothing is certain.
//!
//! Every accessor gives `None` for what is missing, `null` or of another kind. Used by the
//! adapters.

use memory_core::{Period, Timestamp};
use serde_json::{Map, Value};

/// Longest text that an adapter hands on; longer ones keep head and tail.
const MAX_TEXT_BYTES: usize = 48 << 10;

/// Smallest number that is taken for milliseconds since 1970; smaller ones are seconds.
const MIN_MILLIS: f64 = 1e11;

/// An object of JSON.
pub(crate) type Object = Map<String, Value>;

/// Returns the text of a field that is not empty.
pub(crate) fn text<'v>(object: &'v Object, key: &str) -> Option<&'v str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the text of the first of these fields that has one.
pub(crate) fn first_text<'v>(object: &'v Object, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| text(object, key))
}

/// Returns the object in a field.
pub(crate) fn object<'v>(object: &'v Object, key: &str) -> Option<&'v Object> {
    object.get(key)?.as_object()
}

/// Returns the list in a field, an empty one if there is none.
pub(crate) fn list<'v>(object: &'v Object, key: &str) -> &'v [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns whether a field is `true`.
pub(crate) fn is_true(object: &Object, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool) == Some(true)
}

/// Returns a whole number, also one that is written as a text or with a fraction.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| rounded(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.unsigned_abs() < 1 << 53)
}

/// Returns a duration in milliseconds.
pub(crate) fn millis(value: Option<&Value>) -> Option<u64> {
    u64::try_from(integer(value?)?).ok()
}

/// Returns an instant: RFC 3339, or a number of seconds or milliseconds since 1970.
pub(crate) fn instant(value: Option<&Value>) -> Option<Timestamp> {
    match value? {
        Value::String(text) => {
            let number = || text.trim().parse().ok().and_then(instant_of_number);
            Period::read(text).map(|period| period.start).or_else(number)
        }
        Value::Number(number) => instant_of_number(number.as_f64()?),
        _ => None,
    }
}

fn instant_of_number(number: f64) -> Option<Timestamp> {
    let millis = if number < MIN_MILLIS { number * 1_000.0 } else { number };
    rounded(millis).filter(|millis| *millis > 0).map(Timestamp::from_millis)
}

fn rounded(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the filter bounds it")]
    let rounded = |number: f64| number.round() as i64;
    Some(number).filter(|number| number.abs() < 9e15).map(rounded)
}

/// Returns the text within a value: a text as it is, the texts of content blocks one below the
/// other, anything else as JSON. Images and other binary content leave a mark.
pub(crate) fn content(value: &Value) -> String {
    let mut text = String::new();
    add_content(value, 0, &mut text);
    kept(text)
}

fn add_content(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Null => {}
        Value::String(part) => add_part(text, part),
        Value::Array(parts) if depth < 4 => {
            for part in parts {
                add_content(part, depth + 1, text);
            }
        }
        Value::Object(block) => {
            let inner = ["text", "content"].iter().find_map(|key| block.get(*key));
            match (block.get("type").and_then(Value::as_str), inner) {
                (Some("image" | "input_image" | "image_url"), _) => add_part(text, "[image]"),
                (Some("thinking" | "reasoning" | "redacted_thinking"), _) => {}
                (_, Some(inner)) if depth < 4 => add_content(inner, depth + 1, text),
                _ => add_part(text, &json(value)),
            }
        }
        other => add_part(text, &other.to_string()),
    }
}

fn add_part(text: &mut String, part: &str) {
    if !text.is_empty() && !part.is_empty() {
        text.push('\n');
    }
    text.push_str(part);
}

/// Returns a value as JSON text, of a text that holds JSON or a command the text itself; binary
/// content and texts that are too long are cut.
pub(crate) fn json(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => kept(text.clone()),
        value => {
            let printed = value.to_string();
            if printed.len() <= MAX_TEXT_BYTES { printed } else { shortened(value).to_string() }
        }
    }
}

/// Returns a value whose texts are short enough to be kept.
fn shortened(value: &Value) -> Value {
    /// Longest text within a value that is too long.
    const MAX_PART_BYTES: usize = 8 << 10;
    match value {
        Value::String(text) => cut(text.clone(), MAX_PART_BYTES).into(),
        Value::Array(items) => items.iter().take(1_000).map(shortened).collect(),
        Value::Object(fields) => {
            let short = fields.iter().map(|(key, value)| (key.clone(), shortened(value)));
            Value::Object(short.collect())
        }
        value => value.clone(),
    }
}

/// Returns a text that is not longer than an adapter hands on.
pub(crate) fn kept(text: String) -> String {
    let text = if is_binary(&text) { format!("[{} bytes, binary]", text.len()) } else { text };
    cut(text, MAX_TEXT_BYTES)
}

fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    memory_core::Excerpt::cut(text, limit).as_str().to_owned()
}

/// Returns whether a text is data in base 64, or has characters that no text has.
fn is_binary(text: &str) -> bool {
    const MIN_BYTES: usize = 2_000;
    let Some(head) = text.as_bytes().get(..MIN_BYTES) else { return false };
    let is_data = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    head.starts_with(b"data:") && head.windows(8).any(|part| part == b";base64,")
        || head.iter().all(is_data)
        || head.contains(&0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_are_taken_for_each_other() {
        assert_eq!(integer(&json!("41")), Some(41));
        assert_eq!(integer(&json!(41.4)), Some(41));
        assert_eq!(millis(Some(&json!(-1))), None);
        for spelled in [json!("2026-01-02T03:04:05.678Z"), json!(1_767_323_045_678_u64)] {
            assert_eq!(instant(Some(&spelled)), Some(Timestamp::from_millis(1_767_323_045_678)));
        }
        assert_eq!(
            instant(Some(&json!(1_767_323_045))),
            Some(Timestamp::from_millis(1_767_323_045_000))
        );
        assert_eq!(instant(Some(&json!("yesterday noonish"))), None);
    }

    #[test]
    fn content_is_the_texts_of_its_blocks() {
        let blocks = json!([
            {"type": "text", "text": "one"},
            {"type": "image", "source": {"data": "AAAA"}},
            {"type": "thinking", "thinking": "hm"},
            {"type": "tool_result", "content": [{"type": "text", "text": "two"}]},
        ]);
        assert_eq!(content(&blocks), "one\n[image]\ntwo");
        assert_eq!(content(&json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(content(&Value::Null), "");
    }

    #[test]
    fn data_and_long_texts_do_not_pass() {
        assert_eq!(kept("QUJD".repeat(1_000)), "[4000 bytes, binary]");
        let long = json!({"file": "a b\n".repeat(40_000), "name": "x"});
        let printed = json(&long);
        assert!(printed.len() < MAX_TEXT_BYTES, "{}", printed.len());
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["name"], "x");
    }
}
