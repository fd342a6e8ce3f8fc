//! Output of commands, and their failures.
//!
//! Results go to standard output, as text or as JSON; remarks and errors to standard error. No text
//! that is printed here steers a terminal, wherever it comes from. Used by all commands and by
//! `main`.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;

use memory_capture::json::escape_controls;
use memory_capture::jsonl::WriteError;
use memory_core::{Error, Receipt};
use serde::Serialize;

use crate::config::BadSetting;
use crate::install::InstallError;
use crate::store::StoreError;
use crate::wire::{is_control, printable};

/// Reason why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument or a setting is wrong.
    Usage(String),
    /// It could not be done.
    Failed(String),
    /// It was done in part, and what was left out has been reported.
    Incomplete,
    /// Nobody reads what it prints any more.
    ReaderLeft,
}

impl Failure {
    /// Exit code for wrong arguments and settings.
    pub(crate) const USAGE: u8 = 2;

    /// Returns the message for the user, in one line.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Usage(message) | Self::Failed(message) => Some(message),
            Self::Incomplete | Self::ReaderLeft => None,
        }
    }

    /// Returns the exit code of the process.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => Self::USAGE,
            Self::Failed(_) | Self::Incomplete => 1,
            Self::ReaderLeft => 0,
        }
    }

    /// Returns the failure to read or write a file.
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

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Engine(error) => error.into(),
            StoreError::NoProvider { .. }
            | StoreError::MissingSetting { .. }
            | StoreError::Unsupported { .. } => Self::Usage(error.to_string()),
            StoreError::Storage { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        Self::Failed(error.to_string())
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

/// For records that are printed.
impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Memory(error) => error.into(),
            WriteError::Write(error) => error.into(),
        }
    }
}

/// Streams that a command prints to.
pub(crate) struct Output<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    json: bool,
}

impl<'a> Output<'a> {
    /// Prints results to `out`, as JSON if `json` is set, and remarks to `err`.
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, json: bool) -> Self {
        Self { out, err, json }
    }

    /// Returns whether JSON is asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the stream of results, for commands that write a format of their own.
    pub(crate) fn stream(&mut self) -> &mut dyn Write {
        &mut *self.out
    }

    /// Prints lines for people.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{}", printable(text)).map_err(Failure::from)
    }

    /// Prints one JSON value on one line.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(io::Error::from)?;
        writeln!(self.out, "{}", escape_controls(json)).map_err(Failure::from)
    }

    /// Prints a remark beside the result.
    pub(crate) fn remark(&mut self, text: &str) {
        // Without stderr the result still counts.
        drop(writeln!(self.err, "{}", printable(text)));
    }

    /// Prints remarks about what was changed in a text before it was stored.
    pub(crate) fn remark_receipt<T>(&mut self, receipt: &Receipt<T>) {
        if receipt.n_masked > 0 {
            self.remark(&format!("{} secrets masked", receipt.n_masked));
        }
        if receipt.n_cut > 0 {
            self.remark("the text was too long and is kept by head and tail");
        }
    }

    /// Prints rows in aligned columns; the last column may be of any width.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        let one_line = |row: &Vec<String>| -> Vec<String> {
            row.iter().map(|cell| one_line(cell, usize::MAX)).collect()
        };
        let rows: Vec<Vec<String>> =
            std::iter::once(head).chain(rows.iter().map(one_line)).collect();
        let mut widths = Vec::new();
        for row in &rows {
            widths.resize(row.len().max(widths.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// Returns a text of the command line; `-` stands for standard input.
pub(crate) fn given(mut text: String) -> Result<String, Failure> {
    if text == "-" {
        text.clear();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
    }
    Ok(text)
}

/// Returns a text as one line of at most `width` characters that cannot steer a terminal.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    // Before the hidden characters go, controls separate words.
    let words = text.split(|c: char| c.is_whitespace() || is_control(c));
    let words: Vec<Cow<'_, str>> = words.map(printable).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.char_indices().nth(width).is_none() {
        return line;
    }
    let mut cut: String = line.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Returns a text in full, indented, that cannot steer a terminal.
pub(crate) fn block(text: &str, indent: &str) -> String {
    let lines = text.lines().map(|line| format!("{indent}{}", printable(line)));
    lines.collect::<Vec<String>>().join("\n")
}

/// Returns a size in the largest unit that leaves a whole number before the point.
pub(crate) fn size(n_bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let mut value = n_bytes as f64;
    let mut unit = "bytes";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1_024.0 {
            break;
        }
        (value, unit) = (value / 1_024.0, larger);
    }
    if unit == "bytes" { format!("{n_bytes} bytes") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Returns the texts on standard output and on standard error.
    fn printed(print: impl Fn(&mut Output<'_>)) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        print(&mut Output::new(&mut out, &mut err, false));
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn columns_are_aligned_and_the_last_one_is_free() {
        let rows =
            [vec!["a".to_owned(), "x".to_owned()], vec!["bébé".to_owned(), "a b c".to_owned()]];
        let (out, _) = printed(|output| output.table(&["id", "text"], &rows).unwrap());
        assert_eq!(out, "id    text\na     x\nbébé  a b c\n");
    }

    #[test]
    fn nothing_that_is_printed_steers_a_terminal() {
        let evil = "a\u{1b}[2Jb\u{7f}\u{9b}31m\u{2028}c\u{202e}\u{e0041}\rd";
        let (out, err) = printed(|output| {
            output.line(evil).unwrap();
            output.remark(evil);
            output.table(&["x"], &[vec![evil.to_owned()]]).unwrap();
            output.value(&evil).unwrap();
        });
        let acts = |c: char| c != '\n' && (is_control(c) || c == '\u{9b}');
        assert!(!out.contains(acts) && !err.contains(acts), "{out:?} {err:?}");
        assert!(err.starts_with("a[2Jb31mcd"), "{err:?}");
        let json: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
        assert_eq!(json, evil, "programs get it whole");
    }

    #[test]
    fn a_text_becomes_one_safe_line_of_bounded_width() {
        assert_eq!(one_line("  a\n\tb\u{1b}[31m c ", 20), "a b [31m c");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line("abcd", 4), "abcd");
        assert_eq!(one_line("", 4), "");
        assert_eq!(one_line("a\u{2028}b\u{7f}c \u{e0041} d\u{202e}e", 20), "a b c de");
    }

    #[test]
    fn a_block_is_indented_and_cannot_steer_the_terminal() {
        assert_eq!(block("a\u{1b}[2J\n\tb\u{2029}c", "  "), "  a[2J\n  \tbc");
    }

    #[test]
    fn a_size_is_short() {
        assert_eq!((size(0), size(1_023)), ("0 bytes".to_owned(), "1023 bytes".to_owned()));
        assert_eq!((size(1_536), size(3 << 30)), ("1.5 KiB".to_owned(), "3.0 GiB".to_owned()));
    }
}
