//! An agent that works on tasks: episodes with steps, and notes.

use memory_core::{
    Closing, Context, Episode, Excerpt, Feedback, Note, NoteKind, Outcome, Scope, Source, Step,
    Timestamp,
};

use super::words::file;
use super::{Rng, prose, stack_trace};
use crate::sample;

/// How large what the agent leaves behind is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Steps of an episode.
    pub n_steps: u64,
    /// Size of an observation or note, in bytes.
    pub text_bytes: usize,
    /// Different tasks; the agent comes back to each of them.
    pub n_tasks: u64,
    /// Projects.
    pub n_scopes: u64,
    /// Steps that fail, in percent.
    pub failing_percent: u64,
}

impl Default for Shape {
    /// Fifteen steps of 1.5 KB, as measured on published runs of agents.
    fn default() -> Self {
        Self { n_steps: 15, text_bytes: 1_500, n_tasks: 200, n_scopes: 5, failing_percent: 20 }
    }
}

/// Makes episodes and notes, one after the other, from a seed.
#[derive(Debug, Clone)]
pub struct Agent {
    rng: Rng,
    shape: Shape,
    n_made: u64,
}

impl Agent {
    /// An agent that does the same at each run.
    #[must_use]
    pub const fn new(seed: u64, shape: Shape) -> Self {
        Self { rng: Rng::new(seed), shape, n_made: 0 }
    }

    /// The next instant; a minute after the last.
    fn now(&self) -> Timestamp {
        sample::instant(self.n_made * 60)
    }

    fn scope(&mut self) -> Scope {
        sample::scope(&format!("github.com/acme/project-{}", self.rng.below(self.shape.n_scopes)))
    }

    fn source(&self, importer: &str) -> Source {
        let external_id = format!("{importer}-{}", self.n_made).into();
        Source { importer: importer.into(), external_id }
    }

    /// The next finished episode with its steps.
    pub fn episode(&mut self) -> (Episode, Vec<Step>) {
        self.n_made += 1;
        let task = self.rng.below(self.shape.n_tasks);
        let steps: Vec<Step> = (0..self.shape.n_steps).map(|n| self.step(n)).collect();
        let n_failed = steps.iter().filter(|step| !step.ok).count();
        // Episodes with many errors fail more often, so that there is something to learn.
        let succeeds = self.rng.below(self.shape.n_steps + 1) >= n_failed as u64;
        let outcome = match (succeeds, self.rng.below(10)) {
            (_, 0) => Outcome::Partial,
            (true, _) => Outcome::Success,
            (false, _) => Outcome::Failure,
        };
        let episode = Episode {
            id: sample::episode_id(self.n_made),
            scope: self.scope(),
            task: task_text(task),
            context: self.context(task),
            source: Some(self.source("agent")),
            started_at: self.now(),
            recorded_at: self.now(),
            n_steps: u32::try_from(steps.len()).unwrap(),
            relations: Vec::new(),
            shown: Vec::new(),
            feedback: Feedback::default(),
            digest: None,
            closing: Some(self.closing(outcome)),
        };
        (episode, steps)
    }

    fn context(&mut self, task: u64) -> Context {
        let language = ["rust", "python", "typescript"][usize::try_from(task % 3).unwrap()];
        Context {
            task_type: Some(format!("task-{task}").into()),
            language: Some(language.into()),
            framework: self.rng.chance(50).then(|| "axum".into()),
            domain: Some(self.rng.pick(&["backend", "frontend", "data"]).into()),
            tags: sample::labels(&[self.rng.pick(&["bugfix", "feature"]), "generated"]),
            agent: Some("claude-code".into()),
            model: Some("opus".into()),
            session: Some(format!("session-{}", self.n_made / 4).into()),
            branch: Some("main".into()),
        }
    }

    fn closing(&mut self, outcome: Outcome) -> Closing {
        let reward = match outcome {
            Outcome::Success => Some(1.0),
            Outcome::Partial => Some(0.5),
            _ => Some(0.0),
        };
        Closing {
            outcome: Some(outcome),
            ended_at: Timestamp::from_millis(self.now().as_millis() + 30_000),
            summary: Some(sample::text(prose(&mut self.rng, 300))),
            artifacts: vec![file(&mut self.rng).into()],
            reward,
            surprise: None,
            followed: Vec::new(),
            reflection: None,
        }
    }

