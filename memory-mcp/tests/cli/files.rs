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
fn a_file_in_the_place_of_the_half_file_is_neither_changed_nor_removed() {
    let home = home();
    let half = home.write("copy.part", "mine");
    for args in MAKERS {
        home.run(args).fails(1, &["error: ", "copy.part", "it exists"]);
        assert_eq!(fs::read_to_string(&half).unwrap(), "mine", "{args:?}");
        assert!(!home.path("copy").exists(), "{args:?}");
    }
    fs::remove_file(&half).unwrap();
    fs::create_dir(&half).unwrap();
    for args in MAKERS {
        home.run(args).fails(1, &["copy.part"]);
        assert!(half.is_dir() && !home.path("copy").exists(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_file_is_made_through_a_link() {
    use std::os::unix::fs::symlink;

    let home = home();
    let mine = home.write("mine", "mine");
    let (half, nowhere) = (home.path("copy.part"), home.path("nowhere"));
    for target in [&mine, &nowhere] {
        symlink(target, &half).unwrap();
        for args in MAKERS {
            home.run(args).fails(1, &["copy.part"]);
            assert!(half.is_symlink() && !nowhere.exists(), "{args:?}");
            assert_eq!(fs::read_to_string(&mine).unwrap(), "mine", "{args:?}");
        }
        fs::remove_file(&half).unwrap();
    }
    symlink(&mine, home.path("copy")).unwrap();
    home.run(&["export", "--out", "copy"]).fails(1, &["copy: it is a link"]);
    home.run(&["backup", "copy"]).fails(1, &["it exists"]);
    home.run(&["restore", "old", "--store", "copy"]).fails(1, &["exists"]);
    assert!(home.path("copy").is_symlink() && !half.exists());
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
    assert!(!home.path("all.jsonl.part").exists());
}
