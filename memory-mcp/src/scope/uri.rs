//! The folder that a `file:` URI names.

use std::path::PathBuf;

use super::address::decoded_bytes;

/// Returns the folder of a URI, as clients name their roots; `None` where it is no folder of this
/// machine. Some clients send the path itself.
pub(crate) fn file_path(uri: &str) -> Option<PathBuf> {
    let uri = uri.trim();
    let path = match uri.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => rest,
        _ => {
            let path = PathBuf::from(uri);
            return path.is_absolute().then_some(path);
        }
    };
    // `file:///path`, `file://localhost/path` and, seldom, `file:/path`.
    let path = match path.strip_prefix("//") {
        Some(rest) => rest.get(rest.find('/')?..)?,
        None => path,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = from_bytes(decoded_bytes(path))?;
    path.is_absolute().then_some(path)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have paths that are text")]
fn from_bytes(path: Vec<u8>) -> Option<PathBuf> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(path).into())
}

/// Elsewhere a path is text, and `/C:/work` names a drive.
#[cfg(not(unix))]
fn from_bytes(path: Vec<u8>) -> Option<PathBuf> {
    let path = String::from_utf8(path).ok()?;
    let drive = path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    Some(drive.unwrap_or(&path).into())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_read_in_every_form_that_clients_send() {
        for (uri, path) in [
            ("file:///home/me/shop", "/home/me/shop"),
            ("file://localhost/home/me/shop", "/home/me/shop"),
            ("FILE:/home/me/shop", "/home/me/shop"),
            ("file:///home/me/my%20shop%23/", "/home/me/my shop#/"),
            ("file:///home/J%C3%B6rg", "/home/Jörg"),
            (" /home/me/shop ", "/home/me/shop"),
        ] {
            assert_eq!(file_path(uri), Some(path.into()), "{uri}");
        }
        for none in ["", "https://example.org/x", "file://host", "shop", "untitled:1"] {
            assert_eq!(file_path(none), None, "{none}");
        }
    }
}
