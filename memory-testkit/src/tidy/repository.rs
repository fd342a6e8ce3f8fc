//! The files that the rules are about, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of the repository that rules are about.
#[derive(Debug, Default)]
pub struct Repository {
    /// Text by path from the root, with `/` between folders: sources, manifests and documents.
    pub files: BTreeMap<String, String>,
}

impl Repository {
    /// Reads the repository at `root`.
    ///
    /// # Panics
    ///
    /// When a file cannot be read: a rule must not pass because its file was not seen.
    #[must_use]
    pub fn load(root: &Path) -> Self {
        let mut repository = Self::default();
        repository.add(root, "");
        repository
    }

    fn add(&mut self, dir: &Path, prefix: &str) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let (path, file_type) = (format!("{prefix}{name}"), entry.file_type().unwrap());
            if file_type.is_dir() {
                // Built and hidden folders hold what is not ours; a folder elsewhere may have the
                // same name.
                let is_built = prefix.is_empty() && name.starts_with("target");
                if !is_built && !name.starts_with('.') {
                    self.add(&entry.path(), &format!("{path}/"));
                }
            } else if [".rs", ".toml", ".md"].iter().any(|end| name.ends_with(end)) {
                self.files.insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    /// Rust sources, by path.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_source = |path: &str| Path::new(path).extension().is_some_and(|end| end == "rs");
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| is_source(path))
    }

    /// Text of a file, if there is one.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

#[cfg(test)]
impl Repository {
    /// A repository of these files.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self { files: owned.collect() }
    }
}
