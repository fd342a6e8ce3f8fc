//! Texts, names and labels on their way in.

use crate::error::Error;
use crate::model::{Excerpt, Scope, Source};
use crate::secret::mask;

/// Longest name or label, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Longest artifact or external id, in bytes: paths and links may be long.
const MAX_LINK_BYTES: usize = 2_048;

/// Masks, cuts and checks texts, and counts what was masked and cut.
#[derive(Debug, Default)]
pub(super) struct Sanitizer {
    pub(super) n_masked: u32,
    pub(super) n_cut: u32,
}

impl Sanitizer {
    /// Masks and cuts a text.
    ///
    /// A text far above the limit is cut before it is masked as well, with room for a secret that
    /// straddles the cut, so that the cost is bounded by the limit and not by what was sent.
    pub(super) fn text(&mut self, text: String, limit: usize) -> Excerpt {
        let full_bytes = text.len() as u64;
        let text = if text.len() > limit.saturating_mul(4) {
            Excerpt::cut(text, limit.saturating_mul(4)).as_str().to_owned()
        } else {
            text
        };
        let (text, n_masked) = mask(text);
        self.n_masked += n_masked;
        if text.len() <= limit {
            // Masking changes the length a little; only a cut text reports another length than its
            // own.
            return Excerpt::cut(text, limit);
        }
        self.n_cut += 1;
        Excerpt::from_parts(Excerpt::cut(text, limit).as_str().to_owned(), full_bytes)
    }

    /// Takes a text that must say something.
    pub(super) fn required(
        &mut self,
        field: &'static str,
        text: String,
        limit: usize,
    ) -> Result<Excerpt, Error> {
        if text.trim().is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        Ok(self.text(text, limit))
    }

    /// Takes a text that may be missing; an empty one counts as missing.
    pub(super) fn optional(&mut self, text: Option<String>, limit: usize) -> Option<Excerpt> {
        text.filter(|text| !text.trim().is_empty()).map(|text| self.text(text, limit))
    }

    /// Takes a name that may be missing; an empty one counts as missing.
    pub(super) fn name(
        &mut self,
        field: &'static str,
        name: Option<Box<str>>,
    ) -> Result<Option<Box<str>>, Error> {
        match name {
            Some(name) if !name.trim().is_empty() => {
                self.bounded(field, &name, MAX_NAME_BYTES).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Takes a name that must be given.
    pub(super) fn required_name(
        &mut self,
        field: &'static str,
        name: String,
    ) -> Result<Box<str>, Error> {
        self.name(field, Some(name.into()))?.ok_or(Error::invalid(field, "must not be empty"))
    }

    /// Takes labels: trimmed, sorted, without repeats and empty ones.
    pub(super) fn labels(
        &mut self,
        field: &'static str,
        labels: &[Box<str>],
        limit: usize,
    ) -> Result<Vec<Box<str>>, Error> {
        Error::check_limit(field, limit, labels.len())?;
        let mut kept = Vec::with_capacity(labels.len());
        for label in labels.iter().filter(|label| !label.trim().is_empty()) {
            kept.push(self.bounded(field, label, MAX_LINK_BYTES)?);
        }
        kept.sort_unstable();
        kept.dedup();
        Ok(kept)
    }

    /// Takes the origin of a record; a secret in its id leaves a mark of its own.
    pub(super) fn source(&mut self, source: Option<Source>) -> Result<Option<Source>, Error> {
        let Some(source) = source else { return Ok(None) };
        if source.external_id.trim().is_empty() {
            return Err(Error::invalid("source_id", "must not be empty"));
        }
        Error::check_limit("bytes of source_id", MAX_LINK_BYTES, source.external_id.len())?;
        Error::check_limit("bytes of importer", MAX_NAME_BYTES, source.importer.len())?;
        let masked = source.clone().masked();
        let before = n_marks(&source.external_id);
        self.n_masked += n_marks(&masked.external_id).saturating_sub(before);
        Ok(Some(masked))
    }

    /// Takes a scope, which was masked when it was made, and counts what was.
    pub(super) fn scope(&mut self, scope: Scope) -> Scope {
        self.n_masked += n_marks(scope.as_str());
        scope
    }

    fn bounded(
        &mut self,
        field: &'static str,
        name: &str,
        limit: usize,
    ) -> Result<Box<str>, Error> {
        let name = name.trim();
        if name.len() > limit {
            let reason = format!("{} bytes are more than the limit of {limit}", name.len());
            return Err(Error::invalid(field, reason));
        }
        let (name, n_masked) = mask(name.to_owned());
        self.n_masked += n_masked;
        Ok(name.into())
    }
}

/// Returns the number of masked secrets in a name.
fn n_marks(name: &str) -> u32 {
    u32::try_from(name.matches("[masked:").count()).unwrap_or(u32::MAX)
}
