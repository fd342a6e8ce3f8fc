//! The project that a record belongs to.

use std::fmt;

use crate::error::Error;
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
    /// [`Error::Invalid`] for an empty name, `*` or control characters; [`Error::LimitExceeded`]
    /// above 256 bytes.
    pub fn new(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Error::invalid("scope", "must not be empty"));
        }
        if name == "*" {
            return Err(Error::invalid("scope", "`*` means all scopes and cannot be stored"));
        }
        if name.chars().any(char::is_control) {
            return Err(Error::invalid("scope", "must not contain control characters"));
        }
        let (name, _) = mask_name(name);
        Error::check_limit("bytes of scope", MAX_BYTES, name.len())?;
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
