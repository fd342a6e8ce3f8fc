//! Claims about the terms of texts.

use proptest::prelude::*;

use super::*;

fn terms(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    Tokenizer::for_index().for_each_term(text, |term| terms.push(term));
    terms
}

/// Hashes of the words, pairs and pictures of a text.
fn hashes(text: &str) -> Vec<u64> {
    let is_single = |term: &Term| matches!(term, Term::Ideograph(_) | Term::Syllable(_));
    let words = terms(text).into_iter().filter(|term| !is_single(term));
    words.map(Term::hash).collect()
}

fn assert_terms(text: &str, terms: &[&str]) {
    let mut expected: Vec<u64> = terms.iter().map(|term| term_hash(term.as_bytes())).collect();
    let mut found = hashes(text);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{text} is not {terms:?}");
}

#[test]
fn prose_is_lower_cased_and_stemmed() {
    assert_terms("Running tests, quickly!", &["run", "test", "quick"]);
    assert_terms("NASA 2024", &["nasa", "2024"]);
}

#[test]
fn identifiers_are_split_and_kept_whole() {
    assert_terms("getUserName", &["get", "user", "name", "getusername"]);
    assert_terms("get_user_name", &["get", "user", "name", "getusername"]);
    assert_terms("HTTPServer2", &["http", "server", "2", "httpserver2"]);
    assert_terms("__init__", &["init"]);
    assert_terms("error[E0382]", &["error", "0382", "e0382"]);
    assert_terms("foo.bar.baz()", &["foo", "bar", "baz", "foo.bar.baz"]);
    assert_terms("std::io::Read", &["std", "io", "read", "std::io::read"]);
}

#[test]
fn paths_give_their_components_their_file_name_and_themselves() {
    assert_terms("src/index/mod.rs", &["src", "index", "mod", "rs", "mod.rs", "src/index/mod.rs"]);
}

#[test]
fn english_elisions_come_off() {
    assert_terms("Kate's we'll don't", &["kate", "we", "dont"]);
    assert_terms("Kate’s o'clock 'quoted'", &["kate", "o", "clock", "quot"]);
}

#[test]
fn accents_and_compatibility_forms_are_folded() {
    assert_terms("naïve Café Ｆｕｌｌ", &["naiv", "cafe", "full"]);
    assert_terms("Straße STRASSE Привет", &["strass", "strass", "привет"]);
}

#[test]
fn pictures_are_terms() {
    assert_terms("🚀 launch👍🏽!", &["🚀", "launch", "👍"]);
    assert_terms("👩\u{200d}💻", &["👩", "💻"]);
    assert_terms("it works ✓ → …", &["it", "work"]);
}

#[test]
fn characters_are_found_within_their_run() {
    let singles = |text: &str| {
        let singles = terms(text).into_iter().filter(|term| !matches!(term, Term::Word(_)));
        singles.map(Term::hash).collect::<Vec<u64>>()
    };
    let of = |text: &str| {
        text.chars().map(|c| term_hash(c.to_string().as_bytes())).collect::<Vec<u64>>()
    };
    assert_eq!(singles("数据库 is あるか"), of("数据库あるか"));
    assert_eq!(hashes("库"), of("库"));
    // Letters of an alphabet say nothing alone.
    assert_eq!(singles("ฐานข้อมูล"), of(""));
}

#[test]
fn scripts_without_spaces_give_bigrams() {
    assert_terms("我的同事", &["我的", "的同", "同事"]);
    assert_terms("我", &["我"]);
    assert_terms("用cargo测试", &["用", "cargo", "测试"]);
    assert_terms("ガラス", &["ガラ", "ラス"]);
    assert_terms("한국어", &["한국", "국어"]);
    // A letter with its marks is one character.
    assert_terms("ข้อมูล", &["ข้อ", "อมู", "มูล"]);
}

#[test]
fn a_space_without_width_parts_words() {
    assert_terms("one\u{200b}two", &["one", "two"]);
    assert_terms("มูล\u{200b}ข้อ", &["มูล", "ข้อ"]);
}

#[test]
fn blobs_give_one_term() {
    assert_eq!(hashes(&"x".repeat(1 << 20)).len(), 1);
    assert_eq!(hashes(&"aB1_".repeat(1 << 18)).len(), 1);
    assert_eq!(hashes("aGVsbG8gd29ybGQ").len(), 1);
}

proptest! {
    #[test]
    fn any_text_gives_at_most_a_few_terms_a_byte_and_never_the_free_mark(text in ".{0,300}") {
        let found = terms(&text);
        prop_assert!(found.len() <= 2 * text.len());
        prop_assert!(!found.iter().any(|term| term.hash() == 0));
    }

    #[test]
    fn a_warm_stem_cache_changes_nothing(words in prop::collection::vec("[a-z]{1,9}", 0..400)) {
        let mut warm = Tokenizer::for_query();
        for word in &words {
            let mut found = Vec::new();
            warm.for_each_term(word, |term| found.push(term.hash()));
            prop_assert_eq!(found, hashes(word));
        }
    }

    #[test]
    fn spaces_between_names_do_not_matter(
        names in prop::collection::vec("[a-zA-Z0-9_./é]{1,12}", 0..9),
    ) {
        let one_by_one: Vec<u64> = names.iter().flat_map(|name| hashes(name)).collect();
        prop_assert_eq!(hashes(&names.join("  ")), one_by_one);
    }
}
