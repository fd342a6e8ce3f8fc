//! Names of hosts in the settings of the SSH client, as far as the address of a remote depends on
//! them (`ssh_config(5)`).
//!
//! People with two accounts on one host clone from `git@github-work:acme/shop`, where `github-work`
//! is a `Host` of their `~/.ssh/config` with the `HostName` that is meant. Blocks of `Match` and
//! files of `Include` are passed over.

use std::fs;
use std::path::Path;

/// Lines `HostName` with the patterns for which they hold, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct SshConfig {
    names: Vec<(Vec<String>, String)>,
}

impl SshConfig {
    /// Reads the settings of a user; of a file that is not there, none.
    pub(super) fn read(home: Option<&Path>) -> Self {
        let content = home.and_then(|home| fs::read(home.join(".ssh").join("config")).ok());
        content.map_or_else(Self::default, |bytes| Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(content: &str) -> Self {
        let mut names = Vec::new();
        // Lines before the first block hold for every host.
        let mut patterns = vec!["*".to_owned()];
        for line in content.lines().map(str::trim) {
            let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
            let (keyword, arguments) = line.split_at(end);
            let arguments = arguments.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
            let words = arguments.split_whitespace().map(|word| word.trim_matches('"').to_owned());
            match keyword.to_ascii_lowercase().as_str() {
                "host" => patterns = words.collect(),
                "match" => patterns.clear(),
                "hostname" => {
                    names.extend(words.take(1).map(|name| (patterns.clone(), name)));
                }
                _ => {}
            }
        }
        Self { names }
    }

    /// Returns the host that a name stands for: that of the first line which holds for it, as SSH
    /// takes it, else the name itself.
    pub(super) fn host(&self, name: &str) -> String {
        let found = self.names.iter().find(|(patterns, _)| holds(patterns, name));
        found.map_or_else(|| name.to_owned(), |(_, host)| host.replace("%h", name))
    }
}

/// Returns whether one of the patterns fits, and none of those with `!`.
fn holds(patterns: &[String], name: &str) -> bool {
    let fits = |pattern: &str| fits(pattern.as_bytes(), name.as_bytes());
    let is_excluded = patterns.iter().filter_map(|p| p.strip_prefix('!')).any(fits);
    !is_excluded && patterns.iter().any(|pattern| fits(pattern))
}

/// Returns whether a name fits a pattern with `*` and `?`; the case of letters makes no difference.
///
/// One `*` is taken up again at a time, so that the cost is at most the product of both lengths.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while let Some(byte) = name.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, read));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted.eq_ignore_ascii_case(byte) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (at, read) = (after, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_the_first_host_that_is_given_for_it() {
        let config = SshConfig::parse(
            "# accounts\nHost github-work github-home\n  HostName github.com\n  User git\n\
             Host=\"gl\"\n\thostname=gitlab.com\n\
             Match host other\n  HostName never.example\n\
             Host *.corp !git.corp\n  HostName %h.example.com\n\
             Host git*\n  HostName last.example\n",
        );
        for (name, host) in [
            ("github-work", "github.com"),
            ("GitHub-Home", "github.com"),
            ("gl", "gitlab.com"),
            ("other", "other"),
            ("shop.corp", "shop.corp.example.com"),
            ("git.corp", "last.example"),
            ("github.co", "last.example"),
            ("codeberg.org", "codeberg.org"),
        ] {
            assert_eq!(config.host(name), host, "{name}");
        }
        assert_eq!(SshConfig::parse("HostName one.example").host("any"), "one.example");
        assert_eq!(SshConfig::parse("Host\nHostName\n=\n\"").host("any"), "any");
    }

    #[test]
    fn a_pattern_fits_as_its_stars_and_marks_say() {
        for (pattern, name, is_fit) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c*", "abcbd", true),
            ("a?c", "ac", false),
            ("*b*b", "abab", true),
            ("*ab", "aab", true),
            ("a", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), is_fit, "{pattern} {name}");
        }
    }
}
