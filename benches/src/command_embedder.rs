//! An encoder that is another program, so that any model can stand in the table.
//!
//! The program first prints `{"id": …, "dimension": …}`; then, for each line
//! `{"role": "query" | "text", "texts": […]}` that it reads, one line `{"vectors": [[…], …]}`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use memory_core::{EmbedError, Embedder, Role};
use serde::{Deserialize, Serialize};

/// A running program that embeds; it ends when this is dropped.
pub struct CommandEmbedder {
    about: About,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
}

#[derive(Deserialize)]
struct About {
    id: String,
    dimension: usize,
}

#[derive(Serialize)]
struct Question<'a> {
    role: &'a str,
    texts: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answer {
    vectors: Vec<Vec<f32>>,
}

impl CommandEmbedder {
    /// Starts a command, words between blanks.
    ///
    /// # Errors
    /// It does not start, or does not say what it is.
    pub fn start(command: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("a command without a program")?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("no pipe to the program")?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe from the program")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let about = serde_json::from_str(&line)?;
        Ok(Self { about, pipes: Mutex::new((stdin, stdout)), child })
    }

    fn ask(&self, question: &Question) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = &mut *pipes;
        writeln!(stdin, "{}", serde_json::to_string(question)?)?;
        stdin.flush()?;
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Embedder for CommandEmbedder {
    fn id(&self) -> &str {
        &self.about.id
    }

    fn dimension(&self) -> usize {
        self.about.dimension
    }

    fn batch_limit(&self) -> usize {
        32
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let role = if role == Role::Query { "query" } else { "text" };
        let answer = self.ask(&Question { role, texts });
        answer.map(|answer| answer.vectors).map_err(|source| EmbedError::Unavailable {
            provider: self.about.id.clone(),
            source: Some(source),
        })
    }
}

impl Drop for CommandEmbedder {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_says_nothing_of_itself_is_refused() {
        assert!(CommandEmbedder::start("true").is_err());
        assert!(CommandEmbedder::start("").is_err());
    }
}
