//! Graph of the files of a target: which file takes something from which other.
//!
//! Input is a module [`Tree`], output its [`Edge`]s. A name is followed through re-exports to the
//! file that defines it, so that `use super::Record` is an edge to `record.rs` where the parent
//! only passes `Record` on. Methods and fields are not seen: they need no path. A `pub use` counts
//! as an edge only if the file itself uses the name too.

use std::collections::BTreeSet;

use super::items::{CodePath, Import};
use super::modules::Tree;

/// Longest chain of re-exports that is followed; a longer one is a circle of imports.
const MAX_CHAIN: usize = 16;

/// One file takes something from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    /// File that takes.
    pub(super) from: String,
    /// Line of the path, from 1.
    pub(super) line: usize,
    /// File that defines what is taken.
    pub(super) to: String,
    /// The second file holds a module around the first: a part takes from the whole.
    pub(super) is_outward: bool,
    /// Only tests take it.
    pub(super) is_test: bool,
}

/// Edges between different files of a target, sorted, one for each line.
pub(super) fn edges(tree: &Tree) -> Vec<Edge> {
    let mut found = BTreeSet::new();
    for (file, items) in &tree.files {
        let mut add = |module: usize, path: &[String], line: usize| {
            let to = resolve(tree, module, path, MAX_CHAIN).filter(|place| place.names_item);
            if let Some(place) = to.map(|place| &tree.modules[place.module].file)
                && place != file
            {
                found.insert(Edge {
                    from: file.clone(),
                    line,
                    to: place.clone(),
                    is_outward: tree.is_around(place, module),
                    is_test: tree.modules[module].is_test,
                });
            }
        };
        for import in &items.imports {
            let is_used = |alias: &String| items.words.contains(alias);
            let passes_on = import.is_public && !import.alias.as_ref().is_some_and(is_used);
            if let (Some(module), false) = (tree.find(file, &import.inside), passes_on) {
                add(module, &import.path, import.line);
                if import.alias.is_none() {
                    // What a `*` brings in is not known; the module it names stands for all.
                    add(module, &[&import.path[..], &["*".to_owned()]].concat(), import.line);
                }
            }
        }
        for CodePath { inside, segments, line } in &items.paths {
            if let Some(module) = tree.find(file, inside) {
                add(module, segments, *line);
            }
        }
    }
    found.into_iter().collect()
}

/// Paths that go up two modules at once, as `path:line`.
pub(super) fn double_supers(tree: &Tree) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (file, items) in &tree.files {
        let imports = items.imports.iter().map(|Import { path, line, .. }| (path, line));
        let paths = items.paths.iter().map(|CodePath { segments, line, .. }| (segments, line));
        let is_double = |path: &[String]| path.windows(2).any(|two| two == ["super", "super"]);
        let double = imports.chain(paths).filter(|(path, _)| is_double(path));
        found.extend(double.map(|(_, line)| (file.clone(), *line)));
    }
    found
}

/// Module or item that a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    module: usize,
    /// It names something in the module, not the module itself.
    names_item: bool,
}

/// Follows a path from a module of the tree. `None` for a path that leads to another crate.
fn resolve(tree: &Tree, from: usize, path: &[String], chain: usize) -> Option<Place> {
    let (first, mut rest) = path.split_first()?;
    let mut place = match first.as_str() {
        "crate" => Place { module: 0, names_item: false },
        "self" => Place { module: from, names_item: false },
        "super" => Place { module: tree.modules[from].parent?, names_item: false },
        name => look_up(tree, from, name, chain)?,
    };
    while let (Some((name, after)), false) = (rest.split_first(), place.names_item) {
        place = match name.as_str() {
            "super" => Place { module: tree.modules[place.module].parent?, names_item: false },
            name => look_up(tree, place.module, name, chain)
                .unwrap_or(Place { module: place.module, names_item: true }),
        };
        rest = after;
    }
    Some(place)
}

