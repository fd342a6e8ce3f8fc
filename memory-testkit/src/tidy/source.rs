//! Rules about the text of one source file.

use super::lexing::{code_only, word_len};

/// Most lines of a source file.
const MAX_FILE_LINES: usize = 500;

/// Most lines of a function, from `fn` to its closing brace.
const MAX_FUNCTION_LINES: usize = 70;

/// Attributes that switch a rule off instead of following it.
const FORBIDDEN: [&str; 3] = ["#![allow", "#[allow(", "#[ignore"];

/// Finds source files that are too long.
#[must_use]
pub fn long_files<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let n_lines = sources.map(|(path, text)| (path, text.lines().count()));
    n_lines
        .filter(|(_, n_lines)| *n_lines > MAX_FILE_LINES)
        .map(|(path, n_lines)| format!("{path}: {n_lines} lines, at most {MAX_FILE_LINES}"))
        .collect()
}

/// Finds functions that are too long.
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

/// Finds places where a lint is switched off or a test is ignored.
#[must_use]
pub fn forbidden_attributes<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (line, code) in (1..).zip(code_only(text).lines()) {
            // Attributes may be spaced out; the compiler reads them all the same.
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

/// Length up to the brace that closes the body; `None` for a declaration without one.
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
        let found = long_functions(one(&function(71)));
        assert_eq!(found, ["a.rs:3: `big` has 71 lines, at most 70"]);
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
}
