//! The git repository around a folder, and the scope that stands for it.

use std::fs;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::config_file::ConfigFile;
use super::name::{NOWHERE, marked};
use super::ssh_config::SshConfig;
use crate::config::GitSettings;

/// Most clones of clones that are followed to the repository that they come from.
const MAX_CLONES: usize = 4;

/// A repository of git.
#[derive(Debug)]
pub(super) struct Repository {
    /// The folder that holds the working tree; of a bare repository the repository itself.
    root: PathBuf,
    /// Git's folder for this working tree.
    git_dir: PathBuf,
    /// Git's folder that all working trees of the repository share.
    common_dir: PathBuf,
}

impl Repository {
    /// Finds the repository around a folder.
    pub(super) fn around(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(Self::at)
    }

    /// Returns the repository whose root this folder is.
    ///
    /// In a worktree and in a submodule `.git` is a file that names git's folder; that of a
    /// worktree names in `commondir` the one that it shares with its main repository.
    fn at(root: &Path) -> Option<Self> {
        let dot_git = root.join(".git");
        if dot_git.is_dir() {
            let common_dir = dot_git.clone();
            return Some(Self { root: root.to_owned(), git_dir: dot_git, common_dir });
        }
        if let Ok(content) = fs::read(&dot_git) {
            let content = String::from_utf8_lossy(&content);
            let named = content.lines().find_map(|line| line.strip_prefix("gitdir:"))?;
            let git_dir = root.join(named.trim());
            let common_dir = match fs::read(git_dir.join("commondir")) {
                Ok(common) => {
                    let common = git_dir.join(String::from_utf8_lossy(&common).trim());
                    common.canonicalize().unwrap_or(common)
                }
                Err(_) => git_dir.clone(),
            };
            return Some(Self { root: root.to_owned(), git_dir, common_dir });
        }
        let is_bare = root.join("HEAD").is_file()
            && root.join("config").is_file()
            && root.join("objects").is_dir();
        let dir = || root.to_owned();
        is_bare.then(|| Self { root: dir(), git_dir: dir(), common_dir: dir() })
    }

    /// Returns the name of the scope: the address of the remote that the repository comes from,
    /// else its own name with a mark of where it lies.
    pub(super) fn scope(&self, git: &GitSettings) -> String {
        self.scope_of_clone(git, MAX_CLONES)
    }

    /// Does the same; a remote that is a folder of this machine is a repository with a remote of
    /// its own.
    fn scope_of_clone(&self, git: &GitSettings, n_left: usize) -> String {
        let config = ConfigFile::read(git, &self.common_dir.join("config"), &self.git_dir);
        let ssh = SshConfig::read(git.home.as_deref());
        match config.remote_url().and_then(|url| Address::parse(&url, &ssh)) {
            Some(Address::Remote(address)) => address,
            Some(Address::Local(path)) => {
                let path = self.main_root().join(path);
                match Self::at(&path) {
                    Some(source) if n_left > 0 => source.scope_of_clone(git, n_left - 1),
                    _ => marked(&without_suffix(&path), &path),
                }
            }
            None => marked(&self.name(), &self.common_dir),
        }
    }

    /// Returns the name of the main repository's folder.
    fn name(&self) -> String {
        without_suffix(self.main_root())
    }

    /// Returns the root of the main repository. For a bare one that is git's own folder, unless
    /// that is hidden in the folder of its working trees (`shop/.bare`).
    fn main_root(&self) -> &Path {
        if self.common_dir == self.git_dir {
            return &self.root;
        }
        let is_hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        match self.common_dir.file_name() {
            Some(name) if !is_hidden(name) => &self.common_dir,
            _ => self.common_dir.parent().unwrap_or(&self.common_dir),
        }
    }
}

/// Returns the last part of a path, without `.git`.
fn without_suffix(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let name = name.strip_suffix(".git").unwrap_or(&name);
    if name.is_empty() { NOWHERE.to_owned() } else { name.to_owned() }
}
