//! The embedder: encoders of the shape MiniLM-L6-H384.

use crate::forward::{Scratch, forward};
use crate::kernels::{self, Kernels};
use crate::model_file::ModelFile;
use crate::packed_format::{Description, HIDDEN};
use crate::weights::Weights;
use crate::windows::Windows;
use crate::wordpiece::WordPiece;
use memory_core::{EmbedError, Embedder, Role};
use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Texts taken in one call. Nothing but memory limits it: 256 long texts need 3 MB for results.
const BATCH_LIMIT: usize = 256;
/// Number of tokens that share a forward pass, unless one text alone has more.
///
/// Enough for the matrix product to reuse each weight from a near cache many times; the buffers of
/// more would not fit that cache themselves.
const PASS_TOKENS: usize = 96;

/// A model of the shape MiniLM-L6-H384: English texts to vectors of 384 numbers, computed here with
/// 8-bit weights. all-MiniLM-L6-v2 (Apache-2.0) is compiled in.
///
/// A text's vector is the mean of the model's last hidden states over its tokens, or that of its
/// first token, as the model was trained, made unit length. Only the beginning of a text is read,
/// see [`Windows`]: what says most should stand there. An empty text has a vector too, which means
/// nothing.
///
/// Making the compiled-in one costs microseconds and no memory to speak of; weights are paged in
/// from the binary by first use.
pub struct MiniLm {
    kernels: &'static Kernels,
    file: ModelFile,
    model: Description,
    /// Name of the model and how much of a text is read.
    id: String,
    threads: NonZeroUsize,
    /// Buffers not in use by a running call.
    spare: Mutex<Vec<Scratch>>,
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (id, kernels) = (&self.id, self.kernels.name);
        f.debug_struct("MiniLm").field("id", id).field("kernels", &kernels).finish_non_exhaustive()
    }
}

impl MiniLm {
    /// The model inside this program, on the best instructions that the processor offers, on one
    /// thread.
    ///
    /// # Errors
    /// [`EmbedError::Model`] if the program was built around a damaged model file.
    pub fn embedded() -> Result<Self, EmbedError> {
        Self::with_kernels(ModelFile::compiled_in(), kernels::best())
    }

    /// A model in a packed file, as the program `pack-model` of this crate writes it. Reads and
    /// checks all of it: tens of milliseconds, and some 23 MB of memory.
    ///
    /// # Errors
    /// [`EmbedError::ModelFile`] if the file cannot be read, is cut or damaged, or is something
    /// else.
    pub fn open(path: &Path) -> Result<Self, EmbedError> {
        Self::with_kernels(ModelFile::read(path)?, kernels::best())
    }

    /// A model on a chosen instruction set.
    pub(crate) fn with_kernels(
        file: ModelFile,
        kernels: &'static Kernels,
    ) -> Result<Self, EmbedError> {
        let model = file.description()?;
        file.weights()?;
        let (id, threads) = (id(&model), NonZeroUsize::MIN);
        Ok(MiniLm { kernels, file, model, id, threads, spare: Mutex::default() })
    }

    /// Lets one call of [`embed`](Embedder::embed) use up to `threads` threads when it has work for
    /// several.
    ///
    /// The default is 1, because embedding is background work beside an editor and an agent that
    /// want the processor; imports, which somebody waits for, should use all cores.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        MiniLm { threads, ..self }
    }

    /// Lets the model read other windows than the default ones, for measurements.
    ///
    /// The id names the window of texts: vectors of different ones are never compared.
    #[must_use]
    pub fn with_windows(self, windows: Windows) -> Self {
        let model = Description { windows, ..self.model };
        MiniLm { id: id(&model), model, ..self }
    }

    /// Name of the instruction set in use: `avx512vnni`, `avxvnni`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub fn instruction_set(&self) -> &'static str {
        self.kernels.name
    }

    /// Returns the pooled hidden states of each text, given as its token ids with both markers.
    #[expect(clippy::indexing_slicing, reason = "`order` is a permutation of the texts' indices")]
    fn pooled(&self, weights: &Weights<'_>, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
        // Texts of similar length share a pass: then passes have similar sizes too.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| texts[index].len());
        let passes = split_into_passes(&order, texts);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut scratch =
                self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let mut done = Vec::new();
            while let Some(pass) = passes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let tokens: Vec<&[u32]> =
                    pass.iter().map(|&index| texts[index].as_slice()).collect();
                let model = (weights, self.model.pooling);
                let pooled = forward(self.kernels, model, &tokens, &mut scratch);
                done.extend(pass.iter().copied().zip(pooled));
            }
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            done
        };
        let threads = self.threads.get().min(passes.len());
        let mut done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                match other.join() {
                    Ok(pooled) => done.extend(pooled),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        debug_assert_eq!(done.len(), texts.len(), "every text is in one pass");
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, pooled)| pooled).collect()
    }
}

/// Returns the name of the vector space: the vectors of stored texts depend on their window.
fn id(model: &Description) -> String {
    format!("{}/first-{}", model.id, model.windows.text)
}

/// Cuts `order` into runs of texts that share a forward pass.
#[expect(clippy::indexing_slicing, reason = "`order` holds indices of texts; `start <= at`")]
fn split_into_passes<'a>(order: &'a [usize], texts: &[Vec<u32>]) -> Vec<&'a [usize]> {
    let mut passes = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, &index) in order.iter().enumerate() {
        let more = texts[index].len();
        if at > start && tokens + more > PASS_TOKENS {
            passes.push(&order[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += more;
    }
    if start < order.len() {
        passes.push(&order[start..]);
    }
    passes
}

impl Embedder for MiniLm {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        HIDDEN
    }

    fn batch_limit(&self) -> usize {
        BATCH_LIMIT
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.len() > BATCH_LIMIT {
            return Err(EmbedError::TooManyTexts { got: texts.len(), limit: BATCH_LIMIT });
        }
        let weights = self.file.weights()?;
        let wordpiece = WordPiece::new(&weights);
        let prefix = match role {
            Role::Query => self.model.query_prefix.as_str(),
            Role::Document => self.model.text_prefix.as_str(),
        };
        let n_pieces = self.model.windows.of(role) + wordpiece.encode(prefix, usize::MAX).len();
        let n_pieces = n_pieces.min(Windows::LARGEST);
        let tokens = texts.iter().map(|text| {
            let text = match prefix {
                "" => Cow::Borrowed(*text),
                prefix => Cow::Owned(format!("{prefix}{text}")),
            };
            wordpiece.tokens(&text, n_pieces)
        });
        let tokens: Vec<Vec<u32>> = tokens.collect();
        let mut vectors = self.pooled(&weights, &tokens);
        for vector in &mut vectors {
            make_unit(vector);
        }
        Ok(vectors)
    }
}

/// Scales `vector` to Euclidean length 1. A hidden state is never zero: its last step is a layer
/// normalisation.
fn make_unit(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let scale = 1.0 / length.max(f32::MIN_POSITIVE);
    for value in vector {
        *value *= scale;
    }
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
