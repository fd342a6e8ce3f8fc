//! The address of a repository, in one spelling.

use std::path::PathBuf;

use super::ssh_config::SshConfig;

/// Hosts on which the case of a path makes no difference.
const CASELESS: [&str; 6] =
    ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitea.com", "dev.azure.com"];

/// Other names of hosts: those for SSH over the port of HTTPS, and those of web pages.
const SAME_HOST: [(&str, &str); 10] = [
    ("ssh.github.com", "github.com"),
    ("www.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("www.gitlab.com", "gitlab.com"),
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("www.bitbucket.org", "bitbucket.org"),
    ("ssh.bitbucket.org", "bitbucket.org"),
    ("www.codeberg.org", "codeberg.org"),
    ("ssh.dev.azure.com", "dev.azure.com"),
    ("vs-ssh.visualstudio.com", "dev.azure.com"),
];

/// Place that a repository can be fetched from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// Host and path, without scheme, user, password, port and `.git`: `github.com/acme/shop`.
    Remote(String),
    /// A path on this machine.
    Local(PathBuf),
}

impl Address {
    /// Reads the URL of a remote, with the names of hosts that the user's SSH knows; `None` where
    /// it names nothing.
    pub(super) fn parse(url: &str, ssh: &SshConfig) -> Option<Self> {
        let url = url.trim();
        let (authority, path, is_url, is_ssh) = if let Some((scheme, rest)) = url.split_once("://")
        {
            if scheme.eq_ignore_ascii_case("file") {
                let path = rest.find('/').and_then(|at| rest.get(at..))?;
                return Some(Self::Local(decoded(path).into()));
            }
            let (authority, path) = rest.split_once('/')?;
            (authority, path, true, scheme.to_ascii_lowercase().contains("ssh"))
        } else {
            // `git@host:path`; a colon after a slash, or after one letter, belongs to a path.
            match host_and_path(url) {
                Some((host, path)) if !host.contains(['/', '\\']) && host.len() > 1 => {
                    (host, path, false, true)
                }
                _ if url.is_empty() => return None,
                _ => return Some(Self::Local(url.into())),
            }
        };
        let host = bare_host(authority);
        let host = usual_host(&if is_ssh { ssh.host(host) } else { host.to_owned() });
        let path = if is_url { path.split(['?', '#']).next().unwrap_or(path) } else { path };
        let path = if is_url { decoded(path) } else { path.to_owned() };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let path = parts.join("/");
        let path = path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/');
        if host.is_empty() || path.is_empty() {
            return None;
        }
        let (host, path) = azure(&host, path);
        let is_caseless = CASELESS.contains(&host.as_str()) || host.ends_with(".ghe.com");
        let path = if is_caseless { path.to_lowercase() } else { path };
        Some(Self::Remote(format!("{host}/{path}")))
    }
}

/// Splits the short form of an SSH address; a host in brackets may hold colons.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    match url.find("]:") {
        Some(end) if url.contains('[') => Some((url.get(..=end)?, url.get(end + 2..)?)),
        _ => url.split_once(':'),
    }
}

/// Returns the host of `user:password@host:port`.
fn bare_host(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    }
}

/// Returns a host in its usual spelling.
fn usual_host(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let usual = SAME_HOST.iter().find(|(other, _)| *other == host);
    usual.map_or(host, |(_, usual)| (*usual).to_owned())
}

/// Brings the forms that Azure has for one repository into that of its web pages.
fn azure(host: &str, path: &str) -> (String, String) {
    let mut parts: Vec<&str> = path.split('/').collect();
    let org = host.strip_suffix(".visualstudio.com");
    if let Some(org) = org {
        parts.retain(|part| !part.eq_ignore_ascii_case("DefaultCollection"));
        parts.insert(0, org);
    } else if host != "dev.azure.com" {
        return (host.to_owned(), path.to_owned());
    }
    let path = match parts.as_slice() {
        ["v3", org, project, name] => format!("{org}/{project}/_git/{name}"),
        [org, "_git", name] => format!("{org}/{name}/_git/{name}"),
        parts => parts.join("/"),
    };
    ("dev.azure.com".to_owned(), path)
}

