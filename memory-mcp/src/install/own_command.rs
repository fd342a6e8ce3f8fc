//! The client's own program, which knows best how to add and remove a server.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Start};
use super::place;
use crate::config::Environment;

/// Longest time that the program of a client gets.
const TIME: Duration = Duration::from_secs(30);

/// Time between two looks at it.
const PAUSE: Duration = Duration::from_millis(20);

/// A command of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnCommand {
    program: PathBuf,
    args: Vec<String>,
}

impl OwnCommand {
    /// Returns the command with these words, if the client has it and its program is found.
    pub(super) fn find(
        client: &Client,
        words: Option<&Vec<String>>,
        start: &Start,
        name: &str,
        environment: &Environment,
    ) -> Option<Self> {
        let args = start.words(words?, name);
        let mut programs = client.programs.iter();
        let program = programs.find_map(|program| place::program(program, environment))?;
        Some(Self { program, args })
    }

    /// Returns the line as a person would type it.
    pub(crate) fn line(&self) -> String {
        let name = self.program.file_stem().unwrap_or_default().to_string_lossy();
        format!("{name} {}", self.args.join(" "))
    }

    /// Runs it to its end; whether it did what it should shows in the client's file.
    pub(super) fn run(&self) {
        let started = Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = started else { return };
        let begin = Instant::now();
        while let Ok(None) = child.try_wait() {
            if begin.elapsed() > TIME {
                // A program that is gone by now needs no end.
                drop(child.kill());
                drop(child.wait());
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}
