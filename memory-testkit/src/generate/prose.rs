//! Prose as agents write it: words of several scripts, identifiers and signs.

use fastrand::Rng;

/// Words, the common ones first.
const WORDS: &str = "\
    the to a in is of and test for error file with it on not build when this was from function \
    value that but returns call type after before change server request failed module import \
    timeout cache config path line client thread query index field missing version update parser \
    token socket retry lock schema branch merge commit fixture assert expected actual column \
    buffer stream encoding header payload session worker queue handler migration rollback \
    checksum pagination locale timezone deadlock overflow fallback throttle naïve café größe \
    длина 配置 テスト 오류 → ✓ `None` src/lib.rs parse_header maxRetryCount HTTP/2 v1.4.2";

/// Returns words in sentences, of `n_bytes` or a few more.
#[must_use]
pub fn prose(rng: &mut Rng, n_bytes: usize) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut text = String::with_capacity(n_bytes + 16);
    while text.len() < n_bytes {
        // The smaller of two draws makes common words some ten times as common as rare ones, which
        // is what a search engine meets.
        let rank = rng.usize(..words.len()).min(rng.usize(..words.len()));
        if !text.is_empty() {
            text.push_str(if rng.u8(..100) < 8 { ". " } else { " " });
        }
        text.push_str(words[rank]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_follow_from_the_seed_and_have_the_length_that_was_asked_for() {
        let text = prose(&mut Rng::with_seed(7), 1_500);
        assert_eq!(text, prose(&mut Rng::with_seed(7), 1_500));
        assert_ne!(text, prose(&mut Rng::with_seed(8), 1_500));
        assert!((1_500..1_520).contains(&text.len()), "{}", text.len());
    }
}
