//! Client of the server over real pipes, byte for byte as an editor sees it.
//!
//! It uses no library of the protocol: a mistake that the server and its library share would not
//! show. Every reply has a deadline, every line on stdout must be JSON-RPC, and a failure quotes
//! what the server wrote to stderr. Used by the tests of the server, by the durability harnesses
//! and, for its timings, by the benches. A timing ends when the reader thread has the whole line,
//! so that the wake-up of the caller is not part of it.

mod inbox;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use inbox::{Arrival, Inbox};

/// Protocol version that [`Client::initialize`] asks for.
pub const PROTOCOL_VERSION: &str = "2025-11-25";

/// Most bytes of stderr that are kept for messages; of a longer log the end says what went wrong.
const STDERR_BYTES: usize = 16 * 1024;

/// Command that starts a server; it may be started many times.
#[derive(Debug, Clone)]
pub struct Server {
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    home: Option<PathBuf>,
    deadline: Duration,
}

impl Server {
    /// Starts `program` without arguments, and waits at most 30 s for each reply.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            envs: Vec::new(),
            home: None,
            deadline: Duration::from_secs(30),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Sets a variable of the environment, which is otherwise empty but for `PATH` and folders for
    /// data in the server's directory: the memory of whoever runs the tests is never touched.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs every process in `dir` instead of a fresh directory each.
    #[must_use]
    pub fn in_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.home = Some(dir.as_ref().to_owned());
        self
    }

    /// Waits at most that long for each reply.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Returns the command with its directory and environment; its pipes are those of this process.
    #[must_use]
    pub fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(dir).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"] {
            command.env(name, dir);
        }
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the server without a handshake.
    #[must_use]
    pub fn spawn(&self) -> Client {
        let dir = match &self.home {
            Some(home) => Home::Kept(home.clone()),
            None => Home::Fresh(tempfile::tempdir().unwrap()),
        };
        let mut command = self.command(dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{}: {error}", self.program.display()),
        };
        let stdin = Arc::new(Mutex::new(child.stdin.take()));
        let inbox = Arc::new(Inbox::default());
        let (stdout, to, replies) =
            (child.stdout.take().unwrap(), Arc::clone(&inbox), Arc::clone(&stdin));
        thread::spawn(move || {
            to.fill(BufReader::new(stdout), |answer| write_line(&replies, answer));
        });
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (pipe, tail) = (child.stderr.take().unwrap(), Arc::clone(&stderr));
        let listening = thread::spawn(move || keep_tail(pipe, &tail));
        let (child, next_id) = (Mutex::new(child), AtomicU64::new(1));
        Client { child, stdin, inbox, stderr, listening, next_id, deadline: self.deadline, dir }
    }

    /// Starts the server and shakes hands.
    #[must_use]
    pub fn start(&self) -> Client {
        let client = self.spawn();
        client.initialize();
        client
    }
}

/// Directory of a server process.
enum Home {
    /// Removed with the client.
    Fresh(TempDir),
    /// Left as it is.
    Kept(PathBuf),
}

impl Home {
    fn path(&self) -> &Path {
        match self {
            Self::Fresh(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }
}

/// Result of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOutcome {
    /// The tool reports a failure.
    pub is_error: bool,
    /// All text of the answer.
    pub text: String,
    /// The structured answer; `Null` where there is none.
    pub structured: Value,
}

impl CallOutcome {
    /// The structured answer of a call that must have succeeded.
    #[must_use]
    pub fn expect_ok(self) -> Value {
        assert!(!self.is_error, "the tool failed: {}", self.text);
        self.structured
    }

