//! The project that a record belongs to.

use std::fmt;

use super::invalid::InvalidValue;
use crate::secret::mask_name;

/// Longest name of a scope, in bytes.
const MAX_BYTES: usize = 256;

/// Name of the project that a record belongs to, for example `github.com/acme/shop`.
///
/// Never empty, without control characters or outer white space; `*` is not a scope (in a query it
/// means all of them).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// Checks and takes a name; outer white space is dropped and a secret in it is masked, the same
    /// one always by the same mark.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] for an empty name, `*`, control characters or more than 256 bytes.
    pub fn new(name: &str) -> Result<Self, InvalidValue> {
        let (name, _) = mask_name(name.trim());
        Self::from_stored(&name)
    }

    /// Makes a scope of a name that was stored, in which nothing is to be masked any more.
    ///
    /// # Errors
    ///
    /// As [`Scope::new`].
    pub fn from_stored(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(InvalidValue::new("scope", "must not be empty"));
        }
        if name == "*" {
            return Err(InvalidValue::new("scope", "`*` means all scopes and cannot be stored"));
        }
        if name.chars().any(char::is_control) {
            return Err(InvalidValue::new("scope", "must not contain control characters"));
        }
        if name.len() > MAX_BYTES {
            let reason = format!("has {} bytes, at most {MAX_BYTES} are taken", name.len());
            return Err(InvalidValue::new("scope", reason));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?})", self.0)
    }
}
