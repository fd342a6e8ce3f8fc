//! Claims about how two statements relate.

use proptest::prelude::*;

use super::*;

/// Returns how two texts relate: in no way, if one of them is no statement.
fn compare(one: &str, other: &str) -> Comparison {
    let both = Statement::read(one).zip(Statement::read(other));
    both.map_or(Comparison::Distinct, |(one, other)| one.compare(&other))
}

fn amends(later: &str, earlier: &str) -> bool {
    let both = Statement::read(later).zip(Statement::read(earlier));
    both.is_some_and(|(later, earlier)| later.amendment(&earlier).is_some())
}

fn check(one: &str, other: &str, expected: Comparison) {
    assert_eq!(compare(one, other), expected, "{one:?} / {other:?}");
    assert_eq!(compare(other, one), expected, "{other:?} / {one:?}");
}

#[test]
fn another_value_of_one_thing_is_a_contradiction() {
    for (one, other) in [
        ("The mail relay listens on port 2525", "The mail relay listens on port 2526"),
        ("We test with Python 3.11.2 in CI", "We test with Python 3.12.0 in CI"),
        ("The code freeze is December 12th", "The code freeze is December 19th"),
        ("Attachments are limited to 20 MB", "Attachments are limited to 20 KB"),
        ("Set the decay to 0.1", "Set the decay to 0.01"),
        ("Retry the call when the count is >= 3", "Retry the call when the count is < 3"),
        ("The monthly budget is $700", "The monthly budget is €700"),
        ("The drift of the probe is -4 ms", "The drift of the probe is 4 ms"),
        ("Releases go out on Tuesdays", "Releases go out on Fridays"),
        ("测试环境的端口是8080。", "测试环境的端口是9090。"),
    ] {
        check(one, other, Comparison::Contradiction);
    }
}

#[test]
fn a_negation_or_an_opposite_is_a_contradiction() {
    for (one, other) in [
        ("Squash commits before merging", "Do not squash commits before merging"),
        ("Always sign release tags", "Never sign release tags"),
        ("Hotfix deployment is allowed", "Hotfix deployment is not allowed"),
        ("The beta banner is enabled", "The beta banner is disabled"),
        ("The flag fast_path is on in staging", "The flag fast_path is off in staging"),
        ("Run the linter before the tests", "Run the linter after the tests"),
        ("The endpoint is safe for retries", "The endpoint is unsafe for retries"),
        ("部署在周五进行。", "部署不在周五进行。"),
    ] {
        check(one, other, Comparison::Contradiction);
    }
}

#[test]
fn another_choice_or_order_of_choices_is_a_contradiction() {
    for (one, other) in [
        ("Use tabs for indentation in Go files", "Use spaces for indentation in Go files"),
        ("Write the lexer module in C++", "Write the lexer module in Rust"),
        ("The payment team prefers dark mode", "The payment team prefers light mode"),
        ("Delete old branches with git branch -d", "Delete old branches with git branch -D"),
        ("Use podman, never docker", "Use docker, never podman"),
        ("Prefer podman over docker", "Prefer docker over podman"),
        ("Use podman, never docker", "Use docker for local builds"),
        ("Use podman instead of docker for builds", "Use docker for builds"),
        ("Avoid docker for builds", "Use docker for builds"),
    ] {
        check(one, other, Comparison::Contradiction);
    }
}

#[test]
fn what_is_about_two_things_is_no_contradiction() {
    for (one, other) in [
        ("The staging relay listens on port 2525", "The production relay listens on port 2526"),
        ("Builds need Go 1.22 and make", "Releases need Go 1.23 and a signed tag"),
        ("Use tabs in Go files", "Use spaces in Python files"),
        ("Use pnpm for workspace builds", "Use pnpm for release builds"),
        ("Server 1 has a disk of 80 GB", "Server 2 has a disk of 40 GB"),
        ("Version 2 of the importer reads gzip", "The exporter writes 3 files"),
        ("Count the tickets", "Count the documents"),
        ("The parser calls the lexer", "The lexer calls the parser"),
        ("Ada reports to Bo", "Bo reports to Ada"),
        ("Is the pool shared?", "The pool is not shared."),
        ("The user prefers dark mode", "Deploys run on Fridays only"),
        ("我的下属叫赵宇轩，今年36岁。", "我的表哥叫李梓睿，今年45岁。"),
        ("", "Deploys run on Fridays only"),
    ] {
        check(one, other, Comparison::Distinct);
    }
}

#[test]
fn what_adds_something_is_no_contradiction() {
    for (one, other) in [
        ("Deploy the docs on Fridays", "Deploy the docs on Fridays at noon with care"),
        ("The API limit is 100 requests", "The API limit for partners is 500 requests"),
        ("The relay listens on port 2525", "The relay listens on port 2525 behind the proxy"),
        ("Nightly dumps are kept in Oslo", "Nightly dumps are kept in Oslo and encrypted"),
    ] {
        assert_ne!(compare(one, other), Comparison::Contradiction, "{one:?} / {other:?}");
        assert_ne!(compare(one, other), Comparison::Same, "{one:?} / {other:?}");
    }
}

#[test]
fn small_words_and_endings_make_a_restatement() {
    for (one, other) in [
        ("Public traits must have examples", "Public traits should have examples"),
        ("The ledger will be moved to Oslo", "The ledger was moved to Oslo"),
        ("The smoke test passes on ARM", "The smoke test passed on ARM"),
    ] {
        check(one, other, Comparison::Restatement);
    }
}

#[test]
fn a_later_statement_amends_what_it_changes_and_nothing_else() {
    let backup = "The nightly backup runs at 02:00 in Oslo";
    assert!(amends("The nightly backup now runs at 03:30 in Oslo", backup));
    assert!(amends("Since May the nightly backup runs at 03:30 in Oslo", backup));
    assert!(amends("The nightly backup now runs at noon in Oslo and covers media", backup));
    assert!(amends("The nightly backup runs at 02:00 in Oslo and Bergen", backup));
    assert!(!amends("The weekly backup now runs at 03:30 in Oslo", backup));
    assert!(!amends("Deploys now run in Oslo", backup));
    assert!(!amends(backup, backup));
}

#[test]
fn what_says_nothing_or_too_much_is_no_statement() {
    for text in ["Which port does the server use now?", "连接池的上限是八？"] {
        assert!(Statement::read(text).is_none(), "{text}");
    }
    assert!(Statement::read(&"word ".repeat(MAX_WORDS)).is_some());
    assert!(Statement::read(&"word ".repeat(MAX_WORDS + 1)).is_none());
    assert!(Statement::read(&"字".repeat(MAX_WORDS + 1)).is_none());
}

proptest! {
    #[test]
    fn any_two_texts_can_be_compared_and_their_order_does_not_matter(
        one in "\\PC{0,60}", other in "\\PC{0,60}"
    ) {
        if Statement::read(&one).is_some() {
            prop_assert_eq!(compare(&one, &one), Comparison::Same);
        }
        prop_assert_eq!(compare(&one, &other), compare(&other, &one));
    }

    #[test]
    fn statements_of_few_words_can_be_compared_in_any_order(
        one in "(use|not|port|1|2|the|for|is|red){1,8}",
        words in prop::collection::vec("use|never|port|1|2|the|for|is|red|instead|of|now", 0..9),
        others in prop::collection::vec("use|never|port|1|2|the|for|is|red|instead|of|now", 0..9),
    ) {
        let (words, others) = (words.join(" "), others.join(" "));
        prop_assert_eq!(compare(&words, &others), compare(&others, &words));
        prop_assert!(compare(&one, &words) != Comparison::Same || one == words);
    }
}
