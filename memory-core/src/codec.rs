//! Byte codec: numbers and texts appended to a `Vec<u8>` and read back from a slice.
//!
//! Numbers are unsigned LEB128 varints (seven bits a byte, lowest first, the high bit set on all
//! but the last byte) or little-endian words of a fixed width; texts and lists begin with their
//! length as a varint. Nothing is aligned and nothing describes itself: reader and writer must
//! agree on the order. Whoever stores the bytes adds a version and a checksum. Reading never
//! panics, and no length is believed beyond the bytes that are left, so that damaged input reserves
//! no memory.

use thiserror::Error;

/// Reason why bytes cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum DecodeError {
    /// The bytes end before the value does, or a length exceeds them.
    #[error("the bytes end early")]
    Truncated,
    /// Bytes are left after the last value.
    #[error("bytes are left over")]
    Trailing,
    /// A varint has more than 64 bits, or a number does not fit its type.
    #[error("a number is too large")]
    Overflow,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A value is outside the range that it may have.
    #[error("invalid {what}")]
    Invalid {
        /// The value.
        what: &'static str,
    },
}

/// Appends values to bytes.
#[derive(Debug, Default)]
pub(crate) struct ByteWriter {
    bytes: Vec<u8>,
}

impl ByteWriter {
    /// Creates an empty writer.
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends bytes as they are; the reader must know how many.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub(crate) fn u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    /// Appends a word of eight bytes.
    pub(crate) fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Appends a varint: one byte below 128, ten bytes at most.
    pub(crate) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    /// Appends a length or a number of items as a varint.
    pub(crate) fn count(&mut self, n: usize) {
        self.varint(n as u64);
    }

    /// Appends a text with its length in bytes.
    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    /// Appends a byte that is 1 for a number, and the number as a varint.
    pub(crate) fn optional_varint(&mut self, number: Option<u64>) {
        self.u8(u8::from(number.is_some()));
        if let Some(number) = number {
            self.varint(number);
        }
    }

    /// Returns what was written so far.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns everything that was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads values from bytes in the order in which they were written.
#[derive(Debug)]
pub(crate) struct ByteReader<'a> {
    rest: &'a [u8],
}

impl<'a> ByteReader<'a> {
    /// Creates a reader at the beginning of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads `n` bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads as many bytes as the array holds.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    /// Reads one byte.
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    /// Reads a word of eight bytes.
    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a varint.
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            // The tenth byte has room for one bit only.
            if bits << shift >> shift != bits {
                return Err(DecodeError::Overflow);
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Overflow)
    }

    /// Reads a varint that must fit 32 bits.
    pub(crate) fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::Overflow)
    }

    /// Reads a number of items of which each takes at least `item_bytes` of the bytes that follow.
    pub(crate) fn count(&mut self, item_bytes: usize) -> Result<usize, DecodeError> {
        let n = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        let fits = n.checked_mul(item_bytes).is_some_and(|n_bytes| n_bytes <= self.rest.len());
        if fits { Ok(n) } else { Err(DecodeError::Truncated) }
    }

    /// Reads a text with its length.
    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let n_bytes = self.count(1)?;
        std::str::from_utf8(self.bytes(n_bytes)?).map_err(|_| DecodeError::NotUtf8)
    }

    /// Reads what [`ByteWriter::optional_varint`] wrote.
    pub(crate) fn optional_varint(&mut self) -> Result<Option<u64>, DecodeError> {
        match self.u8()? {
            0 => Ok(None),
            1 => self.varint().map(Some),
            _ => Err(DecodeError::Invalid { what: "flag of an optional number" }),
        }
    }

    /// Reads a list: the number of its items, then each of them, of at least `item_bytes` bytes.
    pub(crate) fn list<T>(
        &mut self,
        item_bytes: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let n = self.count(item_bytes)?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Returns what is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Trailing`] when something is left.
    pub(crate) const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_come_back_in_their_order(
            number in any::<u64>(), small in 0_u64..300, text in "\\PC{0,9}",
            optional in any::<Option<u64>>(), items in prop::collection::vec(any::<u32>(), 0..9),
        ) {
            let mut out = ByteWriter::new();
            out.varint(number);
            out.varint(small);
            out.u64(number);
            out.text(&text);
            out.optional_varint(optional);
            out.count(items.len());
            for item in &items {
                out.varint(u64::from(*item));
            }
            let bytes = out.into_bytes();
            let mut input = ByteReader::new(&bytes);
            prop_assert_eq!((input.varint(), input.varint()), (Ok(number), Ok(small)));
            prop_assert_eq!((input.u64(), input.text()), (Ok(number), Ok(text.as_str())));
            prop_assert_eq!(input.optional_varint(), Ok(optional));
            prop_assert_eq!(input.list(1, ByteReader::varint_u32), Ok(items));
            prop_assert_eq!(input.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let reader = || ByteReader::new(&bytes);
            let _varint = reader().varint();
            let _word = reader().u64();
            let _optional = reader().optional_varint();
            if let Ok(text) = reader().text() {
                prop_assert!(text.len() < bytes.len());
            }
            if let Ok(items) = reader().list(1, ByteReader::u8) {
                prop_assert!(items.len() < bytes.len());
            }
        }
    }

    #[test]
    fn a_varint_takes_a_byte_for_each_seven_bits() {
        let encoded = |number| {
            let mut out = ByteWriter::new();
            out.varint(number);
            out.into_bytes()
        };
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(127), [0x7f]);
        assert_eq!(encoded(300), [0xac, 0x02]);
        assert_eq!(encoded(u64::MAX), [&[0xff; 9][..], &[1]].concat());
    }

    #[test]
    fn each_kind_of_damage_has_its_error() {
        let read = |bytes: &[u8]| ByteReader::new(bytes).varint();
        assert_eq!(read(&[0x80]), Err(DecodeError::Truncated));
        let wide = [&[0xff; 9][..], &[2]].concat();
        assert_eq!(read(&wide), Err(DecodeError::Overflow), "more than 64 bits");
        assert_eq!(read(&[0x80; 11]), Err(DecodeError::Overflow), "more than ten bytes");
        let text = |bytes: &[u8]| ByteReader::new(bytes).text().map(str::to_owned);
        assert_eq!(text(&[1, 0xff]), Err(DecodeError::NotUtf8));
        assert_eq!(text(&[9, b'a']), Err(DecodeError::Truncated));
        let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
        let list = ByteReader::new(&huge).list(1, ByteReader::u8);
        assert_eq!(list, Err(DecodeError::Truncated), "a length beyond the bytes");
        assert_eq!(ByteReader::new(&huge[..4]).u64(), Err(DecodeError::Truncated));
        let flag = ByteReader::new(&[2]).optional_varint();
        assert!(matches!(flag, Err(DecodeError::Invalid { .. })), "{flag:?}");
        assert_eq!(ByteReader::new(&[0]).finish(), Err(DecodeError::Trailing));
        let wide = ByteReader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint_u32();
        assert_eq!(wide, Err(DecodeError::Overflow));
    }
}
