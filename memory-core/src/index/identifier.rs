//! Boundaries of the parts of ASCII identifiers.
//!
//! Input: bytes of a name; output: its parts. Used by the tokenizer.

/// Class of a byte, as the scanner tells bytes apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Lower,
    Upper,
    Digit,
    Underscore,
    /// Joins the parts of a dotted or hyphenated name when it stands between two words.
    Connector,
    /// Joins the components of a path.
    Slash,
    Apostrophe,
    Other,
}

pub(super) const fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b'_' => Class::Underscore,
        b'.' | b':' | b'-' | b'@' | b'#' | b'+' => Class::Connector,
        b'/' | b'\\' => Class::Slash,
        b'\'' => Class::Apostrophe,
        _ => Class::Other,
    }
}

pub(super) const fn is_word(byte: u8) -> bool {
    matches!(class(byte), Class::Lower | Class::Upper | Class::Digit | Class::Underscore)
}

pub(super) const fn is_joint(byte: u8) -> bool {
    matches!(class(byte), Class::Connector | Class::Slash)
}

/// Letters with at most a leading capital, or all capitals: nothing to split.
pub(super) fn is_plain(word: &[u8]) -> bool {
    word.iter().skip(1).all(u8::is_ascii_lowercase)
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        || word.iter().all(u8::is_ascii_uppercase)
}

/// Parts of an identifier: `HTTPServer2_old` → `HTTP`, `Server`, `2`, `old`.
pub(super) struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) const fn of(word: &'a [u8]) -> Self {
        Self { rest: word }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.rest.iter().position(|&byte| byte != b'_')?;
        let word = self.rest.get(start..)?;
        let mut end = 1;
        for ((&before, &here), after) in word
            .iter()
            .zip(word.iter().skip(1))
            .zip(word.iter().skip(2).map(|&byte| class(byte)).chain([Class::Other]))
        {
            let boundary = match (class(before), class(here)) {
                (_, Class::Underscore)
                | (Class::Lower, Class::Upper)
                | (Class::Digit, Class::Lower | Class::Upper)
                | (Class::Lower | Class::Upper, Class::Digit) => true,
                // The last capital of a run begins the next word: `HTTP|Server`.
                (Class::Upper, Class::Upper) => after == Class::Lower,
                _ => false,
            };
            if boundary {
                break;
            }
            end += 1;
        }
        let (part, rest) = word.split_at(end);
        self.rest = rest;
        Some(part)
    }
}
