//! Coarse form of a message: without the parts that differ from one occurrence to the next.

/// Maximum number of words of a message that its signature is made of.
const MAX_WORDS: usize = 12;

/// Placeholder for a run of words that differ from one occurrence to the next.
const MASK: &str = "*";

/// Maximum length of a quotation, in bytes; a quote whose end is farther away is an ordinary
/// character.
const MAX_QUOTATION_BYTES: usize = 300;

/// Maximum length of a word, in bytes; longer ones are data.
const MAX_WORD_BYTES: usize = 100;

/// Passes the first words of the coarse form of `message` to `take`.
///
/// Words are separated by white space. One with a number, a quotation, a path, a link, an address
/// or a hash becomes a mask, and with `names_too` one with a dot inside, like a field or a file;
/// consecutive masks become one. Costs time for the words that are passed, not for the whole
/// message.
pub(super) fn words(message: &str, names_too: bool, mut take: impl FnMut(&str)) {
    let mut rest = message.trim_start();
    let (mut n_words, mut was_masked) = (0, false);
    while !rest.is_empty() && n_words < MAX_WORDS {
        let (word, has_quotation) = next_word(rest);
        rest = rest.split_at(word.len()).1.trim_start();
        // What a message begins with is its kind, like `shop.errors.OutOfStock:`.
        let is_kind = n_words == 0 && word.ends_with(':');
        let is_name = names_too && !is_kind && has_inner_dot(word);
        let is_masked = has_quotation || is_variable(word) || is_name;
        if is_masked && was_masked {
            continue;
        }
        take(if is_masked { MASK } else { word });
        n_words += 1;
        was_masked = is_masked;
    }
}

/// Returns the word that `text` begins with, and whether a quotation, which may hold spaces, is
/// part of it.
fn next_word(text: &str) -> (&str, bool) {
    let (mut at, mut has_quotation, mut may_open) = (0, false, true);
    while let Some(c) = text.split_at(at).1.chars().next() {
        if c.is_whitespace() {
            break;
        }
        let inside = at + c.len_utf8();
        if matches!(c, '"' | '\'' | '`')
            && may_open
            && let Some(end) = quotation_end(text.split_at(inside).1, c)
        {
            has_quotation = true;
            at = inside + end;
            continue;
        }
        // Within a word a quote is an apostrophe.
        may_open = !c.is_alphanumeric();
        at = inside;
    }
    (text.split_at(at).0, has_quotation)
}

/// Returns the end of the quotation whose inside `text` begins with, past its closing quote.
fn quotation_end(text: &str, quote: char) -> Option<usize> {
    let near = text.split_at(text.floor_char_boundary(MAX_QUOTATION_BYTES)).0;
    near.match_indices(quote).map(|(at, _)| at + 1).find(|end| {
        let next = text.split_at(*end).1.chars().next();
        !next.is_some_and(char::is_alphanumeric)
    })
}

/// Returns whether a word differs from one occurrence of a message to the next.
fn is_variable(word: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric());
    word.len() > MAX_WORD_BYTES || word.chars().any(is_digit) || is_path(word) || is_hash(word)
}

/// Returns whether a word has a dot between letters: `body.properties.Name`, `README.md`.
fn has_inner_dot(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let ends = |part: &str| part.ends_with(char::is_alphanumeric);
    let begins = |part: &str| part.starts_with(char::is_alphanumeric);
    parts.windows(2).any(|pair| matches!(pair, [a, b] if ends(a) && begins(b)))
}

/// Returns whether a word without digits is a path or a link.
fn is_path(word: &str) -> bool {
    let is_around = |c: char| !c.is_alphanumeric() && !matches!(c, '/' | '\\' | '.' | '~');
    // The value of an option or a field counts: `path=/a/b`.
    let word = word.rsplit('=').next().unwrap_or(word).trim_matches(is_around);
    let n_slashes = word.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let begins =
        ["/", "./", "../", "~/", ".\\", "..\\"].iter().any(|start| word.starts_with(start));
    let has_letters = word.chars().any(char::is_alphanumeric);
    let has_suffix = || word.rsplit(['/', '\\']).next().is_some_and(|name| name.contains('.'));
    has_letters && (n_slashes >= 2 || (n_slashes == 1 && (begins || has_suffix())))
}

/// Returns whether a word is eight or more hexadecimal digits that happen to be letters.
fn is_hash(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::words;

    fn coarse(message: &str) -> String {
        let mut all = Vec::new();
        words(message, false, |word| all.push(word.to_owned()));
        all.join(" ")
    }

    #[test]
    fn words_that_differ_between_occurrences_are_masked() {
        let cases = [
            ("Table 'shop.a b' doesn't exist", "Table * doesn't exist"),
            ("open /etc/x: no such file", "open * no such file"),
            ("cat: src/lib.rs: No such file", "cat: * No such file"),
            ("get https://a.b/c failed", "get * failed"),
            ("peer 10.0.0.1:80 and/or I/O", "peer * and/or I/O"),
            ("at C:\\temp\\x.txt now", "at * now"),
            ("id 123e4567-e89b-12d3-a456-426614174000 deadbeef (ffeeddcc) end", "id * end"),
            ("use of undeclared crate `rust decimal`", "use of undeclared crate *"),
            ("name=\"a b\" size=3 path=/x ok", "* ok"),
            ("it's the agents' turn", "it's the agents' turn"),
            (
                "unexpected EOF while looking for matching `''",
                "unexpected EOF while looking for matching *",
            ),
            ("wert ist ٣ und ５ jetzt", "wert ist * und * jetzt"),
            ("  \t\n ", ""),
        ];
        for (message, expected) in cases {
            assert_eq!(coarse(message), expected, "{message}");
        }
    }

    #[test]
    fn names_with_dots_are_masked_in_errors_but_not_the_kind_of_the_error() {
        let errors = [
            ("field body.items.Name should be set", "field * should be set"),
            ("shop.errors.OutOfStock: none left", "shop.errors.OutOfStock: none left"),
            ("cannot read setup.cfg now. Stop", "cannot read * now. Stop"),
        ];
        for (message, expected) in errors {
            let mut all = Vec::new();
            words(message, true, |word| all.push(word.to_owned()));
            assert_eq!(all.join(" "), expected);
        }
    }

    #[test]
    fn only_the_first_twelve_words_count() {
        let long = format!("{} tail", "word 1 2 3 ".repeat(6));
        assert_eq!(coarse(&long), "word * word * word * word * word * word *");
        assert_eq!(coarse(&format!("a {} b", "x".repeat(101))), "a * b");
    }
}
