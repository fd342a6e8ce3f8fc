//! Identifiers: UUIDv7 newtypes, so that an episode's id cannot be taken for a note's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::invalid::InvalidValue;

/// Shortest accepted prefix of an id, in hexadecimal digits.
///
/// Eight digits are the upper 32 bits of the millisecond clock (65 s apart), so a prefix this short
/// is usually ambiguous only between records of the same minute.
const MIN_PREFIX_DIGITS: usize = 8;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes the id from its 16 bytes (big endian, as RFC 9562 prints them).
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Gives the 16 bytes of the id; their order is the order of creation.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                *self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(s: &str) -> Result<Self, InvalidValue> {
                match IdRange::from_prefix(s)? {
                    range if range.first == range.last => Ok(Self::from_bytes(range.first)),
                    _ => Err(InvalidValue::new(
                        "id",
                        concat!("a whole ", $kind, " id has 32 hexadecimal digits"),
                    )),
                }
            }
        }
    };
}

id_type!(
    /// Names one episode.
    EpisodeId,
    "episode"
);
id_type!(
    /// Names one note.
    NoteId,
    "note"
);

/// All ids that begin with the same digits: both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The smallest id of the range, as bytes.
    pub first: [u8; 16],
    /// The largest id of the range, as bytes.
    pub last: [u8; 16],
}

impl IdRange {
    /// Reads an id or a prefix of at least eight hexadecimal digits; hyphens and case do not
    /// matter.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] for another character, too few digits or more than 32.
    pub fn from_prefix(prefix: &str) -> Result<Self, InvalidValue> {
        let (mut first, mut last) = ([0_u8; 16], [0xff_u8; 16]);
        let mut n_digits = 0;
        for c in prefix.trim().chars().filter(|c| *c != '-') {
            let digit = c.to_digit(16).and_then(|d| u8::try_from(d).ok());
            let (Some(digit), Some(low), Some(high)) =
                (digit, first.get_mut(n_digits / 2), last.get_mut(n_digits / 2))
            else {
                return Err(InvalidValue::new(
                    "id",
                    format!("`{prefix}` is not an id: it takes 8 to 32 hexadecimal digits"),
                ));
            };
            let shift = if n_digits % 2 == 0 { 4 } else { 0 };
            *low |= digit << shift;
            *high &= !(0xf << shift) | (digit << shift);
            n_digits += 1;
        }
        if n_digits < MIN_PREFIX_DIGITS {
            return Err(InvalidValue::new(
                "id",
                format!("`{prefix}` is too short: give at least 8 digits of the id"),
            ));
        }
        Ok(Self { first, last })
    }
}

/// All ids that end with the same digits: of a UUIDv7 those are random, while the first ones tell
/// the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdTail {
    digits: u128,
    n_digits: u32,
}

impl IdTail {
    /// Reads at least eight hexadecimal digits; hyphens and case do not matter.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] for another character, too few digits or more than 32.
    pub fn from_digits(tail: &str) -> Result<Self, InvalidValue> {
        // The same text is read as a head as well, so both refuse the same.
        IdRange::from_prefix(tail)?;
        let digits = tail.trim().chars().filter_map(|c| c.to_digit(16));
        let (mut value, mut n_digits) = (0_u128, 0);
        for digit in digits {
            value = value << 4 | u128::from(digit);
            n_digits += 1;
        }
        Ok(Self { digits: value, n_digits })
    }

    /// Returns the last `n_digits` of an id, eight at least and all 32 at most.
    #[must_use]
    pub fn of(id: [u8; 16], n_digits: u32) -> Self {
        let n_digits = n_digits.clamp(8, 32);
        Self { digits: u128::from_be_bytes(id) & mask(n_digits), n_digits }
    }

    /// Returns whether an id ends with the digits.
    #[must_use]
    pub fn fits(&self, id: [u8; 16]) -> bool {
        u128::from_be_bytes(id) & mask(self.n_digits) == self.digits
    }

    /// Returns the last four bytes of all ids that it fits, by which a storage finds them.
    #[must_use]
    pub fn last_bytes(&self) -> [u8; 4] {
        let [.., a, b, c, d] = self.digits.to_be_bytes();
        [a, b, c, d]
    }

    /// Returns the number of its digits.
    #[must_use]
    pub const fn n_digits(&self) -> u32 {
        self.n_digits
    }
}

impl fmt::Display for IdTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:01$x}", self.digits, self.n_digits as usize)
    }
}

/// Returns the bits of the last `n_digits` hexadecimal digits.
const fn mask(n_digits: u32) -> u128 {
    if n_digits >= 32 { u128::MAX } else { (1 << (4 * n_digits)) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_and_read_back() {
        let id = EpisodeId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse::<EpisodeId>().unwrap(), id);
    }

    #[test]
    fn a_prefix_spans_all_ids_that_begin_with_it() {
        let range = IdRange::from_prefix("0198F3A2-7").unwrap();
        assert_eq!(range.first[..5], [0x01, 0x98, 0xf3, 0xa2, 0x70]);
        assert_eq!(range.last[..5], [0x01, 0x98, 0xf3, 0xa2, 0x7f]);
        assert_eq!((range.first[15], range.last[15]), (0, 0xff));
    }

    #[test]
    fn a_tail_fits_the_ids_that_end_with_it() {
        let id = *b"\x01\x98\xf3\xa2\x00\x00\x70\x00\x80\x00\x00\x12\xab\xcd\xef\x09";
        for n_digits in 8..=32 {
            let tail = IdTail::of(id, n_digits);
            assert_eq!(IdTail::from_digits(&tail.to_string()), Ok(tail));
            assert!(tail.fits(id) && !tail.fits([9; 16]), "{tail}");
            assert_eq!(tail.last_bytes(), [0xab, 0xcd, 0xef, 0x09]);
        }
        assert_eq!(IdTail::of(id, 8).to_string(), "abcdef09");
        assert!(IdTail::from_digits("2AB-CDEF09").unwrap().fits(id));
        assert!(!IdTail::from_digits("3abcdef09").unwrap().fits(id));
        assert!(IdTail::from_digits("bcdef09").is_err(), "seven digits are too few");
    }

    #[test]
    fn bad_ids_say_what_is_wrong() {
        for bad in ["", "0198", "0198f3a2-xyz", "no-such-id", &"0".repeat(33)] {
            let message = IdRange::from_prefix(bad).unwrap_err().to_string();
            assert!(message.contains("id"), "{bad}: {message}");
        }
        assert!("0198f3a2".parse::<NoteId>().is_err(), "a prefix is not a whole id");
    }
}
