//! Places on a machine, as the table of clients names them.

use std::path::{Path, PathBuf};

use crate::config::Environment;

/// Returns the path that a place stands for, if its first part is known here.
pub(super) fn resolve(place: &str, environment: &Environment) -> Option<PathBuf> {
    let bracketed = place.strip_prefix('(').and_then(|place| place.split_once(')'));
    let (root, rest) = if let Some((roots, rest)) = bracketed {
        (roots.split('|').find_map(|root| known(root, environment))?, rest)
    } else {
        let (root, rest) = place.split_at(place.find('/').unwrap_or(place.len()));
        (known(root, environment)?, rest)
    };
    let rest = rest.trim_start_matches('/');
    Some(if rest.is_empty() { root } else { root.join(rest) })
}

/// Returns the place that is meant: the first whose file exists, else the first whose folder
/// exists, else the first.
pub(super) fn choose(places: &[String], environment: &Environment) -> Option<PathBuf> {
    let paths: Vec<PathBuf> = places.iter().filter_map(|p| resolve(p, environment)).collect();
    let file = paths.iter().find(|path| path.exists());
    let folder = || paths.iter().find(|path| path.parent().is_some_and(Path::exists));
    file.or_else(folder).or(paths.first()).cloned()
}

/// Returns the folder that the first part of a place stands for; it may go on after `/`.
fn known(root: &str, environment: &Environment) -> Option<PathBuf> {
    let (name, rest) = root.split_once('/').unwrap_or((root, ""));
    let folder = match name {
        "~" => environment.home(),
        "$CONFIG" => environment.config_dir(),
        name => environment.path(name.strip_prefix('$')?).filter(|path| path.is_absolute()),
    }?;
    Some(if rest.is_empty() { folder } else { folder.join(rest) })
}

/// Returns the program by this name on the path for programs.
pub(super) fn program(name: &str, environment: &Environment) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    environment.program_folders().into_iter().find_map(|folder| {
        let mut candidates = endings.iter().map(|ending| folder.join(format!("{name}{ending}")));
        candidates.find(|path| is_program(path))
    })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
