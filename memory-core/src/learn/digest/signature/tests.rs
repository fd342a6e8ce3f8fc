//! Claims about signatures as a whole.

use super::Signature;
use crate::learn::sample::step;
use proptest::prelude::*;

#[test]
fn signatures_never_change() {
    // A changed figure makes every stored digest and every learned cure useless.
    let cases = [
        ("bash", "", 0x3480_b903_4ad3_7056),
        ("bash", "cat: src/lib.rs: No such file or directory", 0x3480_b537_5580_d30e),
        ("execute_sql", "Error executing query: Table 'a.b' doesn't exist", 0x86ca_5e13_73c7_4ab2),
        (
            "api",
            r#"{"status":400,"code":"validation_error","message":"body failed"}"#,
            0x2ff9_6f03_e53a_94b3,
        ),
        (
            "python",
            "Traceback (most recent call last):\n  File \"x\"\nKeyError: 'x'",
            0xc027_4fec_026f_3594,
        ),
        ("bash", "日本語のエラー🦀", 0x3480_c258_b5d0_6947),
    ];
    for (tool, text, expected) in cases {
        let found = Signature::of_error(tool, text);
        assert_eq!(found, Signature(expected), "{tool}: {text}");
    }
}

#[test]
fn numbers_names_and_places_do_not_matter_but_tool_and_words_do() {
    let of = Signature::of_error;
    let one = of("sql", "Table 'shop.cats' doesn't exist");
    assert_eq!(one, of("sql", "Table 'zoo.dogs' doesn't exist"));
    assert_ne!(one, of("mysql", "Table 'shop.cats' doesn't exist"));
    assert_ne!(one, of("sql", "Column 'shop.cats' doesn't exist"));
}

#[test]
fn another_port_code_or_module_is_another_error_of_the_same_family() {
    let of = |text: &str| Signature::of_error("bash", text);
    for (one, other) in [
        ("connect ECONNREFUSED 10.0.0.7:3306", "connect ECONNREFUSED 10.0.0.7:5672"),
        ("worker stopped with exit code 2", "worker stopped with exit code 139"),
        ("fetch failed with status 404", "fetch failed with status 502"),
        ("No module named 'attrs'", "No module named 'numpy'"),
    ] {
        assert_ne!(of(one), of(other), "{one}");
        assert_eq!(of(one).family(), of(other).family(), "{one}");
    }
    assert_eq!(of("gave up after 20 s on job 4"), of("gave up after 31 s on job 77"));
    assert_eq!(of("connect ECONNREFUSED 10.0.0.7:3306"), of("connect ECONNREFUSED 10.0.0.9:3306"));
}

#[test]
fn errors_of_one_tool_and_class_are_a_family() {
    let of = |text| Signature::of_error("python", text);
    let one = of("KeyError: 'x'");
    assert_eq!(one.family(), of("KeyError: nothing under that").family());
    assert_ne!(one, of("KeyError: nothing under that"));
    assert_ne!(one.family(), of("ValueError: 'x'").family());
}

#[test]
fn a_step_that_was_ok_has_none_and_a_silent_one_is_known_by_its_action() {
    assert_eq!(Signature::of_step(&step("bash", "", true, "error: x")), None);
    let silent = |args| Signature::of_step(&step("bash", args, false, " \n")).unwrap();
    let (grep, pip) = (silent(r#"{"command":"grep x"}"#), silent(r#"{"command":"pip"}"#));
    assert_ne!(grep, pip);
    assert_eq!(grep, silent(r#"{"command":"cd a && grep y"}"#));
}

#[test]
fn the_error_comes_before_the_observation() {
    let mut failed = step("bash", "", false, "error: from the answer");
    failed.error = Some(crate::model::Excerpt::cut("error: told apart".to_owned(), 100));
    assert_eq!(Signature::of_step(&failed), Some(Signature::of_error("bash", "error: told apart")));
}

proptest! {
    #[test]
    fn any_text_has_one_signature(
        text in "\\PC{0,80}|[\"'`{}:/\\\\.\n a1Error]{0,80}", tool in "\\PC{0,8}",
    ) {
        prop_assert_eq!(Signature::of_error(&tool, &text), Signature::of_error(&tool, &text));
    }

    #[test]
    fn other_numbers_make_no_other_signature(a in any::<u32>(), b in any::<u32>()) {
        let of = |n: u32| Signature::of_error("t", &format!("line {n}: error at {n}:{n} in {n}"));
        prop_assert_eq!(of(a), of(b));
    }
}
