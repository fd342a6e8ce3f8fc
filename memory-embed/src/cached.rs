//! A cache of query vectors before an embedder.

use lru::LruCache;
use memory_core::{EmbedError, Embedder, Role};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Longest query that is cached, in bytes; with it the number of entries bounds the size.
const MAX_QUERY_BYTES: usize = 16 * 1024;

/// An embedder with a least-recently-used cache of query vectors.
///
/// Only texts of [`Role::Query`] are cached: agents repeat queries (at the start of every session,
/// and when they page through answers), while a document is embedded once. Hashes are keyed per
/// process and a hit compares the text itself, so no two queries can be taken for each other.
///
/// A hit costs under 2 µs, mostly hashing the text and copying the vector. Queries of over 16 KiB
/// are not cached.
pub struct Cached<E> {
    inner: E,
    hasher: RandomState,
    recent: Mutex<LruCache<u64, Entry>>,
}

/// A cached query.
struct Entry {
    text: Box<str>,
    vector: Box<[f32]>,
}

impl<E: std::fmt::Debug> std::fmt::Debug for Cached<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<E: Embedder> Cached<E> {
    /// Caches up to `n_entries` queries of `inner`. Each takes its text and its vector, some 2 KB.
    pub fn new(inner: E, n_entries: NonZeroUsize) -> Self {
        Cached { inner, hasher: RandomState::new(), recent: Mutex::new(LruCache::new(n_entries)) }
    }

    /// The embedder behind the cache.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// Locks the cache. A panic elsewhere cannot leave it half changed: its operations do not
    /// unwind.
    fn recent(&self) -> MutexGuard<'_, LruCache<u64, Entry>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cached vector of `text`.
    fn get(&self, text: &str) -> Option<Vec<f32>> {
        let hash = self.hasher.hash_one(text);
        let mut recent = self.recent();
        let entry = recent.get(&hash).filter(|entry| &*entry.text == text)?;
        Some(entry.vector.to_vec())
    }

    fn put(&self, text: &str, vector: &[f32]) {
        if text.len() <= MAX_QUERY_BYTES {
            let entry = Entry { text: text.into(), vector: vector.into() };
            self.recent().put(self.hasher.hash_one(text), entry);
        }
    }
}

impl<E: Embedder> Embedder for Cached<E> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn batch_limit(&self) -> usize {
        self.inner.batch_limit()
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let limit = self.batch_limit();
        if texts.len() > limit {
            return Err(EmbedError::TooManyTexts { got: texts.len(), limit });
        }
        if role == Role::Document {
            return self.inner.embed(role, texts);
        }
        let known: Vec<Option<Vec<f32>>> = texts.iter().map(|text| self.get(text)).collect();
        let new: Vec<&str> = texts
            .iter()
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(text, _)| *text)
            .collect();
        if new.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let computed = self.inner.embed(role, &new)?;
        debug_assert_eq!(computed.len(), new.len(), "an embedder gives one vector per text");
        for (text, vector) in new.iter().zip(&computed) {
            self.put(text, vector);
        }
        let mut computed = computed.into_iter();
        Ok(known.into_iter().filter_map(|known| known.or_else(|| computed.next())).collect())
    }
}

#[cfg(test)]
mod tests;
