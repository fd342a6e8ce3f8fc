//! The server and the command line of memory-mcp, put together.

mod call;
mod chart;
mod cli;
mod config;
mod error;
mod exchange;
mod hook;
mod install;
mod offers;
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

use call::{Running, Served};
use cli::{Cli, Command, Failure, Output};
use config::{EmbedderChoice, Environment, LogLevel, Settings};
use exchange::Background;
use project::Project;

/// Longest wait for a provider while closing, after the calls had their time.
const CLOSING: Duration = Duration::from_millis(400);

fn main() -> ExitCode {
    keep_to_little_address_space();
    keep_running_at_file_limit();
    let is_hook = cli::is_hook(std::env::args_os().skip(1));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Clients take a bad exit code for a refusal of what the agent is about to do.
        Err(_) if is_hook => return ExitCode::SUCCESS,
        Err(error) => return explain(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if is_hook => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                complain(&format!("error: {message}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Makes a write beyond the largest file of this process (`ulimit -f`) fail as one on a full disk
/// does: unhandled, the signal for it would end the process in the middle of a call.
fn keep_running_at_file_limit() {
    #[cfg(unix)]
    {
        use signal_hook::consts::SIGXFSZ;

        // Nobody reads the flag: the write says it.
        let registered = signal_hook::flag::register(SIGXFSZ, Arc::default());
        if let Err(error) = registered {
            complain(&format!("warning: a limit on files will end the process: {error}"));
        }
    }
}

/// Runs this program anew with one arena of the allocator, where the address space is limited
/// (`ulimit -v`): glibc reserves 64 MB and more for each thread, of which hardly anything is used,
/// and an allocation that then fails ends the process.
fn keep_to_little_address_space() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::os::unix::process::CommandExt;

        const ARENAS: &str = "MALLOC_ARENA_MAX";
        const LITTLE_BYTES: u64 = 4 << 30;
        let limit = |limits: String| {
            let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let limit = std::fs::read_to_string("/proc/self/limits").ok().and_then(limit);
        if limit.is_none_or(|bytes| bytes > LITTLE_BYTES) || std::env::var_os(ARENAS).is_some() {
            return;
        }
        if let Ok(program) = std::env::current_exe() {
            let mut anew = std::process::Command::new(program);
            // Comes back only when it failed: then as it is.
            drop(anew.args(std::env::args_os().skip(1)).env(ARENAS, "1").exec());
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let settings = Settings::load(&cli.flags, &Environment::of_process())?;
    if let Some(Command::Hook(_)) = &cli.command {
        // Its log is a file: clients show what a hook writes to stderr, or keep it.
        return cli.command.map_or(Ok(()), |command| {
            let (mut out, mut err) = (io::sink(), io::sink());
            command.run(&settings, &mut Output::new(&mut out, &mut err, false))
        });
    }
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
    if io::stdin().is_terminal() {
        complain(&cli::greeting(settings, &project.scope()));
    }
    let store = store::open_for_serving(settings)?;
    let shared = Served {
        project,
        store: settings.store.display().to_string(),
        structured: settings.structured_answers,
        started: Instant::now(),
        running: Running::default(),
    };
    let exchanges = Background::start(settings, &store.storage.shared());
    let served = server::serve(Arc::clone(&store.memory), shared);
    drop(exchanges);
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
    // This build has no colours; asking for them costs a line on stderr.
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let lines = if settings.log_json { lines.json().boxed() } else { lines.boxed() };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
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
