//! Rust source text without what is not code.
//!
//! Input is the text of a source file, output a text of the same length in which comments, strings
//! and characters are blanks. The rules that look for words or braces read that text, so that a
//! comment or a string is never taken for code. It is no full lexer: it knows only where comments
//! and literals begin and end.

/// Blanks comments and the insides of literals; every byte that is left keeps its place, and so
/// does every line break.
pub(super) fn code_only(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while at < text.len() {
        let end = match literal_or_comment(text, at) {
            Some(end) => {
                for byte in &mut code[at..end] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                end
            }
            // A word is passed whole, so that the `r` of `for"` does not begin a raw string.
            None => {
                at + word_len(&text[at..]).max(text[at..].chars().next().map_or(1, char::len_utf8))
            }
        };
        at = end;
    }
    String::from_utf8(code).unwrap()
}

/// Length in bytes of the identifier at the start of `text`; 0 where there is none.
pub(super) fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// End of the comment or literal that begins at `at`, if one does.
fn literal_or_comment(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let after = rest.strip_prefix(prefix);
        after.is_some_and(|after| {
            let hashes = after.trim_start_matches('#');
            let is_raw = prefix.ends_with('r');
            hashes.starts_with('"') && (is_raw || hashes.len() == after.len())
        })
    });
    if rest.starts_with("//") {
        return Some(at + rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(at + block_comment(rest));
    }
    if let Some(prefix) = prefix {
        let body = at + prefix.len();
        let n_hashes = text[body..].len() - text[body..].trim_start_matches('#').len();
        if prefix.ends_with('r') {
            let close = format!("\"{}", "#".repeat(n_hashes));
            let inside = body + n_hashes + 1;
            return Some(
                text[inside..].find(&close).map_or(text.len(), |n| inside + n + close.len()),
            );
        }
        return Some(quoted(text, body + 1, b'"'));
    }
    let quote = rest.strip_prefix('b').unwrap_or(rest);
    let inside = quote.strip_prefix('\'')?;
    // A lifetime has no closing quote after its first character; `'\…'` is always a character.
    let is_char = inside.starts_with('\\')
        || inside.chars().nth(1).is_some_and(|c| c == '\'') && !inside.starts_with('\'');
    is_char.then(|| quoted(text, at + rest.len() - inside.len(), b'\''))
}

/// Length of the block comment at the start of `rest`; block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

/// End of the quotation that goes on at `inside`, past the closing quote.
fn quoted(text: &str, inside: usize, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = inside;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left_and_stays_in_its_place() {
        let cases = [
            ("a/*x/*y*/z*/b", "a           b"),
            ("'a' 'b: '\\'' '\"' x", "    'b:          x"),
            ("b'{' b\"{\" br#\"\"{\"# c\"{\" }", "                        }"),
            ("for\"r\" br + r + b'\\\\'", "for    br + r +      "),
            ("\"é\\\"{\"\n{", "       \n{"),
            ("r#fn 'static \"", "r#fn 'static  "),
        ];
        for (text, expected) in cases {
            assert_eq!(code_only(text), expected, "{text}");
        }
    }
}
