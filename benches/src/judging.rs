//! Outcomes that capture infers from evidence, beside the known ones.
//!
//! Each attempt is told to the recorder as a client would tell it: the task as prompt, then the
//! calls with what came back, then nothing more. Its outcome is hidden; what is said of it is
//! compared with it.

use memory_capture::{
    Action, Call, CallEnd, CallStatus, Event, EventKind, Judgement, Prompt, Recorder,
};
use memory_core::{Outcome, Step, Timestamp};

use crate::episodes::Attempt;
use crate::table::share;

/// Counts of one set of attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts with a known outcome.
    pub n: usize,
    /// Of these, successes.
    pub n_success: usize,
    /// Times that success was said, and times that it was right.
    pub success: [usize; 2],
    /// The same of failure and partial success, which are one here.
    pub failure: [usize; 2],
}

impl Tally {
    /// Headings of [`Tally::row`].
    pub const HEADINGS: [&str; 8] =
        ["set", "episodes", "succeeded", "said", "right", "success", "right ", "failure right"];

    /// Counts an attempt; one without a known outcome is passed by.
    pub fn add(&mut self, attempt: &Attempt) {
        let closing = attempt.episode.closing.as_ref();
        let Some(outcome) = closing.and_then(|closing| closing.outcome) else { return };
        let is_success = outcome == Outcome::Success;
        self.n += 1;
        self.n_success += usize::from(is_success);
        let said = judged(attempt).and_then(|judgement| judgement.outcome);
        match said {
            Some(Outcome::Success) => count(&mut self.success, is_success),
            Some(Outcome::Failure | Outcome::Partial) => count(&mut self.failure, !is_success),
            _ => {}
        }
    }

    /// Returns the share of attempts of which something is said.
    #[must_use]
    pub fn said(&self) -> Option<f64> {
        part(self.success[0] + self.failure[0], self.n)
    }

    /// Returns the share of what is said that is right.
    #[must_use]
    pub fn right(&self) -> Option<f64> {
        part(self.success[1] + self.failure[1], self.success[0] + self.failure[0])
    }

    /// Returns the counts as a row of a table.
    #[must_use]
    pub fn row(&self, name: &str) -> Vec<String> {
        let of = |[said, right]: [usize; 2]| share(part(right, said));
        vec![
            name.to_owned(),
            self.n.to_string(),
            share(part(self.n_success, self.n)),
            share(self.said()),
            share(self.right()),
            share(part(self.success[0], self.n)),
            of(self.success),
            of(self.failure),
        ]
    }
}

fn count(counts: &mut [usize; 2], is_right: bool) {
    counts[0] += 1;
    counts[1] += usize::from(is_right);
}

fn part(n: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| n as f64 / of as f64)
}

/// Returns what the recorder says of an attempt from its steps alone.
#[must_use]
pub fn judged(attempt: &Attempt) -> Option<Judgement> {
    let begin = attempt.episode.started_at.as_millis();
    let mut recorder = Recorder::default();
    let event = |n: usize, kind: EventKind| Event {
        session: "s".into(),
        agent: None,
        turn: None,
        folder: None,
        at: Some(Timestamp::from_millis(begin + i64::try_from(n).unwrap_or_default() * 1_000)),
        kind,
    };
    let text = attempt.episode.task.as_str().to_owned();
    let prompt = EventKind::Prompt(Prompt { id: Some("p".into()), alias: None, text });
    let mut actions = recorder.record(event(0, prompt), attempt.episode.started_at);
    for (n, step) in (1..).zip(&attempt.steps) {
        actions.extend(recorder.record(event(n, ended(n, step)), attempt.episode.started_at));
    }
    actions.extend(recorder.close());
    actions.into_iter().find_map(|action| match action {
        Action::End(ending) => Some(ending.judgement),
        _ => None,
    })
}

fn ended(n: usize, step: &Step) -> EventKind {
    let call = Call {
        id: Some(format!("c{n}").into()),
        tool: (&*step.tool).into(),
        args: step.args.as_str().to_owned(),
    };
    let result = step.observation.as_str().to_owned();
    let error = step.error.as_ref().map(|error| error.as_str().to_owned());
    let error = error.or_else(|| (!step.ok).then(|| result.clone()));
    let status = if step.ok { CallStatus::Ok } else { CallStatus::Failed };
    EventKind::CallEnded { call, end: CallEnd { status, result, error, latency_ms: None } }
}
