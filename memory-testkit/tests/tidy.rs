//! The repository follows the rules of the house.

use std::path::Path;
use std::sync::LazyLock;

use memory_testkit::tidy::{self, Package, Repository};

static REPOSITORY: LazyLock<Repository> =
    LazyLock::new(|| Repository::load(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()));

#[track_caller]
fn check(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn the_repository_is_found() {
    assert!(REPOSITORY.text("memory-core/src/lib.rs").is_some(), "the engine's root is read");
    assert!(REPOSITORY.text("Cargo.toml").is_some(), "the workspace's manifest is read");
}

#[test]
fn no_source_file_is_too_long() {
    check(&tidy::long_files(REPOSITORY.sources()));
}

#[test]
fn no_function_is_too_long() {
    check(&tidy::long_functions(REPOSITORY.sources()));
}

#[test]
fn no_lint_is_switched_off_and_no_test_ignored() {
    check(&tidy::forbidden_attributes(REPOSITORY.sources()));
}

#[test]
fn files_are_named_by_what_is_in_them() {
    check(&tidy::bad_file_names(REPOSITORY.sources().map(|(path, _)| path)));
}

#[test]
fn every_source_file_is_reached_from_a_crate_root() {
    check(&tidy::unreachable_files(&REPOSITORY, &Package::all(&REPOSITORY)));
}

#[test]
fn dependencies_point_one_way() {
    check(&tidy::wrong_dependencies(&Package::all(&REPOSITORY)));
}

#[test]
fn rooms_of_the_engine_take_nothing_from_a_floor_above() {
    check(&tidy::upward_imports(REPOSITORY.sources()));
}

#[test]
fn decision_records_are_short_and_numbered() {
    let files = REPOSITORY.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    check(&tidy::misnamed_plans(files));
}

#[test]
fn what_agents_must_read_is_short() {
    check(&tidy::long_agents_file(REPOSITORY.text("AGENTS.md").unwrap_or_default()));
}

/// Once there is a server, a missing README is an empty one.
#[test]
fn the_readme_lists_every_tool() {
    let readme = REPOSITORY.text("README.md").unwrap_or_default();
    check(&tidy::undocumented_tools(REPOSITORY.sources().map(|(path, _)| path), readme));
}

#[test]
fn the_readme_lists_every_setting() {
    let source = REPOSITORY.text("memory-core/src/config.rs").unwrap_or_default();
    let fields = tidy::config_fields(source);
    assert!(!fields.is_empty(), "the fields of `Config` are read");
    if REPOSITORY.has_server() {
        check(&tidy::undocumented_fields(
            &fields,
            REPOSITORY.text("README.md").unwrap_or_default(),
        ));
    }
}
