//! Rules about which crate may know which.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Repository;

/// A crate of the workspace, as its manifest tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, from the root of the repository.
    pub dir: String,
    /// The whole manifest.
    pub manifest: Table,
}

impl Package {
    /// Every crate of the repository.
    ///
    /// # Panics
    ///
    /// When a manifest is not TOML.
    #[must_use]
    pub fn all(repository: &Repository) -> Vec<Self> {
        let manifests = repository.files.iter().filter_map(|(path, text)| {
            Some((path.strip_suffix("/Cargo.toml")?, text.parse::<Table>().unwrap()))
        });
        let package = |(dir, manifest): (&str, Table)| {
            let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
            Some(Self { name, dir: dir.to_owned(), manifest })
        };
        manifests.filter_map(package).collect()
    }

    /// Names of the crates it depends on, in its product and in its tests.
    fn dependencies(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut product, mut tests) = (BTreeSet::new(), BTreeSet::new());
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        for table in tables.chain([&self.manifest]) {
            product.extend(named(table, "dependencies"));
            product.extend(named(table, "build-dependencies"));
            tests.extend(named(table, "dev-dependencies"));
        }
        (product, tests)
    }
}

/// The crates in one table of dependencies, by their own names.
fn named(table: &Table, section: &str) -> Vec<String> {
    let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
    let name = |(key, value): (&String, &Value)| {
        value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
    };
    entries.map(name).collect()
}

/// What a crate of ours may depend on: in its product, and besides in its tests. `None` for a crate
/// that has no place in the house yet.
fn allowed(name: &str, all: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let stores = || all.iter().copied().filter(|name| name.starts_with("memory-storage-"));
    let engine = || -> Vec<&str> { stores().chain(["memory-core", "memory-embed"]).collect() };
    Some(match name {
        "memory-core" => (vec![], vec![]),
        "memory-capture" | "memory-embed" | "memory-testkit" => (owned(&["memory-core"]), vec![]),
        "memory-mcp" => {
            (owned(&[engine(), vec!["memory-capture"]].concat()), owned(&["memory-testkit"]))
        }
        "memory-benches" => (owned(&[engine(), vec!["memory-testkit"]].concat()), vec![]),
        name if name.starts_with("memory-storage-") => {
            (owned(&["memory-core"]), owned(&["memory-testkit"]))
        }
        _ => return None,
    })
}

/// Dependencies between our crates that point the wrong way.
#[must_use]
pub fn wrong_dependencies(packages: &[Package]) -> Vec<String> {
    let all: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let by_name: BTreeMap<&str, &Package> = all.iter().copied().zip(packages).collect();
    let mut found = Vec::new();
    for (name, package) in by_name {
        let Some((product, tests)) = allowed(name, &all) else {
            found.push(format!("{name}: say in the tidy check what it may depend on"));
            continue;
        };
        let (used, used_by_tests) = package.dependencies();
        let ours = |name: &&String| all.contains(&name.as_str());
        for other in used.iter().filter(ours).filter(|other| !product.contains(other)) {
            found.push(format!("{name}: must not depend on {other}"));
        }
        let may = |other: &&String| !product.contains(other) && !tests.contains(other);
        for other in used_by_tests.iter().filter(ours).filter(may) {
            found.push(format!("{name}: must not depend on {other}, not even in its tests"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(manifests: &[&str]) -> Vec<String> {
        let others = ["memory-core", "memory-embed", "memory-storage-redb", "memory-testkit"];
        let mut repository = Repository::default();
        for name in others {
            let manifest = format!("[package]\nname = \"{name}\"\n");
            repository.files.insert(format!("{name}/Cargo.toml"), manifest);
        }
        for manifest in manifests {
            let name = manifest.split('"').nth(1).unwrap();
            repository.files.insert(format!("{name}/Cargo.toml"), (*manifest).to_owned());
        }
        repository.files.insert("Cargo.toml".to_owned(), "[workspace]\n".to_owned());
        wrong_dependencies(&Package::all(&repository))
    }

    #[test]
    fn dependencies_point_downwards() {
        let good = [
            "package.name = \"memory-mcp\"\n[dependencies]\nserde = \"1\"\nmemory-core.workspace = true\n\
             memory-embed = { path = \"x\" }\n[dev-dependencies]\nmemory-testkit.workspace = true\n",
            "package.name = \"memory-storage-redb\"\n[dependencies]\nmemory-core.workspace = true\n\
             [dev-dependencies]\nmemory-testkit.workspace = true\n",
            "package.name = \"memory-benches\"\n[dependencies]\nmemory-testkit.workspace = true\n",
        ];
        assert_eq!(wrong(&good), Vec::<String>::new());
    }

    #[test]
    fn dependencies_that_point_upwards_are_found_wherever_they_hide() {
        for bad in [
            "package.name = \"memory-core\"\n[dev-dependencies]\nmemory-testkit.workspace = true\n",
            "package.name = \"memory-core\"\n[build-dependencies]\nmemory-embed.workspace = true\n",
            "package.name = \"memory-embed\"\n[dependencies]\nx = { package = \"memory-storage-redb\" }\n",
            "package.name = \"memory-storage-redb\"\n[target.'cfg(unix)'.dependencies]\n\
             memory-embed.workspace = true\n",
            "package.name = \"memory-storage-redb\"\n[dependencies]\nmemory-testkit.workspace = true\n",
            "package.name = \"memory-mcp\"\n[dependencies.memory-testkit]\nworkspace = true\n",
        ] {
            assert_eq!(wrong(&[bad]).len(), 1, "{bad}: {:?}", wrong(&[bad]));
        }
    }

    #[test]
    fn nothing_depends_on_the_server() {
        let server = "package.name = \"memory-mcp\"\n";
        let benches =
            "package.name = \"memory-benches\"\n[dependencies]\nmemory-mcp.workspace = true\n";
        assert_eq!(wrong(&[server, benches]), ["memory-benches: must not depend on memory-mcp"]);
    }

    #[test]
    fn a_new_crate_must_be_given_its_place() {
        assert_eq!(wrong(&["package.name = \"memory-cloud\"\n"]).len(), 1);
    }
}
