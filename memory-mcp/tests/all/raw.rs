//! A client of bytes: sends lines that no library would send, from a folder of its choice.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for a line of the server.
const DEADLINE: Duration = Duration::from_mins(1);

/// Lines that are read before anybody waits for them: a client that waits for none soon stops
/// reading.
const READ_AHEAD: usize = 8;

/// A server whose pipes are in the hands of the test.
pub(super) struct Raw {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    stderr: JoinHandle<String>,
    /// Lines that came while another one was waited for.
    kept: Vec<Value>,
    _home: TempDir,
}

impl Raw {
    /// Starts a server in a fresh home folder.
    pub(super) fn start() -> Self {
        Self::start_in(None, &[], &[])
    }

    /// Starts a server in a folder, with further arguments and variables.
    pub(super) fn start_in(
        folder: Option<&Path>,
        args: &[&OsStr],
        vars: &[(&str, &OsStr)],
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_memory-mcp"));
        command.args(args).env_clear().env("HOME", home.path());
        command.env("MEMORY_MCP_STRUCTURED_ANSWERS", "true").envs(vars.iter().copied());
        command.current_dir(folder.unwrap_or_else(|| home.path()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::sync_channel(READ_AHEAD);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut log = Vec::new();
            _ = stderr.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, stderr, kept: Vec::new(), _home: home }
    }

    /// Sends a line.
    pub(super) fn send(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(&[line, b"\n"].concat()).unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a message.
    pub(super) fn send_json(&mut self, message: &Value) {
        self.send(message.to_string().as_bytes());
    }

    /// Calls a tool.
    pub(super) fn call(&mut self, id: &str, tool: &str, args: &Value) {
        self.send_json(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": tool, "arguments": args}}));
    }

    /// Shakes hands with what the client can do, in a version of the protocol.
    pub(super) fn hello(&mut self, capabilities: &Value, version: &str) {
        self.send_json(
            &json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": capabilities,
            "clientInfo": {"name": "t", "version": "0"}}}),
        );
        assert!(self.reply(&json!("hello"))["result"].is_object());
        self.send_json(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// Shakes hands as a client that can do nothing.
    pub(super) fn greeted(mut self) -> Self {
        self.hello(&json!({}), "2025-11-25");
        self
    }

    /// Waits for the next line as it is.
    pub(super) fn line(&self) -> Vec<u8> {
        self.lines.recv_timeout(DEADLINE).expect("no line of the server in time")
    }

    /// Waits for a message that fits; others are kept.
    pub(super) fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&fits) {
            return self.kept.remove(at);
        }
        loop {
            let message: Value = serde_json::from_slice(&self.line()).unwrap();
            if fits(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// Waits for the reply to a request.
    pub(super) fn reply(&mut self, id: &Value) -> Value {
        self.wait_for(|message| message["id"] == *id && message.get("method").is_none())
    }

    /// Id and code of the error that answers a line.
    pub(super) fn refusal(&mut self, line: &[u8]) -> (Value, i64) {
        self.send(line);
        let message = self.wait_for(|message| message.get("error").is_some());
        assert!(!message["error"]["message"].as_str().unwrap().is_empty(), "{message}");
        (message["id"].clone(), message["error"]["code"].as_i64().unwrap())
    }

    /// The pipe to the server, for a thread of its own.
    pub(super) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Closes the server's input and waits for its end; gives how it ended and what it logged.
    pub(super) fn end(mut self) -> (ExitStatus, String) {
        drop((self.stdin.take(), self.lines));
        let status = self.child.wait().unwrap();
        (status, self.stderr.join().unwrap())
    }
}
