//! Git's configuration, as far as the address of a remote depends on it.
//!
//! Input: the files that hold for a repository, those of the user before its own. Output: the URL
//! of its remote. Follows `include`, `includeIf` with `gitdir:`, and `url.….insteadOf`; other
//! conditions of `includeIf` (a branch, a remote) count as not met. Files are read as bytes: a name
//! in Latin-1 does not hide the rest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::GitSettings;

/// Most files that include each other.
const MAX_DEPTH: usize = 10;

/// Variables in the order in which they are set.
pub(super) struct ConfigFile {
    variables: Vec<Variable>,
}

/// One line `key = value` of a section.
#[derive(Debug, PartialEq, Eq)]
struct Variable {
    /// Name of the section, in lower case.
    section: String,
    /// Name within the section, as it is written.
    subsection: Option<String>,
    /// Name of the variable, in lower case.
    key: String,
    value: String,
}

impl Variable {
    fn is(&self, section: &str, key: &str) -> bool {
        self.section == section && self.key == key
    }
}

impl ConfigFile {
    /// Reads the files of the user and then that of a repository.
    pub(super) fn read(git: &GitSettings, path: &Path, git_dir: &Path) -> Self {
        let git_dir = git_dir.canonicalize().unwrap_or_else(|_| git_dir.to_owned());
        let mut reader = Reader { home: git.home.as_deref(), git_dir, variables: Vec::new() };
        for path in git.files.iter().map(PathBuf::as_path).chain([path]) {
            reader.take(path, MAX_DEPTH);
        }
        Self { variables: reader.variables }
    }

    /// Returns the URL of the remote `origin`, else that of the only other remote, rewritten as
    /// `insteadOf` says.
    pub(super) fn remote_url(&self) -> Option<String> {
        let mut remotes: Vec<(&str, &str)> = Vec::new();
        for variable in self.variables.iter().filter(|variable| variable.is("remote", "url")) {
            let name = variable.subsection.as_deref().unwrap_or_default();
            // The first URL of a remote is the one that is fetched from.
            if !variable.value.is_empty() && remotes.iter().all(|(known, _)| *known != name) {
                remotes.push((name, &variable.value));
            }
        }
        let url = match remotes.iter().find(|(name, _)| *name == "origin") {
            Some((_, url)) => url,
            None if remotes.len() == 1 => remotes.first().map(|(_, url)| url)?,
            None => return None,
        };
        Some(self.rewritten(url))
    }

    /// Replaces the beginning of a URL; of several rules the longest one holds.
    fn rewritten(&self, url: &str) -> String {
        let rules = self.variables.iter().filter(|variable| variable.is("url", "insteadof"));
        let fitting = rules.filter(|rule| !rule.value.is_empty() && url.starts_with(&rule.value));
        match fitting.max_by_key(|rule| rule.value.len()) {
            Some(Variable { subsection: Some(base), value, .. }) => {
                format!("{base}{}", url.strip_prefix(value.as_str()).unwrap_or_default())
            }
            _ => url.to_owned(),
        }
    }
}

/// Reads files that include others.
struct Reader<'a> {
    home: Option<&'a Path>,
    /// Git's folder of the repository, which conditions are about.
    git_dir: PathBuf,
    variables: Vec<Variable>,
}

impl Reader<'_> {
    /// Takes in a file, if it is there.
    fn take(&mut self, path: &Path, depth: usize) {
        let Ok(content) = fs::read(path) else { return };
        let folder = path.parent().unwrap_or(path);
        for variable in parse(&String::from_utf8_lossy(&content)) {
            let is_met = match (variable.section.as_str(), &variable.subsection) {
                ("include", None) => true,
                ("includeif", Some(condition)) => self.is_met(condition, folder),
                _ => false,
            };
            if is_met && variable.key == "path" && depth > 0 {
                let included = folder.join(self.expanded(&variable.value));
                self.take(&included, depth - 1);
            } else {
                self.variables.push(variable);
            }
        }
    }

    /// Returns whether a condition on git's folder holds.
    fn is_met(&self, condition: &str, folder: &Path) -> bool {
        let (pattern, ignores_case) = match condition.split_once(':') {
            Some(("gitdir", pattern)) => (pattern, false),
            Some(("gitdir/i", pattern)) => (pattern, true),
            _ => return false,
        };
        let mut pattern = match pattern.strip_prefix("./") {
            Some(rest) => folder.join(rest).to_string_lossy().into_owned(),
            None => self.expanded(pattern).to_string_lossy().into_owned(),
        };
        if !pattern.starts_with('/') && !Path::new(&pattern).is_absolute() {
            pattern.insert_str(0, "**/");
        }
        if pattern.ends_with('/') {
            pattern.push_str("**");
        }
        let mut path = self.git_dir.to_string_lossy().into_owned();
        if ignores_case {
            (pattern, path) = (pattern.to_lowercase(), path.to_lowercase());
        }
        let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        parts_match(&parts(&pattern), &parts(&path))
    }

    /// Puts the home folder in the place of `~/`.
    fn expanded(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => {
                // Joining would lose the slash at the end, which has a meaning.
                PathBuf::from(format!("{}/{rest}", home.display()))
            }
            _ => PathBuf::from(path),
        }
    }
}

