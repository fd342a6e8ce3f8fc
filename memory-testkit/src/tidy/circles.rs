//! The rule that no files of a target take from each other in a circle.
//!
//! A file may take from the file of a module around it: a module and the files that it is split
//! into are read together. What only tests take does not count either, for tests stand above all
//! files.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Edge, edges};
use super::modules::Target;

/// Finds groups of files that take from each other, directly or through others: none of them can
/// be read without the rest.
#[must_use]
pub fn circles(targets: &[Target]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for target in targets {
        let mut edges = edges(&target.tree);
        edges.retain(|edge| !edge.is_outward && !edge.is_test);
        found.extend(circles_among(&edges));
    }
    found.into_iter().collect()
}

/// One finding for each strongly connected group of two files or more.
fn circles_among(edges: &[Edge]) -> Vec<String> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in edges {
        graph.entry(&edge.from).or_default().insert(&edge.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (*file, reachable(&graph, file))).collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, reached) in &reach {
        let returns = |other: &&&str| reach.get(**other).is_some_and(|back| back.contains(file));
        let group: Vec<&str> = reached.iter().filter(returns).copied().collect();
        if !group.is_empty() && seen.insert(group.clone()) {
            found.push(format!("{}: a circle of {}", group[0], with_lines(&group, edges)));
        }
    }
    found
}

/// Files that can be reached from `file` over one edge or more.
fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        for other in graph.get(next).into_iter().flatten() {
            if reached.insert(*other) {
                open.push(other);
            }
        }
    }
    reached
}

/// The files of a group, each with the first line where it takes from each other one.
fn with_lines(group: &[&str], edges: &[Edge]) -> String {
    let mut ties = BTreeMap::new();
    for edge in edges {
        let is_inner = group.contains(&edge.from.as_str()) && group.contains(&edge.to.as_str());
        if is_inner {
            ties.entry((&edge.from, &edge.to)).or_insert(edge.line);
        }
    }
    let ties = ties.iter().map(|((from, to), line)| format!("{from}:{line} → {to}"));
    format!("{} files: {}", group.len(), ties.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{Package, Repository};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let manifest = ("a/Cargo.toml", "[package]\nname = \"a\"\n");
        let repository = Repository::of(&[&[manifest], files].concat());
        circles(&Target::all(&repository, &Package::all(&repository)))
    }

    #[test]
    fn a_circle_is_found_once_with_its_lines() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c; mod d; mod e;"),
            ("a/src/b.rs", "\nuse crate::c::C;\npub struct B;"),
            ("a/src/c.rs", "use crate::d::D;\npub struct C;"),
            ("a/src/d.rs", "pub struct D(super::b::B);"),
            ("a/src/e.rs", "use crate::b::B;"),
        ];
        let expected = "a/src/b.rs: a circle of 3 files: a/src/b.rs:2 → a/src/c.rs, \
                        a/src/c.rs:1 → a/src/d.rs, a/src/d.rs:1 → a/src/b.rs";
        assert_eq!(found(&files), [expected]);
    }

    #[test]
    fn siblings_below_one_module_are_files_like_others() {
        let files = [
            ("a/src/lib.rs", "mod b;"),
            ("a/src/b.rs", "mod c;\nmod d;\npub use c::C;\npub struct Shared;"),
            ("a/src/b/c.rs", "use super::d;\npub struct C;\nfn f() { d::g() }"),
            ("a/src/b/d.rs", "use super::C;\npub fn g() {}"),
        ];
        assert_eq!(found(&files).len(), 1, "a re-export hides no circle");
    }

    #[test]
    fn parts_may_take_from_their_whole_and_tests_from_everything() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c;"),
            ("a/src/b.rs", "mod part;\npub struct Shared;\nfn g() { part::f(Shared) }"),
            ("a/src/b/part.rs", "use super::Shared;\npub fn f(_: Shared) {}"),
            ("a/src/c.rs", "use crate::d::D;\npub struct C;\n"),
            ("a/src/d.rs", "pub struct D;\n#[cfg(test)]\nmod tests { use crate::c::C; }"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }
}
