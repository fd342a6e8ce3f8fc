//! A session of an agent: a client of the server over the pipes of a child process.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::cli::output::Failure;

/// Protocol version that the client speaks.
const PROTOCOL_VERSION: &str = "2025-11-25";

/// Scope of all records of the demonstration.
const SCOPE: &str = "demo";

/// A running server and the pipes to it; the server ends with the session.
pub(super) struct Session {
    server: Child,
    to_server: Option<ChildStdin>,
    from_server: BufReader<ChildStdout>,
    n_requests: u64,
}

impl Session {
    /// Starts the program as a server with its store in `folder`, and shakes hands.
    ///
    /// Environment and settings file of the user play no part.
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Self, Failure> {
        let (store, config) = (folder.join("memory.db"), folder.join("config.toml"));
        std::fs::write(&config, "").map_err(|error| Failure::file(&config, &error))?;
        let flags: [&OsStr; 6] = [
            "--store".as_ref(),
            store.as_ref(),
            "--config".as_ref(),
            config.as_ref(),
            "--scope".as_ref(),
            SCOPE.as_ref(),
        ];
        let mut server = Command::new(program)
            .args(flags)
            .env_clear()
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::file(program, &error))?;
        let (Some(to_server), Some(from_server)) = (server.stdin.take(), server.stdout.take())
        else {
            return Err(Failure::Failed("the server has no pipes".to_owned()));
        };
        let from_server = BufReader::new(from_server);
        let mut session = Self { server, to_server: Some(to_server), from_server, n_requests: 0 };
        let client = json!({ "name": "memory-mcp demo", "version": env!("CARGO_PKG_VERSION") });
        session.request(
            "initialize",
            &json!({
                "protocolVersion": PROTOCOL_VERSION,
                "capabilities": {},
                "clientInfo": client,
            }),
        )?;
        session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(session)
    }

    /// Calls a tool and returns the text of its answer.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Result<String, Failure> {
        let params = json!({ "name": tool, "arguments": arguments });
        let result = self.request("tools/call", &params)?;
        let content = result.get("content").and_then(Value::as_array).into_iter().flatten();
        let texts = content.filter_map(|part| part.get("text").and_then(Value::as_str));
        let text = texts.collect::<Vec<&str>>().join("\n");
        match result.get("isError").and_then(Value::as_bool) {
            Some(true) => Err(Failure::Failed(format!("{tool}: {text}"))),
            _ => Ok(text),
        }
    }

    /// Leaves, and waits until the server has ended.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        // The end of its input ends the server.
        drop(self.to_server.take());
        let status = self.server.wait().map_err(|error| broken(&error))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Failed(format!("the server ended with {status}")))
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.n_requests += 1;
        let id = self.n_requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let mut line = String::new();
            if self.from_server.read_line(&mut line).map_err(|error| broken(&error))? == 0 {
                return Err(Failure::Failed(format!("the server left without answering {method}")));
            }
            let message: Value = serde_json::from_str(&line)
                .map_err(|error| Failure::Failed(format!("answer to {method}: {error}")))?;
            // Notifications of the server are none of the demonstration's business.
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                continue;
            }
            return match (message.get("result"), message.get("error")) {
                (Some(result), _) => Ok(result.clone()),
                (None, error) => {
                    Err(Failure::Failed(format!("{method}: {}", error.unwrap_or(&Value::Null))))
                }
            };
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let Some(to_server) = &mut self.to_server else { return Ok(()) };
        let sent = writeln!(to_server, "{message}").and_then(|()| to_server.flush());
        sent.map_err(|error| broken(&error))
    }
}

impl Drop for Session {
    /// Leaves no server behind when the demonstration fails.
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::Failed(format!("pipe to the server: {error}"))
}
