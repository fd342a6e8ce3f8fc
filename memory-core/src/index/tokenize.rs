//! Cuts a text into terms, the words of the lexical index.
//!
//! | text | terms |
//! |---|---|
//! | `Running tests` | `run`, `test` (lower case, Snowball English stems) |
//! | `getUserName`, `get_user_name` | `get`, `user`, `name`, `getusername` |
//! | `HTTPServer2` | `http`, `server`, `2`, `httpserver2` |
//! | `src/index/mod.rs` | `src`, `index`, `mod`, `rs`, `mod.rs`, `src/index/mod.rs` |
//! | `error[E0382]` | `error`, `0382`, `e0382` |
//! | `naïve`, `ｆｕｌｌ`, `Straße` | as `naive`, `full`, `strasse` (see `fold.rs`) |
//! | `我的同事` | `我的`, `的同`, `同事` (scripts without spaces: pairs of characters) |
//! | | `我`, `的`, `同`, `事` besides, as [`Term::Ideograph`] |
//! | `🚀 launch` | `🚀`, `launch` |
//!
//! Identifiers are split *and* kept whole: a question in prose finds the parts, a pasted
//! identifier finds the whole. `_` and `-` are dropped from the whole, so that `fooBar`,
//! `foo_bar` and `foo-bar` meet.
//!
//! A term leaves as a 64-bit hash and its text is stored nowhere. Two of n distinct terms share
//! a hash with odds of about n²/2⁶⁵: 3 in 10⁹ for 300,000 terms, 3 in 10⁸ for a million. A
//! collision would merge two terms' postings: a slightly wrong score, never a failure.

use std::hash::Hasher as _;

use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::FxHasher;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    fold::{fold, is_han, is_picture, is_spaceless, is_syllabic},
    identifier::{Class, Parts, class, is_joint, is_plain, is_word},
};

/// Longest term in bytes. A longer word (a base64 blob, a minified line) becomes one term made of
/// its first bytes, unsplit; a longer path or dotted name is not kept whole.
pub(crate) const MAX_TERM_BYTES: usize = 64;

/// Entries of the stem cache of an index: 64 KiB, most of the running vocabulary of English.
const INDEX_CACHE: usize = 4096;
/// Entries of the stem cache of a one-off query.
const QUERY_CACHE: usize = 64;

/// A term of a text, as its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// A word, a part of an identifier, or a pair of characters: the length of a text is counted in
    /// these.
    Word(u64),
    /// An ideograph of a run of characters, besides the pairs that it is in: a query of that
    /// character alone finds it.
    Ideograph(u64),
    /// The same of Kana and Hangul, of which one says little.
    Syllable(u64),
    /// An emoji.
    Picture(u64),
}

impl Term {
    /// Hash of the term; that of a character is the same, whatever the kind of term.
    pub(crate) const fn hash(self) -> u64 {
        match self {
            Self::Word(hash)
            | Self::Ideograph(hash)
            | Self::Syllable(hash)
            | Self::Picture(hash) => hash,
        }
    }
}

/// Turns text into term hashes.
///
/// Holds a direct-mapped cache from word to stem: stemming costs some 300 ns, a cached word 10.
pub(crate) struct Tokenizer {
    stemmer: Stemmer,
    cache: Vec<CachedStem>,
    folded: String,
}

#[derive(Clone, Copy, Default)]
struct CachedStem {
    word: u64,
    stem: u64,
}

/// Hash of a term's bytes; never 0, which the dictionary keeps for "no term".
fn term_hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish().max(1)
}

/// A short lower-case copy of a term on the stack.
struct TermBuffer {
    bytes: [u8; MAX_TERM_BYTES],
    len: usize,
}

impl TermBuffer {
    const fn new() -> Self {
        Self { bytes: [0; MAX_TERM_BYTES], len: 0 }
    }

