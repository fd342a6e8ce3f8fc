//! Vectors kept in a file between runs: the corpora take minutes to embed and never change.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use memory_core::{EmbedError, Embedder, Role};

/// Embedder that asks another one only for texts whose vector the file does not hold.
pub struct Kept {
    inner: Arc<dyn Embedder>,
    /// Rule by which queries are read, where embedders of one id differ in it.
    queries: String,
    known: Mutex<(HashMap<u64, Vec<f32>>, File)>,
}

impl Kept {
    /// Reads the file, or creates one; a half-written last entry is cut off.
    pub fn open(path: &Path, inner: Arc<dyn Embedder>) -> std::io::Result<Self> {
        let mut known = HashMap::new();
        if let Ok(file) = File::open(path) {
            let mut reader = BufReader::new(file);
            let mut entry = vec![0; 8 + inner.dimension() * 4];
            while reader.read_exact(&mut entry).is_ok() {
                let Some((key, numbers)) = entry.split_first_chunk() else { break };
                let numbers = numbers.as_chunks().0.iter();
                let vector = numbers.map(|four| f32::from_le_bytes(*four)).collect();
                known.insert(u64::from_le_bytes(*key), vector);
            }
        }
        let entry_bytes = 8 + inner.dimension() as u64 * 4;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(file.metadata()?.len() / entry_bytes * entry_bytes)?;
        Ok(Self { inner, queries: String::new(), known: Mutex::new((known, file)) })
    }

    /// Keeps the vectors of queries apart from those by another rule.
    #[must_use]
    pub fn with_queries_by(self, rule: String) -> Self {
        Self { queries: rule, ..self }
    }

    /// Returns the key of a text; one of another model or role is another text. The hash is stable
    /// for one toolchain, which is enough for a file that can be made again.
    fn key(&self, role: Role, text: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.inner.id(), role, text).hash(&mut hasher);
        if role == Role::Query {
            self.queries.hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Embedder for Kept {
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
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (vectors, file) = &mut *known;
        let is_new = |text: &&&str| !vectors.contains_key(&self.key(role, text));
        let new: Vec<&str> = texts.iter().filter(is_new).copied().collect();
        if !new.is_empty() {
            for (text, vector) in new.iter().zip(self.inner.embed(role, &new)?) {
                let key = self.key(role, text);
                let mut entry = key.to_le_bytes().to_vec();
                entry.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
                file.write_all(&entry).map_err(|error| EmbedError::Unavailable {
                    provider: "the file of kept vectors".to_owned(),
                    source: Some(error.into()),
                })?;
                vectors.insert(key, vector);
            }
        }
        Ok(texts.iter().map(|text| vectors[&self.key(role, text)].clone()).collect())
    }
}
