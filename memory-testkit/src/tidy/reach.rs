//! The rule that the compiler sees every source.

use std::collections::BTreeSet;

use super::modules::Target;
use super::repository::Repository;

/// Finds sources that no crate root leads to: nobody compiles them, and their tests never run.
#[must_use]
pub fn unreachable_files(repository: &Repository, targets: &[Target]) -> Vec<String> {
    let reached: BTreeSet<&str> =
        targets.iter().flat_map(|target| target.tree.files.keys()).map(String::as_str).collect();
    let unreached = repository.sources().filter(|(path, _)| !reached.contains(path));
    unreached.map(|(path, _)| format!("{path}: no crate root leads here")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Package;

    fn unreached(files: &[(&str, &str)]) -> Vec<String> {
        let repository = Repository::of(files);
        let targets = Target::all(&repository, &Package::all(&repository));
        unreachable_files(&repository, &targets)
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
        let finding = |path: &&str| format!("{path}: no crate root leads here");
        assert_eq!(unreached(&files), expected.map(finding).collect::<Vec<_>>());
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
                "pub(crate) mod b;\n#[cfg(test)]\n#[path = \"odd/é.rs\"]\nmod odd;\n\
                 mod i { fn f() {} mod j { mod k; } mod l; }",
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
