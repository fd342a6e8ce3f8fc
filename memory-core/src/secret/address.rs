//! Secrets in addresses, headers and options of commands that no name of their own gives away.
//!
//! In: a text and the place of a word such as `://`. Out: the range of the secret. Used by the scan
//! of this folder. Limits: options of the commands that are listed here.

use std::ops::Range;

use super::names::is_session_cookie;
use super::scan::{at, before, begins_token, run_end, run_start, starts_with};
use super::value::{
    is_known_word, is_long_mixed, is_placeholder, is_random, is_reference, is_slug, is_uuid,
};

/// Longest address that is looked through, in bytes.
const MAX_ADDRESS: usize = 2 * 1024;

/// Longest scheme of an address, in bytes.
const MAX_SCHEME: usize = 24;

/// Longest command before an option, in bytes.
const MAX_COMMAND: usize = 400;

/// Shortest password in an address or behind an option, in bytes.
const MIN_PASSWORD: usize = 3;

/// Shortest token before a host, in bytes.
const MIN_TOKEN: usize = 20;

/// Shortest token behind `Bearer`, in bytes.
const MIN_BEARER: usize = 8;

/// Shortest value of a cookie of any name, in bytes.
const MIN_COOKIE: usize = 16;

/// Returns the password or token before the host of an address; `colon` is where `://` stands.
pub(super) fn in_userinfo(text: &str, colon: usize) -> Option<Range<usize>> {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    if run_start(text, colon, MAX_SCHEME, is_scheme) + 1 >= colon {
        return None;
    }
    let from = colon + 3;
    let is_part = |byte: u8| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\')
    };
    let end = run_end(text, from, MAX_ADDRESS, is_part);
    let address = text.get(from..end)?;
    let slash = address.find(['/', '?', '#']).unwrap_or(address.len());
    let authority = address.get(..slash)?;
    let (userinfo, crosses) = match authority.rfind('@') {
        Some(sign) => (authority.get(..sign)?, false),
        // A password with a slash in it: the host behind it must look like one.
        None => (address.get(..host_sign(address)?)?, true),
    };
    let Some((user, password)) = userinfo.split_once(':') else {
        let is_token = !crosses && userinfo.len() >= MIN_TOKEN && is_random(userinfo);
        return is_token.then_some(from..from + userinfo.len());
    };
    let port = password.split(['/', '?', '#']).next().unwrap_or_default();
    let only_port = crosses && port.bytes().all(|byte| byte.is_ascii_digit());
    let two_addresses = crosses && (password.contains("://") || password.contains(','));
    // `user:password@host` tells what stands where.
    let is_told =
        ["user", "username", "usr", "name", "login"].contains(&user) && is_known_word(password);
    let is_secret = password.len() >= MIN_PASSWORD
        && !is_told
        && !user.contains(['/', '?', '\'', ','])
        && !only_port
        && !two_addresses
        && !is_reference(password)
        && !is_placeholder(password)
        && !password.contains("${");
    let start = from + user.len() + 1;
    is_secret.then_some(start..start + password.len())
}

/// Returns the last `@` of an address that stands before a host with a port or path.
fn host_sign(address: &str) -> Option<usize> {
    let sign = address.rfind('@')?;
    let rest = address.get(sign + 1..)?;
    let host = rest.split(['/', '?', '#', ';', ',', ')']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let is_host = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit());
    // Without a port a file name like `2x.png` is as likely.
    let has_port = host.contains(':');
    let has_user = address.find(':').is_some_and(|colon| {
        let user = address.get(..colon).unwrap_or_default();
        !user.contains(['/', '.']) && colon < sign
    });
    (is_host && has_port && has_user).then_some(sign)
}

/// Returns the token behind `Bearer`; `end` is where that word ends.
pub(super) fn after_bearer(text: &str, end: usize) -> Option<Range<usize>> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte);
    let stop = run_end(text, end, 8 * 1024, is_token);
    let token = text.get(end..stop)?.trim_end_matches(['.', '-']);
    let is_secret = token.len() >= MIN_BEARER
        && (is_random(token)
            || is_long_mixed(token)
            || (token.len() >= MIN_TOKEN && !is_slug(token)))
        && !is_placeholder(token);
    is_secret.then_some(end..end + token.len())
}

/// Returns the secret values of a header `Cookie: name=value; …`; `end` is where that word ends.
pub(super) fn in_cookies(text: &str, end: usize) -> Vec<Range<usize>> {
    let mut here = run_end(text, end, 3, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' '));
    if !matches!(at(text, here), b':' | b'=') {
        return Vec::new();
    }
    here = run_end(text, here + 1, 4, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' '));
    let mut found = Vec::new();
    for _ in 0..64 {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let name_end = run_end(text, here, 80, is_name);
        let name = text.get(here..name_end).unwrap_or_default();
        if name.is_empty() {
            break;
        }
        let mut stop = name_end;
        if at(text, name_end) == b'=' {
            let is_value = |byte: u8| {
                !byte.is_ascii_whitespace() && !matches!(byte, b';' | b'"' | b'\'' | b'\\')
            };
            stop = run_end(text, name_end + 1, 4 * 1024, is_value);
            let value = text.get(name_end + 1..stop).unwrap_or_default();
            let named = is_session_cookie(name) && value.len() >= MIN_BEARER && !is_slug(value);
            let random = value.len() >= MIN_COOKIE && is_random(value);
            if (named || random) && !is_reference(value) && !is_placeholder(value) {
                found.push(name_end + 1..stop);
            }
        }
        // Dates of `Expires=` hold spaces and commas.
        stop = run_end(text, stop, 40, |b| b != b';' && b != b'\n' && b != b'"' && b != b'\'');
        if at(text, stop) != b';' {
            break;
        }
        here = run_end(text, stop + 1, 4, |byte| byte == b' ');
    }
    found
}

