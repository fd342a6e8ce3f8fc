//! Text to vector for memory-mcp.
//!
//! [`Embedder`] is the contract. [`MiniLm`] implements it inside this program, without network or a
//! C compiler, by the model that is compiled in or one in a file; with the feature `http`, `Remote`
//! asks a provider. [`Cached`] puts a least-recently-used cache before any embedder. Used by the
//! server, the command line and library users; the crate knows neither storage nor index.
//!
//! From text to vector, one file per step: `wordpiece` (token ids of as much as `windows` says) →
//! `forward` (hidden states, by the arithmetic of `kernels` on `weights` of the `model_file`) →
//! `minilm` (prefix, unit length, batches, threads). The same text gives the same bits on every
//! processor.

mod cached;
mod forward;
#[expect(
    clippy::inline_always,
    reason = "the loops must be compiled into each instruction set's function, or they stay scalar"
)]
mod kernels;
mod minilm;
mod model_file;
#[doc(hidden)]
pub mod packed_format;
#[cfg(feature = "http")]
mod remote;
mod weights;
mod windows;
mod wordpiece;

pub use cached::Cached;
pub use memory_core::{EmbedError, Embedder, Role};
pub use minilm::MiniLm;
#[cfg(feature = "http")]
pub use remote::{Provider, Remote, RemoteConfig};
pub use windows::Windows;
