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
    fn bad_ids_say_what_is_wrong() {
        for bad in ["", "0198", "0198f3a2-xyz", "no-such-id", &"0".repeat(33)] {
            let message = IdRange::from_prefix(bad).unwrap_err().to_string();
            assert!(message.contains("id"), "{bad}: {message}");
        }
        assert!("0198f3a2".parse::<NoteId>().is_err(), "a prefix is not a whole id");
    }
}
