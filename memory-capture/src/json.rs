//! Repairs of JSON texts at the edges: half surrogate pairs on the way in, characters that
//! terminals and line readers act on on the way out.
//!
//! Both functions work on the text of whole JSON values and leave what they mean as it is. Used by
//! the readers and writers of this crate and by the command line.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces each escaped half of a surrogate pair that stands alone by U+FFFD.
///
/// Programs that cut texts by UTF-16 units leave such halves (`\ud83d`), which no UTF-8 text can
/// hold and which `serde_json` refuses. Everything else stays as it is; linear time.
#[must_use]
pub fn repair_surrogates(json: &str) -> Cow<'_, str> {
    let mut repaired = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        let Some(unit) = unit_at(json, escape) else {
            // Another escape: its second character may be a backslash, which begins nothing.
            at = escape + 2;
            continue;
        };
        let is_pair = matches!(unit, 0xd800..=0xdbff)
            && matches!(unit_at(json, escape + 6), Some(0xdc00..=0xdfff));
        if is_pair {
            at = escape + 12;
            continue;
        }
        at = escape + 6;
        if matches!(unit, 0xd800..=0xdfff) {
            repaired.push_str(json.get(kept..escape).unwrap_or_default());
            repaired.push_str("\\ufffd");
            kept = at;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    repaired.push_str(json.get(kept..).unwrap_or_default());
    Cow::Owned(repaired)
}

/// Reads the UTF-16 unit of the escape `\uXXXX` that begins at `at`.
fn unit_at(json: &str, at: usize) -> Option<u32> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// Escapes DEL, the C1 controls (U+0080 to U+009F) and the separators U+2028 and U+2029.
///
/// JSON allows them raw, but terminals take C1 controls for commands, and some readers of lines
/// take the separators for line breaks. In JSON they can stand in strings alone, where the escape
/// means the same.
#[must_use]
pub fn escape_controls(json: String) -> String {
    // The first bytes of these characters in UTF-8; most texts have none of them.
    if !json.bytes().any(|byte| matches!(byte, 0x7f | 0xc2 | 0xe2)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                let written = write!(escaped, "\\u{:04x}", u32::from(c));
                debug_assert!(written.is_ok(), "a string takes all that is written to it");
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_half_pair_becomes_a_replacement_and_a_pair_stays() {
        for (json, expected) in [
            (r#""x \ud83d y""#, "x \u{fffd} y"),
            (r#""x \uDE00""#, "x \u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\u00e9 \ud83d\ude00""#, "\u{e9} \u{1f600}"),
        ] {
            let value: Value = serde_json::from_str(&repair_surrogates(json)).unwrap();
            assert_eq!(value, expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_left_to_the_parser() {
        for text in ["\\", "\\u", "\\u12", "\"\\ud8", "é\\", "\\é", "\\ud83"] {
            assert_eq!(repair_surrogates(text), text);
        }
    }

    #[test]
    fn controls_and_separators_leave_escaped() {
        let raw = Value::from("a\u{7f}b\u{9b}31m\u{85}\u{2028}\u{2029}é \u{1f980}");
        let escaped = escape_controls(raw.to_string());
        assert_eq!(escaped, r#""a\u007fb\u009b31m\u0085\u2028\u2029é 🦀""#);
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), raw);
    }

    proptest! {
        #[test]
        fn repaired_json_is_json(units in prop::collection::vec(any::<u16>(), 0..40)) {
            let escapes: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let escapes = escapes.concat();
            let text: Value =
                serde_json::from_str(&repair_surrogates(&format!("\"{escapes}\""))).unwrap();
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }

        #[test]
        fn an_escaped_text_is_the_same_text(text: String) {
            let escaped = escape_controls(Value::from(text.as_str()).to_string());
            let is_raw = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            prop_assert!(!escaped.contains(is_raw));
            prop_assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), text);
        }
    }
}
