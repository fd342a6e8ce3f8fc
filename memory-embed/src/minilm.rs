//! The embedder inside the program: all-MiniLM-L6-v2.

use crate::forward::{Scratch, forward};
use crate::kernels::{self, Kernels};
use crate::packed_format::HIDDEN;
use crate::weights::Weights;
use crate::windows::Windows;
use crate::wordpiece::WordPiece;
use memory_core::{EmbedError, Embedder, Role};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Model and version of its quantisation; the id of the vectors adds how much of a text is read.
const MODEL: &str = "all-MiniLM-L6-v2/int8-1";
/// Texts taken in one call. Nothing but memory limits it: 256 long texts need 3 MB for results.
const BATCH_LIMIT: usize = 256;
/// Number of tokens that share a forward pass, unless one text alone has more.
///
/// Enough for the matrix product to reuse each weight from a near cache many times; the buffers of
/// more would not fit that cache themselves.
const PASS_TOKENS: usize = 96;

/// all-MiniLM-L6-v2 (Apache-2.0): English texts to vectors of 384 numbers, computed here with the
/// int8 weights that are compiled in.
///
/// A text's vector is the mean of the model's last hidden states over its tokens, made unit length.
/// Only the beginning of a text is read, see [`Windows`]: what says most should stand there. An
/// empty text has a vector too, which means nothing.
///
/// Making one costs microseconds and no memory to speak of; weights are paged in from the binary by
/// first use.
pub struct MiniLm {
    kernels: &'static Kernels,
    weights: Weights<'static>,
    wordpiece: WordPiece<'static>,
    windows: Windows,
    /// [`MODEL`] and how much of a text is read.
    id: String,
    threads: NonZeroUsize,
    /// Buffers not in use by a running call.
    spare: Mutex<Vec<Scratch>>,
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kernels = self.kernels.name;
        f.debug_struct("MiniLm").field("kernels", &kernels).finish_non_exhaustive()
    }
}

impl MiniLm {
    /// The model inside this program, on the best instructions that the processor offers, on one
    /// thread.
    ///
    /// # Errors
    /// [`EmbedError::Model`] if the program was built around a damaged model file.
    pub fn embedded() -> Result<Self, EmbedError> {
        Self::with_kernels(kernels::best())
    }

    /// The model on a chosen instruction set.
    pub(crate) fn with_kernels(kernels: &'static Kernels) -> Result<Self, EmbedError> {
        let (weights, windows) = (Weights::embedded()?, Windows::default());
        Ok(MiniLm {
            kernels,
            wordpiece: WordPiece::new(&weights),
            weights,
            windows,
            id: id(windows),
            threads: NonZeroUsize::MIN,
            spare: Mutex::default(),
        })
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
        MiniLm { windows, id: id(windows), ..self }
    }

    /// Number of wordpieces of the whole of `text`, without the two markers that the model adds.
    ///
    /// About 0.2 µs per word of plain English.
    #[must_use]
    pub fn n_tokens(&self, text: &str) -> usize {
        self.wordpiece.count(text)
    }

    /// Name of the instruction set in use: `avx512vnni`, `avxvnni`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub fn instruction_set(&self) -> &'static str {
        self.kernels.name
    }

    /// Returns the sum of hidden states of each text, given as its token ids with both markers.
    #[expect(clippy::indexing_slicing, reason = "`order` is a permutation of the texts' indices")]
    fn sums(&self, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
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
                let sums = forward(self.kernels, &self.weights, &tokens, &mut scratch);
                done.extend(pass.iter().copied().zip(sums));
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
                    Ok(sums) => done.extend(sums),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        debug_assert_eq!(done.len(), texts.len(), "every text is in one pass");
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, sum)| sum).collect()
    }
}

/// Returns the name of the vector space: the vectors of stored texts depend on their window.
fn id(windows: Windows) -> String {
    format!("{MODEL}/first-{}", windows.text)
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
        let n_pieces = self.windows.of(role);
        let tokens: Vec<Vec<u32>> =
            texts.iter().map(|text| self.wordpiece.tokens(text, n_pieces)).collect();
        // A sum points where the mean does.
        let mut vectors = self.sums(&tokens);
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
mod tests;
