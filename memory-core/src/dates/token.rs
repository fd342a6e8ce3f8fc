//! Cuts a text into numbers and words, and keeps what stands between them.

/// A run of digits, a run of letters, or one character of a script that is written without spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// The characters.
    pub(super) text: &'t str,
    /// Text between this token and the one before it, or the start of the text.
    pub(super) gap: &'t str,
}

/// A text as tokens.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    tokens: Vec<Token<'t>>,
    /// Text after the last token.
    tail: &'t str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    /// Han and Hangul: 年 and 월 are words of one character.
    Syllable,
    Other,
}

const fn is_syllable(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        _ if is_syllable(c) => Class::Syllable,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Other,
    }
}

impl<'t> Tokens<'t> {
    /// Tokens of a text, in order; together with the gaps and the tail they are the text.
    pub(super) fn of(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        loop {
            let start = rest.find(|c| class(c) != Class::Other).unwrap_or(rest.len());
            let (gap, after) = rest.split_at(start);
            let Some(first) = after.chars().next() else {
                return Self { tokens, tail: gap };
            };
            let end = match class(first) {
                Class::Syllable => first.len_utf8(),
                run => after.find(|c| class(c) != run).unwrap_or(after.len()),
            };
            let (text, after) = after.split_at(end);
            tokens.push(Token { text, gap });
            rest = after;
        }
    }

    /// Number of tokens.
    pub(super) const fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token at a position.
    pub(super) fn get(&self, at: usize) -> Option<&Token<'t>> {
        self.tokens.get(at)
    }

    /// The token before a position.
    pub(super) fn before(&self, at: usize) -> Option<&Token<'t>> {
        self.tokens.get(at.checked_sub(1)?)
    }

    /// Text before the token at a position, or after the last token.
    pub(super) fn gap(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or(self.tail, |token| token.gap)
    }

    /// Returns whether the token at a position is this word, in any case.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        self.get(at).is_some_and(|token| token.is(word))
    }

    /// Returns whether the words stand at a position one after another, with nothing but space
    /// between.
    pub(super) fn are(&self, at: usize, words: &[&str]) -> bool {
        (at..)
            .zip(words)
            .all(|(place, word)| self.is(place, word) && (place == at || self.is_spaced(place)))
    }

    /// Returns whether nothing but space stands before the token at a position.
    pub(super) fn is_spaced(&self, at: usize) -> bool {
        let gap = self.gap(at);
        !gap.is_empty() && gap.chars().all(char::is_whitespace)
    }

    /// Returns whether the token at a position follows the one before it as the next part of a
    /// date: joined by space, a comma, a hyphen, a slash, or the point of an abbreviation.
    pub(super) fn is_joined(&self, at: usize) -> bool {
        let gap = self.gap(at);
        // A point ends an abbreviation (“Jun. 3”); after a whole word it ends the sentence.
        let before = self.before(at).map_or(0, |token| token.text.len());
        let gap = if before <= 4 { gap.strip_prefix('.').unwrap_or(gap) } else { gap };
        let joint = gap.trim();
        joint.is_empty() || matches!(joint, "," | "-" | "/" | "\u{2013}" | "\u{2011}")
    }

    /// Returns whether a number that starts here starts by itself: not within a path, a version, an
    /// address or an identifier.
    pub(super) fn starts_alone(&self, at: usize) -> bool {
        match self.gap(at).chars().next_back() {
            None => at == 0,
            // “since:20230615”, but no port after an address.
            Some(':') => self.before(at).is_some_and(|token| !token.is_number()),
            Some(last) => !matches!(last, '-' | '/' | '.' | '_' | '#' | '@' | '+' | '\\' | '$'),
        }
    }

    /// Returns whether a number that ends before this position ends there: nothing of a longer
    /// number, a file name or an identifier follows.
    pub(super) fn ends_alone(&self, at: usize) -> bool {
        if self.get(at).is_none() {
            return true;
        }
        let gap = self.gap(at);
        !gap.is_empty() && !matches!(gap, "-" | "/" | "." | "_" | "@" | "+" | "\\" | ":")
    }
}

impl Token<'_> {
    /// Returns whether the token is this word, in any case.
    pub(super) const fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Returns whether the token is made of digits.
    pub(super) fn is_number(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The number, if the token is one of so many digits.
    pub(super) fn number(&self, n_digits: std::ops::RangeInclusive<usize>) -> Option<i32> {
        let fits = self.is_number() && n_digits.contains(&self.text.len());
        if fits { self.text.parse().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_words_are_cut_apart_and_han_into_characters() {
        let tokens = Tokens::of("on 15th-Jun, 2024年 6月!");
        let texts: Vec<&str> = tokens.tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["on", "15", "th", "Jun", "2024", "年", "6", "月"]);
        assert_eq!((tokens.gap(3), tokens.gap(4), tokens.gap(8)), ("-", ", ", "!"));
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_lost(text in "\\PC{0,60}") {
            let tokens = Tokens::of(&text);
            let mut joined = String::new();
            for token in &tokens.tokens {
                joined.extend([token.gap, token.text]);
            }
            joined.push_str(tokens.tail);
            prop_assert_eq!(joined, text);
        }
    }
}
