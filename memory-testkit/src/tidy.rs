//! The rules of the house that no compiler checks, as functions from text to findings.
//!
//! Each rule returns a list of findings, one line each; an empty list means that the rule holds.
//! Only [`Repository::load`] reads files, so that each rule has a test on a bad example. Used by
//! the test `tidy` of this crate alone.

mod circles;
mod documents;
mod floors;
mod imports;
mod items;
mod lexing;
mod modules;
mod names;
mod packages;
mod prose;
mod reach;
mod repository;
mod source;

pub use circles::circles;
pub use documents::{
    config_fields, long_document, misnamed_plans, undocumented_fields, undocumented_tools,
};
pub use floors::floor_findings;
pub use modules::Target;
pub use names::bad_file_names;
pub use packages::{Package, wrong_dependencies};
pub use prose::{question_openers, wide_lines};
pub use reach::unreachable_files;
pub use repository::Repository;
pub use source::{forbidden_attributes, long_files, long_functions};
