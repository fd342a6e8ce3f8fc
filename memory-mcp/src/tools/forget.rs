//! `forget`: removes records for good, after showing them.

use memory_core::{Error, Outcome, Record, RecordFilter, RecordKind, Selection, Source, TimeBound};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Kind, Labels, One, QUOTED, arguments, put, title};

/// Most records that one call removes: a transaction that stays short.
const MAX_REMOVED: usize = 1_000;

/// Most records that an answer lists.
const MAX_LISTED: usize = 20;

/// Length of a listed record's title, in characters.
const TITLE_CHARS: usize = 80;

pub(super) struct Forget;

arguments! {
    /// Arguments of `forget`.
    pub(super) struct Args {
        ids: Labels = "",
        scope: Option<String> = "",
        kind: Option<One<Kind>> = "For programs. ",
        tag: Option<String> = "For programs. ",
        outcome: Option<One<Outcome>> = "For programs. ",
        since: Option<TimeBound> = "For programs. As in recall",
        until: Option<TimeBound> = "For programs. ",
        lift: Labels = "For programs. Sources of forgotten records to allow again",
        dry_run: Option<bool> = "Default true: only show",
    }
}

/// Answer of `forget`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Forgotten {
    dry_run: bool,
    /// Records that were removed or would be.
    n: usize,
    /// True when still more fit the filter.
    more: bool,
    /// Number of sources that may be imported again.
    #[serde(skip_serializing_if = "is_none_lifted")]
    n_lifted: usize,
    items: Vec<Item>,
}

/// One record that was removed or would be.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    id: String,
    kind: &'static str,
    title: String,
    /// Place that it came from, by which forgetting it is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl Tool for Forget {
    const NAME: &'static str = "forget";
    const TITLE: &'static str = "Forget";
    const SEARCH_HINT: &'static str = "delete memory";
    const ABOUT: &'static str = "Removes episodes or notes for good, by ids or filter; dry_run \
        false does it.";
    const EFFECT: Effect = Effect::Removes;
    type Args = Args;
    type Answer = Forgotten;

    fn run(call: &Call<'_>, args: Args) -> Result<Forgotten, CallError> {
        let dry_run = args.dry_run.unwrap_or(true);
        if !args.lift.0.is_empty() {
            return lift(call, &args);
        }
        let selection = selection(call, args)?;
        let forgotten =
            call.memory.forget_selection(selection, MAX_REMOVED, MAX_LISTED, dry_run)?;
        Ok(Forgotten {
            dry_run,
            n: forgotten.ids.len(),
            more: forgotten.has_more,
            n_lifted: 0,
            items: forgotten.first.iter().map(item).collect(),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_none_lifted(n: &usize) -> bool {
    *n == 0
}

/// Lets the records of sources be stored again.
fn lift(call: &Call<'_>, args: &Args) -> Result<Forgotten, CallError> {
    if !args.ids.0.is_empty() {
        return Err(CallError::Refused("give either ids or lift, not both".to_owned()));
    }
    for name in &args.lift.0 {
        call.memory.lift(Source::from_name(name).map_err(Error::from)?)?;
    }
    let n_lifted = args.lift.0.len();
    Ok(Forgotten { dry_run: false, n: 0, more: false, n_lifted, items: Vec::new() })
}

/// Reads the arguments that name the records.
fn selection(call: &Call<'_>, args: Args) -> Result<Selection, CallError> {
    let refused = |text: &str| Err(CallError::Refused(text.to_owned()));
    let by_more_than_scope = args.kind.is_some()
        || args.tag.is_some()
        || args.outcome.is_some()
        || args.since.is_some()
        || args.until.is_some();
    let Labels(given) = args.ids;
    if !given.is_empty() {
        if by_more_than_scope || args.scope.is_some() {
            return refused("give either ids or a filter, not both");
        }
        if given.len() > MAX_REMOVED {
            return refused("ids: more than 1000 at once; send less");
        }
        let ids = given.iter().map(|id| call.record_id("ids", id));
        return Ok(Selection::Ids(ids.collect::<Result<_, _>>()?));
    }
    match args.scope.as_deref().map(str::trim) {
        None if !by_more_than_scope => {
            return refused("nothing is selected: give ids, or a filter such as scope or tag");
        }
        Some("*") if !by_more_than_scope => {
            return refused("scope \"*\" alone selects all there is: add another condition");
        }
        _ => {}
    }
    let filter = RecordFilter {
        scope: call.scope_or_all(args.scope.as_deref())?,
        outcome: args.outcome.map(|One(outcome)| outcome),
        note_kind: match args.kind {
            Some(One(Kind::Note(kind))) => Some(kind),
            _ => None,
        },
        tag: args.tag.map(Into::into),
        since: args.since.map(|since| since.since(call.now)),
        until: args.until.map(|until| until.until(call.now)),
        ..RecordFilter::default()
    };
    let kinds = match args.kind {
        None => vec![RecordKind::Episode, RecordKind::Note],
        Some(One(Kind::Episode)) => vec![RecordKind::Episode],
        Some(One(Kind::AnyNote | Kind::Note(_))) => vec![RecordKind::Note],
    };
    Ok(Selection::Filter(kinds, filter))
}

fn item(record: &Record) -> Item {
    let (kind, text, source) = match record {
        Record::Episode(episode) => ("episode", &episode.task, &episode.source),
        Record::Note(note) => (note.kind.name(), &note.text, &note.source),
    };
    Item {
        id: record.id().to_string(),
        kind,
        title: title(text.as_str(), TITLE_CHARS),
        source: source.as_ref().map(|source| title(&source.to_string(), TITLE_CHARS)),
    }
}

impl Answer for Forgotten {
    fn text(&self, _: &Call<'_>) -> String {
        if self.n_lifted > 0 {
            return format!("{} source(s) may be stored again", self.n_lifted);
        }
        let mut out = match (self.dry_run, self.n) {
            (_, 0) => return "nothing fits; nothing was removed".to_owned(),
            (true, n) => format!("{n} record(s) would be removed (dry_run: false removes them)"),
            (false, n) => format!("{n} record(s) removed"),
        };
        if self.more {
            out.push_str("; more fit: call again for the rest");
        }
        out.push('\n');
        out.push_str(QUOTED);
        for item in &self.items {
            put(&mut out, format_args!("\n- {} {}", item.kind, item.id));
            if let Some(source) = &item.source {
                put(&mut out, format_args!(" of source {source}"));
            }
            put(&mut out, format_args!("\n   > {}", item.title));
        }
        if self.n > self.items.len() {
            put(&mut out, format_args!("\n… and {} more", self.n - self.items.len()));
        }
        out
    }
}
