//! The neutral format: one JSON object per line, an episode (has `task`) or a note (has `text`).
//!
//! [`Reader`] gives the records of a file, plain or gzipped; [`write()`] makes such a file of
//! records of the memory. What one writes, the other reads as the same records again. A record is
//! known by its `id` and `importer`; links to other records name them by these, or by the id in the
//! store that wrote the file. Unknown fields are passed over.

mod bad_line;
mod line;
mod lines;
mod out;
mod parse;
mod reader;
mod write;

pub use bad_line::BadLine;
pub use parse::Rules;
pub use reader::{Entry, Reader};
pub use write::{WriteError, write, write_gzip};