    /// The `n`-th step of an episode: reads first, then edits and tests in turn.
    pub fn step(&mut self, n: u64) -> Step {
        let (rng, n_bytes) = (&mut self.rng, self.shape.text_bytes);
        let ok = !rng.chance(self.shape.failing_percent);
        let (tool, action, args) = match (n, n % 3) {
            (0..2, _) => ("read_file", None, format!(r#"{{"path":"{}"}}"#, file(rng))),
            (_, 0) => {
                let (path, new) = (file(rng), prose(rng, 200));
                ("edit_file", None, format!(r#"{{"path":"{path}","new":"{new}"}}"#))
            }
            (_, 1) => {
                let command = rng.pick(&["cargo test", "pytest -q", "npm test"]);
                ("bash", command.split(' ').next(), format!(r#"{{"command":"{command}"}}"#))
            }
            _ => ("bash", Some("git"), r#"{"command":"git diff"}"#.to_owned()),
        };
        let observation = if ok { prose(rng, n_bytes) } else { stack_trace(rng, n_bytes) };
        let error = observation.lines().last().filter(|_| !ok).map(sample::text);
        Step {
            idx: u32::try_from(n).unwrap(),
            tool: tool.into(),
            action: action.map(Into::into),
            args: sample::text(args),
            error,
            observation: sample::text(observation),
            ok,
            latency_ms: Some(20 + rng.below(4_000)),
            n_tokens: Some(200 + rng.below(2_000)),
            occurred_at: Timestamp::from_millis(
                sample::instant(self.n_made * 60).as_millis() + i64::try_from(n).unwrap() * 1_000,
            ),
        }
    }

    /// The next note.
    pub fn note(&mut self) -> Note {
        self.n_made += 1;
        let kind = NoteKind::ALL[usize::try_from(self.rng.below(6)).unwrap()];
        let is_turn = kind == NoteKind::Turn;
        Note {
            id: sample::note_id(self.n_made),
            kind,
            scope: self.scope(),
            text: sample::text(prose(&mut self.rng, self.shape.text_bytes)),
            speaker: is_turn.then(|| "Ada".into()),
            session: is_turn.then(|| format!("session-{}", self.n_made / 20).into()),
            position: u32::try_from(self.n_made % 20).unwrap(),
            tags: sample::labels(&["generated"]),
            source: Some(self.source("note")),
            occurred_at: self.now(),
            recorded_at: self.now(),
            ..sample::note(0)
        }
    }
}

/// The same task has the same words at each attempt.
fn task_text(task: u64) -> Excerpt {
    let mut rng = Rng::new(task ^ 0x7a5c);
    let verb = rng.pick(&["Fix", "Add", "Refactor", "Investigate", "Document", "Исправить"]);
    sample::text(format!("{verb} {} in {}", prose(&mut rng, 120), file(&mut rng)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_does_the_same_at_each_run() {
        let work = |seed| {
            let mut agent = Agent::new(seed, Shape::default());
            let episodes: Vec<_> = (0..20).map(|_| agent.episode()).collect();
            (episodes, agent.note())
        };
        assert_eq!(work(1), work(1));
        assert_ne!(work(1), work(2));
    }

    #[test]
    fn episodes_have_the_shape_that_was_asked_for() {
        let shape = Shape { n_steps: 7, text_bytes: 400, ..Shape::default() };
        let mut agent = Agent::new(3, shape);
        let made: Vec<(Episode, Vec<Step>)> = (0..200).map(|_| agent.episode()).collect();
        let steps = || made.iter().flat_map(|(_, steps)| steps);
        assert_eq!(steps().count(), 1_400);
        assert!(steps().all(|step| (400..650).contains(&step.observation.as_str().len())));
        assert!(steps().all(|step| step.ok == step.error.is_none()), "an error has a message");
        let n_failed = steps().filter(|step| !step.ok).count();
        assert!((200..360).contains(&n_failed), "a fifth of the steps fails: {n_failed}");
        for outcome in [Outcome::Success, Outcome::Partial, Outcome::Failure] {
            let n = made.iter().filter(|(e, _)| e.outcome() == Some(outcome)).count();
            assert!(n > 5, "{outcome:?}: {n}");
        }
    }
}
