//! The server and the command line of memory-mcp: everything is put together here.

mod call;
mod cli;
mod config;
mod error;
mod project;
mod scope;
mod server;
mod store;
mod tools;
mod wire;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use call::Served;
use cli::{Cli, Command, Failure, Output};
use config::{EmbedderChoice, Environment, LogLevel, Settings};
use project::Project;

/// Time that closing may wait for a provider, after the calls had theirs.
const CLOSING: Duration = Duration::from_millis(400);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                complain(&format!("error: {message}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let settings = Settings::load(&cli.flags, &Environment::of_process())?;
    start_log(&settings);
    for warning in &settings.warnings {
        complain(&format!("warning: {warning}"));
    }
    match cli.command {
        None | Some(Command::Serve) => serve(&settings),
        Some(command) => {
            // Stderr stays unlocked: the threads of the store log to it while a command runs.
            let (mut out, mut err) = (BufWriter::new(io::stdout().lock()), io::stderr());
            let mut output = Output::new(&mut out, &mut err, cli.json);
            let ran = command.run(&settings, &mut output);
            // What was printed before a failure is worth seeing; a reader that left is no failure.
            let flushed = out.flush().map_err(Failure::from);
            ran.and(flushed)
        }
    }
}

/// Serves agents over stdin and stdout until the client leaves.
fn serve(settings: &Settings) -> Result<(), Failure> {
    let project = Project::new(settings)?;
    let store = store::open(settings)?;
    store.memory.embed_in_background();
    store.memory.learn_in_background();
    let shared =
        Served { project, store: settings.store.display().to_string(), started: Instant::now() };
    let served = server::serve(Arc::clone(&store.memory), shared);
    close(store, settings);
    served.map_err(|error| Failure::Failed(error.to_string()))
}

/// Closes the store. All calls are flushed by now, so that one whose worker still waits for a
/// provider is left to the end of the process.
fn close(store: store::Store, settings: &Settings) {
    if !matches!(settings.embedder, EmbedderChoice::Remote(_)) {
        return drop(store);
    }
    let (closed, waiting) = mpsc::channel::<()>();
    let closing = move || {
        drop(store);
        drop(closed);
    };
    if thread::Builder::new().name("memory-close".into()).spawn(closing).is_ok() {
        // Nothing is ever sent: the wait ends when the sender is dropped, or too late.
        if waiting.recv_timeout(CLOSING) == Err(RecvTimeoutError::Timeout) {
            tracing::info!("a request to the provider was left behind at the end");
        }
    }
}

/// Starts the log, which goes to stderr, since stdout belongs to the protocol and to what commands
/// print.
///
/// Our own events name no text of a request or an answer. Those of other crates may, at the levels
/// below `warn`: the library of the protocol logs whole messages at `debug` and every refused
/// request at `warn`, so that of it only errors are logged.
fn start_log(settings: &Settings) {
    let level = match settings.log_level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("rmcp", level.min(LevelFilter::ERROR))
        // The crates of this workspace: all of them begin so.
        .with_target("memory_", level);
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = if settings.log_json { lines.json().boxed() } else { lines.boxed() };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

/// Prints help and version on stdout, and what is wrong with the arguments on stderr.
fn explain(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        complain(text.to_string().trim_end());
        return ExitCode::from(Failure::USAGE);
    }
    let mut stdout = io::stdout().lock();
    let printed = if stdout.is_terminal() {
        write!(stdout, "{}", text.ansi())
    } else {
        write!(stdout, "{text}")
    };
    // Only a reader that has left makes this fail, and it does not need the help.
    drop(printed);
    ExitCode::SUCCESS
}

fn complain(message: &str) {
    // Where even stderr is closed there is nobody left to tell.
    drop(writeln!(io::stderr(), "{message}"));
}
