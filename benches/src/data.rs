//! Gzip JSON lines, read whole; an error names the file and the line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;

/// Reason why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It is not there.
    #[error("{path} is missing: {wanted}")]
    Missing {
        /// Missing file or folder.
        path: PathBuf,
        /// Description of the expected content.
        wanted: String,
    },
    /// It cannot be read, decompressed or written.
    #[error("cannot use {path}, line {line}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Line from 1; 0 when it could not be opened.
        line: usize,
        /// Error of the system.
        source: std::io::Error,
    },
    /// Its content is not what it should be.
    #[error("{path} is broken at line {line}: {reason}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// Reason.
        reason: String,
    },
}

/// Reads every line of a gzip file of JSON lines.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DataError> {
    let unreadable =
        |line| move |source| DataError::Unreadable { path: path.to_path_buf(), line, source };
    let file = File::open(path).map_err(unreadable(0))?;
    let mut records = Vec::new();
    for (i, line) in BufReader::new(MultiGzDecoder::new(file)).lines().enumerate() {
        let line = line.map_err(unreadable(i + 1))?;
        let record = serde_json::from_str(&line).map_err(|e| broken(path, i + 1, e.to_string()))?;
        records.push(record);
    }
    if records.is_empty() {
        return Err(broken(path, 1, "the file has no lines"));
    }
    Ok(records)
}

/// Returns the error of a file with unexpected content.
#[must_use]
pub fn broken(path: &Path, line: usize, reason: impl Into<String>) -> DataError {
    DataError::Broken { path: path.to_path_buf(), line, reason: reason.into() }
}

/// Names of the sets of which `dir` holds a file `NAME{suffix}`, sorted.
pub fn set_names(dir: &Path, suffix: &str) -> Result<Vec<String>, DataError> {
    let unreadable = |source| DataError::Unreadable { path: dir.to_path_buf(), line: 0, source };
    if !dir.is_dir() {
        let wanted = "the folder with the data sets (--data DIR)".to_owned();
        return Err(DataError::Missing { path: dir.to_path_buf(), wanted });
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let file_name = entry.map_err(unreadable)?.file_name();
        if let Some(name) = file_name.to_str().and_then(|name| name.strip_suffix(suffix)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    if names.is_empty() {
        let wanted = "no file of that form is in the folder".to_owned();
        return Err(DataError::Missing { path: dir.join(format!("NAME{suffix}")), wanted });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        let mut file = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
        path
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = gzip(dir.path(), "a.jsonl.gz", "{\"x\":1}\n{\"x\":\n");
        let message = read_lines::<serde_json::Value>(&path).unwrap_err().to_string();
        assert!(message.contains("a.jsonl.gz is broken at line 2"), "{message}");
    }

    #[test]
    fn a_file_cut_short_is_no_short_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = gzip(dir.path(), "a.jsonl.gz", &"{\"x\":1}\n".repeat(1000));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
        let error = read_lines::<serde_json::Value>(&path).unwrap_err();
        assert!(matches!(error, DataError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn sets_are_found_by_their_suffix() {
        let dir = tempfile::tempdir().unwrap();
        gzip(dir.path(), "b.corpus.jsonl.gz", "");
        gzip(dir.path(), "a.corpus.jsonl.gz", "");
        gzip(dir.path(), "a.queries.jsonl.gz", "");
        assert_eq!(set_names(dir.path(), ".corpus.jsonl.gz").unwrap(), ["a", "b"]);
        assert!(set_names(dir.path(), ".series.jsonl.gz").is_err());
        assert!(set_names(&dir.path().join("none"), ".x").is_err());
    }
}
