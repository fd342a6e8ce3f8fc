//! Claims about which texts are the same.

use proptest::prelude::*;

use super::*;

fn check_same(one: &str, other: &str) {
    assert!(
        is_same(one, other),
        "{one:?} / {other:?}: {:?}, {:?}",
        canonical(one),
        canonical(other)
    );
    assert_eq!(key_text(one), key_text(other));
}

fn check_apart(one: &str, other: &str) {
    assert!(!is_same(one, other), "{one:?} / {other:?}: {:?}", canonical(one));
}

#[test]
fn white_space_a_capital_at_the_beginning_and_closing_punctuation_mean_nothing() {
    let text = "Warm the cache with `make warm` before each load test.";
    for other in [
        "warm the cache with `make warm` before each load test",
        "  Warm the cache   with `make warm`\nbefore each load test!  ",
        "warm the cache with make warm before each load test.",
        "Note: warm the cache with `make warm` before each load test",
        "REMINDER: Warm the cache with `make warm` before each load test…",
    ] {
        check_same(text, other);
    }
    check_same("It listens on port 8080", "it listens on port 8080!");
    check_same("Deploy first. Then flush Redis.", "deploy first. then flush Redis");
    check_same("A mirror is kept in Oslo", "a mirror is kept in Oslo.");
    check_same("在周五部署。", "在周五部署");
}

#[test]
fn a_sign_a_case_a_small_word_or_an_ending_is_another_text() {
    for (one, other) in [
        ("Write the lexer in C++", "Write the lexer in C#"),
        ("Write the lexer in C++", "Write the lexer in C"),
        ("Stop when n >= 3", "Stop when n < 3"),
        ("Stop when n == 3", "Stop when n != 3"),
        ("The drift is -5 ppm", "The drift is 5 ppm"),
        ("Unpack it with tar -c", "Unpack it with tar -C"),
        ("The budget is $900", "The budget is €900"),
        ("Ids are strings", "IDs are strings"),
        ("Export PATH first", "Export Path first"),
        ("The index was rebuilt", "The index will be rebuilt"),
        ("Hooks must be pure", "Hooks should be pure"),
        ("Take the red and blue wires", "Take the red or blue wires"),
        ("It is reviewed by ops", "It is reviewed for ops"),
        ("The limit is too low", "The limit is low"),
        ("Custom fields are kept", "Customer fields are kept"),
        ("The probe passes on ARM", "The probe passed on ARM"),
        ("Is the pool shared?", "Is the pool shared"),
        ("Run cargo-nextest", "Run cargo nextest"),
        ("Copy it to .", "Copy it to"),
        ("Copy it to ..", "Copy it to ."),
        ("Store it with user.save!", "Store it with user.save"),
        ("Set TAG=`date`", "Set TAG=date"),
        ("Use a class, e.g. User", "Use a class, e.g. user"),
        ("API first", "api first"),
        ("Foo.bar is called", "foo.bar is called"),
        ("x² is shown", "x2 is shown"),
        ("Count the open tickets", "Count the open tickets of this week"),
        ("The parser calls the lexer", "The lexer calls the parser"),
        ("李婷的名字就是李婷。", "李婷婷的名字就是李婷婷。"),
        ("🎉", "the"),
    ] {
        check_apart(one, other);
    }
}

#[test]
fn a_text_in_small_letters_is_known_again_and_options_keep_their_case() {
    let check = |one: &str, other: &str, expected: bool| {
        assert_eq!(is_same_in_small_letters(one, other), expected, "{one:?} / {other:?}");
        assert_eq!(is_same_in_small_letters(other, one), expected, "{other:?} / {one:?}");
    };
    check("Write the lexer in C++", "write the lexer in c++", true);
    check("Hooks run on AWS Lambda.", "hooks run on aws lambda", true);
    check("Hooks run on AWS Lambda.", "Hooks run on aws Lambda", false);
    check("Unpack it with tar -C", "unpack it with tar -c", false);
    check("Call getUser first", "call getuser first", false);
    check("Write the lexer in C++", "write the lexer in c#", false);
}