    /// The lower-cased bytes that pass `keep`, up to the longest term.
    fn fill(&mut self, source: &[u8], keep: impl Fn(u8) -> bool) -> &[u8] {
        self.len = 0;
        let kept = source.iter().filter(|&&byte| keep(byte));
        for (slot, byte) in self.bytes.iter_mut().zip(kept) {
            *slot = byte.to_ascii_lowercase();
            self.len += 1;
        }
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Tokenizer {
    /// A tokenizer for the many texts of an index.
    pub(crate) fn for_index() -> Self {
        Self::with_cache(INDEX_CACHE)
    }

    /// A tokenizer for one query: cheap to make.
    pub(crate) fn for_query() -> Self {
        Self::with_cache(QUERY_CACHE)
    }

    fn with_cache(n_entries: usize) -> Self {
        Self {
            stemmer: Stemmer::create(Algorithm::English),
            cache: vec![CachedStem::default(); n_entries],
            folded: String::new(),
        }
    }

    /// Bytes held by the caches.
    pub(crate) fn size_bytes(&self) -> usize {
        self.cache.capacity() * size_of::<CachedStem>() + self.folded.capacity()
    }

    /// Hands every term of `text` to `emit`, repeats included, in reading order.
    ///
    /// Linear in the length of the text whatever it holds.
    pub(crate) fn for_each_term(&mut self, text: &str, mut emit: impl FnMut(Term)) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let Some(skipped) = rest.iter().position(|&byte| is_word(byte) || !byte.is_ascii())
            else {
                break;
            };
            let start = at + skipped;
            let (end, ascii) = name_end(bytes, start);
            if ascii {
                self.name(bytes.get(start..end).unwrap_or_default(), &mut emit);
            } else {
                // Cut at bytes below 128 only, so the bounds lie on characters.
                self.non_ascii(text.get(start..end).unwrap_or_default(), &mut emit);
            }
            at = end;
        }
    }

    /// Folds a stretch with characters beyond ASCII and hands on its words.
    fn non_ascii(&mut self, stretch: &str, emit: &mut impl FnMut(Term)) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold(stretch, &mut folded);
        let mut rest = folded.as_str();
        while let Some(first) = rest.chars().next() {
            let spaceless = is_spaceless(first);
            let end = rest.find(|c| is_spaceless(c) != spaceless).unwrap_or(rest.len());
            let (run, tail) = rest.split_at(end);
            if spaceless {
                pairs(run, emit);
            } else {
                self.spaced(run, emit);
            }
            rest = tail;
        }
        self.folded = folded;
    }

    /// Words of a folded run in a script that writes spaces.
    fn spaced(&mut self, run: &str, emit: &mut impl FnMut(Term)) {
        if run.is_ascii() {
            self.ascii(run.as_bytes(), emit);
            return;
        }
        for piece in run.split_word_bounds() {
            if !piece.contains(char::is_alphanumeric) {
                pictures(piece, emit);
            } else if piece.is_ascii() {
                self.ascii(piece.as_bytes(), emit);
            } else {
                let bytes = piece.as_bytes();
                emit(Term::Word(term_hash(bytes.get(..MAX_TERM_BYTES).unwrap_or(bytes))));
            }
        }
    }

    fn ascii(&mut self, bytes: &[u8], emit: &mut impl FnMut(Term)) {
        let mut at = 0;
        while let Some(skipped) =
            bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| is_word(byte)))
        {
            let start = at + skipped;
            let (end, _) = name_end(bytes, start);
            self.name(bytes.get(start..end).unwrap_or_default(), emit);
            at = end;
        }
    }

    /// A name: words joined by `.`, `-`, `::`, `/` and the like, or, mostly, one plain word.
    fn name(&mut self, name: &[u8], emit: &mut impl FnMut(Term)) {
        let mut n_components = 0_usize;
        for component in name.split(|&byte| class(byte) == Class::Slash) {
            if !component.is_empty() {
                n_components += 1;
                self.component(component, emit);
            }
        }
        if n_components > 1 && name.len() <= MAX_TERM_BYTES {
            emit_whole(name, emit);
        }
    }

    /// One component of a path: words joined by connectors.
    fn component(&mut self, component: &[u8], emit: &mut impl FnMut(Term)) {
        let mut n_words = 0_usize;
        for word in component.split(|&byte| class(byte) == Class::Connector) {
            if !word.is_empty() {
                n_words += 1;
                self.apostrophes(word, emit);
            }
        }
        if n_words > 1 && component.len() <= MAX_TERM_BYTES {
            emit_whole(component, emit);
        }
    }

    /// Takes English elisions off: `Kate's` is `kate`, `we'll` is `we`, `don't` is `dont`.
    fn apostrophes(&mut self, word: &[u8], emit: &mut impl FnMut(Term)) {
        let Some(at) = word.iter().position(|&byte| byte == b'\'') else {
            return self.word(word, emit);
        };
        let (head, tail) = word.split_at(at);
        let tail = tail.get(1..).unwrap_or_default();
        match tail {
            b"t" | b"T" => {
                let mut buffer = TermBuffer::new();
                emit(Term::Word(term_hash(buffer.fill(word, |byte| byte != b'\''))));
            }
            b"s" | b"S" | b"m" | b"M" | b"d" | b"D" | b"re" | b"RE" | b"ve" | b"VE" | b"ll"
            | b"LL" => self.word(head, emit),
            _ => {
                for piece in word.split(|&byte| byte == b'\'') {
                    self.word(piece, emit);
                }
            }
        }
    }

    /// One run of letters, digits and underscores.
    fn word(&mut self, word: &[u8], emit: &mut impl FnMut(Term)) {
        if word.is_empty() {
            return;
        }
        let mut buffer = TermBuffer::new();
        if is_plain(word) {
            let stem = self.stem(buffer.fill(word, |_| true));
            emit(Term::Word(stem));
            return;
        }
        let n_parts = Parts::of(word).take(MAX_TERM_BYTES).count();
        // Parts of two bytes on average are the noise of a hash or of base64, not words.
        let noise = n_parts > 4 && word.len() < 3 * n_parts;
        let split = word.len() <= MAX_TERM_BYTES && !noise;
        if split {
            for part in Parts::of(word) {
                if part.len() > 1 || n_parts == 1 || part.iter().all(u8::is_ascii_digit) {
                    let stem = self.stem(buffer.fill(part, |_| true));
                    emit(Term::Word(stem));
                }
            }
        }
        if n_parts > 1 || !split {
            emit_whole(word, emit);
        }
    }

    /// Hash of the stem of a lower-case word; digits are their own stem.
    fn stem(&mut self, word: &[u8]) -> u64 {
        let hash = term_hash(word);
        if word.len() < 3 || word.first().is_some_and(u8::is_ascii_digit) {
            return hash;
        }
        let n_entries = self.cache.len().max(1) as u64;
        let slot = usize::try_from(hash % n_entries).unwrap_or(0);
        match self.cache.get(slot) {
            Some(cached) if cached.word == hash => cached.stem,
            _ => {
                let text = str::from_utf8(word).unwrap_or_default();
                let stem = term_hash(self.stemmer.stem(text).as_bytes());
                if let Some(cached) = self.cache.get_mut(slot) {
                    *cached = CachedStem { word: hash, stem };
                }
                stem
            }
        }
    }
}

