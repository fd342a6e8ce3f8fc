//! Retention policy: rules that name records which may be forgotten, by age and usefulness.
//!
//! Input: a policy as text, a record and what is known of its use; output: the rule that names it.
//! Used by [`crate::Memory`], which removes nothing unless asked to.

use std::fmt;
use std::str::FromStr;

use crate::dates::{MS_PER_DAY, Span};
use crate::error::Error;
use crate::model::{Feedback, Note, NoteKind, Outcome, Record, RecordId, Status, Timestamp};

/// The records that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Episodes that ended so, counted from their end.
    Outcome(Outcome),
    /// Episodes that stand so, counted from their end or, if open, from their beginning.
    Status(Status),
    /// Notes of a kind, counted from when it happened or was last merged.
    Note(NoteKind),
    /// Notes that another superseded, counted from when that was stored.
    Superseded,
    /// Notes whose validity is over, counted from its end.
    Expired,
    /// Records that were called unhelpful more often than helpful, counted as above.
    Unhelpful,
}

/// All names of a [`Subject`], for messages.
const WORDS: &str = "open, completed, abandoned, success, partial, failure, abstained, lesson, \
     fact, preference, decision, reference, turn, checkpoint, superseded, expired, unhelpful";

impl Subject {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "superseded" => Some(Self::Superseded),
            "expired" => Some(Self::Expired),
            "unhelpful" => Some(Self::Unhelpful),
            name => Outcome::from_name(name)
                .map(Self::Outcome)
                .or_else(|| Status::from_name(name).map(Self::Status))
                .or_else(|| NoteKind::from_name(name).map(Self::Note)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Outcome(outcome) => outcome.name(),
            Self::Status(status) => status.name(),
            Self::Note(kind) => kind.name(),
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Unhelpful => "unhelpful",
        }
    }
}

/// A rule: records of a kind that are older than an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    what: Subject,
    age_days: u32,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}d", self.what.name(), self.age_days)
    }
}

/// Rules for the records that may be forgotten, each with the age from which on.
///
/// Written as rules `what>age`, separated by commas: `abandoned>90d, superseded>180d, turn>52w`.
/// The first part is the outcome or status of an episode, the kind of a note, `superseded`,
/// `expired` (its validity is over) or `unhelpful` (by feedback); the age is in whole days or
/// weeks. A record that an episode followed, or that feedback called helpful more often than not,
/// is named by `unhelpful`, `superseded` and `expired` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    rules: Vec<Rule>,
}

impl Default for Retention {
    /// Rules for what is of no further use: abandoned episodes, notes that no longer hold, and
    /// records that feedback called unhelpful.
    fn default() -> Self {
        let rule = |what, age_days| Rule { what, age_days };
        let rules = vec![
            rule(Subject::Status(Status::Abandoned), 90),
            rule(Subject::Superseded, 180),
            rule(Subject::Expired, 30),
            rule(Subject::Note(NoteKind::Checkpoint), 90),
            rule(Subject::Unhelpful, 30),
        ];
        Self { rules }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, rule) in self.rules.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{rule}")?;
        }
        Ok(())
    }
}

impl FromStr for Retention {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rules: Result<Vec<Rule>, Error> =
            text.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(rule).collect();
        let rules = rules?;
        if rules.is_empty() {
            return Err(Error::invalid("policy", "names no rule: write e.g. abandoned>90d"));
        }
        Ok(Self { rules })
    }
}

fn rule(text: &str) -> Result<Rule, Error> {
    let wrong = || Error::invalid("policy", format!("`{text}`: write what>age, e.g. failure>180d"));
    let (what, age) = text.split_once('>').ok_or_else(wrong)?;
    let what = what.trim().to_ascii_lowercase();
    let what = Subject::from_name(&what)
        .ok_or_else(|| Error::invalid("policy", format!("`{what}` is none of {WORDS}")))?;
    let age_days = Span::read(age).and_then(Span::whole_days).ok_or_else(wrong)?;
    Ok(Rule { what, age_days })
}

