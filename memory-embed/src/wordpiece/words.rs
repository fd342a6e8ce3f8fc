//! Cleaning a text and splitting it into words.

use std::ops::ControlFlow;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

/// Characters of the longest word that is looked up; a longer one is unknown.
const MAX_WORD_CHARS: usize = 100;

/// Calls `act` for each word of `text`, in order, with `None` for a word of over [`MAX_WORD_CHARS`]
/// characters.
///
/// A word is a run without white space, or a single punctuation mark or Chinese character. Before
/// that, control and format characters are removed, letters decomposed (NFD), marks dropped and the
/// rest put in lower case, character by character. Stops when `act` breaks; gives whether it read
/// all.
pub(super) fn for_each(text: &str, mut act: impl FnMut(Option<&str>) -> ControlFlow<()>) -> bool {
    walk(text, &mut act).is_continue()
}

fn walk(text: &str, act: &mut impl FnMut(Option<&str>) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut word = Word::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let plain = is_plain(first);
        let end = rest.find(|c| is_plain(c) != plain).unwrap_or(rest.len());
        let (run, later) = rest.split_at(end);
        if plain {
            for c in run.chars() {
                word.take(c.to_ascii_lowercase(), act)?;
            }
        } else {
            // Marks are put in canonical order only between characters that are not ASCII, so a run
            // of them can be decomposed by itself.
            let clean = run.chars().filter(|&c| !is_removed(c)).flat_map(spaced);
            for c in clean.nfd().filter(|c| !c.is_mark_nonspacing()) {
                for c in c.to_lowercase() {
                    word.take(c, act)?;
                }
            }
        }
        rest = later;
    }
    word.finish(act)
}

/// ASCII that needs neither cleaning nor decomposition.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\t' | '\n' | '\r')
}

/// Characters that are dropped: U+0000, the replacement character, and categories Cc, Cf and Co but
/// for the three that count as white space.
fn is_removed(c: char) -> bool {
    c == '\u{fffd}' || (c.is_other() && !matches!(c, '\t' | '\n' | '\r'))
}

/// A Chinese character stands between spaces; the rest as it is.
fn spaced(c: char) -> impl Iterator<Item = char> {
    let space = is_chinese(c).then_some(' ');
    space.into_iter().chain([c]).chain(space)
}

/// Chinese characters in the sense of BERT: the CJK ideograph blocks, not kana or Hangul. The list
/// is that of BERT's `tokenization.py` with the `tokenizers` crate's start of the fifth range.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x2_0000..=0x2_A6DF | 0x2_A700..=0x2_B73F
        | 0x2_B740..=0x2_B81F | 0x2_B920..=0x2_CEAF | 0xF900..=0xFAFF | 0x2_F800..=0x2_FA1F)
}

/// Punctuation: ASCII's marks and symbols, elsewhere the categories P*.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() } else { c.is_punctuation() }
}

/// The word being collected.
#[derive(Default)]
struct Word {
    text: String,
    characters: usize,
}

impl Word {
    /// Add a cleaned character, or finish the word if the character ends it.
    fn take(
        &mut self,
        c: char,
        act: &mut impl FnMut(Option<&str>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if c.is_whitespace() {
            self.finish(act)
        } else if is_punctuation(c) {
            self.finish(act)?;
            act(Some(c.encode_utf8(&mut [0; 4])))
        } else {
            // A word too long to be looked up is not kept: a text may be one endless word.
            if self.characters < MAX_WORD_CHARS {
                self.text.push(c);
            }
            self.characters += 1;
            ControlFlow::Continue(())
        }
    }

    fn finish(&mut self, act: &mut impl FnMut(Option<&str>) -> ControlFlow<()>) -> ControlFlow<()> {
        let flow = match self.characters {
            0 => ControlFlow::Continue(()),
            1..=MAX_WORD_CHARS => act(Some(&self.text)),
            _ => act(None),
        };
        self.text.clear();
        self.characters = 0;
        flow
    }
}
