//! The repository follows the rules of the house.

use std::path::Path;
use std::sync::LazyLock;

use memory_testkit::tidy::{self, Package, Repository, Target};

static REPOSITORY: LazyLock<Repository> =
    LazyLock::new(|| Repository::load(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()));

static TARGETS: LazyLock<Vec<Target>> =
    LazyLock::new(|| Target::all(&REPOSITORY, &Package::all(&REPOSITORY)));

/// Beginnings of the paths of sources that do not yet follow the rules about floors, circles,
/// widths and doc comments. An empty list puts these rules in force for the whole tree.
const PENDING: &[&str] = &[];

fn is_pending(path: &str) -> bool {
    PENDING.iter().any(|beginning| path.starts_with(beginning))
}

/// Findings, each of which begins with a path, outside of the pending paths.
fn in_force(findings: Vec<String>) -> Vec<String> {
    findings.into_iter().filter(|finding| !is_pending(finding)).collect()
}

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
    check(&tidy::unreachable_files(&REPOSITORY, &TARGETS));
}

#[test]
fn dependencies_point_one_way() {
    check(&tidy::wrong_dependencies(&Package::all(&REPOSITORY)));
}

#[test]
fn every_source_file_stands_on_one_floor_and_takes_from_lower_ones() {
    check(&in_force(tidy::floor_findings(&TARGETS)));
}

#[test]
fn no_files_take_from_each_other_in_a_circle() {
    check(&in_force(tidy::circles(&TARGETS)));
}

#[test]
fn no_line_is_wider_than_100_columns() {
    check(&in_force(tidy::wide_lines(REPOSITORY.sources())));
}

#[test]
fn doc_comments_do_not_begin_with_a_question_word() {
    let sources = REPOSITORY.sources().filter(|(path, _)| !is_pending(path));
    check(&tidy::question_openers(sources));
}

#[test]
fn decision_records_are_short_and_numbered() {
    let files = REPOSITORY.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    check(&tidy::misnamed_plans(files));
}

#[test]
fn what_is_read_first_is_short() {
    for (path, max_lines) in [("AGENTS.md", 80), ("README.md", 120)] {
        let text = REPOSITORY.text(path).unwrap_or_default();
        assert!(!text.is_empty(), "{path} is read");
        check(&tidy::long_document(path, text, max_lines));
    }
}

#[test]
fn the_readme_lists_every_tool() {
    let readme = REPOSITORY.text("README.md").unwrap_or_default();
    check(&tidy::undocumented_tools(REPOSITORY.sources().map(|(path, _)| path), readme));
}

#[test]
fn the_document_of_settings_lists_every_setting() {
    let source = REPOSITORY.text("memory-core/src/config.rs").unwrap_or_default();
    let fields = tidy::config_fields(source);
    assert!(!fields.is_empty(), "the fields of `Config` are read");
    let path = "docs/settings.md";
    check(&tidy::undocumented_fields(&fields, path, REPOSITORY.text(path).unwrap_or_default()));
}
