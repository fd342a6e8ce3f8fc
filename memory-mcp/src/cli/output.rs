//! What commands print, and how they fail.

use std::io::{self, Write};
use std::path::Path;

use memory_core::{Error, StorageError};
use serde::Serialize;

use crate::config::BadSetting;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked wrongly.
    Usage(String),
    /// It could not be done.
    Failed(String),
    /// It was done in part, and what was left out has been said.
    Incomplete,
    /// Nobody reads what it prints any more.
    ReaderLeft,
}

impl Failure {
    /// Exit code for wrong arguments and settings.
    pub(crate) const USAGE: u8 = 2;

    /// What to tell the user, in one line.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Usage(message) | Self::Failed(message) => Some(message),
            Self::Incomplete | Self::ReaderLeft => None,
        }
    }

    /// How the process ends.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => Self::USAGE,
            Self::Failed(_) | Self::Incomplete => 1,
            Self::ReaderLeft => 0,
        }
    }

    /// The store at `path` failed outside of the engine.
    pub(crate) fn store(path: &Path, error: &StorageError) -> Self {
        match error {
            // These name it themselves.
            StorageError::Unavailable { .. } | StorageError::Corrupt { .. } => {
                Self::Failed(error.to_string())
            }
            _ => Self::Failed(format!("{}: {error}", path.display())),
        }
    }

    /// A file could not be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { .. } | Error::LimitExceeded { .. } => Self::Usage(error.to_string()),
            Error::NotFound { .. } => {
                Self::Failed(format!("{error}; `memory-mcp list` shows what is"))
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<BadSetting> for Failure {
    fn from(error: BadSetting) -> Self {
        Self::Usage(error.to_string())
    }
}

/// For what is printed; files have [`Failure::file`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderLeft,
            _ => Self::Failed(format!("standard output: {error}")),
        }
    }
}

/// Where a command prints.
pub(crate) struct Output<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    json: bool,
}

impl<'a> Output<'a> {
    /// Results go to `out`, remarks to `err`; with `json` results are JSON.
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, json: bool) -> Self {
        Self { out, err, json }
    }

    /// Whether JSON is asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// The stream of results, for commands that write another format.
    pub(crate) fn stream(&mut self) -> &mut dyn Write {
        &mut *self.out
    }

    /// Prints a line for people.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::from)
    }

    /// Prints one JSON value on one line.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut *self.out, value).map_err(io::Error::from)?;
        self.out.write_all(b"\n").map_err(Failure::from)
    }

    /// Says something beside the result.
    pub(crate) fn remark(&mut self, text: &str) {
        // Without stderr the result still counts.
        drop(writeln!(self.err, "{text}"));
    }

    /// Prints rows in aligned columns; the last column may be of any width.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
        let mut widths = vec![0_usize; head.len()];
        for row in std::iter::once(&head).chain(rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&head).chain(rows) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if at + 1 == row.len() {
                    line.push_str(cell);
                } else {
                    let padding = *width - cell.chars().count() + 2;
                    line.push_str(cell);
                    line.extend(std::iter::repeat_n(' ', padding));
                }
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// A text as one line of at most `width` characters, without what could steer a terminal.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    let mut line = String::new();
    let mut n_chars = 0;
    let visible = text.split(|c: char| c.is_whitespace() || c.is_control());
    for word in visible.filter(|word| !word.is_empty()) {
        for c in (!line.is_empty()).then_some(' ').into_iter().chain(word.chars()) {
            if n_chars == width {
                line.pop();
                line.push('…');
                return line;
            }
            line.push(c);
            n_chars += 1;
        }
    }
    line
}

/// A text in full, indented, without what could steer a terminal.
pub(crate) fn block(text: &str, indent: &str) -> String {
    let mut block = String::new();
    for line in text.lines() {
        if !block.is_empty() {
            block.push('\n');
        }
        block.push_str(indent);
        block.extend(line.chars().filter(|c| !c.is_control() || *c == '\t'));
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_last_one_is_free() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let rows =
            [vec!["a".to_owned(), "x".to_owned()], vec!["bébé".to_owned(), "a b c".to_owned()]];
        Output::new(&mut out, &mut err, false).table(&["id", "text"], &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "id    text\na     x\nbébé  a b c\n");
    }

    #[test]
    fn a_text_becomes_one_safe_line_of_bounded_width() {
        assert_eq!(one_line("  a\n\tb\u{1b}[31m c ", 20), "a b [31m c");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line("abcd", 4), "abcd");
        assert_eq!(one_line("", 4), "");
    }

    #[test]
    fn a_block_is_indented_and_cannot_steer_the_terminal() {
        assert_eq!(block("a\u{1b}[2J\n\tb", "  "), "  a[2J\n  \tb");
    }
}