/// A record that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The record.
    pub id: RecordId,
    /// The rule that names it, as the policy says it.
    pub rule: String,
}

/// Facts about the use of a record that are not in the record itself.
pub(crate) struct Usage {
    /// Set if an episode followed it.
    pub(crate) followed: bool,
    /// Time at which the note that superseded it was stored, if one did.
    pub(crate) superseded_at: Option<Timestamp>,
}

impl Retention {
    /// The first rule that names the record.
    pub(crate) fn names(&self, record: &Record, usage: &Usage, now: Timestamp) -> Option<Expired> {
        let fits = |rule: &&Rule| {
            since(rule.what, record, usage).is_some_and(|since| {
                now.millis_since(since) > i64::from(rule.age_days) * MS_PER_DAY
            })
        };
        let rule = self.rules.iter().find(fits)?;
        Some(Expired { id: record.id(), rule: rule.to_string() })
    }
}

/// The instant from which a rule counts a record's age; `None` where the rule is not about it.
fn since(what: Subject, record: &Record, usage: &Usage) -> Option<Timestamp> {
    let feedback = match record {
        Record::Episode(episode) => episode.feedback,
        Record::Note(note) => note.feedback,
    };
    let valued = usage.followed || feedback.n_helpful > feedback.n_unhelpful;
    match (what, record) {
        (Subject::Unhelpful, _) => is_unhelpful(feedback).then(|| happened_at(record)),
        (Subject::Superseded, Record::Note(_)) => usage.superseded_at,
        (Subject::Expired, Record::Note(note)) => note.valid_to,
        (Subject::Note(kind), Record::Note(note)) => {
            (note.kind == kind && !valued).then(|| last_stated_at(note))
        }
        (Subject::Outcome(outcome), Record::Episode(episode)) => {
            (episode.outcome() == Some(outcome) && !valued).then(|| happened_at(record))
        }
        (Subject::Status(status), Record::Episode(episode)) => {
            (episode.status() == status && !valued).then(|| happened_at(record))
        }
        _ => None,
    }
}

const fn is_unhelpful(feedback: Feedback) -> bool {
    feedback.n_unhelpful > feedback.n_helpful
}

fn happened_at(record: &Record) -> Timestamp {
    match record {
        Record::Episode(episode) => {
            episode.closing.as_ref().map_or(episode.started_at, |closing| closing.ended_at)
        }
        Record::Note(note) => last_stated_at(note),
    }
}

fn last_stated_at(note: &Note) -> Timestamp {
    note.merged_at.map_or(note.occurred_at, |at| at.max(note.occurred_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_printed_as_it_is_read() {
        for text in ["failure>180d", "abandoned>90d, superseded>0d, turn>364d, unhelpful>1d"] {
            assert_eq!(text.parse::<Retention>().unwrap().to_string(), text);
        }
        assert_eq!(" Turn > 2w ,".parse::<Retention>().unwrap().to_string(), "turn>14d");
        let default = Retention::default();
        assert_eq!(default.to_string().parse::<Retention>().unwrap(), default);
    }

    #[test]
    fn a_wrong_policy_is_refused_with_what_would_be_right() {
        for text in [
            "",
            ",",
            "turn",
            "turn>",
            "turn>5",
            "turn>-1d",
            "turn>1y",
            "turn>99999999999d",
            "turn>700000000w",
        ] {
            let error = text.parse::<Retention>().unwrap_err().to_string();
            assert!(error.starts_with("policy: "), "{text}: {error}");
        }
        let error = "turns>1d".parse::<Retention>().unwrap_err().to_string();
        assert!(error.contains("`turns` is none of open,"), "{error}");
    }

    #[test]
    fn every_word_of_the_message_is_understood() {
        for word in WORDS.split(',') {
            assert_eq!(Subject::from_name(word.trim()).map(Subject::name), Some(word.trim()));
        }
    }
}
