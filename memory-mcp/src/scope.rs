//! The default scope: the project that a program works on.
//!
//! Input: the settings and the folder that the program was started in, or folders that a client
//! names. Output: a scope, and how it was found. Used by the server (through [`crate::project`])
//! and by commands. Reads the few lines of git's files that it needs and starts no other program,
//! since it runs at every start.

mod address;
mod config_file;
mod name;
mod repository;
mod ssh_config;
mod uri;

use std::path::{Path, PathBuf};

use memory_core::{Error, Scope};

use crate::config::{GitSettings, Origin, Settings};
use name::{NOWHERE, marked, named};
use repository::Repository;
pub(crate) use uri::file_path;

/// Source of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Somebody named it, or the folder of its project.
    Named,
    /// The repository around the working folder.
    WorkingFolder,
    /// The repository around a folder that the client names.
    ClientFolder,
    /// This folder, around which there is no repository.
    NoRepository(PathBuf),
}

/// The scope that new records get and whose hits come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnScope {
    pub(crate) scope: Scope,
    pub(crate) basis: Basis,
}

/// Returns the scope that new records get and whose hits come first.
///
/// # Errors
///
/// As [`Scope::new`], for a scope that was set.
pub(crate) fn own(settings: &Settings) -> Result<Scope, Error> {
    find(settings).map(|own| own.scope)
}

/// Finds the scope: one that was set, else the repository around the working folder, else that
/// around a folder that the client names in the environment, else the working folder itself.
///
/// # Errors
///
/// As [`Scope::new`], for a scope that was set.
pub(crate) fn find(settings: &Settings) -> Result<OwnScope, Error> {
    let set = settings.scope.as_deref().filter(|scope| *scope != "*");
    let is_flag = matches!(settings.origin("scope"), Origin::Flag(_));
    match (set, &settings.project) {
        (Some(set), project) if is_flag || project.is_none() => {
            return Ok(OwnScope { scope: Scope::new(set)?, basis: Basis::Named });
        }
        (_, Some(project)) => {
            let scope = around(project, &settings.git).scope;
            return Ok(OwnScope { scope, basis: Basis::Named });
        }
        _ => {}
    }
    let here = around(&settings.working_dir, &settings.git);
    if here.basis == Basis::WorkingFolder {
        return Ok(here);
    }
    Ok(of_client(&settings.client_folders, &settings.git).unwrap_or(here))
}

/// Returns the scope of the first of these folders that lies in a repository.
pub(crate) fn of_client(folders: &[PathBuf], git: &GitSettings) -> Option<OwnScope> {
    let mut found = folders.iter().map(|folder| around(folder, git));
    let own = found.find(|own| own.basis == Basis::WorkingFolder)?;
    Some(OwnScope { basis: Basis::ClientFolder, ..own })
}

/// Returns the scope of a folder: the remote address of the repository around it, else the
/// repository's name with a mark of where it lies, else the same of the folder.
pub(crate) fn around(folder: &Path, git: &GitSettings) -> OwnScope {
    if let Some(repository) = Repository::around(folder) {
        return OwnScope { scope: named(&repository.scope(git)), basis: Basis::WorkingFolder };
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let scope = name.map_or_else(|| NOWHERE.to_owned(), |name| marked(&name, folder));
    OwnScope { scope: named(&scope), basis: Basis::NoRepository(folder.to_owned()) }
}

#[cfg(test)]
mod tests;