/// Statements with one place that decides, and what may stand there.
const PLACES: &[(&str, &[&str])] = &[
    ("The clock drift of the probe is {} ppm", &["5", "-5", "+5", "50", "0.5", "±5", "5.0", "~5"]),
    ("Retry it when the count is {} 3", &[">=", "<=", "<", ">", "==", "!=", "≥", "≠"]),
    ("The team writes its tools in {}", &["C", "C++", "C#", "c", "Rust", "Go", "go", "F#", "R"]),
    ("Unpack the archive with tar {} today", &["-c", "-C", "-x", "-X", "--c", "-cC", "c", "+x"]),
    ("The monthly spend is {}900 for storage", &["$", "€", "£", "", "-", "US$", "¥"]),
    (
        "Public traits {} have examples",
        &["must", "should", "may", "can", "will", "shall", "need not"],
    ),
    (
        "The ledger {} moved to the new cluster",
        &["was", "is", "will be", "has been", "had been", "is not", "was never", "is being"],
    ),
    (
        "Notes are reviewed {} the docs group",
        &["by", "for", "with", "without", "of", "before", "after", "in"],
    ),
    ("Builds {} on ARM runners", &["pass", "passed", "passing", "passes", "fail", "never pass"]),
    ("Set {} before the run", &["PATH", "Path", "path", "PATHS", "$PATH", "PATH_", "`PATH`="]),
    (
        "{} domains are kept in Redis",
        &["Custom", "Customer", "Customers", "Customized", "All", "No"],
    ),
    (
        "Use pnpm {} yarn for the workspace",
        &["and", "or", "not", "over", "instead of", "with", "/"],
    ),
    (
        "The pool is {} shared between workers",
        &["", "not", "never", "always", "only", "too", "now"],
    ),
    ("{} owns the billing service", &["Ada", "Ava", "ADA", "Adam", "Ada's group", "Nobody"]),
    (
        "Rebuild the index {} the import",
        &["before", "after", "during", "without", "with", "on", "for"],
    ),
    ("The queue listens on port {}", &["5671", "5672", "567", "56711", "5671/udp", "5671?"]),
    ("Keep {} copies of each dump", &["two", "three", "2", "3", "twenty", "no", "some", "all"]),
    (
        "The module is called {}",
        &["userId", "userID", "user_id", "UserId", "user-id", "userid", "user.id"],
    ),
];

/// Words that a pair of statements may have around what differs.
const FRAMES: &[&str] = &[
    "{}",
    "{}.",
    "  {}",
    "{} in staging",
    "{} for every tenant",
    "Since May, {}",
    "{}, as agreed",
    "{} and nothing else",
    "Note: {}",
    "In CI {}",
    "{} (see the handbook)",
    "We found that {}",
    "On Linux {}",
    "{} until further notice",
    "For release 2.4 {}",
    "{}; ask Ada",
    "{} — always",
    "{} when the cache is cold",
    "{} as of today",
    "{} at night",
    "{} with care",
    "{} by default",
];

#[test]
fn statements_that_differ_in_one_place_are_never_the_same() {
    let mut n_pairs = 0;
    for (statement, fillings) in PLACES {
        for frame in FRAMES {
            for (a, one) in fillings.iter().enumerate() {
                for other in &fillings[a + 1..] {
                    for small in [false, true] {
                        let fill = |filling: &str| {
                            let text = frame.replace("{}", &statement.replace("{}", filling));
                            if small { text.replacen("The ", "the ", 1) } else { text }
                        };
                        check_apart(&fill(one), &fill(other));
                        n_pairs += 1;
                    }
                }
            }
        }
    }
    assert!(n_pairs >= 10_000, "{n_pairs}");
}

proptest! {
    #[test]
    fn a_text_is_the_same_as_itself_in_other_white_space(text in "\\PC{0,60}") {
        let spaced = format!("\n {} \t", text.replace(' ', "  "));
        prop_assert!(is_same(&text, &spaced));
        prop_assert_eq!(key_text(&text), key_text(&spaced));
    }

    #[test]
    fn texts_that_are_the_same_have_one_key(
        one in "[A-Ca-c.!` ]{0,12}", other in "[A-Ca-c.!` ]{0,12}"
    ) {
        if is_same(&one, &other) || is_same_in_small_letters(&one, &other) {
            prop_assert_eq!(key_text(&one), key_text(&other));
        }
    }

    #[test]
    fn one_word_in_the_place_of_another_is_another_text(
        head in "[a-z]{2,8}( [a-z]{2,8}){1,4}",
        one in "[a-z0-9+#-]{1,6}",
        other in "[a-z0-9+#-]{1,6}",
        tail in "[a-z]{2,8}( [a-z]{2,8}){0,3}",
    ) {
        prop_assume!(one != other);
        let fill = |word: &str| format!("{head} {word} {tail}");
        prop_assert!(!is_same(&fill(&one), &fill(&other)));
    }
}