/// Returns whether the parts of a path fit a pattern, in which `**` stands for any number of parts.
fn parts_match(pattern: &[String], path: &[String]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            (0..=path.len()).any(|n| parts_match(rest, path.get(n..).unwrap_or_default()))
        }
        (Some((first, rest)), Some((part, path))) => {
            part_matches(first, part) && parts_match(rest, path)
        }
        _ => false,
    }
}

/// Returns whether one part of a path fits a pattern with `*` and `?`.
fn part_matches(pattern: &str, part: &str) -> bool {
    let (mut rest, mut chars) = (pattern.chars(), part.chars());
    match rest.next() {
        None => part.is_empty(),
        Some('*') => part
            .char_indices()
            .map(|(at, _)| at)
            .chain([part.len()])
            .any(|at| part_matches(rest.as_str(), part.get(at..).unwrap_or_default())),
        Some(c) => {
            chars.next().is_some_and(|got| c == '?' || c == got)
                && part_matches(rest.as_str(), chars.as_str())
        }
    }
}

/// Reads the variables of a file; what is no line of a configuration is passed over.
fn parse(text: &str) -> Vec<Variable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut variables = Vec::new();
    let mut section: Option<(String, Option<String>)> = None;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        rest = rest.trim_start();
        if let Some(header) = rest.strip_prefix('[') {
            let (read, after) = parse_header(header);
            section = read;
            // A variable may follow on the same line.
            rest = after;
        } else if rest.starts_with(['#', ';']) {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else {
            let end = rest.find(['=', '\n']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            let (value, after) = match after.strip_prefix('=') {
                Some(after) => parse_value(after),
                None => (String::new(), after),
            };
            rest = after;
            if let Some((section, subsection)) = &section {
                let (section, subsection) = (section.clone(), subsection.clone());
                let key = key.trim().to_ascii_lowercase();
                variables.push(Variable { section, subsection, key, value });
            }
        }
    }
    variables
}

type Header = Option<(String, Option<String>)>;

/// Reads `section]` or `section "subsection"]`; gives what follows it.
fn parse_header(text: &str) -> (Header, &str) {
    let line_end = text.find('\n').unwrap_or(text.len());
    let Some(name_end) = text.get(..line_end).and_then(|line| line.find([']', '"'])) else {
        return (None, text.get(line_end..).unwrap_or_default());
    };
    let name = text.get(..name_end).unwrap_or_default().trim().to_ascii_lowercase();
    let after = text.get(name_end..).unwrap_or_default();
    if let Some(after) = after.strip_prefix(']') {
        // An old form: `[section.subsection]`.
        let header = match name.split_once('.') {
            Some((section, subsection)) => (section.to_owned(), Some(subsection.to_owned())),
            None => (name, None),
        };
        return (Some(header), after);
    }
    let mut subsection = String::new();
    let mut chars = after.get(1..).unwrap_or_default().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => subsection.extend(chars.next()),
            c => subsection.push(c),
        }
    }
    let after = chars.as_str();
    let after = after.find(['\n', ']']).and_then(|at| after.get(at..)).unwrap_or_default();
    (Some((name, Some(subsection))), after.strip_prefix(']').unwrap_or(after))
}

