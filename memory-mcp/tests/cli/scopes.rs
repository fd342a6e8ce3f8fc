//! Projects: told apart, listed, joined.

use serde_json::{Value, json};

use super::home::{Home, Ran};

/// Runs a command in a folder below the home.
fn run_in(home: &Home, folder: &str, args: &[&str]) -> Ran {
    Ran::of(home.command(args).current_dir(home.path(folder)).output().unwrap())
}

#[test]
fn two_repositories_of_one_name_have_a_memory_each() {
    let home = Home::new();
    for place in ["work/app", "private/app"] {
        home.write(&format!("{place}/.git/config"), "[core]\n");
    }
    run_in(&home, "work/app", &["remember", "The heron nests behind the mill"]).ok();
    let found = |folder, args: &[&str]| run_in(&home, folder, args).ok().out.contains("mill");
    let recall = ["recall", "where does the heron nest"];
    assert!(found("work/app", &recall));
    assert!(!found("private/app", &recall), "seen in the other project");
    assert!(found("private/app", &[&recall[..], &["--scope", "*"]].concat()));
    assert!(found("private/app", &[&recall[..], &["--project", "../../work/app"]].concat()));
    let missing = run_in(&home, "work/app", &["list", "--project", "nowhere"]);
    missing.fails(2, &["--project", "no such folder"]);
}

#[test]
fn a_url_that_git_rewrites_names_the_project_that_it_means() {
    let home = Home::new();
    home.write(".gitconfig", "[url \"git@github.com:acme/\"]\n\tinsteadOf = acme:\n");
    home.write("shop/.git/config", "[remote \"origin\"] url = acme:shop.git\n");
    let remembered = run_in(&home, "shop", &["remember", "x", "--json"]).ok().value();
    assert_eq!(remembered["scope"], "github.com/acme/shop");
}

/// The scopes with their counts.
fn scopes(home: &Home) -> Value {
    home.run(&["scopes", "--json"]).ok().value()["scopes"].take()
}

#[test]
fn scopes_are_listed_and_one_is_joined_with_another_only_when_told_so() {
    let home = Home::new();
    home.run(&["scopes"]).ok();
    for (text, scope) in [("one", "Acme/Shop"), ("two", "Acme/Shop"), ("three", "acme/shop")] {
        home.run(&["remember", text, "--scope", scope]).ok();
    }
    let apart = json!([
        {"scope": "Acme/Shop", "n_records": 2},
        {"scope": "acme/shop", "n_records": 1},
    ]);
    assert_eq!(scopes(&home), apart);
    assert!(home.run(&["scopes"]).ok().out.contains("2        Acme/Shop"));

    let join = ["scopes", "--join", "Acme/Shop", "--into", "acme/shop"];
    let shown = home.run(&join).ok();
    assert!(
        shown.out.contains("2 record(s) of Acme/Shop would join 1 of acme/shop"),
        "{}",
        shown.out
    );
    assert!(shown.err.contains("--yes"), "{}", shown.err);
    assert_eq!(scopes(&home), apart, "a dry run moves nothing");

    let moved = home.run(&[&join[..], &["--yes", "--json"]].concat()).ok().value();
    assert_eq!((&moved["n_moved"], &moved["dry_run"]), (&json!(2), &json!(false)));
    assert_eq!(scopes(&home), json!([{"scope": "acme/shop", "n_records": 3}]));
    home.run(&[&join[..], &["--yes"]].concat()).fails(1, &["nothing is stored in scope Acme/Shop"]);
    for (args, why) in [
        (&["scopes", "--join", "a"][..], "--into"),
        (&["scopes", "--yes"][..], "--join"),
        (&["scopes", "--join", "a", "--into", "a"][..], "same scope"),
        (&["scopes", "--join", "*", "--into", "a"][..], "all scopes"),
    ] {
        home.run(args).fails(2, &[why]);
    }
}
