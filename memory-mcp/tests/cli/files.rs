//! Files that commands make: never through a link, never in the place of something else.

use std::fs;

use crate::home::Home;

/// The commands that make `copy` out of a half file, in a home with a store and a backup `old`.
const MAKERS: [&[&str]; 4] = [
    &["export", "--out", "copy"],
    &["export", "--out", "copy", "--json"],
    &["backup", "copy"],
    &["restore", "old", "--store", "copy"],
];

fn home() -> Home {
    let home = Home::new();
    home.run(&["remember", "one"]).ok();
    home.run(&["backup", "old"]).ok();
    home
}

#[test]
fn a_file_with_a_name_like_a_half_file_is_neither_changed_nor_in_the_way() {
    let home = home();
    let half = home.write("copy.part", "mine");
    for args in MAKERS {
        home.run(args).ok();
        assert_eq!(fs::read_to_string(&half).unwrap(), "mine", "{args:?}");
        fs::remove_file(home.path("copy")).unwrap();
    }
}

/// Names in a home that lead to the file `copy`, whole or half.
fn made(home: &Home) -> Vec<String> {
    let names = fs::read_dir(home.path(".")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains("copy")).collect();
    names.sort();
    names
}

#[test]
fn a_command_that_is_killed_while_it_writes_is_in_nobodys_way() {
    let home = home();
    let text = "Releases are cut on Mondays. ".repeat(40);
    let lines: Vec<_> =
        (0..3_000).map(|n| serde_json::json!({"id": n, "text": format!("{n} {text}")})).collect();
    home.import(&lines);
    for args in [&["backup", "copy"][..], &["export", "--out", "copy"]] {
        let mut n_killed = 0;
        for _ in 0..4 {
            let mut child = home.command(args).spawn().unwrap();
            while made(&home).is_empty() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            let was_killed = !child.wait().unwrap().success();
            n_killed += usize::from(was_killed);
            // What has the name is whole: it was killed after its work.
            if let Ok(found) = fs::metadata(home.path("copy")) {
                assert!(found.len() > 3_000_000, "{} bytes have the name", found.len());
                fs::remove_file(home.path("copy")).unwrap();
            }
        }
        assert!(n_killed > 0, "{args:?}: none was caught while it wrote");
        home.run(args).ok();
        assert_eq!(made(&home), ["copy"], "{args:?}");
        fs::remove_file(home.path("copy")).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn no_file_is_made_through_a_link() {
    use std::os::unix::fs::symlink;

    let home = home();
    let mine = home.write("mine", "mine");
    symlink(&mine, home.path("copy")).unwrap();
    home.run(&["export", "--out", "copy"]).fails(1, &["copy: it is a link"]);
    home.run(&["backup", "copy"]).fails(1, &["it exists"]);
    home.run(&["restore", "old", "--store", "copy"]).fails(1, &["exists"]);
    assert!(home.path("copy").is_symlink());
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = home();
    fs::set_permissions(home.path("old"), fs::Permissions::from_mode(0o644)).unwrap();
    for args in [
        &["export", "--out", "copy"][..],
        &["export", "--out", "copy.gz"],
        &["backup", "copy.db"],
        &["restore", "old", "--store", "new.db"],
    ] {
        home.run(args).ok();
        let path = home.path(args[args.len() - 1]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{args:?}");
    }
}

#[test]
fn an_export_replaces_the_one_before() {
    let home = home();
    home.run(&["export", "--out", "all.jsonl"]).ok();
    home.run(&["remember", "two"]).ok();
    home.run(&["export", "--out", "all.jsonl"]).ok();
    let lines = fs::read_to_string(home.path("all.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(made(&home).is_empty());
}
