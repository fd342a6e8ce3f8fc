//! Names of files in a text.

use std::collections::BTreeSet;

/// Returns whether a text names a file, as a whole and not as the end of a longer name.
pub(super) fn is_named(text: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + path.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Returns the names of files with a folder in a text, each once.
pub(super) fn paths(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+');
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_matches(['.', '/']));
    let is_path = |word: &&str| {
        let file = word.rsplit_once('/').map(|(_, file)| file);
        let ending = file.and_then(|file| file.rsplit_once('.')).map(|(_, ending)| ending);
        ending.is_some_and(|e| e.len() <= 5 && e.starts_with(|c: char| c.is_alphabetic()))
    };
    words.filter(is_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_whole_or_below_a_folder() {
        assert!(is_named("changed app/cart.py (3)", "app/cart.py"));
        assert!(is_named("/srv/app/cart.py:7", "app/cart.py"));
        assert!(!is_named("my_app/cart.py", "app/cart.py"));
        assert!(!is_named("app/cart.pyc", "app/cart.py"));
    }

    #[test]
    fn names_of_files_are_counted_once() {
        let text = "app/cart.py (2), app/cart.py. See lib/a/b.rs, 1/2, e.g. and http.";
        assert_eq!(paths(text).into_iter().collect::<Vec<_>>(), ["app/cart.py", "lib/a/b.rs"]);
    }
}