    fn of(result: &Value) -> Self {
        let parts = result["content"].as_array().map_or(&[][..], Vec::as_slice);
        let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        Self {
            is_error: result["isError"].as_bool().unwrap_or(false),
            text: texts.join("\n"),
            structured: result["structuredContent"].clone(),
        }
    }
}

/// Reason why a request has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The server answered with an error of the protocol.
    Protocol {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// The server ended before it answered.
    Ended,
}

/// A request that is on its way.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a reply that nobody waits for is not checked"]
pub struct Pending(String);

/// A running server, and the pipes to it. Requests may be made from several threads at once.
///
/// Dropping it kills the server, and panics when the server broke the protocol on stdout.
pub struct Client {
    child: Mutex<Child>,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    inbox: Arc<Inbox>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Ends when the server has closed its stderr.
    listening: JoinHandle<()>,
    next_id: AtomicU64,
    deadline: Duration,
    dir: Home,
}

impl Client {
    /// Directory in which the server runs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Shakes hands; returns the server's description of itself.
    pub fn initialize(&self) -> Value {
        let client_info = json!({"name": "memory-testkit", "version": "0"});
        let params = json!({
            "protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client_info,
        });
        let answer = self.request("initialize", &params);
        self.notify("notifications/initialized", &json!({}));
        answer
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &Value) {
        self.raw(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends one line as it is; [`Client::orphan`] returns a reply to it that has no id.
    pub fn raw(&self, line: &str) {
        write_line(&self.stdin, line);
    }

    /// Sends a request without waiting for its reply: many may be in flight.
    pub fn send(&self, method: &str, params: &Value) -> Pending {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let pending = Pending(id.to_string());
        // Expected before it is sent, or a quick reply would look like one that nobody asked for.
        self.inbox.expect(&pending.0);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.raw(&request.to_string());
        pending
    }

    /// Sends a tool call without waiting for its reply.
    pub fn send_call(&self, tool: &str, args: &Value) -> Pending {
        self.send("tools/call", &json!({"name": tool, "arguments": args}))
    }

    /// Waits for the reply to a request.
    ///
    /// # Errors
    ///
    /// [`Failure`]; a reply that is late is a panic.
    pub fn wait(&self, pending: Pending) -> Result<Value, Failure> {
        Ok(self.wait_until(pending)?.0)
    }

    /// Waits for the reply to a request; returns it with the time of its arrival.
    fn wait_until(&self, pending: Pending) -> Result<(Value, Instant), Failure> {
        let Pending(id) = pending;
        let arrival = self.inbox.reply(&id, Instant::now() + self.deadline);
        self.check_protocol();
        match arrival {
            Arrival::Reply(mut reply, at) => match reply["error"].take() {
                Value::Null => Ok((reply["result"].take(), at)),
                error => Err(Failure::Protocol {
                    code: error["code"].as_i64().unwrap_or_default(),
                    message: error["message"].as_str().unwrap_or_default().to_owned(),
                }),
            },
            Arrival::Never => Err(Failure::Ended),
            Arrival::Late => self.fail(format_args!("no reply to {id} in {:?}", self.deadline)),
        }
    }

    /// Waits for the answer to a tool call.
    ///
    /// # Errors
    ///
    /// [`Failure`]; a reply that is late is a panic.
    pub fn wait_call(&self, pending: Pending) -> Result<CallOutcome, Failure> {
        Ok(CallOutcome::of(&self.wait(pending)?))
    }

    /// Makes a request that must have a result.
    pub fn request(&self, method: &str, params: &Value) -> Value {
        self.timed(method, params).0
    }

    /// Makes a request; returns its result, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Failure`], also for an error of the protocol.
    pub fn try_request(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.wait_until(self.send(method, params)).map(|(result, _)| result)
    }

    /// Makes a request that must have a result; returns it with the time from before the request
    /// was written until its reply had arrived.
    pub fn timed(&self, method: &str, params: &Value) -> (Value, Duration) {
        let begin = Instant::now();
        match self.wait_until(self.send(method, params)) {
            Ok((result, end)) => (result, end.saturating_duration_since(begin)),
            Err(failure) => self.fail(format_args!("{method} {params}: {failure:?}")),
        }
    }

    /// Calls a tool that must succeed; returns its structured answer and the time, as
    /// [`Client::timed`] does.
    pub fn timed_call(&self, tool: &str, args: &Value) -> (Value, Duration) {
        let (result, time) = self.timed("tools/call", &json!({"name": tool, "arguments": args}));
        (CallOutcome::of(&result).expect_ok(), time)
    }

    /// Calls a tool; its own errors are outcomes, those of the protocol are panics.
    pub fn call(&self, tool: &str, args: &Value) -> CallOutcome {
        match self.try_call(tool, args) {
            Ok(outcome) => outcome,
            Err(failure) => self.fail(format_args!("{tool} {args}: {failure:?}")),
        }
    }

    /// Calls a tool of a server that may end at any moment.
    ///
    /// # Errors
    ///
    /// [`Failure`]; a reply that is late is a panic.
    pub fn try_call(&self, tool: &str, args: &Value) -> Result<CallOutcome, Failure> {
        self.wait_call(self.send_call(tool, args))
    }

    /// Waits for a reply whose id is null or missing, as broken requests get it.
    #[must_use]
    pub fn orphan(&self) -> Value {
        let orphan = self.inbox.orphan(Instant::now() + self.deadline);
        self.check_protocol();
        match orphan {
            Some(reply) => reply,
            None => self.fail(format_args!("no reply without id in {:?}", self.deadline)),
        }
    }

    /// Notifications that the server has sent so far.
    #[must_use]
    pub fn notifications(&self) -> Vec<Value> {
        self.inbox.notifications()
    }

    /// End of what the server has written to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        let tail = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&tail).into_owned()
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Ends the server as a crash would, without a chance to react.
    pub fn kill9(&self) {
        // A line that it was writing is cut off, which is no violation.
        self.inbox.forgive_cut_line();
        let mut child = self.child();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Closes the server's stdin, as a client that goes away does, and waits for its end.
    pub fn close_stdin_and_wait(&self, within: Duration) -> ExitStatus {
        drop(self.stdin.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.wait_for_end(within)
    }

    /// Asks the server to end, as a service manager does, and waits for its end.
    #[cfg(unix)]
    pub fn terminate_and_wait(&self, within: Duration) -> ExitStatus {
        // By the shell, because the standard library sends no signal but SIGKILL.
        let kill = format!("kill -TERM {}", self.pid());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "{kill}: {sent}");
        self.wait_for_end(within)
    }

    /// Waits for the end of the server, which must write nothing more that is not JSON-RPC; then
    /// [`Client::stderr`] is complete.
    pub fn wait_for_end(&self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        let closed = self.inbox.wait_for_end(deadline);
        loop {
            let status = self.child().try_wait().unwrap();
            if let Some(status) = status.filter(|_| self.listening.is_finished()) {
                self.check_protocol();
                return status;
            }
            if !closed || Instant::now() > deadline {
                self.fail(format_args!("the server did not end within {within:?}"));
            }
            // One pipe is closed, so the rest of its end is a matter of microseconds.
            thread::yield_now();
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_protocol(&self) {
        if let Some(violation) = self.inbox.violation() {
            self.fail(format_args!("not JSON-RPC on stdout: {violation}"));
        }
    }

    fn fail(&self, what: impl Display) -> ! {
        panic!("{what}\n--- stderr of the server ---\n{}", self.stderr());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.inbox.forgive_cut_line();
        let mut child = self.child();
        // Both fail only if the server has ended already.
        _ = child.kill();
        _ = child.wait();
        drop(child);
        if !thread::panicking() {
            self.inbox.wait_for_end(Instant::now() + self.deadline);
            self.check_protocol();
        }
    }
}

fn write_line(stdin: &Mutex<Option<ChildStdin>>, line: &str) {
    let mut stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = stdin.as_mut() {
        // A server that has ended cannot be written to; the wait for its reply reports that.
        _ = pipe.write_all(format!("{line}\n").as_bytes()).and_then(|()| pipe.flush());
    }
}

/// Reads a pipe to its end, so that the server never blocks on it, and keeps the last of it.
fn keep_tail(mut pipe: impl Read, tail: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = pipe.read(&mut chunk) {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&chunk[..n]);
        let excess = tail.len().saturating_sub(STDERR_BYTES);
        tail.drain(..excess);
    }
}
