//! A client that calls the hooks of a session, and a home for them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// A folder with a store and a project.
pub(super) struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("shop")).unwrap();
        Self { dir }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path("memory.db")
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memory-mcp"));
        command.args(args).current_dir(self.path("shop")).env_clear();
        command.env("HOME", self.dir.path()).env("LOCALAPPDATA", self.dir.path());
        command.env("MEMORY_MCP_STORE", self.store());
        command
    }

    /// Starts the hook of a client with a payload.
    pub(super) fn start(&self, client: &str, payload: &[u8]) -> Child {
        start(self.command(&["hook", client]), payload)
    }

    /// Runs the hook of a client; returns what it printed. A client sees nothing else of it.
    #[track_caller]
    pub(super) fn hook(&self, client: &str, payload: &[u8]) -> String {
        printed(&self.start(client, payload).wait_with_output().unwrap())
    }

    /// What is stored, as lines of an export.
    pub(super) fn export(&self) -> Vec<Value> {
        let ran = self.command(&["export"]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8(ran.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Commands of all stored steps, sorted.
    pub(super) fn commands(&self) -> Vec<String> {
        let of = |step: &Value| {
            let args = &step["args"];
            let parsed = args.as_str().and_then(|args| serde_json::from_str(args).ok());
            let args: Value = parsed.unwrap_or_else(|| args.clone());
            args["command"].as_str().unwrap_or_default().to_owned()
        };
        let episodes = self.export();
        let steps = episodes.iter().filter_map(|episode| episode["steps"].as_array()).flatten();
        let mut commands: Vec<String> = steps.map(of).collect();
        commands.sort();
        commands
    }
}

pub(super) fn start(mut command: Command, payload: &[u8]) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A hook that ends early closes its input, which is no failure.
    drop(child.stdin.take().unwrap().write_all(payload));
    child
}

/// Asserts that a hook ended well and was silent but for its answer, which is returned.
#[track_caller]
pub(super) fn printed(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), &*err), (Some(0), ""), "{out}");
    out.into_owned()
}

/// The payloads of a session of Claude Code.
pub(super) struct Session {
    id: String,
    folder: PathBuf,
}

impl Session {
    pub(super) fn new(id: &str, folder: &Path) -> Self {
        Self { id: id.to_owned(), folder: folder.to_owned() }
    }

    pub(super) fn payload(&self, event: &str, fields: &Value) -> Vec<u8> {
        let mut payload = json!({
            "session_id": self.id, "hook_event_name": event, "cwd": self.folder,
            "transcript_path": "/home/dev/.claude/projects/shop/s.jsonl", "prompt_id": "p1",
        });
        let all = payload.as_object_mut().unwrap();
        all.extend(fields.as_object().unwrap().clone());
        payload.to_string().into_bytes()
    }

    pub(super) fn prompt(&self, id: &str, text: &str) -> Vec<u8> {
        self.payload("UserPromptSubmit", &json!({"prompt": text, "prompt_id": id}))
    }

    pub(super) fn begun(&self, call: &str, command: &str) -> Vec<u8> {
        let input = json!({"command": command});
        let fields = json!({"tool_name": "Bash", "tool_use_id": call, "tool_input": input});
        self.payload("PreToolUse", &fields)
    }

    pub(super) fn ended(&self, call: &str, command: &str) -> Vec<u8> {
        let (input, response) = (json!({"command": command}), json!({"stdout": "", "stderr": ""}));
        self.payload(
            "PostToolUse",
            &json!({"tool_name": "Bash", "tool_use_id": call, "tool_input": input,
                "tool_response": response, "duration_ms": 5}),
        )
    }

    pub(super) fn failed(&self, call: &str, command: &str, error: &str) -> Vec<u8> {
        let fields = json!({"tool_name": "Bash", "tool_use_id": call, "error": error,
            "tool_input": {"command": command}, "is_interrupt": false});
        self.payload("PostToolUseFailure", &fields)
    }

    pub(super) fn over(&self) -> Vec<u8> {
        self.payload("SessionEnd", &json!({"reason": "other"}))
    }
}
