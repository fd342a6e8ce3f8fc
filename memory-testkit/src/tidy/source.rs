//! Rules about the text of one source file.

/// Most lines of a source file.
const MAX_FILE_LINES: usize = 500;

/// Most lines of a function, from `fn` to its closing brace.
const MAX_FUNCTION_LINES: usize = 70;

/// Attributes that switch a rule off instead of following it.
const FORBIDDEN: [&str; 3] = ["#![allow", "#[allow(", "#[ignore"];

/// Source files that are too long.
#[must_use]
pub fn long_files<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let n_lines = sources.map(|(path, text)| (path, text.lines().count()));
    n_lines
        .filter(|(_, n_lines)| *n_lines > MAX_FILE_LINES)
        .map(|(path, n_lines)| format!("{path}: {n_lines} lines, at most {MAX_FILE_LINES}"))
        .collect()
}

/// Functions that are too long.
#[must_use]
pub fn long_functions<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (name, line, n_lines) in functions(&code_only(text)) {
            if n_lines > MAX_FUNCTION_LINES {
                found.push(format!(
                    "{path}:{line}: `{name}` has {n_lines} lines, at most {MAX_FUNCTION_LINES}"
                ));
            }
        }
    }
    found
}

/// Places where a lint is switched off or a test is ignored.
#[must_use]
pub fn forbidden_attributes<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (line, code) in (1..).zip(code_only(text).lines()) {
            // Attributes may be spaced out; what matters is what the compiler makes of them.
            let squeezed: String = code.split_whitespace().collect();
            for attribute in FORBIDDEN {
                if squeezed.contains(attribute) {
                    found.push(format!("{path}:{line}: `{attribute}…` is not allowed"));
                }
            }
        }
    }
    found
}

/// The text with comments and the insides of literals blanked; every byte that is left stands where it
/// stood, and so does every line break.
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

fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The end of the comment or literal that begins at `at`, if one does.
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

/// Block comments nest.
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

/// The end of what is quoted from `inside` on, past the closing quote.
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

/// Name, first line and number of lines of every function with a body.
fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    for at in starts {
        let is_word = at == 0 || !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = code[at + 3..].trim_start();
        let name = &after[..word_len(after)];
        if !is_word || name.is_empty() {
            continue;
        }
        let Some(body) = body(&code[at..]) else { continue };
        let first = 1 + code[..at].matches('\n').count();
        found.push((name, first, 1 + code[at..at + body].matches('\n').count()));
    }
    found
}

/// The length up to the brace that closes the body; `None` for a declaration without one.
fn body(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b';' if brackets == 0 && braces == 0 => return None,
            b'{' => braces += 1,
            b'}' if braces <= 1 => return (braces == 1).then_some(at + 1),
            b'}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> impl Iterator<Item = (&str, &str)> {
        [("a.rs", text)].into_iter()
    }

    #[test]
    fn a_file_of_501_lines_is_too_long() {
        assert_eq!(long_files(one(&"\n".repeat(500))), Vec::<String>::new());
        assert_eq!(long_files(one(&"\n".repeat(501))), ["a.rs: 501 lines, at most 500"]);
    }

    #[test]
    fn a_function_of_71_lines_is_too_long() {
        let function = |n: usize| {
            let body = "    let s = \"}\"; // }\n".repeat(n - 2);
            format!("struct S;\nimpl S {{\npub fn big<'a>(x: [u8; 2]) -> u8 {{\n{body}}}\n}}\n")
        };
        assert_eq!(long_functions(one(&function(70))), Vec::<String>::new());
        let told = long_functions(one(&function(71)));
        assert_eq!(told, ["a.rs:3: `big` has 71 lines, at most 70"]);
    }

    #[test]
    fn declarations_and_function_pointers_have_no_length() {
        let text = format!(
            "trait T {{ fn f(&self) -> [u8; 3];\n}}\ntype F = fn (u8);\n{}",
            "\n".repeat(90)
        );
        assert_eq!(long_functions(one(&text)), Vec::<String>::new());
    }

    #[test]
    fn attributes_that_switch_rules_off_are_found() {
        for bad in ["#![allow(x)]", "# [ allow (x)]", "#[ignore]", "#[ignore = \"slow\"]"] {
            assert_eq!(forbidden_attributes(one(bad)).len(), 1, "{bad}");
        }
        let good =
            "// #[allow(x)]\n/* #[ignore] */ let s = \"#![allow\"; let r = r#\"#[allow(\"\"#;";
        assert_eq!(forbidden_attributes(one(good)), Vec::<String>::new());
    }

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
