//! Derived, rebuildable indexes over the units of search.

#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod dense;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the retriever"))]
pub(crate) mod mask;
