//! The lines of a file, plain or packed.

use std::io::{self, BufRead, Read};

use super::bad_line::BadLine;
use crate::unpack::unpacked;

/// Longest line; a longer one is refused, so that one bad file cannot take all memory.
const MAX_LINE_BYTES: usize = 64 << 20;

/// Byte order mark of UTF-8; some programs write one at the beginning of a file.
const MARK: char = '\u{feff}';

/// Lines of a file that are not blank.
pub(super) struct Lines<'f> {
    file: Box<dyn BufRead + 'f>,
    bytes: Vec<u8>,
    number: u64,
}

/// One line that is not blank.
pub(super) struct TextLine<'l> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its length with its end.
    pub(super) n_bytes: usize,
    /// Its text.
    pub(super) text: Result<&'l str, BadLine>,
}

impl<'f> Lines<'f> {
    /// Begins with a file, unpacked if its content is packed.
    pub(super) fn new(file: impl Read + 'f) -> io::Result<Self> {
        let file = unpacked(file, 256 << 10)?;
        Ok(Self { file, bytes: Vec::new(), number: 0 })
    }

    /// Reads on to the next line; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<TextLine<'_>>> {
        loop {
            self.number += 1;
            let n_bytes = self.read_line()?;
            if n_bytes == 0 {
                return Ok(None);
            }
            if n_bytes > MAX_LINE_BYTES || !is_blank(&self.bytes) {
                let text = text(&self.bytes, n_bytes);
                return Ok(Some(TextLine { number: self.number, n_bytes, text }));
            }
        }
    }

    /// Reads one line and returns its length, which is 0 at the end of the file; of a line that is
    /// too long only the beginning is kept.
    fn read_line(&mut self) -> io::Result<usize> {
        self.bytes.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let mut n_bytes = self.file.by_ref().take(limit).read_until(b'\n', &mut self.bytes)?;
        if n_bytes > MAX_LINE_BYTES && self.bytes.last() != Some(&b'\n') {
            n_bytes += self.file.skip_until(b'\n')?;
        }
        Ok(n_bytes)
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.trim_start_matches(MARK).trim().is_empty())
}

fn text(bytes: &[u8], n_bytes: usize) -> Result<&str, BadLine> {
    if n_bytes > MAX_LINE_BYTES {
        return Err(BadLine::TooLong { limit: MAX_LINE_BYTES, got: n_bytes });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches(MARK)),
        Err(error) => Err(BadLine::Encoding { first_byte: error.valid_up_to() + 1 }),
    }
}
