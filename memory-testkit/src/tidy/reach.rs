//! Which sources the compiler ever sees.

use std::collections::BTreeSet;

use toml::Value;

use super::source::code_only;
use super::{Package, Repository};

/// Sources that no crate root leads to: nobody compiles them, and their tests never run.
#[must_use]
pub fn unreachable_files(repository: &Repository, packages: &[Package]) -> Vec<String> {
    let mut reached = BTreeSet::new();
    for package in packages {
        for root in roots(repository, package) {
            reach(repository, &root, true, &mut reached);
        }
    }
    let unreached = repository.sources().filter(|(path, _)| !reached.contains(*path));
    unreached.map(|(path, _)| format!("{path}: no crate root leads here")).collect()
}

/// The roots that a manifest declares, and those that cargo finds by itself.
fn roots(repository: &Repository, package: &Package) -> Vec<String> {
    let in_dir = |path: &str| format!("{}/{path}", package.dir);
    let mut roots: Vec<String> =
        ["src/lib.rs", "src/main.rs", "build.rs"].map(in_dir).into_iter().collect();
    for folder in ["src/bin", "tests", "examples", "benches"].map(in_dir) {
        let inside = |path: &&str| {
            let rest = path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| match rest.split_once('/') {
                None => true,
                Some((_, file)) => file == "main.rs",
            })
        };
        let paths = repository.sources().map(|(path, _)| path).filter(inside);
        roots.extend(paths.map(str::to_owned));
    }
    let manifest = &package.manifest;
    let lists = ["bin", "test", "example", "bench"];
    let declared = lists.iter().filter_map(|list| manifest.get(*list)?.as_array()).flatten();
    let targets = declared.chain(manifest.get("lib"));
    let paths = targets.filter_map(|target| target.get("path"));
    let build = manifest.get("package").and_then(|package| package.get("build"));
    roots.extend(
        paths.chain(build).filter_map(Value::as_str).map(|path| resolve(&package.dir, path)),
    );
    roots.retain(|root| repository.files.contains_key(root));
    roots
}

/// Follows the modules of a source; a root or `mod.rs` has them beside itself, another file in the
/// folder of its name.
fn reach(repository: &Repository, path: &str, is_root: bool, reached: &mut BTreeSet<String>) {
    let Some(text) = repository.text(path) else { return };
    if !reached.insert(path.to_owned()) {
        return;
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let owns_folder = is_root || file == "mod.rs";
    let children =
        if owns_folder { folder.to_owned() } else { path.trim_end_matches(".rs").to_owned() };
    for module in modules(text) {
        let inside = module.inside.iter().fold(children.clone(), |dir, name| dir + "/" + name);
        let candidates = match module.path {
            // Outside of inline modules the path counts from the file, not from its modules' folder.
            Some(path) if module.inside.is_empty() => vec![resolve(folder, path)],
            Some(path) => vec![resolve(&inside, path)],
            None => vec![
                format!("{inside}/{}.rs", module.name),
                format!("{inside}/{}/mod.rs", module.name),
            ],
        };
        for candidate in candidates {
            reach(repository, &candidate, module.path.is_some(), reached);
        }
    }
}

/// `path` from `folder`, without `..`.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            ".." => _ = parts.pop(),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A `mod name;` of a source.
#[derive(Debug, PartialEq)]
struct Module<'a> {
    name: &'a str,
    /// The inline modules around it, outermost first.
    inside: Vec<&'a str>,
    /// What its `#[path]` says.
    path: Option<&'a str>,
}

fn modules(text: &str) -> Vec<Module<'_>> {
    let code = code_only(text);
    let mut found = Vec::new();
    // The inline modules that are open, each with the depth of braces outside of it.
    let (mut open, mut depth): (Vec<(usize, &str)>, usize) = (Vec::new(), 0);
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let is_start = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if let Some(after) = rest.strip_prefix("mod ").filter(|_| is_start) {
            let name_at = code.len() - after.trim_start().len();
            let len = code[name_at..].find(|c: char| !c.is_alphanumeric() && c != '_');
            let end = name_at + len.unwrap_or(0);
            match code[end..].trim_start().chars().next() {
                Some(';') => found.push(Module {
                    name: &text[name_at..end],
                    inside: open.iter().map(|(_, name)| *name).collect(),
                    path: path_attribute(text, &code[..at]),
                }),
                Some('{') => open.push((depth, &text[name_at..end])),
                _ => {}
            }
            at = end.max(at + 1);
            continue;
        }
        match rest.as_bytes()[0] {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if open.last().is_some_and(|(outside, _)| *outside == depth) {
                    open.pop();
                }
            }
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    found
}

/// The file named by the `#[path = "…"]` right before the item that `before` ends at.
fn path_attribute<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    // Only attributes and visibility stand between the end of the last item and this one.
    let start = before.rfind([';', '}', '{']).map_or(0, |at| at + 1);
    let at = start + before[start..].find("#[path")?;
    text[at..].split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreached(files: &[(&str, &str)]) -> Vec<String> {
        let repository = Repository::of(files);
        unreachable_files(&repository, &Package::all(&repository))
    }

    const MANIFEST: (&str, &str) = ("a/Cargo.toml", "[package]\nname = \"a\"\n");

    #[test]
    fn a_file_that_no_root_leads_to_is_found() {
        let files = [
            MANIFEST,
            ("a/src/lib.rs", "mod used; // mod commented;\nconst S: &str = \"mod quoted;\";"),
            ("a/src/used.rs", ""),
            ("a/src/commented.rs", ""),
            ("a/src/quoted.rs", ""),
            ("a/src/used/forgotten.rs", ""),
            ("a/tests/all/forgotten.rs", ""),
            ("a/tests/all/main.rs", ""),
            ("stray.rs", ""),
        ];
        let expected = ["a/src/commented.rs", "a/src/quoted.rs", "a/src/used/forgotten.rs"];
        let expected = expected.iter().chain(&["a/tests/all/forgotten.rs", "stray.rs"]);
        let told = |path: &&str| format!("{path}: no crate root leads here");
        assert_eq!(unreached(&files), expected.map(told).collect::<Vec<_>>());
    }

    #[test]
    fn every_way_to_a_file_is_followed() {
        let files = [
            (
                "a/Cargo.toml",
                "[package]\nname = \"a\"\n[[bench]]\nname = \"x\"\npath = \"./speed/x.rs\"\n",
            ),
            (
                "a/src/lib.rs",
                "pub(crate) mod b;\n#[cfg(test)]\n#[path = \"odd/é.rs\"]\nmod odd;\nmod i { fn f() {} mod j { mod k; } mod l; }",
            ),
            ("a/src/b/mod.rs", "mod c;"),
            ("a/src/b/c.rs", "mod d;"),
            ("a/src/b/c/d.rs", ""),
            ("a/src/odd/é.rs", "mod beside;"),
            ("a/src/odd/beside.rs", ""),
            ("a/src/i/j/k.rs", ""),
            ("a/src/i/l.rs", ""),
            ("a/src/main.rs", ""),
            ("a/src/bin/tool.rs", ""),
            ("a/src/bin/other/main.rs", "mod part;"),
            ("a/src/bin/other/part.rs", ""),
            ("a/tests/t.rs", ""),
            ("a/examples/e.rs", ""),
            ("a/benches/b.rs", ""),
            ("a/speed/x.rs", "mod y;"),
            ("a/speed/y.rs", ""),
            ("a/build.rs", ""),
        ];
        assert_eq!(unreached(&files), Vec::<String>::new());
    }
}
