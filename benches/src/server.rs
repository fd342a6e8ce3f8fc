//! The server's program on a store of its own, for measuring.
//!
//! Requests and their timings are those of [`memory_testkit::stdio`]; this file adds the store,
//! which lives through several starts, commands of the command line, and sizes. A failure is a
//! panic with the end of the server's log: what follows could not be measured either.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use memory_testkit::stdio::{Client, Server};
use tempfile::TempDir;

/// Program, store and home of a server, away from the user's.
#[derive(Debug)]
pub struct MeasuredServer {
    program: PathBuf,
    server: Server,
    dir: TempDir,
}

impl MeasuredServer {
    /// Server on a fresh store.
    ///
    /// # Errors
    ///
    /// The program is missing, or no folder can be created.
    pub fn new(program: &Path) -> std::io::Result<Self> {
        let (program, dir) = (program.canonicalize()?, tempfile::tempdir()?);
        let store = dir.path().join("memory.db");
        let server = Server::new(&program).in_dir(dir.path()).arg("--store").arg(store);
        // The harnesses read ids from the data, in the order of the text.
        let server = server.env("MEMORY_MCP_STRUCTURED_ANSWERS", "true");
        // Settings of the server can be measured too.
        let settings = std::env::vars_os()
            .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("MEMORY_MCP_")));
        let server = settings.fold(server, |server, (name, value)| server.env(name, value));
        Ok(Self { program, server, dir })
    }

    /// Folder that goes away with this value.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Size of the program.
    ///
    /// # Errors
    ///
    /// The program has gone.
    pub fn size_bytes(&self) -> std::io::Result<u64> {
        Ok(std::fs::metadata(&self.program)?.len())
    }

    /// Runs a command to its end; returns the time it took.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Duration {
        let mut command = self.server.command(self.dir.path());
        let begin = Instant::now();
        let output = command.args(args).stdin(Stdio::null()).output().expect("the program starts");
        let elapsed = begin.elapsed();
        let log = String::from_utf8_lossy(&output.stderr);
        // Real data has lines that an import leaves out and counts; the rest is stored.
        let is_partial =
            output.status.code() == Some(1) && !log.lines().any(|line| line.starts_with("error:"));
        assert!(output.status.success() || is_partial, "{args:?}: {}\n{log}", output.status);
        elapsed
    }

    /// Starts a process; returns it with the time until it had answered `initialize`.
    #[must_use]
    pub fn start(&self) -> (Client, Duration) {
        let begin = Instant::now();
        let client = self.server.start();
        (client, begin.elapsed())
    }
}

/// Returns the path of the server's program beside this one.
#[must_use]
pub fn beside() -> Option<PathBuf> {
    let name = format!("memory-mcp{}", std::env::consts::EXE_SUFFIX);
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}

/// Resident memory of a server; `None` where the system does not report it.
#[must_use]
pub fn resident_bytes(client: &Client) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Ends a server as a client does that goes away, and waits until it has written all it has to.
pub fn end(client: &Client) {
    let status = client.close_stdin_and_wait(Duration::from_secs(30));
    assert!(status.success(), "the server ends well: {status}\n{}", client.stderr());
}
