//! Rules about comments and the width of lines.

/// Most columns of a line, comments included.
const MAX_COLUMNS: usize = 100;

/// Most doc comments in a hundred that may begin with a question word.
const MAX_PERCENT: usize = 2;

/// Words that begin a question and say nothing of the thing itself.
const QUESTION_WORDS: [&str; 8] =
    ["What", "How", "Whether", "Where", "Why", "Which", "Who", "When"];

/// Finds lines that are too wide.
#[must_use]
pub fn wide_lines<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (line, content) in (1..).zip(text.lines()) {
            let n_columns = content.chars().count();
            if n_columns > MAX_COLUMNS {
                found.push(format!("{path}:{line}: {n_columns} columns, at most {MAX_COLUMNS}"));
            }
        }
    }
    found
}

/// Finds doc comments that begin with a question word, if they are too many.
///
/// A doc comment is a run of `///` or `//!` lines; the word that counts is the first of its first
/// line.
#[must_use]
pub fn question_openers<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let (mut found, mut n_comments) = (Vec::new(), 0);
    for (path, text) in sources {
        let mut previous = "";
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim_start();
            let marker = ["///", "//!"].into_iter().find(|marker| content.starts_with(marker));
            let marker = marker.unwrap_or_default();
            if !marker.is_empty() && marker != previous {
                n_comments += 1;
                let first = content[marker.len()..].split_whitespace().next().unwrap_or_default();
                let first = first.trim_end_matches(|c: char| !c.is_alphabetic());
                if QUESTION_WORDS.contains(&first) {
                    found.push(format!("{path}:{line}: a doc comment begins with “{first}”"));
                }
            }
            previous = marker;
        }
    }
    if found.len() * 100 <= n_comments * MAX_PERCENT { Vec::new() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_101_columns_is_too_wide_in_comments_too() {
        let wide = |prefix: &str, n: usize| format!("{prefix}{}\n", "é".repeat(n - prefix.len()));
        let text = wide("// ", 100) + &wide("/// ", 101) + &wide("", 101);
        let expected = ["a.rs:2: 101 columns, at most 100", "a.rs:3: 101 columns, at most 100"];
        assert_eq!(wide_lines([("a.rs", text.as_str())].into_iter()), expected);
    }

    #[test]
    fn a_doc_comment_that_begins_with_a_question_word_is_found() {
        let text = "//! What it is.\n//! How it is.\n\n/// Where: there.\n/// Returns it.\n\
            fn f() {}\n// Why not.\n    /// Whatever.\nfn g() {}\n";
        let expected = [
            "a.rs:1: a doc comment begins with “What”",
            "a.rs:4: a doc comment begins with “Where”",
        ];
        assert_eq!(question_openers([("a.rs", text)].into_iter()), expected);
    }

    #[test]
    fn two_question_words_in_a_hundred_doc_comments_pass() {
        let text = |n_good: usize| {
            format!("{}/// How so.\nfn g() {{}}\n", "/// Is so.\nfn f() {}\n".repeat(n_good))
        };
        let found = |text: &str| question_openers([("a.rs", text)].into_iter()).len();
        assert_eq!((found(&text(49)), found(&text(48))), (0, 1));
    }
}
