//! The records of a file.

use std::io::{self, Read};

use super::bad_line::BadLine;
use super::lines::Lines;
use super::parse::{Parser, Rules};
use crate::importer::Captured;

/// Reader of the records of one file, in the order of their lines.
///
/// Memory: the longest line and what is made of it. After an error of the file there is nothing
/// more.
pub struct Reader<'f> {
    lines: Lines<'f>,
    parser: Parser,
    has_failed: bool,
}

/// One line of a file that is not blank.
#[derive(Debug)]
pub struct Entry {
    /// Number of the line, from 1.
    pub line: u64,
    /// Length of the line, in bytes.
    pub n_bytes: usize,
    /// Its record, or why it has none.
    pub record: Result<Captured, BadLine>,
}

impl<'f> Reader<'f> {
    /// Begins with a file; its content says whether it is packed by gzip.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn new(file: impl Read + 'f, rules: Rules) -> io::Result<Self> {
        Ok(Self { lines: Lines::new(file)?, parser: Parser::new(rules), has_failed: false })
    }
}

impl Iterator for Reader<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        if self.has_failed {
            return None;
        }
        let line = match self.lines.next() {
            Ok(line) => line?,
            Err(error) => {
                self.has_failed = true;
                return Some(Err(error));
            }
        };
        let record = line.text.and_then(|text| self.parser.parse(text));
        Some(Ok(Entry { line: line.number, n_bytes: line.n_bytes, record }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use memory_core::{Import, Scope, Timestamp};

    use super::*;

    fn rules() -> Rules {
        let now = Timestamp::from_millis(0);
        Rules { scope: None, default_scope: Scope::new("here").unwrap(), kind: None, now }
    }

    /// Texts of the notes of a file, by the number of their line; reasons of the others.
    fn read(file: &[u8]) -> Vec<(u64, String)> {
        let entry = |entry: io::Result<Entry>| {
            let Entry { line, record, .. } = entry.unwrap();
            match record.map(|captured| captured.record) {
                Ok(Import::Note(note)) => (line, note.text),
                Ok(other) => panic!("not a note: {other:?}"),
                Err(reason) => (line, reason.to_string()),
            }
        };
        Reader::new(file, rules()).unwrap().map(entry).collect()
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    const A: &str = r#"{"id":"a","text":"one"}"#;
    const B: &str = r#"{"id":"b","text":"two"}"#;

    #[test]
    fn lines_are_numbered_as_an_editor_numbers_them() {
        let both = [(1, "one".to_owned()), (2, "two".to_owned())];
        for file in [
            format!("{A}\n{B}\n"),
            format!("{A}\r\n{B}\r\n"),
            format!("\u{feff}{A}\n\u{feff}{B}"),
            format!("{A}\n{B}\n\n  \n\u{feff}\n"),
        ] {
            assert_eq!(read(file.as_bytes()), both, "{file:?}");
        }
        assert_eq!(read(format!("\n\n{A}").as_bytes())[0].0, 3);
        assert!(read(b"").is_empty());
    }

    #[test]
    fn a_bad_line_costs_nothing_but_itself() {
        let file = [A.as_bytes(), b"\n{\"id\":\"x\",\"text\":\"\xff\"}\nnot json\n", B.as_bytes()];
        let lines = read(&file.concat());
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(lines[1].1, "is not UTF-8 from byte 19 on");
        assert!(lines[2].1.contains("column") && !lines[2].1.contains("line 1"), "{lines:?}");
        assert_eq!(lines[3].1, "two");
    }

    #[test]
    fn members_of_a_gzip_file_are_read_one_after_the_other() {
        let file = [gzip(&format!("{A}\n")), gzip(&format!("{B}\n"))].concat();
        assert_eq!(read(&file).len(), 2);
    }

    #[test]
    fn a_gzip_file_that_is_cut_off_is_an_error_and_the_end() {
        let file = gzip(&format!("{A}\n"));
        let mut reader = Reader::new(&file[..file.len() - 6], rules()).unwrap();
        let last = reader.by_ref().last();
        assert!(matches!(last, Some(Err(_))), "{last:?}");
        assert!(reader.next().is_none());
    }
}
