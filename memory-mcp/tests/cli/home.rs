//! The binary, and a fresh folder to run it in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a store, in which commands run with an environment of their own.
pub(super) struct Home {
    dir: tempfile::TempDir,
}

/// Result of a command.
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Home {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memory-mcp"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("LOCALAPPDATA", self.dir.path())
            .env("MEMORY_MCP_STORE", self.path("memory.db"));
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs with this on standard input.
    pub(super) fn pipe(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Imports lines, which must all be good.
    pub(super) fn import(&self, lines: &[Value]) -> Value {
        let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let path = self.write("import.jsonl", &text);
        self.run(&["import", "jsonl", path.to_str().unwrap(), "--json"]).ok().value()
    }

    /// The lines of an export.
    pub(super) fn export(&self, args: &[&str]) -> Vec<Value> {
        let args: Vec<&str> = ["export"].iter().chain(args).copied().collect();
        self.run(&args).ok().values()
    }
}

impl Ran {
    pub(super) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// It failed with this exit code and one line on stderr that contains all of this.
    #[track_caller]
    pub(super) fn fails(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        for text in says {
            assert!(self.err.contains(text), "`{text}` is not in: {}", self.err);
        }
        self
    }

    #[track_caller]
    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    #[track_caller]
    pub(super) fn values(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Writes a gzip file of several members, as `cat a.gz b.gz` makes them.
pub(super) fn write_gz(path: &Path, members: &[&str]) {
    let mut bytes = Vec::new();
    for member in members {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(member.as_bytes()).unwrap();
        bytes.extend(packed.finish().unwrap());
    }
    std::fs::write(path, bytes).unwrap();
}
