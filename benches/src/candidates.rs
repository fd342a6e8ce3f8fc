//! Encoders that are measured beside each other.

use std::path::Path;
use std::sync::Arc;

use memory_core::{EmbedError, Embedder, Role};
use memory_embed::{MiniLm, Windows};

use crate::command_embedder::CommandEmbedder;
use crate::kept::Kept;

/// An encoder by the name that it has in reports.
pub struct Candidate {
    /// The name: `254/126` for the model of the product, which reads so many wordpieces of a text
    /// and of a query; `FILE@254/126` for a packed model in a file; `exec:COMMAND` for a program
    /// that embeds (`command_embedder`); two of them with `+` between for both.
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
        let embedder = match name.split_once('+') {
            None => one(name, kept)?,
            Some((first, second)) => {
                Arc::new(Both::new(one(first, kept)?, one(second, kept)?)) as Arc<dyn Embedder>
            }
        };
        Ok(Self { name: name.to_owned(), embedder })
    }
}

fn one(name: &str, kept: Option<&Path>) -> Result<Arc<dyn Embedder>, Box<dyn std::error::Error>> {
    if let Some(command) = name.strip_prefix("exec:") {
        let embedder: Arc<dyn Embedder> = Arc::new(CommandEmbedder::start(command)?);
        // A file of vectors holds those of one dimension.
        let Some(path) = kept else { return Ok(embedder) };
        let path = path.with_extension(embedder.dimension().to_string());
        return Ok(Arc::new(Kept::open(&path, embedder)?));
    }
    let (file, read) =
        name.rsplit_once('@').map_or((None, name), |(file, read)| (Some(file), read));
    let windows = windows(read).ok_or_else(|| format!("no candidate {name}"))?;
    let model = match file {
        None => MiniLm::embedded()?,
        Some(file) => MiniLm::open(Path::new(file))?,
    };
    let model = model.with_threads(std::thread::available_parallelism()?).with_windows(windows);
    let embedder: Arc<dyn Embedder> = Arc::new(model);
    let Some(path) = kept else { return Ok(embedder) };
    let rule = format!("first-{}", windows.query);
    Ok(Arc::new(Kept::open(path, embedder)?.with_queries_by(rule)))
}

/// The vectors of two encoders side by side: cosines are the means of theirs.
struct Both {
    parts: [Arc<dyn Embedder>; 2],
    id: String,
}

impl Both {
    fn new(first: Arc<dyn Embedder>, second: Arc<dyn Embedder>) -> Self {
        Self { id: format!("{}+{}", first.id(), second.id()), parts: [first, second] }
    }
}

impl Embedder for Both {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.parts.iter().map(|part| part.dimension()).sum()
    }

    fn batch_limit(&self) -> usize {
        self.parts.iter().map(|part| part.batch_limit()).min().unwrap_or(1)
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let [first, second] = &self.parts;
        let pairs = first.embed(role, texts)?.into_iter().zip(second.embed(role, texts)?);
        let joined = pairs.map(|(first, second)| {
            first.iter().chain(&second).map(|x| x * std::f32::consts::FRAC_1_SQRT_2).collect()
        });
        Ok(joined.collect())
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
