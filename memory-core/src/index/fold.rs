//! One spelling for characters that readers take for the same.

use unicode_normalization::UnicodeNormalization as _;

/// Compatibility form (NFKC), lower case, without Latin, Greek and Cyrillic diacritics.
///
/// Other marks stay: a Japanese voicing mark or an Indic vowel changes the word.
pub(super) fn fold(text: &str, folded: &mut String) {
    let bare = text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    for c in bare.nfc() {
        match c {
            '\u{2019}' => folded.push('\''),
            _ => folded.extend(c.to_lowercase()),
        }
    }
}

/// Whether a character belongs to a script written without spaces (or, Korean, one whose words
/// carry endings that no stemmer here takes off).
pub(super) const fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Hiragana, Katakana
        | '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}'
        | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7ff}' // Hangul
        | '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' // Burmese, Khmer
    )
}
