//! A client of the server that adds next to nothing to what it measures.
//!
//! Writes and reads the pipes on the calling thread: a reader thread, as a robust client has it, would
//! add the wake-up of a thread to every call. The tests of the server use such a client; this one only
//! talks to a server that works.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const PROTOCOL_VERSION: &str = "2025-11-25";

/// Why the server could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// What it is to be given cannot be made.
    #[error(transparent)]
    Load(#[from] memory_core::Error),
    /// It does not start, or files beside it cannot be made.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended, or a command failed.
    #[error("{what}; the end of its log:\n{log}")]
    Failed {
        /// What was tried.
        what: String,
        /// Its last words.
        log: String,
    },
    /// It answered with an error.
    #[error("{method} was answered with an error: {answer}")]
    Refused {
        /// What was asked.
        method: String,
        /// The answer.
        answer: String,
    },
}

/// The server's program with a store and a home of its own, away from the user's.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    dir: TempDir,
}

impl Server {
    /// A server on a fresh store.
    pub fn new(program: &Path) -> Result<Self, ServerError> {
        let start = |source| ServerError::Start { program: program.to_path_buf(), source };
        let program = program.canonicalize().map_err(start)?;
        let dir = tempfile::tempdir().map_err(start)?;
        Ok(Self { program, dir })
    }

    /// A folder that goes away with this value.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Size of the program, in bytes.
    pub fn size_bytes(&self) -> Result<u64, ServerError> {
        let metadata = std::fs::metadata(&self.program).map_err(|e| self.cannot_start(e))?;
        Ok(metadata.len())
    }

    /// Runs a command to its end; gives how long it took.
    pub fn run(&self, args: &[&str]) -> Result<Duration, ServerError> {
        let begin = Instant::now();
        let mut command = self.command()?;
        let status = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.map_err(|e| self.cannot_start(e))?;
        let elapsed = begin.elapsed();
        // Real data has lines that an import leaves out and counts; the rest is stored.
        let left_out = |log: String| !log.lines().any(|line| line.starts_with("error:"));
        let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
        if status.success() || (status.code() == Some(1) && left_out(log())) {
            Ok(elapsed)
        } else {
            Err(self.failed(&format!("{args:?}: {status}")))
        }
    }

    /// Starts a server process; gives it with the time until it had answered `initialize`.
    pub fn start(&self) -> Result<(Session<'_>, Duration), ServerError> {
        let mut command = self.command()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let begin = Instant::now();
        let mut child = command.spawn().map_err(|e| self.cannot_start(e))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut session = Session { server: self, child, stdin, stdout, n_requests: 0 };
        let params = json!({"protocolVersion": PROTOCOL_VERSION, "capabilities": {},
            "clientInfo": {"name": "memory-benches", "version": "0"}});
        session.request("initialize", &params)?;
        let elapsed = begin.elapsed();
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok((session, elapsed))
    }

    fn command(&self) -> Result<Command, ServerError> {
        let log = File::options().create(true).append(true).open(self.log());
        let mut command = Command::new(&self.program);
        command.arg("--store").arg(self.dir.path().join("memory.db"));
        command.current_dir(self.dir.path()).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, self.dir.path());
        }
        // Settings of the server can be measured too.
        command.envs(
            std::env::vars_os().filter(|(name, _)| {
                name.to_str().is_some_and(|name| name.starts_with("MEMORY_MCP_"))
            }),
        );
        command.stderr(log.map_err(|e| self.cannot_start(e))?);
        Ok(command)
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("stderr.log")
    }

    fn cannot_start(&self, source: std::io::Error) -> ServerError {
        ServerError::Start { program: self.program.clone(), source }
    }

    fn failed(&self, what: &str) -> ServerError {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(10)..].join("\n");
        ServerError::Failed { what: what.to_owned(), log }
    }
}

/// A running server; its end is waited for when this goes away.
#[derive(Debug)]
pub struct Session<'a> {
    server: &'a Server,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    n_requests: u64,
}

impl Session<'_> {
    /// Makes a request; gives the result and the time from the first byte out to the last byte in.
    pub fn request(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<(Value, Duration), ServerError> {
        self.n_requests += 1;
        let id = self.n_requests;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let line = format!("{request}\n");
        let begin = Instant::now();
        self.write(&line)?;
        loop {
            let line = self.read()?;
            let elapsed = begin.elapsed();
            let mut reply: Value = serde_json::from_str(&line)
                .map_err(|e| self.server.failed(&format!("{method}: {e} in {line}")))?;
            // Anything else is a notification, which concerns nobody here.
            if reply["id"] == id {
                return match reply["error"].take() {
                    Value::Null => Ok((reply["result"].take(), elapsed)),
                    error => Err(refused(method, &error)),
                };
            }
        }
    }

    /// Calls a tool that must succeed; gives its structured answer and the time.
    pub fn call(&mut self, tool: &str, args: &Value) -> Result<(Value, Duration), ServerError> {
        let params = json!({"name": tool, "arguments": args});
        let (mut result, elapsed) = self.request("tools/call", &params)?;
        if result["isError"] == true {
            return Err(refused(tool, &result));
        }
        Ok((result["structuredContent"].take(), elapsed))
    }

    /// Resident memory of the server, in bytes; `None` where the system does not tell.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib * 1024)
    }

    fn send(&mut self, message: &Value) -> Result<(), ServerError> {
        self.write(&format!("{message}\n"))
    }

    fn write(&mut self, line: &str) -> Result<(), ServerError> {
        let written = self
            .stdin
            .as_mut()
            .map(|pipe| pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush()));
        match written {
            Some(Ok(())) => Ok(()),
            _ => Err(self.server.failed("the server takes no more requests")),
        }
    }

    fn read(&mut self) -> Result<String, ServerError> {
        let mut line = String::new();
        match self.stdout.as_mut().map(|pipe| pipe.read_line(&mut line)) {
            Some(Ok(1..)) => Ok(line),
            _ => Err(self.server.failed("the server ended before it answered")),
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A server whose client goes away ends by itself, after it has written what it has to.
        drop(self.stdin.take());
        _ = self.child.wait();
    }
}

fn refused(method: &str, answer: &Value) -> ServerError {
    ServerError::Refused { method: method.to_owned(), answer: answer.to_string() }
}
