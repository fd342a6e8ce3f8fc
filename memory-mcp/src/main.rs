//! The server and the command line of memory-mcp, put together.

mod cli;
mod config;
mod error;
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
use std::time::Duration;

use clap::Parser;
use tracing::level_filters::LevelFilter;

use cli::{Cli, Command, Failure, Output};
use config::{EmbedderChoice, Environment, LogLevel, Settings};
use server::ServeDefaults;

/// Longest wait for a provider while closing, after the calls had their time.
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
    let scope = scope::own(settings)?;
    if io::stdin().is_terminal() {
        complain(&cli::greeting(settings, &scope));
    }
    let store = store::open_for_serving(settings)?;
    let defaults = ServeDefaults { scope, store: settings.store.display().to_string() };
    let served = server::serve(Arc::clone(&store.memory), defaults);
    close(store, settings);
    served.map_err(|error| Failure::Failed(error.to_string()))
}

/// Closes the store. All calls are flushed by now, so that a store whose worker still waits for a
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

/// Logs go to stderr, since stdout belongs to the protocol and to what commands print.
fn start_log(settings: &Settings) {
    let level = match settings.log_level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        // This build has no colours; asking for them costs a line on stderr.
        .with_ansi(false);
    if settings.log_json {
        log.json().init();
    } else {
        log.init();
    }
}

/// Prints help and version on stdout, and errors of the arguments on stderr.
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

/// Prints a message on stderr that cannot steer the terminal, whatever it repeats.
fn complain(message: &str) {
    // Without stderr nobody can be told.
    drop(writeln!(io::stderr(), "{}", wire::printable(message)));
}
