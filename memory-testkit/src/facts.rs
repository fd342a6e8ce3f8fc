//! Facts: writes that a server has acknowledged, and checks that they are still there.
//!
//! The harnesses for crashes and for several processes write through the facts here and compare
//! what the server gives back with them: an acknowledged fact must be there as it was sent, one
//! that was on its way must be there whole or not at all.

use serde_json::{Value, json};

use crate::generate::{Rng, prose};
use crate::stdio::{CallOutcome, Client, Failure};

/// The scope that all of it is written to.
pub const SCOPE: &str = "testkit/durability";

/// Steps that one page of `get_episode` is asked for.
const PAGE: usize = 50;

/// One `log_steps` call: the observations of its steps.
type Batch = Vec<String>;

/// An episode whose start was acknowledged, and what came after.
#[derive(Debug, Clone)]
pub struct EpisodeFact {
    id: String,
    task: String,
    observations: Vec<String>,
    unsure: Option<Batch>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    Unsure,
    Acknowledged,
}

/// A note whose storing was acknowledged.
#[derive(Debug, Clone)]
pub struct NoteFact {
    id: String,
    /// A word that no other note has.
    word: String,
}

/// Calls in flight when a server ended, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsure {
    /// Batches and endings that were stored before their acknowledgement got through.
    pub n_kept: u64,
    /// Those that were not.
    pub n_lost: u64,
}

/// The structured answer of a call that must not fail; `None` if the server ended.
fn answer(outcome: Result<CallOutcome, Failure>) -> Option<Value> {
    match outcome {
        Ok(outcome) => Some(outcome.expect_ok()),
        Err(Failure::Ended) => None,
        Err(failure) => panic!("{failure:?}"),
    }
}

fn text_of<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {answer}"))
}

/// A word that no search confuses with another: letters only, from a number.
#[must_use]
pub fn unique_word(n: u64) -> String {
    // Digits would be split off or masked by a tokenizer; consonants and vowels in turn make a word
    // that stemming leaves alone but for its end, which is the same for all.
    let mut word = String::from("qu");
    let mut rest = n;
    for _ in 0..7 {
        word.push(char::from(b"bdfgklmnprstvwxz"[usize::try_from(rest % 16).unwrap()]));
        word.push(char::from(b"aeio"[usize::try_from(rest / 16 % 4).unwrap()]));
        rest /= 64;
    }
    word.push('k');
    word
}

impl EpisodeFact {
    /// Starts an episode; `None` if the server ended before it answered.
    pub fn start(client: &Client, task: String) -> Option<Self> {
        let args = json!({"task": task, "scope": SCOPE});
        let started = answer(client.try_call("start_episode", &args))?;
        let id = text_of(&started, "episode_id").to_owned();
        Some(Self { id, task, observations: vec![], unsure: None, ending: Ending::Open })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True while steps may be logged.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ending == Ending::Open
    }

    /// Steps that were acknowledged.
    #[must_use]
    pub fn n_steps(&self) -> usize {
        self.observations.len()
    }

    /// Logs steps, of which nobody else logs any to this episode; whether it was acknowledged.
    pub fn log(&mut self, client: &Client, observations: Batch) -> bool {
        let n_steps = self.observations.len() + observations.len();
        self.unsure = Some(observations);
        let batch = self.unsure.as_deref().unwrap_or_default();
        let Some(logged) = log_steps(client, &self.id, batch) else { return false };
        assert_eq!(logged, n_steps, "steps of {} after {} more", self.id, batch.len());
        self.observations.extend(self.unsure.take().unwrap_or_default());
        true
    }

    /// Ends the episode; whether it was acknowledged.
    pub fn complete(&mut self, client: &Client) -> bool {
        self.ending = Ending::Unsure;
        let args = json!({"episode_id": self.id, "outcome": "success", "summary": "all green"});
        if answer(client.try_call("complete_episode", &args)).is_none() {
            return false;
        }
        self.ending = Ending::Acknowledged;
        true
    }

