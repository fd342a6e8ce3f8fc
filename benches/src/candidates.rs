//! Encoders that are measured beside each other.

use std::path::Path;
use std::sync::Arc;

use memory_core::Embedder;
use memory_embed::{MiniLm, Windows};

use crate::kept::Kept;

/// An encoder by the name that it has in reports.
pub struct Candidate {
    /// The name: wordpieces of a text and of a query, as in `254/126`.
    pub name: String,
    /// The encoder, on all cores.
    pub embedder: Arc<dyn Embedder>,
}

impl Candidate {
    /// Finds the candidate of a name, behind the vectors that are kept in a file, if one is named.
    ///
    /// # Errors
    /// An unknown name, or a file that cannot be read.
    pub fn of(name: &str, kept: Option<&Path>) -> Result<Self, Box<dyn std::error::Error>> {
        let windows = windows(name).ok_or_else(|| format!("no candidate {name}"))?;
        let n_threads = std::thread::available_parallelism()?;
        let model = MiniLm::embedded()?.with_threads(n_threads).with_windows(windows);
        let mut embedder: Arc<dyn Embedder> = Arc::new(model);
        if let Some(path) = kept {
            let rule = format!("first-{}", windows.query);
            embedder = Arc::new(Kept::open(path, embedder)?.with_queries_by(rule));
        }
        Ok(Self { name: name.to_owned(), embedder })
    }
}

fn windows(name: &str) -> Option<Windows> {
    let (text, query) = name.split_once('/')?;
    let number = |text: &str| text.parse().ok().filter(|n| (1..=Windows::LARGEST).contains(n));
    Some(Windows { text: number(text)?, query: number(query)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_named_by_its_windows() {
        assert_eq!(windows("254/126"), Some(Windows { text: 254, query: 126 }));
        for wrong in ["", "254", "254/", "0/126", "255/126", "254/126/1"] {
            assert_eq!(windows(wrong), None, "{wrong}");
        }
    }
}