/// Looks up a name in a module: a module in it, something that it imports, or an item of it.
fn look_up(tree: &Tree, module: usize, name: &str, chain: usize) -> Option<Place> {
    let chain = chain.checked_sub(1)?;
    let own = &tree.modules[module];
    if let Some(child) = own.children.get(name) {
        return Some(Place { module: *child, names_item: false });
    }
    let items = tree.files.get(&own.file)?;
    let is_here = |import: &&Import| tree.find(&own.file, &import.inside) == Some(module);
    let imports = || items.imports.iter().filter(is_here);
    let is_named = |import: &&Import| import.alias.as_deref() == Some(name);
    if let Some(import) = imports().find(is_named) {
        // An import of this very name, `use name::name`, leads out of the crate.
        let is_itself = import.path.first().is_some_and(|first| first == name);
        return if is_itself { None } else { resolve(tree, module, &import.path, chain) };
    }
    if items.defined.contains(name) {
        return Some(Place { module, names_item: true });
    }
    imports().filter(|import| import.alias.is_none()).find_map(|import| {
        let all = resolve(tree, module, &import.path, chain)?;
        let looked_at = if all.names_item || all.module == module { return None } else { all };
        look_up(tree, looked_at.module, name, chain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Repository;

    fn edges_of(files: &[(&str, &str)]) -> Vec<String> {
        let repository = Repository::of(files);
        let tree = Tree::of(&repository, "a/src/lib.rs");
        let short =
            |path: &str| path.trim_start_matches("a/src/").trim_end_matches(".rs").to_owned();
        let show = |edge: Edge| {
            let marks = [(edge.is_outward, " outward"), (edge.is_test, " test")];
            let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, m)| m).collect();
            format!("{}:{} {}{marks}", short(&edge.from), edge.line, short(&edge.to))
        };
        edges(&tree).into_iter().map(show).collect()
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_defines_it() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c; mod e;\npub use b::Thing;"),
            ("a/src/b/mod.rs", "mod d;\npub use d::{Thing, Other as Renamed};\npub use d::*;"),
            ("a/src/b/d.rs", "pub struct Thing; pub struct Other; pub fn third() {}"),
            (
                "a/src/c.rs",
                "use crate::Thing;\nuse crate::b::Renamed;\nuse crate::b;\nfn f() { b::third() }\n\
                 use std::fmt;\nfn g() { fmt::d::Thing; Thing::new() }",
            ),
            ("a/src/e.rs", "use super::c::f;\nmod tests { use super::*; fn t() { super::f() } }"),
        ];
        let expected =
            ["c:1 b/d", "c:2 b/d", "c:4 b/d", "c:6 b/d", "e:1 c", "e:2 c"].map(str::to_owned);
        assert_eq!(edges_of(&files), expected);
    }

    #[test]
    fn what_a_file_passes_on_is_an_edge_only_if_it_uses_it() {
        let lib = |body: &str| format!("mod b;\npub use b::Thing;\n{body}");
        let b = ("a/src/b.rs", "pub struct Thing;");
        assert_eq!(edges_of(&[("a/src/lib.rs", &lib("")), b]), Vec::<String>::new());
        let used = lib("fn f(thing: Thing) {}");
        assert_eq!(edges_of(&[("a/src/lib.rs", &used), b]), ["lib:2 b"]);
    }

    #[test]
    fn a_glob_counts_as_the_module_that_it_names() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c;"),
            ("a/src/b.rs", "use crate::c::*;"),
            ("a/src/c.rs", "#[cfg(test)]\nmod tests { use crate::*; }"),
        ];
        assert_eq!(edges_of(&files), ["b:1 c", "c:2 lib outward test"]);
    }

    #[test]
    fn two_steps_up_are_found_in_imports_and_in_code() {
        let text = "use super::super::x;\nuse super::{super::y};\nfn f() { super::super::z() }";
        let repository = Repository::of(&[("a/src/lib.rs", text)]);
        let lines: Vec<usize> = double_supers(&Tree::of(&repository, "a/src/lib.rs"))
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(lines, [1, 2, 3]);
    }
}
