//! Indexes over the units of memory: derived state, rebuildable from storage at any time.

#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod bm25;
mod fold;
mod identifier;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod mask;
mod postings;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod query;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod scores;
mod tokenize;
