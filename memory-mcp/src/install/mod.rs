//! Installation into the clients: server, hooks and two lines of instruction, in and out.
//!
//! Input: the table of clients (`clients.toml`), the environment. Output: changed settings files of
//! other programs. Used by the commands `install` and `uninstall`. Limits: knows no store and
//! prints nothing. A file is changed where our entry stands and nowhere else; one that does not
//! parse is left alone.

mod client;
mod diff;
mod document;
mod entry;
mod instruction;
mod jsonc;
mod ours;
mod own_command;
mod piece;
mod place;
mod plan;
mod texts;
mod toml_file;

pub(crate) use client::{Client, Start, clients};
pub(crate) use own_command::OwnCommand;
pub(crate) use piece::Piece;
pub(crate) use plan::{Plan, Request, State, install, survey, uninstall};
pub(crate) use texts::InstallError;
