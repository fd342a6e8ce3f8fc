//! Tests of the targets of steps of various tools.

use super::*;
use crate::learn::sample::step;

/// Returns the targets of calls of tools as lines: `+` before what was changed.
fn targets(calls: &[(&str, &str, &str)]) -> Vec<String> {
    let steps: Vec<Step> =
        calls.iter().map(|(tool, args, observation)| step(tool, args, true, observation)).collect();
    let mark = |target: &Target| if target.is_changed { "+" } else { "" };
    look(&steps).0.iter().map(|target| format!("{}{}", mark(target), target.name)).collect()
}

fn shell(line: &str) -> String {
    format!(r#"{{"command":{}}}"#, serde_json::Value::from(line))
}

#[test]
fn one_file_has_one_name_wherever_the_command_ran() {
    let lines = [
        shell("cd /work/shop && sed -i 's/a/b/' cart/total.py"),
        shell("cat /work/shop/cart/total.py"),
        shell("cd /work/shop/cart && cat total.py"),
        shell("cd /work/shop && cat cart/../cart/total.py ./cart/tax.py"),
    ];
    let calls: Vec<_> = lines.iter().map(|line| ("bash", line.as_str(), "")).collect();
    assert_eq!(targets(&calls), ["+cart/total.py", "cart/tax.py"]);
    // Without a folder that was entered, a relative name shows where the project lies.
    let read = r#"{"file_path":"/home/kim/shop/cart/total.py"}"#;
    let edit = r#"{"file_path":"cart/total.py","old_string":"a","new_string":"b"}"#;
    assert_eq!(targets(&[("Read", read, ""), ("Edit", edit, "")]), ["+cart/total.py"]);
}

#[test]
fn what_was_made_for_a_moment_is_no_target() {
    let lines = [
        shell("cat > repro.py <<'EOF'\nprint(1)\nEOF\npython repro.py > /tmp/out.txt"),
        shell("sed -i 's/a/b/' cart/total.py; cat > scratch.py <<E\nE"),
        shell("rm repro.py"),
        shell("git diff"),
    ];
    let diff = "diff --git a/cart/total.py b/cart/total.py\n--- a/cart/total.py\n\
                +++ b/cart/total.py\n@@ -1 +1 @@\n-a\n+b\n";
    let calls: Vec<_> = lines.iter().map(|line| ("sh", line.as_str(), diff)).collect();
    assert_eq!(targets(&calls), ["+cart/total.py"]);
}

#[test]
fn a_call_says_besides_its_name_what_that_does_not() {
    let args = r#"{"action":"update_block","block":"b7"}"#;
    let call = Step { action: Some("update_block".into()), ..step("run", args, true, "") };
    assert_eq!(call_line(&call), "run:update_block b7");
}

#[test]
fn an_answer_that_was_handed_in_is_no_target() {
    let (read, hand_in) = (r#"{"title":"Fox"}"#, r#"{"name":"yes"}"#);
    assert_eq!(targets(&[("look_up", read, ""), ("hand_in", hand_in, "")]), ["Fox"]);
    let file = r#"{"file_path":"a/b.py"}"#;
    assert_eq!(targets(&[("look_up", read, ""), ("Read", file, "")]), ["a/b.py", "Fox"]);
}

#[test]
fn a_diff_of_other_times_is_no_change() {
    let diff = "diff --git a/a/b.py b/a/b.py\n+++ b/a/b.py\n";
    assert!(targets(&[("bash", &shell("git show HEAD~1"), diff)]).is_empty());
    assert_eq!(targets(&[("bash", &shell("git diff --cached"), diff)]), ["+a/b.py"]);
}

#[test]
fn patches_code_statements_and_arguments_name_targets() {
    let patch = "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-x\n+y\n*** End Patch";
    let patch = format!(r#"{{"input":{}}}"#, serde_json::Value::from(patch));
    assert_eq!(targets(&[("apply", &patch, "")]), ["+src/a.rs"]);
    let listed = r#"{"command":["bash","-lc","apply_patch <<'P'\n*** Add File: b/c.rs\nP"]}"#;
    assert_eq!(targets(&[("shell", listed, "")]), ["+b/c.rs"]);
    let code =
        shell("python3 - <<'E'\ns = open('a/in.py').read()\nopen('a/out.py', 'w').write(s)\nE");
    assert_eq!(targets(&[("sh", &code, "")]), ["+a/out.py", "a/in.py"]);
    let sql = r#"{"query":"UPDATE orders SET a = (SELECT max(b) FROM items)"}"#;
    assert_eq!(targets(&[("db", sql, "")]), ["+orders", "items"]);
    let files = r#"{"repo":"shop","files":[{"path":"a.py","content":"x = 'b.py'\n"}]}"#;
    assert_eq!(targets(&[("push_files", files, "")]), ["+a.py", "+shop"]);
    let page = r#"{"page_id":"25-62","url":"https://api.acme.dev/v1/pages?x=1"}"#;
    assert_eq!(targets(&[("get_page", page, "")]), ["api.acme.dev/v1/pages", "page_id 25-62"]);
    assert_eq!(targets(&[("sh", "cat a/b.py > c.py", "")]), ["+c.py", "a/b.py"]);
    let view = r#"{"command":"view","path":"/work/a/b.py"}"#;
    assert_eq!(targets(&[("text_edit", view, "")]), ["/work/a/b.py"]);
}

#[test]
fn a_failed_call_changed_nothing() {
    let steps = [
        step("write_file", r#"{"path":"a/b.py","content":"x"}"#, false, "error"),
        step("sh", &shell("sed -i s/a/b/ c/d.py"), false, "error"),
        step("sh", &shell("sed -i s/a/b/ e/f.py && make test"), false, "red"),
    ];
    let (targets, calls) = look(&steps);
    let names: Vec<&str> = targets.iter().map(|target| &*target.name).collect();
    assert_eq!(names, ["e/f.py"]);
    let last = calls.last().unwrap();
    assert_eq!((&*last.text, last.is_ok), ("make test", false));
}

#[test]
fn the_last_result_of_each_call_is_kept() {
    let lines = ["make test", "ls", "make lint", "make test"];
    let calls: Vec<Step> =
        lines.iter().enumerate().map(|(i, line)| step("sh", &shell(line), i > 0, "")).collect();
    let kept: Vec<(String, bool, u32)> =
        look(&calls).1.into_iter().map(|call| (call.text.into(), call.is_ok, call.n)).collect();
    assert_eq!(kept, [("make lint".into(), true, 1), ("make test".into(), true, 2)]);
}

#[test]
fn tests_are_told_by_their_names() {
    for test in ["tests/a.py", "app/test_a.py", "a/b.spec.ts", "src/FooTest.java"] {
        assert!(is_test(test), "{test}");
    }
    for other in ["src/latest.rs", "app/contest.py", "spectrum/a.py"] {
        assert!(!is_test(other), "{other}");
    }
}

proptest::proptest! {
    #[test]
    fn any_arguments_are_read_without_harm(args in "[ -~\n]{0,80}|\\PC{0,40}", ok: bool) {
        let braced = format!("{{\"path\":\"{args}\",\"command\":\"{args}\"");
        for args in [args, braced] {
            let (targets, calls) = look(&[step("tool", &args, ok, &args)]);
            proptest::prop_assert!(targets.len() <= MAX_CHANGED + MAX_READ);
            proptest::prop_assert!(calls.len() <= MAX_CALLS);
        }
    }
}
