//! The command line: a file for each command, and the table of all of them.
//!
//! Used by `main`. Limits: no command knows the protocol or SQL, or reads the environment, which is
//! the part of [`crate::config`].

mod analyze;
mod backup;
mod checkpoint;
mod compact;
mod config;
mod copy;
mod demo;
mod doctor;
mod export;
mod feedback;
mod filter;
mod forget;
mod greeting;
mod hook;
mod import;
mod install;
mod instant;
mod list;
mod new_file;
mod output;
mod patterns;
mod recall;
mod recommend;
mod record;
mod remember;
mod restore;
mod scopes;
mod show;
mod stats;
mod sync;

use clap::{Parser, Subcommand};

use crate::config::{Flags, Settings};

pub(crate) use greeting::greeting;
pub(crate) use hook::is_hook;
pub(crate) use output::{Failure, Output};

/// Episodic memory for coding agents: MCP server and command line
#[derive(Debug, Parser)]
#[command(name = "memory-mcp", version, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Commands; without one the program serves.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the memory to an agent over stdin and stdout (default)
    Serve,
    /// Find past experience
    Recall(recall::Args),
    /// Give advice for a task, from past attempts at it and at tasks like it
    Recommend(recommend::Args),
    /// Show what past episodes have in common, with counts and effects
    Patterns(patterns::Args),
    /// Say what past episodes let expect: forecasts, changes, anomalies, effects, calibration
    Analyze(analyze::Args),
    /// List episodes and notes, newest first
    List(list::Args),
    /// Show an episode with its steps, or a note
    Show(show::Args),
    /// Remember a text
    Remember(remember::Args),
    /// Remove records for good
    Forget(forget::Args),
    /// Say whether records helped
    Feedback(feedback::Args),
    /// Keep where an episode stands, or print what another agent needs to go on
    Checkpoint(checkpoint::Args),
    /// Take in records from files
    #[command(subcommand)]
    Import(import::Format),
    /// Write records as JSON lines that `import jsonl` reads
    Export(export::Args),
    /// List projects, and join one with another
    Scopes(scopes::Args),
    /// Count what is stored
    Stats(stats::Args),
    /// Copy the store while it is in use
    Backup(backup::Args),
    /// Put a backup in the place of the store
    Restore(restore::Args),
    /// Copy a store into a new one, also of the other backend, and compare both
    Copy(copy::Args),
    /// Exchange records with other machines: the projects named in `remote_scopes`
    Sync(sync::Args),
    /// Give the space of removed records back to the disk
    Compact,
    /// Play two sessions of an agent in a temporary store
    Demo,
    /// Put the memory into agents' clients: server, hooks, two lines of instruction
    Install(install::InstallArgs),
    /// Take out of clients what `install` put into them
    Uninstall(install::UninstallArgs),
    /// Answer one event of a client, given on standard input; hooks call this
    Hook(hook::Args),
    /// Check the store and its surroundings and say what to do
    Doctor(doctor::Args),
    /// List the settings and where each came from
    Config,
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(self, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Serve => Ok(()), // `main` serves before there is anything to print.
            Self::Recall(args) => recall::run(args, settings, output),
            Self::Recommend(args) => recommend::run(&args, settings, output),
            Self::Patterns(args) => patterns::run(args, settings, output),
            Self::Analyze(args) => analyze::run(args, settings, output),
            Self::List(args) => list::run(&args, settings, output),
            Self::Show(args) => show::run(&args, settings, output),
            Self::Remember(args) => remember::run(args, settings, output),
            Self::Forget(args) => forget::run(&args, settings, output),
            Self::Feedback(args) => feedback::run(&args, settings, output),
            Self::Checkpoint(args) => checkpoint::run(args, settings, output),
            Self::Import(format) => import::run(&format, settings, output),
            Self::Export(args) => export::run(&args, settings, output),
            Self::Scopes(args) => scopes::run(&args, settings, output),
            Self::Stats(args) => stats::run(&args, settings, output),
            Self::Backup(args) => backup::run(&args, settings, output),
            Self::Restore(args) => restore::run(&args, settings, output),
            Self::Copy(args) => copy::run(&args, settings, output),
            Self::Sync(args) => sync::run(&args, settings, output),
            Self::Compact => compact::run(settings, output),
            Self::Demo => demo::run(output),
            Self::Install(args) => install::install(&args, settings, output),
            Self::Uninstall(args) => install::uninstall(&args, settings, output),
            Self::Hook(args) => {
                hook::run(&args, settings);
                Ok(())
            }
            Self::Doctor(args) => doctor::run(&args, settings, output),
            Self::Config => config::run(settings, output),
        }
    }
}
