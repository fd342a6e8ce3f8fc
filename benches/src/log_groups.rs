//! Logs whose lines are labelled with the statement that printed them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{DataError, broken};

/// End of the file names of labelled logs.
pub const SUFFIX: &str = ".log_structured.csv";

/// The lines of a log, each with its label.
#[derive(Debug, Clone)]
pub struct LabelledLog {
    /// The file's name without its ending.
    pub name: String,
    /// Message and label of each line.
    pub lines: Vec<(String, String)>,
}

/// Reads `NAME.log_structured.csv`, which has columns `Content` and `EventId`.
pub fn read_log(dir: &Path, name: &str) -> Result<LabelledLog, DataError> {
    let path = dir.join(format!("{name}{SUFFIX}"));
    let unreadable = |source| DataError::Unreadable { path: path.clone(), line: 0, source };
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let mut rows = rows(&text).into_iter();
    let head = rows.next().unwrap_or_default();
    let column = |wanted: &str| {
        let at = head.iter().position(|name| name == wanted);
        at.ok_or_else(|| broken(&path, 1, format!("no column {wanted}")))
    };
    let (content, label) = (column("Content")?, column("EventId")?);
    let line = |row: Vec<String>| Some((row.get(content)?.clone(), row.get(label)?.clone()));
    Ok(LabelledLog { name: name.to_owned(), lines: rows.filter_map(line).collect() })
}

/// Splits comma-separated values into rows; a field in quotes may hold commas, line breaks and
/// doubled quotes.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut is_quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// Returns the group accuracy: the share of lines whose group, made by `key`, holds exactly the
/// lines of one label.
#[must_use]
pub fn group_accuracy(log: &LabelledLog, key: impl Fn(&str) -> u64) -> f64 {
    let (mut groups, mut labels) =
        (BTreeMap::<u64, Vec<&str>>::new(), BTreeMap::<&str, usize>::new());
    for (message, label) in &log.lines {
        groups.entry(key(message)).or_default().push(label);
        *labels.entry(label).or_default() += 1;
    }
    let right = groups.values().filter(|group| {
        group.iter().all(|label| *label == group[0]) && labels.get(group[0]) == Some(&group.len())
    });
    let n_right: usize = right.map(Vec::len).sum();
    n_right as f64 / log.lines.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_quotes_may_hold_anything() {
        let dir = tempfile::tempdir().unwrap();
        let text = "LineId,Content,EventId\r\n1,\"a, \"\"b\"\"\nc\",E1\n2,plain,E2";
        std::fs::write(dir.path().join(format!("x{SUFFIX}")), text).unwrap();
        let log = read_log(dir.path(), "x").unwrap();
        let expected = [("a, \"b\"\nc", "E1"), ("plain", "E2")];
        assert_eq!(log.lines, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert!(read_log(dir.path(), "y").is_err());
        std::fs::write(dir.path().join(format!("z{SUFFIX}")), "Content\na").unwrap();
        assert!(read_log(dir.path(), "z").unwrap_err().to_string().contains("no column EventId"));
    }

    #[test]
    fn a_group_is_right_when_it_is_one_label_and_all_of_it() {
        let lines = [("a", "1"), ("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"), ("d", "4")];
        let lines = lines.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
        let log = LabelledLog { name: String::new(), lines };
        let key = |message: &str| u64::from(message.as_bytes()[0]);
        assert!((group_accuracy(&log, key) - 2.0 / 6.0).abs() < 1e-12);
    }
}
