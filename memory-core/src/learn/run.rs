//! A row of the table of what was tried.

use super::Incident;
use super::evidence::Trial;
use super::signature::Hash;
use crate::model::{Context, EpisodeId, Outcome, RecordId, Timestamp};

/// Number of a name (tool, scope, task type, language, domain, tag) in the table's own list of names.
pub(crate) type NameNo = u32;

/// Hash of a task's text without case, spacing and punctuation at its ends: attempts with the same key
/// are attempts at the same task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey(pub(crate) u64);

/// A step: which tool, and whether it was ok.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Move {
    pub(crate) tool: NameNo,
    pub(crate) ok: bool,
}

/// An ended attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: EpisodeId,
    pub(crate) scope: NameNo,
    pub(crate) task: TaskKey,
    /// What it is compared within: its task, its type of task, its domain, each in its scope and by its
    /// agent and model; 0 where it has none. The same in every table.
    pub(crate) strata: [u64; 3],
    /// 0 where it has none, like the following ones.
    pub(crate) task_type: NameNo,
    pub(crate) language: NameNo,
    pub(crate) domain: NameNo,
    pub(crate) tags: Box<[NameNo]>,
    /// `None` for an abandoned one.
    pub(crate) outcome: Option<Outcome>,
    /// How good the result was by the word of whoever recorded it, in [0, 1].
    pub(crate) reward: Option<f64>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) moves: Box<[Move]>,
    pub(crate) incidents: Box<[Incident]>,
    pub(crate) n_tokens: Option<u64>,
    pub(crate) latency_ms: Option<u64>,
    /// Records that were shown when it began; whether each was a strong hit.
    pub(crate) shown: Box<[(RecordId, bool)]>,
    /// Records that the agent says it followed.
    pub(crate) followed: Box<[RecordId]>,
}

impl TaskKey {
    /// The key of a task's text: of its words, without case and without punctuation at their ends.
    pub(crate) fn of(task: &str) -> Self {
        let mut hash = Hash::new();
        // Eight bytes at a time: tasks are the longest text that learning reads whole.
        let (mut chunk, mut n_bytes) = (0_u64, 0);
        let mut take = |byte: u8| {
            chunk = chunk << 8 | u64::from(byte);
            n_bytes += 1;
            if n_bytes % 8 == 0 {
                hash.take_word(chunk);
            }
        };
        for word in task.split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            if word.is_ascii() {
                word.bytes().for_each(|byte| take(byte.to_ascii_lowercase()));
            } else {
                word.to_lowercase().bytes().for_each(&mut take);
            }
            if !word.is_empty() {
                take(b' ');
            }
        }
        hash.take_word(chunk);
        Self(hash.finish())
    }
}

impl Run {
    /// Whether the task was done; `None` where it was not really tried, or nobody says.
    ///
    /// A partial success is none.
    pub(crate) fn success(&self) -> Option<bool> {
        match self.outcome? {
            Outcome::Success => Some(true),
            Outcome::Partial | Outcome::Failure => Some(false),
            Outcome::Abstained => None,
        }
    }

    /// The run as a comparison sees it; `None` without an outcome.
    pub(crate) fn trial(&self, exposed: bool) -> Option<Trial> {
        Some(Trial { strata: self.strata, exposed, success: self.success()? })
    }
}

/// The strata of a run: its task, its type of task and its domain, each in its scope and by its agent and
/// model. Made of names and not of their numbers, so that sums over strata, which are ordered by them, come
/// out the same to the last digit in every table.
///
/// Agents differ in what they use and in what they are able to do: on recorded runs of three models 41 of 259
/// sequences of tools went with success within the task at q < .1, and none within the task and the model.
pub(super) fn strata(scope: &str, context: &Context, task: TaskKey) -> [u64; 3] {
    let who = [Some(scope), context.agent.as_deref(), context.model.as_deref()];
    let within = |kind: u8, name: &str, key: u64| {
        let mut hash = Hash::new();
        hash.take(&[kind]);
        for part in who {
            hash.take(part.unwrap_or_default().as_bytes());
            hash.take(&[0]);
        }
        hash.take(name.as_bytes());
        hash.take_word(key);
        hash.finish().max(1)
    };
    let named = |kind, name: Option<&str>| match name {
        None | Some("") => 0,
        Some(name) => within(kind, name, 0),
    };
    let (task_type, domain) = (context.task_type.as_deref(), context.domain.as_deref());
    [within(0, "", task.0), named(1, task_type), named(2, domain)]
}

#[cfg(test)]
mod tests {
    use super::{TaskKey, strata};
    use crate::model::Context;

    #[test]
    fn runs_of_another_agent_or_model_are_not_compared() {
        let by = |model: Option<&str>, scope| {
            let context = Context {
                model: model.map(Into::into),
                task_type: Some("bugfix".into()),
                ..Context::default()
            };
            strata(scope, &context, TaskKey(7))
        };
        let known = by(Some("a"), "x");
        assert_eq!(known, by(Some("a"), "x"));
        for other in [by(Some("b"), "x"), by(None, "x"), by(Some("a"), "y")] {
            assert!(known[0] != other[0] && known[1] != other[1], "{other:?}");
        }
        assert!(known[0] != 0 && known[1] != 0 && known[2] == 0, "no domain, no stratum");
    }

    #[test]
    fn case_spacing_and_punctuation_make_no_other_task() {
        let key = TaskKey::of("Fix the checkout, please.");
        assert_eq!(key, TaskKey::of("  fix THE\ncheckout please!"));
        assert_ne!(key, TaskKey::of("fix the checkout pleas e"));
        assert_eq!(TaskKey::of("ÄNDERE «das»"), TaskKey::of("ändere das"));
        assert_eq!(TaskKey::of(""), TaskKey::of(" -- "));
    }
}
