//! Description of a model among those of one shape: a section of the packed file.
//!
//! Three `u32` (pooling, wordpieces that are read of a text and of a query), then three texts
//! (id, prefix of queries, prefix of texts), each a `u32` length and UTF-8 bytes. The rest is zero.

use crate::windows::Windows;

/// Bytes of the section.
pub const DESCRIPTION_BYTES: usize = 512;

/// Way in which the last hidden states of a text become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first token, the marker before the text.
    FirstToken,
}

/// All that is told of a model beside its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Name of the model and of its quantization, for example `all-MiniLM-L6-v2/int8-1`; the id
    /// of its vectors adds the window of texts.
    pub id: String,
    /// Way in which hidden states become a vector.
    pub pooling: Pooling,
    /// Wordpieces that are read, without the prefix.
    pub windows: Windows,
    /// Text that stands before every query.
    pub query_prefix: String,
    /// Text that stands before every stored text.
    pub text_prefix: String,
}

impl Description {
    /// Writes the section; `None` when the texts do not fit it or a window no `u32`.
    #[must_use]
    pub fn encode(&self) -> Option<[u8; DESCRIPTION_BYTES]> {
        let pooling = match self.pooling {
            Pooling::Mean => 0,
            Pooling::FirstToken => 1,
        };
        let mut bytes = Vec::new();
        for number in [pooling, self.windows.text, self.windows.query] {
            bytes.extend(u32::try_from(number).ok()?.to_le_bytes());
        }
        for text in [&self.id, &self.query_prefix, &self.text_prefix] {
            bytes.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        if bytes.len() > DESCRIPTION_BYTES {
            return None;
        }
        bytes.resize(DESCRIPTION_BYTES, 0);
        bytes.try_into().ok()
    }

    /// Reads the section; `None` when it holds no description.
    #[must_use]
    pub fn decode(section: &[u8]) -> Option<Self> {
        let mut rest = section;
        let pooling = match number(&mut rest)? {
            0 => Pooling::Mean,
            1 => Pooling::FirstToken,
            _ => return None,
        };
        let windows = Windows { text: number(&mut rest)?, query: number(&mut rest)? };
        let read_whole = |pieces: usize| (1..=Windows::LARGEST).contains(&pieces);
        if !read_whole(windows.text) || !read_whole(windows.query) {
            return None;
        }
        let (id, query_prefix) = (text(&mut rest)?, text(&mut rest)?);
        let text_prefix = text(&mut rest)?;
        let described = Self { id, pooling, windows, query_prefix, text_prefix };
        (!described.id.is_empty()).then_some(described)
    }
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (bytes, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let n_bytes = number(rest)?;
    let (text, after) = rest.split_at_checked(n_bytes)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn described(id: &str, query_prefix: &str) -> Description {
        Description {
            id: id.to_owned(),
            pooling: Pooling::FirstToken,
            windows: Windows { text: 254, query: 62 },
            query_prefix: query_prefix.to_owned(),
            text_prefix: String::new(),
        }
    }

    proptest! {
        #[test]
        fn a_description_that_fits_is_read_as_it_was_written(
            id in "\\PC{1,40}", prefix in "\\PC{0,60}", mean in any::<bool>(),
            text in 1..=254_usize, query in 1..=254_usize,
        ) {
            let pooling = if mean { Pooling::Mean } else { Pooling::FirstToken };
            let windows = Windows { text, query };
            let written = Description { pooling, windows, ..described(&id, &prefix) };
            prop_assert_eq!(Description::decode(&written.encode().unwrap()), Some(written));
        }

        #[test]
        fn any_bytes_are_a_description_or_none(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            if let Some(found) = Description::decode(&bytes) {
                prop_assert!(!found.id.is_empty());
            }
        }
    }

    #[test]
    fn texts_that_do_not_fit_are_not_cut() {
        let free = DESCRIPTION_BYTES - 6 * 4;
        assert!(described("m", &"q".repeat(free - 1)).encode().is_some());
        assert_eq!(described("m", &"q".repeat(free)).encode(), None);
    }

    #[test]
    fn a_cut_section_a_window_that_cannot_be_read_and_an_unknown_pooling_are_no_description() {
        let good = described("m", "q").encode().unwrap();
        assert!(Description::decode(&good).is_some());
        assert_eq!(Description::decode(&good[..20]), None);
        for (at, byte) in [(0, 2), (4, 0), (5, 1), (8, 255), (15, 1)] {
            let mut wrong = good;
            wrong[at] = byte;
            assert_eq!(Description::decode(&wrong), None, "byte {at} as {byte}");
        }
    }
}