/// Reads a value without quotes, escapes and the comment after it; gives what follows its line.
fn parse_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    // Length of the value up to the last character that is no white space outside of quotes.
    let mut n_kept = 0;
    let mut is_quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => break,
            '"' => {
                is_quoted = !is_quoted;
                n_kept = value.len();
            }
            '#' | ';' if !is_quoted => {
                let rest = chars.as_str();
                value.truncate(n_kept);
                return (value, rest.split_once('\n').map_or("", |(_, after)| after));
            }
            '\\' => match chars.next() {
                // The value goes on in the next line.
                Some('\n') | None => {}
                Some(escaped) => {
                    value.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'b' => '\u{8}',
                        other => other,
                    });
                    n_kept = value.len();
                }
            },
            c if c.is_whitespace() && !is_quoted => {
                if n_kept > 0 {
                    value.push(c);
                }
            }
            c => {
                value.push(c);
                n_kept = value.len();
            }
        }
    }
    value.truncate(n_kept);
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(repository: &str) -> Option<String> {
        let variables = parse(repository);
        ConfigFile { variables }.remote_url()
    }

    #[test]
    fn the_remote_is_found_in_every_form_of_a_file() {
        for config in [
            "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git@host.dev:a/b.git\n",
            "[remote \"origin\"] url = git@host.dev:a/b.git",
            "[remote \"origin\"]\r\n  URL=git@host.dev:a/b.git  # the main one\r\n",
            "[remote \"origin\"]\nurl = \"git@host.dev:a/b.git\"; x\nfetch = +refs/*:refs/*",
            "[remote.origin]\nurl = git@host.dev:\\\na/b.git",
            "[REMOTE \"origin\"]; x\nfetch\nurl = git@host.dev:a/b.git\nurl = other",
            "\u{feff}# x\n[remote \"fork\"]\nurl = x\n[remote \"origin\"]url=git@host.dev:a/b.git",
            "[user]\nname = J\u{fffd}rg\n[remote \"up\"]\nurl = git@host.dev:a/b.git",
            "[broken\n[remote \"origin\"]\nurl = git@host.dev:a/b.git\n[also \"broken",
        ] {
            assert_eq!(url(config).as_deref(), Some("git@host.dev:a/b.git"), "{config}");
        }
        for none in [
            "",
            "[remote \"origin\"]",
            "url = x",
            "[remote \"a\"]\nurl = x\n[remote \"b\"]\nurl = y",
            "[remote \"origin\"]\nurl =",
        ] {
            assert_eq!(url(none), None, "{none}");
        }
    }

    #[test]
    fn the_longest_rule_rewrites_a_url() {
        let rules = "[url \"https://github.com/\"]\ninsteadOf = gh:\ninsteadof = github:\n\
                     [url \"git@git.acme.dev:\"]\ninsteadOf = \"gh:acme/\"\n\
                     [remote \"origin\"]\nurl = ";
        for (given, meant) in [
            ("gh:me/shop", "https://github.com/me/shop"),
            ("github:me/shop", "https://github.com/me/shop"),
            ("gh:acme/shop", "git@git.acme.dev:shop"),
            ("https://example.org/x", "https://example.org/x"),
        ] {
            assert_eq!(url(&format!("{rules}{given}")).as_deref(), Some(meant));
        }
    }

    #[test]
    fn included_files_hold_where_their_condition_does() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let write = |name: &str, content: &str| {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            path
        };
        let rule = |from: &str| format!("[url \"https://git.acme.dev/\"]\ninsteadOf = {from}:\n");
        write("rules/work", &rule("w"));
        write("rules/all", &format!("{}[include]\npath = all\n", rule("a")));
        let global = write(
            ".gitconfig",
            "[include]\npath = rules/all\n[includeIf \"gitdir:~/work/\"]\npath = ~/rules/work\n\
             [includeIf \"gitdir:s?op*/.git\"]\npath = rules/nowhere\n\
             [includeIf \"onbranch:main\"]\npath = rules/work\n",
        );
        let git = GitSettings { home: Some(home.clone()), files: vec![global] };
        for (place, given, is_met) in [
            ("work/shop/.git", "w:shop", true),
            ("private/shop/.git", "w:shop", false),
            ("private/shop/.git", "a:shop", true),
        ] {
            let config =
                write(&format!("{place}/config"), &format!("[remote \"origin\"]\nurl = {given}\n"));
            let read = ConfigFile::read(&git, &config, &home.join(place));
            let meant = if is_met { "https://git.acme.dev/shop" } else { given };
            assert_eq!(read.remote_url().as_deref(), Some(meant), "{place}");
        }
    }

    #[test]
    fn patterns_fit_as_those_of_git_do() {
        let fits = |pattern: &str, path: &str| {
            let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
            parts_match(&parts(pattern), &parts(path))
        };
        assert!(fits("**/shop/**", "/home/me/shop/.git"));
        assert!(fits("/home/*/shop/.git", "/home/me/shop/.git"));
        assert!(fits("/home/m?/s*p/.g*", "/home/me/shop/.git"));
        assert!(!fits("/home/shop/.git", "/home/me/shop/.git"));
        assert!(!fits("**/shop", "/home/me/shop/.git"));
    }
}
