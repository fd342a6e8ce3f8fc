//! Generated episodes, notes and queries, as the engine takes them and as lines to import.
//!
//! The cost of a search depends on the frequencies of its words, so words are drawn from a
//! vocabulary of 20,000 by Zipf's law, which natural text and code follow too.

use fastrand::Rng;
use memory_core::{
    Completion, Context, Error, Import, NewEpisode, NewNote, NewStep, NoteKind, Outcome, Scope,
    Source,
};

const N_WORDS: usize = 20_000;
const N_SCOPES: u8 = 5;
const TOOLS: [&str; 6] = ["bash", "read_file", "edit_file", "grep", "run_tests", "web_fetch"];
const SYLLABLES: [&str; 32] = [
    "con", "ser", "ver", "par", "tion", "ing", "ex", "re", "de", "in", "val", "ment", "pre", "al",
    "tor", "ize", "lo", "ca", "che", "net", "work", "da", "ta", "ba", "se", "que", "ry", "in",
    "dex", "fi", "le", "sync",
];

/// A source of agent-like texts and records.
#[derive(Debug, Clone)]
pub struct Workload {
    rng: Rng,
    vocabulary: Vec<String>,
    scopes: Vec<Scope>,
    n_records: u64,
}

impl Workload {
    /// Returns the load of `seed`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a scope without a valid name, which no seed gives.
    pub fn new(seed: u64) -> Result<Self, Error> {
        // One vocabulary for every seed, so that queries of one load meet the texts of another.
        let mut words = Rng::with_seed(0);
        let vocabulary = (0..N_WORDS).map(|rank| word(&mut words, rank)).collect();
        let names = (0..N_SCOPES).map(|number| format!("acme/project-{number}"));
        let scopes = names.map(|name| Scope::new(&name)).collect::<Result<_, _>>()?;
        Ok(Self { rng: Rng::with_seed(seed), vocabulary, scopes, n_records: 0 })
    }

