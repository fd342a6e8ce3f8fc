//! Reads lines of bounded length from a pipe.
//!
//! Input: bytes. Output: one line after the other without its end, or the id of the request in a
//! line that is too long to be kept. Used by the transport. Knows nothing of JSON but what [`Skim`]
//! knows.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::skim::Skim;

/// Longest line that is read, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// One line of the input.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A line, without the line break. The last one of the input may lack it.
    Whole(Vec<u8>),
    /// A line of more than [`MAX_LINE_BYTES`], which was passed over.
    TooLong {
        /// Id of the request in it; null where none was found.
        id: Value,
    },
    /// The end of the input, or a pipe that cannot be read any more.
    End,
}

/// Reader of lines.
///
/// [`Lines::next`] may be dropped at any time and called again: what was read is kept here.
pub(super) struct Lines<R> {
    pipe: BufReader<R>,
    /// The line that is being read.
    line: Vec<u8>,
    /// State of the scan over a line that is too long.
    passed_over: Option<Skim>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads from `pipe`.
    pub(super) fn new(pipe: R) -> Self {
        Self { pipe: BufReader::new(pipe), line: Vec::new(), passed_over: None }
    }

    /// Returns the next line, when all of it is there.
    pub(super) async fn next(&mut self) -> Line {
        loop {
            let piece = match self.pipe.fill_buf().await {
                Ok(piece) => piece,
                Err(error) => {
                    tracing::warn!(%error, "the input cannot be read any more");
                    return Line::End;
                }
            };
            if piece.is_empty() {
                let rest = std::mem::take(&mut self.line);
                self.passed_over = None;
                return if rest.is_empty() { Line::End } else { Line::Whole(rest) };
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            let n_taken = end.map_or(piece.len(), |end| end + 1);
            if let Some(skim) = &mut self.passed_over {
                skim.feed(part);
            } else if self.line.len() + part.len() <= MAX_LINE_BYTES {
                self.line.extend_from_slice(part);
            } else {
                let mut skim = Skim::of(&std::mem::take(&mut self.line));
                skim.feed(part);
                self.passed_over = Some(skim);
            }
            self.pipe.consume(n_taken);
            if end.is_none() {
                continue;
            }
            return match self.passed_over.take() {
                Some(skim) => Line::TooLong { id: skim.request_id() },
                None => Line::Whole(std::mem::take(&mut self.line)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let read = async {
            let mut lines = Lines::new(input);
            let mut all = Vec::new();
            loop {
                match lines.next().await {
                    Line::End => return all,
                    line => all.push(line),
                }
            }
        };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(read)
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_given_without_their_end_also_the_last_one() {
        assert_eq!(lines(b"a\n\nbc\r\nd"), [whole("a"), whole(""), whole("bc\r"), whole("d")]);
        assert_eq!(lines(b"a\n"), [whole("a")]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_of_the_limit_is_read_and_a_longer_one_is_told_by_its_id() {
        let filler = "x".repeat(MAX_LINE_BYTES);
        let limit = lines(format!("{filler}\nnext\n").as_bytes());
        assert!(limit == [whole(&filler), whole("next")], "{}", limit.len());
        for (before, after) in [("\"id\":7,", ""), ("", ",\"id\":7")] {
            let long =
                format!("{{{before}\"method\":\"m\",\"params\":\"{filler}\"{after}}}\nnext\n");
            let id = json!(7);
            assert_eq!(lines(long.as_bytes()), [Line::TooLong { id }, whole("next")]);
        }
    }
}
