//! The project of a session: the scope that a call means when it names none.
//!
//! Input: the settings, and the folders that the client names as its roots. Output: a scope. Used
//! by the server, which asks the client, and by the tools. Clients start servers in the home folder
//! or in `/`: where no repository lies around the working folder, the client is asked.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use memory_core::{Error, Scope, display_name};

use crate::config::{GitSettings, Settings};
use crate::scope::{self, Basis, OwnScope, file_path};

/// Scope of a session, which may change while it runs.
pub(crate) struct Project {
    own: RwLock<OwnScope>,
    /// The scope as it was found at the start.
    at_start: OwnScope,
    git: GitSettings,
    /// Set once the reader was told that no repository was found.
    is_told: AtomicBool,
}

impl Project {
    /// Finds the project that the settings mean.
    ///
    /// # Errors
    ///
    /// As [`Scope::new`], for a scope that was set.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(Self::starting_with(scope::find(settings)?, settings.git.clone()))
    }

    fn starting_with(own: OwnScope, git: GitSettings) -> Self {
        let at_start = own.clone();
        Self { own: RwLock::new(own), at_start, git, is_told: AtomicBool::new(false) }
    }

    /// A project of that scope, for tests.
    #[cfg(test)]
    pub(crate) fn named(scope: &str) -> Self {
        let scope = Scope::new(scope).unwrap();
        Self::starting_with(OwnScope { scope, basis: Basis::Named }, GitSettings::default())
    }

    /// Returns the scope of the project, as far as is known by now.
    pub(crate) fn scope(&self) -> Scope {
        self.own.read().unwrap_or_else(PoisonError::into_inner).scope.clone()
    }

    /// Returns whether the client knows better: no repository lies around the working folder, and
    /// nobody named a project.
    pub(crate) fn asks_client(&self) -> bool {
        matches!(self.at_start.basis, Basis::ClientFolder | Basis::NoRepository(_))
    }

    /// Takes what the client names as its roots: the first that lies in a repository is the
    /// project. Without one, a variable of the environment says more than a root.
    pub(crate) fn take_roots(&self, uris: &[String]) {
        let folders: Vec<PathBuf> = uris.iter().filter_map(|uri| file_path(uri)).collect();
        let in_repository = scope::of_client(&folders, &self.git);
        let of_start = || match (&self.at_start.basis, folders.first()) {
            (Basis::NoRepository(_), Some(root)) => scope::around(root, &self.git),
            _ => self.at_start.clone(),
        };
        let own = in_repository.unwrap_or_else(of_start);
        *self.own.write().unwrap_or_else(PoisonError::into_inner) = own;
    }

    /// Returns, once, what a reader should know when the scope came from no repository.
    pub(crate) fn notice(&self) -> Option<String> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let Basis::NoRepository(folder) = &own.basis else { return None };
        if self.is_told.swap(true, Ordering::Relaxed) {
            return None;
        }
        let folder = folder.display().to_string();
        Some(format!(
            "Scope {} is that of a folder, {}, since no repository lies around it. Pass `scope` \
             for another project, or start the server with --project DIR.",
            display_name(own.scope.as_str()),
            display_name(&folder)
        ))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn repository(dir: &Path, name: &str) -> PathBuf {
        let root = dir.join(name);
        fs::create_dir_all(root.join(".git")).unwrap();
        let config = format!("[remote \"origin\"]\nurl = git@github.com:acme/{name}.git\n");
        fs::write(root.join(".git/config"), config).unwrap();
        root
    }

    fn uri(path: &Path) -> String {
        format!("file://{}", path.display())
    }

    fn started_in(folder: &Path) -> Project {
        let git = GitSettings::default();
        Project::starting_with(scope::around(folder, &git), git)
    }

    #[test]
    fn the_first_root_in_a_repository_is_the_project_until_the_roots_change() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, shop) = (dir.path().join("plain"), repository(dir.path(), "shop"));
        let lamp = repository(dir.path(), "lamp");
        let project = started_in(Path::new("/"));
        assert!(project.asks_client());
        for (roots, scope) in [
            (vec![uri(&plain), uri(&shop), uri(&lamp)], "github.com/acme/shop"),
            (vec![uri(&lamp.join("src"))], "github.com/acme/lamp"),
            (vec![], "default"),
            (vec!["https://example.org".to_owned()], "default"),
        ] {
            project.take_roots(&roots);
            assert_eq!(project.scope().as_str(), scope, "{roots:?}");
        }
        project.take_roots(&[uri(&plain)]);
        assert!(project.scope().as_str().starts_with("plain-"), "{:?}", project.scope());
    }

    #[test]
    fn who_has_a_repository_or_a_name_asks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!started_in(&repository(dir.path(), "shop")).asks_client());
        assert!(!Project::named("acme/shop").asks_client());
    }

    #[test]
    fn a_scope_of_no_repository_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let project = started_in(dir.path());
        let notice = project.notice().unwrap();
        assert!(notice.contains(project.scope().as_str()) && notice.contains("--project"));
        assert_eq!(project.notice(), None);
        assert_eq!(started_in(&repository(dir.path(), "shop")).notice(), None);
        assert_eq!(Project::named("acme/shop").notice(), None);
    }
}
