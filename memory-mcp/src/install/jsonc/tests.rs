use super::*;

const COMMENTED: &str = r#"{
    // the first comment
    "a": 1, // about a
    "b": {
        "c": [1, 2,], /* about c */
    },
    "d": {} // about d
}
"#;

fn member(text: &str, path: &[&str], name: &str, value: &str) -> String {
    let node = parse(text).unwrap();
    let container = node.at(path).unwrap();
    insert(text, container, Some(name), &Json::read(value).unwrap())
}

#[test]
fn a_new_member_leaves_every_other_byte_as_it_was() {
    let text = member(COMMENTED, &[], "e", r#"{"x": ["y", "z"]}"#);
    let expected = COMMENTED.replace(
        "\"d\": {} // about d\n",
        "\"d\": {}, // about d\n    \"e\": {\n        \"x\": [\"y\", \"z\"]\n    }\n",
    );
    assert_eq!(text, expected);
    assert_eq!(
        member(COMMENTED, &["b"], "k", "true"),
        COMMENTED.replace("/* about c */\n", "/* about c */\n        \"k\": true,\n")
    );
    assert_eq!(
        member(COMMENTED, &["d"], "k", "true"),
        COMMENTED.replace("\"d\": {}", "\"d\": {\n        \"k\": true\n    }")
    );
}

#[test]
fn what_was_inserted_is_removed_to_the_byte() {
    let texts = [COMMENTED, "{}", "{\"a\":1}", "{\n\t\"a\": 1\n}\n", "{\r\n  \"a\": 1,\r\n}\r\n"];
    for text in texts {
        let added = member(text, &[], "new", r#"{"list": [{"x": 1}]}"#);
        let node = parse(&added).unwrap();
        let position = node.items().len() - 1;
        let removed = remove(&added, &node, position);
        assert_eq!(parse(&removed).unwrap().value(), parse(text).unwrap().value(), "{text:?}");
        assert_eq!(removed, text);
    }
}

#[test]
fn an_item_is_removed_from_any_place() {
    for (text, position, expected) in [
        ("[1, 2, 3]", 0, "[2, 3]"),
        ("[1, 2, 3]", 1, "[1, 3]"),
        ("[1, 2, 3]", 2, "[1, 2]"),
        ("[\n  1,\n  2, // two\n  3\n]", 2, "[\n  1,\n  2 // two\n]"),
        ("[\n  1, /* , */\n  2\n]", 1, "[\n  1 /* , */\n]"),
        ("[1,]", 0, "[]"),
        ("{\n  \"a\": [1],\n  \"b\": 2\n}", 0, "{\n  \"b\": 2\n}"),
        ("[\n  1,\n]", 0, "[]"),
        ("[ // kept\n  1\n]", 0, "[ // kept\n]"),
    ] {
        let node = parse(text).unwrap();
        assert_eq!(remove(text, &node, position), expected, "{text:?}");
    }
}

#[test]
fn line_ends_and_indentation_of_the_document_are_kept() {
    let text = member("{\r\n\t\"a\": 1\r\n}\r\n", &[], "b", r#"{"c": 2}"#);
    assert_eq!(text, "{\r\n\t\"a\": 1,\r\n\t\"b\": {\r\n\t\t\"c\": 2\r\n\t}\r\n}\r\n");
}

#[test]
fn what_is_no_json_is_refused_with_its_line() {
    for (text, line) in [
        ("{\n  \"a\": 1\n  \"b\": 2\n}", 3),
        ("{\"a\": }", 1),
        ("{\"a\": 1} x", 1),
        ("{\n'a': 1}", 2),
        ("{\"a\": \"x\ny\"}", 1),
        ("/* open", 1),
        ("", 1),
        ("{\"a\": 1, \"a\": 2}", 1),
    ] {
        assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse("\u{feff}{} // end").is_ok());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:/* \n\\\\a1é]{0,40}") {
        if let Ok(node) = parse(&text) {
            // What was read can be changed, and is read again.
            if matches!(node.kind, Kind::Object(_)) {
                let added = insert(&text, &node, Some("new name"), &Json::Word("1".into()));
                let value = parse(&added).unwrap().value();
                proptest::prop_assert!(value.member("new name").is_some());
                proptest::prop_assert!(node.value().is_part_of(&value));
            }
        }
    }
}
