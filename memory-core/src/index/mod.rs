//! Indexes over the units of memory: derived state, rebuildable from storage at any time.

#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
mod bm25;
mod fold;
mod identifier;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
mod mask;
mod postings;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
mod query;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
mod scores;
mod tokenize;
