//! From the actions of a recorder to records that an [`crate::Importer`] stores.
//!
//! An episode is held from its beginning to its end, within a bound of bytes: what is beyond it is
//! kept by its head and tail. A hook does without, as it writes every action at once.

use std::collections::BTreeMap;

use memory_core::{
    Completion, Context, Excerpt, Import, NewEpisode, NewStep, Origin, Outcome, Scope, Source,
};

use crate::client::Client;
use crate::importer::Captured;
use crate::recorder::{Action, Beginning, Ending};

/// Most steps of an episode; the engine refuses more.
const MAX_STEPS: usize = 5_000;

/// Longest text of a step, in bytes, as the engine keeps it.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Bytes of an episode from which on its steps are kept short.
const MAX_EPISODE_BYTES: usize = 16 << 20;

/// Longest text of a step of an episode that is too long.
const SHORT_TEXT_BYTES: usize = 512;

/// Collects the episodes of a client's sessions.
#[derive(Debug)]
pub struct Assembler {
    client: Client,
    drafts: BTreeMap<Box<str>, Draft>,
    n_steps_left_out: u64,
}

/// An episode that has not ended.
#[derive(Debug)]
struct Draft {
    begin: Beginning,
    steps: Vec<NewStep>,
    n_bytes: usize,
}

impl Assembler {
    /// Returns an assembler of a client's episodes.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client, drafts: BTreeMap::new(), n_steps_left_out: 0 }
    }

    /// Takes an action; returns the record of an episode that ended with it. `scope` names the
    /// project of a folder.
    pub fn take(
        &mut self,
        action: Action,
        scope: impl FnOnce(Option<&str>) -> Scope,
    ) -> Option<Captured> {
        match action {
            Action::Begin(begin) => {
                let draft = Draft { steps: Vec::new(), n_bytes: begin.task.len(), begin };
                self.drafts.insert(draft.begin.key.clone(), draft);
                None
            }
            Action::Step(step) => {
                let draft = self.drafts.get_mut(&step.key)?;
                if draft.steps.len() >= MAX_STEPS {
                    self.n_steps_left_out += 1;
                } else {
                    draft.add(NewStep { call_id: Some(step.call_id.into()), ..step.step });
                }
                None
            }
            Action::End(end) => {
                let draft = self.drafts.remove(&end.key)?;
                let scope = scope(draft.begin.folder.as_deref());
                Some(draft.captured(self.client, scope, end))
            }
        }
    }

    /// Number of steps that were beyond what an episode holds.
    #[must_use]
    pub const fn n_steps_left_out(&self) -> u64 {
        self.n_steps_left_out
    }
}

impl Draft {
    fn add(&mut self, mut step: NewStep) {
        let is_long = self.n_bytes > MAX_EPISODE_BYTES;
        let limit = if is_long { SHORT_TEXT_BYTES } else { MAX_TEXT_BYTES };
        step.args = cut(step.args, limit);
        step.observation = cut(step.observation, limit);
        step.error = step.error.map(|error| cut(error, limit));
        let error = step.error.as_deref().unwrap_or_default();
        self.n_bytes += step.args.len() + step.observation.len() + error.len() + step.tool.len();
        self.steps.push(step);
    }

    fn captured(self, client: Client, scope: Scope, end: Ending) -> Captured {
        let Beginning { key, alias, task, at, session, model, branch, folder: _ } = self.begin;
        let context = Context {
            agent: Some(client.name().into()),
            model: model.or(end.model),
            session: Some(session).filter(|session| !session.is_empty()),
            branch,
            ..Context::default()
        };
        let new = NewEpisode {
            context,
            source: Some(Source { importer: client.name().into(), external_id: key }),
            started_at: Some(at),
            origin: Origin::User,
            ..NewEpisode::new(scope, task)
        };
        let completion = Completion {
            outcome: Some(end.judgement.outcome.unwrap_or(Outcome::Unjudged)),
            inferred: Some(end.judgement.reason.into()),
            summary: end.summary,
            ended_at: Some(end.at.max(at)),
            ..Completion::default()
        };
        Captured {
            record: Import::Episode(Box::new(new), self.steps, Some(Box::new(completion))),
            links: Vec::new(),
            alias: alias.map(|id| Source { importer: client.name().into(), external_id: id }),
            is_reward_clamped: false,
            is_time_unknown: false,
        }
    }
}

fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit { text } else { Excerpt::cut(text, limit).as_str().to_owned() }
}