    /// Checks that the server has all that it acknowledged, and of the rest whole batches; then
    /// what it has is taken as acknowledged, because it must not go away again.
    pub fn verify(&mut self, client: &Client) -> Unsure {
        let (episode, steps) = read_episode(client, &self.id);
        assert_eq!(text_of(&episode, "task"), self.task, "the task of {}", self.id);
        let mut found = Unsure::default();
        if let Some(batch) = self.unsure.take() {
            if steps.len() > self.observations.len() {
                self.observations.extend(batch);
                found.n_kept += 1;
            } else {
                found.n_lost += 1;
            }
        }
        let (n_steps, n_due) = (steps.len(), self.observations.len());
        assert_eq!(n_steps, n_due, "steps of {}: none lost, no half batch", self.id);
        for (idx, (step, sent)) in steps.iter().zip(&self.observations).enumerate() {
            assert_eq!(step["idx"], json!(idx), "numbered without gaps in {}", self.id);
            assert_eq!(text_of(step, "observation"), sent, "step {idx} of {}", self.id);
        }
        let is_completed = text_of(&episode, "status") == "completed";
        match self.ending {
            Ending::Open => assert!(!is_completed, "{} ended by itself", self.id),
            Ending::Acknowledged => assert!(is_completed, "the ending of {} is lost", self.id),
            Ending::Unsure => {
                found.n_kept += u64::from(is_completed);
                found.n_lost += u64::from(!is_completed);
                self.ending = if is_completed { Ending::Acknowledged } else { Ending::Open };
            }
        }
        found
    }
}

impl NoteFact {
    /// Stores a note with `word` in it; `None` if the server ended before it answered.
    pub fn remember(client: &Client, word: String, rng: &mut Rng) -> Option<Self> {
        let text = format!("The {word} setting matters here: {}", prose(rng, 200));
        let args = json!({"text": text, "scope": SCOPE});
        let stored = answer(client.try_call("remember", &args))?;
        Some(Self { id: text_of(&stored, "note_id").to_owned(), word })
    }

    /// True if the server finds the note by its word.
    #[must_use]
    pub fn is_found(&self, client: &Client) -> bool {
        let args = json!({"query": self.word, "scope": SCOPE, "strength": "any", "explain": false});
        let found = client.call("recall", &args).expect_ok();
        let Some(hits) = found["hits"].as_array() else { panic!("no list `hits` in {found}") };
        hits.iter().any(|hit| hit["id"] == *self.id && text_of(hit, "text").contains(&self.word))
    }

    /// Checks that the server has the note.
    pub fn verify(&self, client: &Client) {
        assert!(self.is_found(client), "note {} of word `{}` is lost", self.id, self.word);
    }
}

/// Logs steps; how many the episode has then, `None` if the server ended before it answered.
pub fn log_steps(client: &Client, episode_id: &str, observations: &[String]) -> Option<usize> {
    let step = |observation: &String| {
        json!({
            "tool": "bash",
            "args": {"command": "cargo test"},
            "observation": observation,
            "ok": true,
            "latency_ms": 12,
        })
    };
    let steps: Vec<Value> = observations.iter().map(step).collect();
    let args = json!({"episode_id": episode_id, "steps": steps});
    let logged = answer(client.try_call("log_steps", &args))?;
    let n_steps = logged["n_steps"].as_u64();
    Some(usize::try_from(n_steps.unwrap_or_else(|| panic!("no `n_steps` in {logged}"))).unwrap())
}

/// Reads an episode and all of its steps, page by page; the steps of the answer itself are moved
/// out.
#[must_use]
pub fn read_episode(client: &Client, episode_id: &str) -> (Value, Vec<Value>) {
    let mut steps: Vec<Value> = Vec::new();
    loop {
        let args = json!({"episode_id": episode_id, "from_step": steps.len(), "limit": PAGE});
        let mut page = client.call("get_episode", &args).expect_ok();
        let Some(more) = page["steps"].as_array_mut() else { panic!("no `steps` in {page}") };
        let n_more = more.len();
        steps.append(more);
        let n_steps = page["n_steps"].as_u64().unwrap_or_else(|| panic!("no `n_steps` in {page}"));
        if n_more == 0 || steps.len() as u64 >= n_steps {
            assert_eq!(steps.len() as u64, n_steps, "`n_steps` of {episode_id} counts its steps");
            return (page, steps);
        }
    }
}
