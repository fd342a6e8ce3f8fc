//! Module trees of the targets of a crate: which file holds which module.
//!
//! Input is the repository's text, output a [`Target`] for each crate root. Modules are found as
//! the compiler finds them (`mod`, `#[path]`, `mod.rs`), but conditions (`#[cfg]`) are ignored:
//! every module that exists on some platform belongs to the tree.

use std::collections::BTreeMap;

use toml::Value;

use super::items::{Declaration, Items};
use super::packages::Package;
use super::repository::Repository;

/// A module: a file, or a part of one.
#[derive(Debug)]
pub(super) struct Module {
    /// File that holds it.
    pub(super) file: String,
    /// Module around it; `None` for the root.
    pub(super) parent: Option<usize>,
    /// Modules in it, by name.
    pub(super) children: BTreeMap<String, usize>,
    /// Only tests are built with it, or with a module around it.
    pub(super) is_test: bool,
}

/// A library, program, test, bench or example with its modules.
#[derive(Debug)]
pub struct Target {
    /// Folder of its crate.
    pub(super) dir: String,
    /// Its root file.
    pub(super) root: String,
    /// Its modules.
    pub(super) tree: Tree,
}

impl Target {
    /// Every target of every crate of the repository.
    #[must_use]
    pub fn all(repository: &Repository, packages: &[Package]) -> Vec<Self> {
        let roots_of = |package| roots(repository, package).into_iter().map(move |r| (package, r));
        let targets = packages.iter().flat_map(roots_of).map(|(package, root)| Self {
            dir: package.dir.clone(),
            tree: Tree::of(repository, &root),
            root,
        });
        targets.collect()
    }
}

/// Modules of one target; the first is its root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Modules, each after its parent.
    pub(super) modules: Vec<Module>,
    /// Content of each file.
    pub(super) files: BTreeMap<String, Items>,
    /// Places of the modules, by file and by the inline modules around them.
    places: BTreeMap<(String, Vec<String>), usize>,
}

impl Tree {
    /// Reads all modules that the root file `root` leads to.
    pub(super) fn of(repository: &Repository, root: &str) -> Self {
        let mut tree = Self::default();
        tree.add_file(repository, root, true, None, false);
        tree
    }

    /// True if `file` holds the module or one of the modules around it.
    pub(super) fn is_around(&self, file: &str, module: usize) -> bool {
        let own = &self.modules[module];
        own.file == file || own.parent.is_some_and(|parent| self.is_around(file, parent))
    }

    /// Module of a place in a file: `inside` names the inline modules around it.
    pub(super) fn find(&self, file: &str, inside: &[String]) -> Option<usize> {
        self.places.get(&(file.to_owned(), inside.to_vec())).copied()
    }

    /// Adds a file and the modules below it. A root or `mod.rs` has them beside itself, another
    /// file in the folder of its name. Returns its module, or `None` if there is no such file.
    fn add_file(
        &mut self,
        repository: &Repository,
        path: &str,
        is_root: bool,
        parent: Option<usize>,
        is_test: bool,
    ) -> Option<usize> {
        let text = repository.text(path)?;
        if self.files.contains_key(path) {
            return None;
        }
        let items = Items::of(text);
        self.files.insert(path.to_owned(), items.clone());
        let own = self.add(path, parent, Vec::new(), is_test);
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let beside = is_root || file == "mod.rs";
        let below = if beside { folder } else { path.trim_end_matches(".rs") };
        for declaration in &items.declarations {
            let Some(around) = self.find(path, &declaration.inside) else { continue };
            let is_test = declaration.is_test || self.modules[around].is_test;
            let child = if declaration.is_inline {
                let inside =
                    [&declaration.inside[..], std::slice::from_ref(&declaration.name)].concat();
                Some(self.add(path, Some(around), inside, is_test))
            } else {
                let has_path = declaration.path.is_some();
                let mut candidates = candidates(declaration, folder, below).into_iter();
                let around = Some(around);
                candidates.find_map(|at| self.add_file(repository, &at, has_path, around, is_test))
            };
            if let Some(child) = child {
                self.modules[around].children.insert(declaration.name.clone(), child);
            }
        }
        Some(own)
    }

    fn add(
        &mut self,
        file: &str,
        parent: Option<usize>,
        inside: Vec<String>,
        is_test: bool,
    ) -> usize {
        let place = self.modules.len();
        let children = BTreeMap::new();
        self.modules.push(Module { file: file.to_owned(), parent, children, is_test });
        // Of two inline modules of one name, each for its platform, the first stands for both.
        *self.places.entry((file.to_owned(), inside)).or_insert(place)
    }
}

/// Files that a `mod name;` may mean; `folder` is that of the file, `below` that of its modules.
fn candidates(declaration: &Declaration, folder: &str, below: &str) -> Vec<String> {
    let inside = declaration.inside.iter().fold(below.to_owned(), |dir, name| dir + "/" + name);
    match &declaration.path {
        // Outside of inline modules the path counts from the file, not from its modules' folder.
        Some(path) if declaration.inside.is_empty() => vec![resolve(folder, path)],
        Some(path) => vec![resolve(&inside, path)],
        None => {
            let name = &declaration.name;
            vec![format!("{inside}/{name}.rs"), format!("{inside}/{name}/mod.rs")]
        }
    }
}

/// Roots that a manifest declares, and those that cargo finds by itself.
fn roots(repository: &Repository, package: &Package) -> Vec<String> {
    let in_dir = |path: &str| format!("{}/{path}", package.dir);
    let mut roots: Vec<String> =
        ["src/lib.rs", "src/main.rs", "build.rs"].map(in_dir).into_iter().collect();
    for folder in ["src/bin", "tests", "examples", "benches"].map(in_dir) {
        let is_root = |path: &&str| {
            let rest = path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| match rest.split_once('/') {
                None => true,
                Some((_, file)) => file == "main.rs",
            })
        };
        let paths = repository.sources().map(|(path, _)| path).filter(is_root);
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
    roots.sort();
    roots.dedup();
    roots
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