/// Resolves the escapes of a URL's path; what is none stays as it is.
pub(super) fn decoded(path: &str) -> String {
    String::from_utf8_lossy(&decoded_bytes(path)).into_owned()
}

/// Resolves the escapes of a URL's path into the bytes that they stand for.
pub(super) fn decoded_bytes(path: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits
            .filter(|digits| *first == b'%' && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str) -> String {
        match Address::parse(url, &SshConfig::default()) {
            Some(Address::Remote(address)) => address,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn all_ways_to_write_a_repository_give_one_address() {
        for url in [
            "git@github.com:acme/shop.git",
            "git@github.com:/acme/shop.git",
            "github.com:acme/shop",
            "https://github.com/acme/shop",
            "HTTPS://GitHub.com/Acme/Shop.git/",
            "https://www.github.com/acme/shop",
            "https://github.com:443//acme/shop?x=1#y",
            "https://user:pw@github.com/acme/shop.git",
            "https://x-access-token:a@b@GitHub.com./acme/shop.git",
            "https://github.com/acme/%73hop",
            "ssh://git@github.com:22/acme/shop.git",
            "ssh://git@ssh.github.com:443/acme/shop.git",
            "git@ssh.github.com:acme/shop.git",
            "git+ssh://git@github.com/acme/shop",
            "git://github.com/acme/shop",
            " git@github.com:ACME/shop ",
        ] {
            assert_eq!(remote(url), "github.com/acme/shop", "{url}");
        }
        for url in [
            "https://dev.azure.com/acme/web/_git/shop",
            "https://acme@dev.azure.com/Acme/Web/_git/Shop",
            "git@ssh.dev.azure.com:v3/acme/web/shop",
            "https://acme.visualstudio.com/web/_git/shop",
            "https://acme.visualstudio.com/DefaultCollection/web/_git/shop",
            "acme@vs-ssh.visualstudio.com:v3/acme/web/shop",
        ] {
            assert_eq!(remote(url), "dev.azure.com/acme/web/_git/shop", "{url}");
        }
    }

    #[test]
    fn repositories_that_are_not_the_same_stay_apart() {
        assert_eq!(remote("git@git.acme.dev:Team/Shop.git"), "git.acme.dev/Team/Shop");
        assert_eq!(remote("https://gitlab.com/a/b/c/shop"), "gitlab.com/a/b/c/shop");
        assert_ne!(remote("https://github.com/acme/shop"), remote("https://gitlab.com/acme/shop"));
        assert_eq!(remote("ssh://git@[2001:db8::1]:2222/shop.git"), "2001:db8::1/shop");
        assert_eq!(remote("git@[2001:db8::1]:shop.git"), "2001:db8::1/shop");
    }

    #[test]
    fn a_path_of_this_machine_is_told_from_an_address() {
        for (url, path) in [
            ("/srv/git/shop.git", "/srv/git/shop.git"),
            ("../shop", "../shop"),
            ("./a:b/shop", "./a:b/shop"),
            ("file:///srv/my%20git/shop", "/srv/my git/shop"),
            ("file://host/srv/shop", "/srv/shop"),
            ("C:\\git\\shop", "C:\\git\\shop"),
            ("C:/git/shop", "C:/git/shop"),
        ] {
            assert_eq!(
                Address::parse(url, &SshConfig::default()),
                Some(Address::Local(path.into())),
                "{url}"
            );
        }
        for nothing in ["", "https://github.com/", "https://github.com", "git@github.com:"] {
            assert_eq!(Address::parse(nothing, &SshConfig::default()), None, "{nothing}");
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(decoded("100%/a%2"), "100%/a%2");
        assert_eq!(decoded("%C3%A9%zz"), "é%zz");
    }
}