    /// Returns `n_words` words.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "the power of a number of at least 1 to one within [0, 1) is a rank"
    )]
    pub fn words(&mut self, n_words: usize) -> String {
        let mut text = String::with_capacity(n_words * 7);
        for i in 0..n_words {
            // rank = V^u is log-uniform: density 1/rank, which is Zipf's law.
            let rank = (N_WORDS as f64).powf(self.rng.f64()) as usize - 1;
            text.push_str(if i == 0 { "" } else { " " });
            text.push_str(&self.vocabulary[rank.min(N_WORDS - 1)]);
        }
        text
    }

    /// Returns a text of exactly `size_bytes` bytes.
    pub fn text(&mut self, size_bytes: usize) -> String {
        let mut text = self.words(size_bytes / 3 + 1);
        while text.len() < size_bytes {
            text.push(' ');
            text.push_str(&self.words(16));
        }
        text.truncate(size_bytes);
        text
    }

    /// A question of five to twelve words, never the same twice in practice.
    pub fn question(&mut self) -> String {
        let n_words = self.rng.usize(5..=12);
        self.words(n_words)
    }

    /// A step with arguments and observation of these sizes; one in ten failed.
    pub fn step(&mut self, args_bytes: usize, observation_bytes: usize) -> NewStep {
        let tool = TOOLS[self.rng.usize(..TOOLS.len())].to_owned();
        let args = format!(r#"{{"command":"{}"}}"#, self.text(args_bytes.saturating_sub(14)));
        let observation = self.text(observation_bytes);
        NewStep {
            tool,
            args,
            observation,
            ok: Some(self.rng.u8(..10) > 0),
            latency_ms: Some(self.rng.u64(1..5_000)),
            ..NewStep::default()
        }
    }

    /// A task that begins, without a source.
    pub fn new_episode(&mut self) -> NewEpisode {
        let context = Context {
            task_type: Some("bugfix".into()),
            language: Some("rust".into()),
            agent: Some("bench".into()),
            ..Context::default()
        };
        let n_words = self.rng.usize(8..30);
        NewEpisode { context, ..NewEpisode::new(self.scope(), self.words(n_words)) }
    }

    /// Outcome, summary and reward at the end of an episode.
    pub fn completion(&mut self) -> Completion {
        let outcome = if self.rng.bool() { Outcome::Success } else { Outcome::Failure };
        Completion {
            outcome: Some(outcome),
            summary: Some(self.text(200)),
            reward: Some(if outcome == Outcome::Success { 1.0 } else { 0.0 }),
            ..Completion::default()
        }
    }

    /// A completed episode of `n_steps` steps of 350 bytes.
    pub fn episode(&mut self, n_steps: usize) -> Import {
        let source = Some(self.source());
        let episode = NewEpisode { source, ..self.new_episode() };
        let steps = (0..n_steps).map(|_| self.step(150, 200)).collect();
        Import::Episode(Box::new(episode), steps, Some(Box::new(self.completion())))
    }

    /// A note of 10 to 60 words: one unit of the index.
    pub fn note(&mut self) -> Import {
        let n_words = self.rng.usize(10..60);
        let (source, text) = (Some(self.source()), self.words(n_words));
        Import::Note(Box::new(NewNote {
            source,
            ..NewNote::new(self.scope(), NoteKind::Fact, text)
        }))
    }

    /// A completed episode as a line of the neutral format.
    pub fn episode_line(&mut self, n_steps: usize) -> String {
        let Import::Episode(episode, steps, _) = self.episode(n_steps) else {
            return String::new();
        };
        let steps: Vec<_> = steps
            .iter()
            .map(|step| {
                let args: serde_json::Value =
                    serde_json::from_str(&step.args).unwrap_or(serde_json::Value::Null);
                serde_json::json!({"tool": step.tool, "args": args, "result": step.observation,
                    "ok": step.ok, "latency_ms": step.latency_ms})
            })
            .collect();
        let context = serde_json::json!({"project": episode.scope.to_string(), "language": "rust"});
        let id = episode.source.map(|source| source.external_id);
        let outcome = if self.rng.bool() { "success" } else { "failure" };
        serde_json::json!({"id": id, "task": episode.task, "context": context, "steps": steps,
            "outcome": outcome})
        .to_string()
    }

    fn scope(&mut self) -> Scope {
        self.scopes[usize::from(self.rng.u8(..N_SCOPES))].clone()
    }

    fn source(&mut self) -> Source {
        self.n_records += 1;
        Source { importer: "bench".into(), external_id: self.n_records.to_string().into() }
    }
}

/// A word of two to four syllables; every fifth is an identifier of two words, as in code.
fn word(rng: &mut Rng, rank: usize) -> String {
    let mut syllables =
        |n: usize| -> String { (0..n).map(|_| SYLLABLES[rng.usize(..SYLLABLES.len())]).collect() };
    if rank % 5 == 4 {
        format!("{}_{}", syllables(2), syllables(2))
    } else {
        syllables(2 + rank % 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_load() {
        let [mut a, mut b, mut c] = [1, 1, 2].map(|seed| Workload::new(seed).unwrap());
        let text = a.words(50);
        assert_eq!(text, b.words(50));
        assert_ne!(text, c.words(50));
    }

    #[test]
    fn sizes_are_exact() {
        let step = Workload::new(3).unwrap().step(150, 1_350);
        assert_eq!((step.args.len(), step.observation.len()), (150, 1_350));
        assert!(serde_json::from_str::<serde_json::Value>(&step.args).is_ok());
    }

    #[test]
    fn an_episode_line_has_the_neutral_form() {
        let line: serde_json::Value =
            serde_json::from_str(&Workload::new(4).unwrap().episode_line(3)).unwrap();
        assert_eq!(line["steps"].as_array().unwrap().len(), 3);
        assert!(line["context"]["project"].as_str().unwrap().starts_with("acme/"));
        assert_eq!(line["id"], "1");
    }

    #[test]
    fn frequent_words_are_frequent() {
        let mut load = Workload::new(5).unwrap();
        let most_frequent = load.vocabulary[0].clone();
        let text = load.words(10_000);
        let n = text.split(' ').filter(|word| **word == most_frequent).count();
        assert!((500..1_000).contains(&n), "ln 2 / ln 20000 of the words are the first: {n}");
    }
}
