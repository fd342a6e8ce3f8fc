//! The default scope: which project the program was started in.
//!
//! Reads the few lines of git's files that it needs and starts no other program, since it runs at every
//! start of the server.

use std::fs;
use std::path::{Path, PathBuf};

use memory_core::{Error, Scope};

use crate::config::Settings;

/// Name of the scope when not even a folder has a name.
const NOWHERE: &str = "default";

/// The scope that new records get and whose hits come first.
///
/// # Errors
///
/// As [`Scope::new`], for a scope that was set.
pub(crate) fn own(settings: &Settings) -> Result<Scope, Error> {
    match settings.scope.as_deref() {
        Some(set) if set != "*" => Scope::new(set),
        _ => Ok(around(&settings.working_dir)),
    }
}

/// The scope of a folder: the remote of the git repository around it, else the name of the
/// repository's root, else the folder's own name.
fn around(folder: &Path) -> Scope {
    let root = folder.ancestors().find(|folder| folder.join(".git").exists());
    let remote = root.and_then(git_dir).and_then(|git| origin_url(&git));
    let named = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names = [
        remote.as_deref().and_then(normalised),
        root.and_then(named),
        named(folder),
        Some(NOWHERE.to_owned()),
    ];
    let scope = names.into_iter().flatten().find_map(|name| Scope::new(&name).ok());
    // The last name always is a scope; there is no other way to say so without a panic.
    scope.unwrap_or_else(|| around(Path::new(NOWHERE)))
}

/// The folder with git's settings for the repository at `root`.
///
/// In a worktree and in a submodule `.git` is a file that names the folder; a worktree's folder names in
/// `commondir` the one that it shares with the main repository.
fn git_dir(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let content = fs::read_to_string(&dot_git).ok()?;
    let git = root.join(content.lines().find_map(|line| line.strip_prefix("gitdir:"))?.trim());
    match fs::read_to_string(git.join("commondir")) {
        Ok(common) => Some(git.join(common.trim())),
        Err(_) => Some(git),
    }
}

/// The URL of the remote `origin`, else of the only other remote.
fn origin_url(git: &Path) -> Option<String> {
    let config = fs::read_to_string(git.join("config")).ok()?;
    let mut remotes = remote_urls(&config);
    match remotes.iter().position(|(name, _)| *name == "origin") {
        Some(at) => Some(remotes.swap_remove(at).1),
        None if remotes.len() == 1 => remotes.pop().map(|(_, url)| url),
        None => None,
    }
}

/// Name and first URL of each remote in a git configuration.
fn remote_urls(config: &str) -> Vec<(&str, String)> {
    let mut remotes: Vec<(&str, String)> = Vec::new();
    let mut section = None;
    for line in config.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = remote_name(header);
        } else if let Some(name) = section
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
            && !remotes.iter().any(|(known, _)| *known == name)
        {
            remotes.push((name, unquoted(value)));
        }
    }
    remotes
}

/// The name in a section's header `remote "name"]`; `None` for another section.
fn remote_name(header: &str) -> Option<&str> {
    let (kind, rest) = header.split_once(char::is_whitespace)?;
    let (name, _) = rest.trim_start().strip_prefix('"')?.rsplit_once('"')?;
    kind.eq_ignore_ascii_case("remote").then_some(name)
}

/// A value without quotes and without the comment after it.
fn unquoted(value: &str) -> String {
    let mut quoted = false;
    let mut kept = String::with_capacity(value.len());
    for c in value.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            c => kept.push(c),
        }
    }
    kept.trim_end().to_owned()
}

/// Host and path of a repository's URL, without user, password, port and `.git`, so that every way to
/// write the address of one repository gives one scope.
///
/// A path on this machine gives its last part.
fn normalised(url: &str) -> Option<String> {
    let url = url.trim();
    let (host, path) = match url.split_once("://") {
        Some(("file", path)) => ("", path),
        Some((_, rest)) => rest.split_once('/')?,
        // `git@host:path`; a colon after a slash, or after one letter, belongs to a path.
        None => match url.split_once(':') {
            Some((host, path)) if !host.contains('/') && host.len() > 1 => (host, path),
            _ => ("", url),
        },
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_matches(['/', '\\']);
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches(['/', '\\']);
    if path.is_empty() {
        return None;
    }
    if host.is_empty() {
        return path.rsplit(['/', '\\']).next().map(str::to_owned);
    }
    Some(format!("{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    const CONFIG: &str = "[core]\n\tbare = false\n[remote \"fork\"]\n\turl = https://example.org/me/shop\n\
        [remote \"origin\"]\n\turl = git@github.com:acme/shop.git # main\n\
        \tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = origin\n";

    #[test]
    fn all_ways_to_write_a_repository_give_one_scope() {
        for url in [
            "git@github.com:acme/shop.git",
            "https://github.com/acme/shop",
            "https://github.com/acme/shop.git/",
            "https://user:pw@github.com/acme/shop.git",
            "https://x-access-token:a@b@GitHub.com/acme/shop.git",
            "ssh://git@github.com:22/acme/shop.git",
            "git://github.com/acme/shop",
            "github.com:acme/shop",
        ] {
            assert_eq!(normalised(url).as_deref(), Some("github.com/acme/shop"), "{url}");
        }
    }

    #[test]
    fn a_repository_on_this_machine_is_called_by_its_folder() {
        for url in ["/srv/git/shop.git", "../shop", "file:///srv/git/shop.git", "C:\\git\\shop"] {
            assert_eq!(normalised(url).as_deref(), Some("shop"), "{url}");
        }
        assert_eq!(normalised("https://github.com/"), None);
        assert_eq!(normalised(""), None);
    }

    #[test]
    fn the_remote_origin_names_the_scope_of_a_folder_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join(".git/config"), CONFIG);
        let below = dir.path().join("src/cart");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(around(&below).as_str(), "github.com/acme/shop");
    }

    #[test]
    fn a_worktree_and_a_submodule_lead_to_their_repository() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("shop/.git");
        write(&main.join("config"), CONFIG);
        write(&main.join("worktrees/hotfix/commondir"), "../..\n");
        let gitdir = main.join("worktrees/hotfix");
        write(&dir.path().join("hotfix/.git"), &format!("gitdir: {}\n", gitdir.display()));
        assert_eq!(around(&dir.path().join("hotfix")).as_str(), "github.com/acme/shop");

        let module = "[remote \"origin\"]\n url = https://github.com/acme/theme.git\n";
        write(&main.join("modules/theme/config"), module);
        write(&dir.path().join("shop/theme/.git"), "gitdir: ../.git/modules/theme\n");
        assert_eq!(around(&dir.path().join("shop/theme")).as_str(), "github.com/acme/theme");
    }

    #[test]
    fn without_a_remote_the_root_folder_gives_the_name() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("shop/.git/config"), "[core]\n");
        let below = dir.path().join("shop/src");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(around(&below).as_str(), "shop");
    }

    #[test]
    fn outside_of_a_repository_the_folder_gives_the_name() {
        assert_eq!(around(Path::new("/nowhere/at/all")).as_str(), "all");
        assert_eq!(around(Path::new("/")).as_str(), "default");
    }
}
