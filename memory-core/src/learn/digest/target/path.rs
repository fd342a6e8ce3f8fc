//! Names of files: which words can be one, and one name for each file.

/// Longest name that is kept, in bytes.
const MAX_BYTES: usize = 160;

/// Longest ending of a file that is known by its ending alone.
const MAX_BARE_ENDING: usize = 4;

/// Longest ending of a file in a folder.
const MAX_ENDING: usize = 10;

/// Files without an ending.
const WITHOUT_ENDING: [&str; 6] =
    ["Makefile", "Dockerfile", "Gemfile", "Rakefile", "Jenkinsfile", "Procfile"];

/// Folders of the system and of passing things: what lies there is no part of a project.
const OUTSIDE: [&str; 9] =
    ["/dev/", "/proc/", "/sys/", "/tmp/", "/var/tmp/", "/usr/", "/etc/", "/bin/", "/lib/"];

/// Returns whether a word looks like the name of a file, as opposed to a folder, an option, a
/// pattern or a sentence.
pub(super) fn is_file(word: &str) -> bool {
    if !is_plain(word) {
        return false;
    }
    let (is_in_folder, file) = match word.rsplit_once('/') {
        Some((_, file)) => (true, file),
        None => (false, word),
    };
    let Some((stem, ending)) = file.rsplit_once('.') else {
        return WITHOUT_ENDING.contains(&file);
    };
    let limit = if is_in_folder { MAX_ENDING } else { MAX_BARE_ENDING };
    let is_ending = ending.starts_with(|c: char| c.is_ascii_alphabetic())
        && ending.len() <= limit
        && ending.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // `.gitignore` in a folder is a file, `.x` alone is anything.
    is_ending && (is_in_folder || !stem.is_empty() && !is_code(ending) && !is_version(stem))
}

/// Returns whether an ending is the code of a message, as in `models.E015`.
fn is_code(ending: &str) -> bool {
    let has = |is: fn(&u8) -> bool| ending.as_bytes().iter().any(is);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

/// Returns whether what stands before an ending is the beginning of a version, as in `4.2.rc1`.
fn is_version(stem: &str) -> bool {
    let number = stem.trim_start_matches('v');
    number.contains('.') && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Returns whether a word that is said to be a file can be one, whatever its ending.
pub(super) fn is_plain(word: &str) -> bool {
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | '~');
    !word.is_empty()
        && word.len() <= MAX_BYTES
        && !word.starts_with(['-', '+', '@'])
        && !word.ends_with('/')
        && !word.contains("//")
        && word.chars().all(is_part)
        && word.chars().any(char::is_alphabetic)
}

/// Returns whether a file lies outside of any project.
pub(super) fn is_outside(path: &str) -> bool {
    OUTSIDE.iter().any(|folder| path.starts_with(folder))
}

/// Joins a name to the folder that it is relative to, and removes `.` and `..` from the result.
pub(super) fn join(folder: &str, name: &str) -> String {
    let joined = if name.starts_with('/') || folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let root = if joined.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Returns what follows a folder in a name; `None` where it does not lie there.
pub(super) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_other_words() {
        for file in
            ["src/lib.rs", "Cargo.toml", "/srv/app/a.b.py", "~/x.sh", "a/.env", "Makefile", "1.py"]
        {
            assert!(is_file(file), "{file}");
        }
        for other in [
            "src",
            "-x.py",
            "1.2.3",
            "python3.9",
            "s/a/b/",
            "*.py",
            "a b.py",
            "src/",
            "e.",
            "models.E015",
            "4.2.rc1",
            "v1.10.dev3",
            "$X/a.py",
        ] {
            assert!(!is_file(other), "{other}");
        }
    }

    #[test]
    fn a_name_is_joined_to_its_folder() {
        assert_eq!(join("", "./a/../b.py"), "b.py");
        assert_eq!(join("/work", "app/./a.py"), "/work/app/a.py");
        assert_eq!(join("app/x", "../a.py"), "app/a.py");
        assert_eq!(join("app", "/etc/a.py"), "/etc/a.py");
        assert_eq!(join("", "../a.py"), "../a.py");
        assert_eq!((below("/w/a.py", "/w"), below("/wx/a.py", "/w")), (Some("a.py"), None));
    }
}
