//! The project that a folder belongs to.

use std::fs;

use super::*;

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn scope(folder: &Path) -> String {
    around(folder, &GitSettings::default()).scope.to_string()
}

const CONFIG: &str = "[core]
\tbare = false
[remote \"fork\"]
\turl = https://example.org/me/shop
[remote \"origin\"]
\turl = git@github.com:acme/shop.git # main
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch \"main\"]
\tremote = origin
";

#[test]
fn the_remote_origin_names_the_scope_of_a_folder_below_the_root() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join(".git/config"), CONFIG);
    let below = dir.path().join("src/cart");
    fs::create_dir_all(&below).unwrap();
    assert_eq!(scope(&below), "github.com/acme/shop");
    assert_eq!(around(&below, &GitSettings::default()).basis, Basis::WorkingFolder);
}

/// A repository at `root` with a worktree at `worktree`, as git lays them out.
fn with_worktree(root: &Path, worktree: &Path, config: &str) {
    write(&root.join(".git/config"), config);
    let git_dir = root.join(".git/worktrees/one");
    write(&git_dir.join("commondir"), "../..\n");
    write(&worktree.join(".git"), &format!("gitdir: {}\n", git_dir.display()));
}

#[test]
fn a_worktree_belongs_to_its_repository_with_and_without_a_remote() {
    let dir = tempfile::tempdir().unwrap();
    for (name, config) in [("shop", CONFIG), ("lamp", "[core]\n")] {
        let root = dir.path().join(name);
        for worktree in [dir.path().join(format!("wt/{name}")), root.join(".agents/one")] {
            with_worktree(&root, &worktree, config);
            assert_eq!(scope(&worktree), scope(&root), "{}", worktree.display());
        }
    }
    assert_eq!(scope(&dir.path().join("wt/shop")), "github.com/acme/shop");
    assert!(scope(&dir.path().join("wt/lamp")).starts_with("lamp-"));
}

#[test]
fn worktrees_of_a_bare_repository_are_one_project() {
    let dir = tempfile::tempdir().unwrap();
    for (place, name) in [("lamp/.bare", "lamp-"), ("lamp.git", "lamp-")] {
        let bare = dir.path().join(place);
        write(&bare.join("config"), "[core]\n\tbare = true\n");
        write(&bare.join("HEAD"), "ref: refs/heads/main\n");
        fs::create_dir_all(bare.join("objects")).unwrap();
        write(&bare.join("worktrees/one/commondir"), "../..\n");
        let worktree = dir.path().join(format!("{place}-wt"));
        let git_dir = bare.join("worktrees/one");
        write(&worktree.join(".git"), &format!("gitdir: {}\n", git_dir.display()));
        assert!(scope(&worktree).starts_with(name), "{}", scope(&worktree));
        if place == "lamp/.bare" {
            write(&dir.path().join("lamp/.git"), "gitdir: ./.bare\n");
            assert_eq!(scope(&dir.path().join("lamp")), scope(&worktree));
        } else {
            assert_eq!(scope(&bare), scope(&worktree));
        }
    }
}

#[test]
fn a_name_of_the_users_ssh_stands_for_its_host_in_ssh_addresses_alone() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join(".ssh/config"), "Host work\n  HostName ssh.github.com\n");
    let git = GitSettings { home: Some(home.path().to_owned()), files: Vec::new() };
    for (url, expected) in [
        ("git@work:Acme/shop.git", "github.com/acme/shop"),
        ("ssh://git@work:443/acme/shop", "github.com/acme/shop"),
        ("https://work/acme/shop", "work/acme/shop"),
    ] {
        let root = home.path().join("shop");
        write(&root.join(".git/config"), &format!("[remote \"origin\"]\n url = {url}\n"));
        assert_eq!(around(&root, &git).scope.to_string(), expected, "{url}");
    }
}

#[test]
fn a_submodule_is_a_project_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("shop");
    write(&root.join(".git/config"), CONFIG);
    let module = "[remote \"origin\"]\n url = https://github.com/acme/theme.git\n";
    write(&root.join(".git/modules/theme/config"), module);
    write(&root.join("theme/.git"), "gitdir: ../.git/modules/theme\n");
    assert_eq!(scope(&root.join("theme")), "github.com/acme/theme");
}

#[test]
fn projects_of_one_name_are_told_apart_by_where_they_lie() {
    let dir = tempfile::tempdir().unwrap();
    for kind in ["repository", "folder"] {
        let scopes = ["work", "private"].map(|place| {
            let app = dir.path().join(kind).join(place).join("app");
            fs::create_dir_all(app.join("src")).unwrap();
            if kind == "repository" {
                write(&app.join(".git/config"), "[core]\n");
                assert_eq!(scope(&app.join("src")), scope(&app));
            }
            scope(&app)
        });
        assert!(scopes.iter().all(|scope| scope.starts_with("app-")), "{scopes:?}");
        assert_ne!(scopes[0], scopes[1], "two {kind} projects share a memory");
    }
}

#[test]
fn a_mark_never_changes() {
    // Records keep the scope that they have: another mark would be another project.
    assert_eq!(marked("app", Path::new("/nowhere/at/all/app")), "app-45a2babe");
    assert_eq!(scope(Path::new("/")), "default");
}

#[test]
fn a_clone_of_a_folder_is_the_project_that_it_was_cloned_from() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("shop");
    write(&source.join(".git/config"), CONFIG);
    for url in
        [source.display().to_string(), format!("file://{}", source.display()), "../shop".into()]
    {
        let clone = dir.path().join("clone");
        write(&clone.join(".git/config"), &format!("[remote \"origin\"]\nurl = {url}\n"));
        assert_eq!(scope(&clone), "github.com/acme/shop", "{url}");
    }
    // Two repositories without a remote of their own, each with a clone.
    let clones = ["a", "b"].map(|place| {
        let source = dir.path().join(place).join("lamp");
        write(&source.join(".git/config"), "[core]\n");
        let clone = dir.path().join(place).join("clone");
        write(&clone.join(".git/config"), "[remote \"origin\"]\nurl = ../lamp\n");
        assert_eq!(scope(&clone), scope(&source));
        scope(&clone)
    });
    assert_ne!(clones[0], clones[1]);
}

#[test]
fn repositories_that_name_each_other_come_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    for (one, other) in [("a", "b"), ("b", "a")] {
        let config = dir.path().join(one).join(".git/config");
        write(&config, &format!("[remote \"origin\"]\nurl = ../{other}\n"));
    }
    assert!(!scope(&dir.path().join("a")).is_empty());
}

#[test]
fn a_folder_that_the_client_names_counts_where_a_repository_lies_around_it() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, plain) = (dir.path().join("shop"), dir.path().join("plain"));
    write(&shop.join(".git/config"), CONFIG);
    fs::create_dir_all(&plain).unwrap();
    let git = GitSettings::default();
    assert_eq!(of_client(std::slice::from_ref(&plain), &git), None);
    let own = of_client(&[plain, shop.join("src")], &git).unwrap();
    assert_eq!((own.scope.as_str(), own.basis), ("github.com/acme/shop", Basis::ClientFolder));
}

#[test]
fn a_name_that_no_scope_can_have_is_made_one() {
    assert_eq!(named("a\nb\u{1b}c").as_str(), "abc");
    assert_eq!(named(" \n").as_str(), "default");
    assert!(named(&"é".repeat(500)).as_str().len() <= 256);
}
