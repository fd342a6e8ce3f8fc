//! The rule that imports point downwards, floor by floor.
//!
//! A *room* is a top-level module of a crate's library or main program, with all files below it.
//! The table [`HOUSE`] puts each room of each crate on a floor. A file may take from rooms of its
//! own floor and of lower floors (circles among them are found by [`super::circles`]). The crate
//! root stands above all rooms, and tests, benches and examples above the root; tests inside of
//! files may take from the root too.

use std::collections::BTreeSet;

use super::imports::{double_supers, edges};
use super::modules::{Target, Tree};

/// Rooms of a crate, floor by floor from below.
type Floors = &'static [&'static [&'static str]];

/// Rooms of every crate, by the crate's folder. A room may be listed before it exists.
const HOUSE: [(&str, Floors); 9] = [
    (
        "memory-core",
        &[
            &["background", "codec", "embed", "half_file", "secret", "stats"],
            &["model"],
            &["clock", "dates", "learn", "storage"],
            &["dedup", "error"],
            &["config", "index", "retention"],
            &["intake", "retrieve", "sync"],
            &["predict"],
            &["memory"],
            &["bench"],
        ],
    ),
    (
        "memory-dense",
        &[
            &["arithmetic", "checksum", "error", "mask", "pages", "random_rotation", "top_k"],
            &["kernel"],
            &["error_bound", "row_format", "second_moments", "vectors"],
            &["code_bytes", "principal_axes", "row_codes"],
            &["codes", "scan_quantizer"],
            &["query", "slab"],
            &["bench", "row_store", "slot_table"],
            &["estimate", "recode", "section", "selection"],
            &["frozen", "scan"],
            &["search"],
            &["index"],
            &["tests"],
        ],
    ),
    (
        "memory-embed",
        &[
            &["windows"],
            &["packed_format"],
            &["weights"],
            &["kernels", "model_file", "wordpiece"],
            &["forward"],
            &["minilm", "cached", "remote"],
        ],
    ),
    (
        "memory-capture",
        &[
            &["client", "event", "fields", "hash", "importer", "json", "noise", "unpack"],
            &["clients", "jsonl", "recorder"],
            &["assembler", "notes", "transcript"],
            &["hook"],
        ],
    ),
    (
        "memory-storage-redb",
        &[
            &["error", "schema"],
            &["changes", "files", "paths", "sources", "states", "text"],
            &["episodes", "holder", "notes", "steps", "vectors"],
            &["view"],
            &["list"],
            &["batch", "check", "stats"],
            &["open", "writer"],
            &["handle"],
            &["golden_tests"],
        ],
    ),
    (
        "memory-storage-turso",
        &[
            &["error", "schema"],
            &["connection", "fingerprint", "paths", "remote"],
            &["changes", "check", "files", "ids", "lock", "migrate", "states"],
            &["shape", "sources", "steps", "ties", "vectors", "wal"],
            &["episodes", "flusher", "leftovers", "list", "readers", "stats", "tags"],
            &["notes", "open"],
            &["place"],
            &["backup", "batch", "compact", "records", "salvage"],
            &["writer"],
            &["handle"],
            &["durability_tests", "vector_tests"],
        ],
    ),
    (
        "memory-mcp",
        &[
            &["chart", "config", "wire"],
            &["error", "exchange", "install", "scope", "store"],
            &["hook", "project"],
            &["cli"],
            &["call"],
            &["tools"],
            &["offers"],
            &["server"],
        ],
    ),
    (
        "memory-testkit",
        &[
            &["read", "sample"],
            &["generate", "stdio"],
            &["facts", "fault"],
            &["conformance", "crash", "cycles", "exchange", "machines", "processes", "tidy"],
        ],
    ),
    (
        "benches",
        &[
            &[
                "calendar",
                "cpu_clock",
                "data",
                "machine",
                "metrics",
                "percentile",
                "table",
                "targets",
            ],
            &[
                "command_embedder",
                "figure",
                "retrieval_set",
                "episodes",
                "log_groups",
                "kept",
                "vector_file",
            ],
            &["candidates", "judging", "searcher", "server"],
            &["scores", "playbook_replay", "prediction", "variety", "cure_rating"],
            &["sessions"],
            &["evaluate"],
            &["ablation", "delivery"],
        ],
    ),
];

/// Finds files without a floor, imports from a floor above, and paths that go up two modules at
/// once.
#[must_use]
pub fn floor_findings(targets: &[Target]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for Target { dir, root, tree } in targets {
        let double = double_supers(tree).into_iter();
        found.extend(double.map(|(path, line)| format!("{path}:{line}: `super::super`")));
        let name = root.strip_prefix(dir).unwrap_or(root);
        if ["/src/lib.rs", "/src/main.rs"].contains(&name) {
            let floors = HOUSE.iter().find(|(known, _)| known == dir);
            let floors = floors.map_or(&[][..], |(_, floors)| floors);
            found.extend(findings_in(tree, root, floors));
        }
    }
    found.into_iter().collect()
}

fn findings_in(tree: &Tree, root: &str, floors: Floors) -> Vec<String> {
    let src = root.rsplit_once('/').map_or(root, |(src, _)| src);
    let room_of = |path: &str| -> String {
        let below = path.strip_prefix(src).unwrap_or(path).trim_start_matches('/');
        below.split(['/', '.']).next().unwrap_or_default().to_owned()
    };
    let floor_of = |path: &str| {
        if path == root {
            return Some(floors.len());
        }
        floors.iter().position(|rooms| rooms.contains(&room_of(path).as_str()))
    };
    let unlisted = tree.files.keys().filter(|path| floor_of(path).is_none());
    let unlisted =
        unlisted.map(|path| format!("{path}: the room `{}` stands on no floor", room_of(path)));
    let upward = edges(tree).into_iter().filter_map(|edge| {
        let (from, to) = (floor_of(&edge.from)?, floor_of(&edge.to)?);
        let is_root = edge.to == root && edge.is_test;
        let is_allowed = to <= from || is_root;
        (!is_allowed).then(|| {
            let (upper, lower) = (room_of(&edge.to), room_of(&edge.from));
            let path = edge.from;
            format!("{path}:{}: `{lower}` is below `{upper}` and may not know it", edge.line)
        })
    });
    unlisted.chain(upward).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{Package, Repository};

    const FLOORS: Floors = &[&["model", "clock"], &["storage"], &["memory"]];

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let root = "a/src/lib.rs";
        findings_in(&Tree::of(&Repository::of(files), root), root, FLOORS)
    }

    const LIB: (&str, &str) =
        ("a/src/lib.rs", "mod model; mod clock; mod storage; mod memory; pub use model::Note;");
    const MODEL: (&str, &str) = ("a/src/model.rs", "pub struct Note;");
    const STORAGE: (&str, &str) = ("a/src/storage.rs", "use crate::{clock::f, Note};");

    #[test]
    fn imports_from_lower_floors_pass() {
        let memory = [
            ("a/src/memory/mod.rs", "mod notes;\nuse crate::storage::Store;\nfn f(_: Store) {}"),
            ("a/src/memory/notes.rs", "use super::Memory;"),
            ("a/src/clock.rs", "pub fn f() {}"),
        ];
        assert_eq!(found(&[&[LIB, MODEL, STORAGE], &memory[..]].concat()), Vec::<String>::new());
    }

    #[test]
    fn imports_from_a_floor_above_are_found_however_they_are_written() {
        for bad in [
            "use crate::memory::Memory;",
            "use crate::{memory::Memory, model::Note};",
            "fn f() { crate::memory::read() }",
            "use super::memory;\nfn f() { memory::read() }",
            "mod tests { use crate::memory::Memory; }",
            "use crate::Engine;",
        ] {
            let lib = (LIB.0, "mod model; mod storage; mod memory; pub struct Engine;");
            let files = [lib, MODEL, ("a/src/storage.rs", bad), ("a/src/memory.rs", "")];
            assert_eq!(found(&files).len(), 1, "{bad}: {:?}", found(&files));
        }
        let storage = ("a/src/storage.rs", "\nuse crate::memory::Memory;");
        let files = [LIB, MODEL, storage, ("a/src/memory.rs", ""), ("a/src/clock.rs", "")];
        let expected = "a/src/storage.rs:2: `storage` is below `memory` and may not know it";
        assert_eq!(found(&files), [expected]);
    }

    #[test]
    fn only_tests_take_from_the_crate_root() {
        let lib = (LIB.0, "mod model; pub struct Engine;");
        let test = ("a/src/model.rs", "#[cfg(test)]\nmod tests { use crate::Engine; }");
        assert_eq!(found(&[lib, test]), Vec::<String>::new());
        assert_eq!(found(&[lib, ("a/src/model.rs", "use crate::Engine;")]).len(), 1);
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_found_in_every_file() {
        let lib = ("a/src/lib.rs", "mod model; mod attic;");
        let attic = [("a/src/attic/mod.rs", "mod box_1;"), ("a/src/attic/box_1.rs", "")];
        let expected = ["box_1", "mod"]
            .map(|file| format!("a/src/attic/{file}.rs: the room `attic` stands on no floor"));
        assert_eq!(found(&[&[lib, MODEL], &attic[..]].concat()), expected);
    }

    #[test]
    fn a_crate_without_a_table_has_no_floor_for_its_rooms() {
        let files = [
            ("b/Cargo.toml", "[package]\nname = \"b\"\n"),
            ("b/src/lib.rs", "mod x;"),
            ("b/src/x.rs", "use super::super::y;"),
        ];
        let repository = Repository::of(&files);
        let findings = floor_findings(&Target::all(&repository, &Package::all(&repository)));
        let expected =
            ["b/src/x.rs: the room `x` stands on no floor", "b/src/x.rs:1: `super::super`"];
        assert_eq!(findings, expected);
    }
}