/// Returns the password of an option whose meaning its command gives: `curl -u name:password`,
/// `docker login -p password`, `mysql -ppassword`; `start` is where the option begins.
pub(super) fn of_option(text: &str, start: usize, option: &str) -> Option<Range<usize>> {
    let is_apart = before(text, start);
    if !is_apart.is_ascii_whitespace() && !matches!(is_apart, b'"' | b'\'' | b',') {
        return None;
    }
    let command = command(text, start);
    let has = |names: &[&str]| {
        let mut words = command.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        words.any(|word| names.contains(&word))
    };
    let after = start + option.len();
    let spaced = run_end(text, after, 4, |byte| matches!(byte, b' ' | b'='));
    let has_pair = match option {
        "-u" | "--user" | "--proxy-user" | "-U" => {
            has(&["curl", "http", "https", "httpie", "wget"])
        }
        "-p" if has(&[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mariadb",
            "mariadb-dump",
            "mysqlimport",
        ]) =>
        {
            return of_bare(text, after, spaced == after);
        }
        "-p" if has(&["sshpass"])
            || has(&["login"])
                && has(&[
                    "docker", "podman", "nerdctl", "helm", "az", "oc", "registry", "buildah",
                    "crane", "skopeo",
                ]) =>
        {
            return of_bare(text, spaced, true);
        }
        "-a" if has(&["redis-cli"]) => return of_bare(text, spaced, spaced > after),
        _ => false,
    };
    if !has_pair {
        return None;
    }
    let from = run_end(text, spaced, 2, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let is_user = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b':' | b'"' | b'\'');
    let colon = run_end(text, from, 100, is_user);
    if at(text, colon) != b':' || colon == from {
        return None;
    }
    of_bare(text, colon + 1, true)
}

/// Returns the password that stands at a position, if it is one.
fn of_bare(text: &str, from: usize, is_given: bool) -> Option<Range<usize>> {
    let from = run_end(text, from, 2, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let is_part = |byte: u8| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b';' | b'|')
    };
    let end = run_end(text, from, 256, is_part);
    let password = text.get(from..end)?.trim_end_matches([',', ')', '.']);
    let is_secret = is_given
        && password.len() >= MIN_PASSWORD
        && !password.starts_with('-')
        && !is_known_word(password)
        && !is_reference(password)
        && !is_placeholder(password);
    is_secret.then_some(from..from + password.len())
}

/// Returns the command that a position belongs to: its line, with lines that go on, up to there.
fn command(text: &str, position: usize) -> &str {
    let mut start = position.saturating_sub(MAX_COMMAND);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let before = text.get(start..position).unwrap_or_default();
    let mut from = 0;
    for (at, _) in before.match_indices(['\n', ';', '|']) {
        let goes_on = before.get(..at).is_some_and(|head| head.ends_with('\\'));
        if !goes_on {
            from = at + 1;
        }
    }
    before.get(from..).unwrap_or_default()
}

/// Returns the password of `IDENTIFIED BY '…'`; `end` is where those words end.
pub(super) fn after_identified(text: &str, end: usize) -> Option<Range<usize>> {
    matches!(at(text, end), b'"' | b'\'').then(|| of_bare(text, end, true)).flatten()
}

/// Returns the value of `password is …` or `token is …` in prose, if it looks like one.
pub(super) fn told_in_prose(text: &str, end: usize, is_password: bool) -> Option<Range<usize>> {
    let verb = [" is ", " was ", " is: "].into_iter().find(|verb| starts_with(text, end, verb))?;
    let from = run_end(text, end + verb.len(), 2, |byte| matches!(byte, b'`' | b'"' | b'\''));
    let is_quoted = from > end + verb.len();
    let is_part = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'`' | b'"' | b'\'');
    let stop = run_end(text, from, 128, is_part);
    let word = text.get(from..stop)?.trim_end_matches(['.', ',', ';', ')', '!']);
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_token = word.len() >= MIN_COOKIE && is_random(word) && !is_uuid(word);
    let is_secret = word.len() > MIN_PASSWORD + 1
        && (is_password || is_token)
        && has_digit
        && has_letter
        && (is_quoted || !word.contains(['-', '(', '/', '_']))
        && !is_reference(word)
        && !is_placeholder(word)
        && begins_token(text, from);
    is_secret.then_some(from..from + word.len())
}
