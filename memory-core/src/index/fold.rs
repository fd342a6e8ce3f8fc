//! One spelling for characters that readers take for the same, and the scripts of characters.
//!
//! Input: a stretch of text with characters beyond ASCII; output: the same in its folded form,
//! which the tokenizer cuts into terms. Folding is for search alone; stored texts keep their
//! spelling.

use unicode_normalization::UnicodeNormalization as _;

/// Appends the folded form of a text: compatibility form (NFKC), lower case, without marks that
/// readers leave out.
///
/// Left out are Latin, Greek and Cyrillic diacritics, Arabic vowel marks (tashkeel) and lengthening
/// (tatweel), Hebrew points and accents, the skin tones of emoji, and characters that are not
/// shown. Other marks stay: a Japanese voicing mark or an Indic vowel changes the word.
pub(super) fn fold(text: &str, folded: &mut String) {
    let bare = text.nfkd().filter(|c| !is_left_out(*c));
    for c in bare.nfc().flat_map(char::to_lowercase) {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{2bc}' => folded.push('\''),
            // Full case folding, which lower case stops short of: STRASSE is straße, and a final
            // sigma and a Turkish i without its point are a sigma and an i.
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            'ı' => folded.push('i'),
            // Letters whose stroke or ligature has no decomposition.
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            _ => folded.push(c),
        }
    }
}

/// Returns whether a character of a decomposed text counts for nothing in a search.
const fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' // Diacritics
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{5c7}' // Hebrew points and accents
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}'
        | '\u{6ea}'..='\u{6ed}' // Arabic marks
        | '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' // Not shown: soft hyphen, joiners, directions; not the space without width
        | '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' // Variants of emoji
    )
}

/// Returns whether a character belongs to a script written without spaces (or, Korean, one whose
/// words carry endings that no stemmer here takes off).
pub(super) const fn is_spaceless(c: char) -> bool {
    is_syllabic(c)
        || matches!(c,
            '\u{e00}'..='\u{eff}' // Thai, Lao
            | '\u{1000}'..='\u{109f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' // Burmese
            | '\u{1780}'..='\u{17ff}' | '\u{19e0}'..='\u{19ff}' // Khmer
            | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}' // Tai
        )
}

/// Returns whether a character is a word or a syllable by itself: Han, Kana, Hangul.
pub(super) const fn is_syllabic(c: char) -> bool {
    is_han(c)
        || matches!(c,
            '\u{3040}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Kana
            | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' // Bopomofo
            | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7ff}' // Hangul
        )
}

/// Returns whether a character is an ideograph.
pub(super) const fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Returns whether a character is a picture that people search for: emoji, and the symbols that are
/// shown as such. ✓, ✗, ✘ and arrows are not: they stand in the lines of logs and of steps.
pub(super) const fn is_picture(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}')
        && !matches!(c, '\u{2713}' | '\u{2717}' | '\u{2718}' | '\u{2768}'..='\u{2794}'
            | '\u{2798}'..='\u{27af}' | '\u{27b1}'..='\u{27be}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut folded = String::new();
        fold(text, &mut folded);
        folded
    }

    #[test]
    fn spellings_of_one_word_fold_to_one() {
        for (left, right) in [
            ("STRASSE", "straße"),
            ("GROẞ", "gross"),
            ("İstanbul", "ISTANBUL"),
            ("ıstanbul", "Istanbul"),
            ("ΣΊΣΥΦΟΣ", "σισυφος"),
            ("ｆｕｌｌ　ｗｉｄｔｈ１", "full width1"),
            ("eﬃcient ﬁle", "efficient file"),
            ("cafe\u{301}", "café"),
            ("Łódź Ærø cœur", "lodz aero coeur"),
            ("مُحَمَّدٌ", "محمد"),
            ("العـــربية", "العربية"),
            ("שָׁלוֹם", "שלום"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("co\u{ad}operate", "cooperate"),
            ("👍🏽", "👍"),
            ("❤\u{fe0f}", "❤"),
            ("ｶﾞﾗｽ", "ガラス"),
        ] {
            assert_eq!(folded(left), folded(right), "{left} {right}");
        }
    }

    #[test]
    fn marks_that_change_a_word_stay() {
        for (left, right) in [("ガ", "カ"), ("कि", "क"), ("น้ำ", "นำ")] {
            assert_ne!(folded(left), folded(right), "{left} {right}");
        }
    }
}