/// End of the name that starts at `start`, and whether it is pure ASCII.
///
/// Up to three joints in a row (`::`, `://`) connect when a word follows; so does an apostrophe
/// between letters.
fn name_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut ascii = true;
    let mut end = start;
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let in_word = |&byte: &u8| is_word(byte) || !byte.is_ascii();
        let word = rest.iter().position(|byte| !in_word(byte)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        ascii = ascii && word.is_ascii();
        end += word.len();
        let n_joints = after.iter().take(3).take_while(|&&byte| is_joint(byte)).count();
        let n_joints = match after.first() {
            Some(b'\'') if word.last().is_some_and(u8::is_ascii_alphabetic) => 1,
            _ => n_joints,
        };
        if n_joints == 0 || !after.get(n_joints).is_some_and(in_word) {
            return (end, ascii);
        }
        end += n_joints;
    }
}

fn emit_whole(name: &[u8], emit: &mut impl FnMut(Term)) {
    let mut buffer = TermBuffer::new();
    emit(Term::Word(term_hash(buffer.fill(name, |byte| byte != b'_' && byte != b'-'))));
}

/// Emits each picture of a piece without letters as a term.
fn pictures(piece: &str, emit: &mut impl FnMut(Term)) {
    for c in piece.chars().filter(|c| is_picture(*c)) {
        emit(Term::Picture(term_hash(c.encode_utf8(&mut [0; 4]).as_bytes())));
    }
}

/// Emits pairs of neighbouring characters, and the characters; a single one alone is a word.
///
/// In scripts of an alphabet a character is a letter with its vowel and tone marks: pairs of bare
/// letters and marks are in nearly every sentence.
fn pairs(run: &str, emit: &mut impl FnMut(Term)) {
    if run.chars().all(is_syllabic) {
        pairs_of(run.split_inclusive(|_| true), emit);
    } else {
        pairs_of(run.graphemes(true), emit);
    }
}

fn pairs_of<'r>(characters: impl Iterator<Item = &'r str>, emit: &mut impl FnMut(Term)) {
    let mut before: Option<&str> = None;
    let mut characters = characters.peekable();
    while let Some(character) = characters.next() {
        let hash = term_hash(character.as_bytes());
        if let Some(before) = before {
            emit(Term::Word(pair_hash(before, character)));
        } else if characters.peek().is_none() {
            return emit(Term::Word(hash));
        }
        if character.chars().all(is_han) {
            emit(Term::Ideograph(hash));
        } else if character.chars().all(is_syllabic) {
            emit(Term::Syllable(hash));
        }
        before = Some(character);
    }
}

fn pair_hash(first: &str, second: &str) -> u64 {
    let mut hasher = FxHasher::default();
    let mut buffer = [0_u8; MAX_TERM_BYTES];
    let bytes = first.bytes().chain(second.bytes());
    let n_bytes = buffer.iter_mut().zip(bytes).map(|(place, byte)| *place = byte).count();
    hasher.write(buffer.get(..n_bytes).unwrap_or_default());
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests;
