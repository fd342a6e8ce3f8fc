//! `recall`: finds past experience.

use memory_core::{Clock, Hit, HitKind, NoteKind, Outcome, Query, Recall, Strength, SystemClock};
use serde_json::{Value, json};

use super::filter::{Kind, kind, outcome};
use super::instant::bound;
use super::output::{Failure, Output, block, one_line};
use super::record;
use crate::config::Settings;
use crate::wire::team;
use crate::{scope, store};

/// Arguments of `recall`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Words of what is looked for, also a date (“3 June”, “last week”); empty for the newest
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// Only these: episode, note, or a kind of note; may be repeated
    #[arg(long, value_parser = kind)]
    kind: Vec<Kind>,
    /// Episodes with this outcome: success, partial, failure, abstained
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Episodes of this type of task
    #[arg(long)]
    task_type: Option<String>,
    /// Episodes in this language
    #[arg(long)]
    language: Option<String>,
    /// Records with this tag; may be repeated, then with all of them
    #[arg(long)]
    tag: Vec<String>,
    /// From this time on: 2026-03-31, 2026-03-31T14:00:00Z, 12h, 7d, 2w
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Up to this time; a date is in it
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Most hits
    #[arg(long, short = 'n')]
    limit: Option<usize>,
    /// Largest answer, in tokens of about four bytes
    #[arg(long)]
    max_tokens: Option<usize>,
    /// Least sure hits that are shown: any, weak, strong
    #[arg(long, default_value = "weak", value_parser = strength)]
    strength: Strength,
    /// Show every term of the score
    #[arg(long)]
    explain: bool,
}

fn strength(name: &str) -> Result<Strength, String> {
    let all = [Strength::Any, Strength::Weak, Strength::Strong];
    let found = all.into_iter().find(|strength| strength.name() == name);
    found.ok_or_else(|| "any, weak, strong are the possible values".to_owned())
}

/// Runs the command.
pub(crate) fn run(args: Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let explain = args.explain;
    let own_scope = scope::own(settings)?;
    let is_everywhere = settings.scope.as_deref() == Some("*");
    let now = SystemClock.now();
    let query = Query {
        scope: (!is_everywhere).then(|| own_scope.clone()),
        own_scope: Some(own_scope.clone()),
        kinds: args.kind.into_iter().flat_map(hit_kinds).collect(),
        outcome: args.outcome,
        task_type: args.task_type,
        language: args.language,
        tags: args.tag,
        since: bound(args.since.as_deref())?.map(|bound| bound.since(now)),
        until: bound(args.until.as_deref())?.map(|bound| bound.until(now)),
        limit: args.limit,
        max_tokens: args.max_tokens,
        strength: args.strength,
        ..Query::new(args.query.join(" "))
    };
    let store = store::open(settings)?;
    let recall = store.memory.recall(&query)?;
    if output.is_json() {
        return output.value(&as_json(&recall)?);
    }
    for (at, hit) in recall.hits.iter().enumerate() {
        let id = record::short_id(&store.memory, hit.record.id())?;
        let (strength, what) = (hit.strength.name(), record::summary(&hit.record));
        let step = hit.step_idx.map(|idx| format!(", from step {idx}")).unwrap_or_default();
        let team =
            hit.record.author().map(|author| format!(", team {}", one_line(&team(author), 60)));
        let team = team.unwrap_or_default();
        output.line(&format!(
            "{}. {id}  {strength} {:.3}  {what}{team}{step}",
            at + 1,
            hit.score
        ))?;
        output.line(&block(hit.text.trim(), "   "))?;
        if explain {
            let terms: Vec<String> =
                hit.explanation().map(|(name, value)| format!("{name} {value:.3}")).collect();
            output.line(&format!("   = {}", one_line(&terms.join(", "), 400)))?;
        }
    }
    if recall.hits.is_empty() {
        output.line(&if is_everywhere {
            "nothing relevant in any scope".to_owned()
        } else {
            let own = one_line(own_scope.as_str(), 200);
            format!("nothing relevant in scope {own}; --scope '*' searches all projects")
        })?;
    }
    for (n, what) in [
        (recall.n_below_strength, "weaker hits, shown by --strength any"),
        (recall.n_over_budget, "hits left out or shortened to keep the answer small"),
    ] {
        if n > 0 {
            output.remark(&format!("{n} {what}"));
        }
    }
    Ok(())
}

fn hit_kinds(kind: Kind) -> Vec<HitKind> {
    match kind {
        Kind::Record(memory_core::RecordKind::Episode) => vec![HitKind::Episode],
        Kind::Record(memory_core::RecordKind::Note) => {
            NoteKind::ALL.iter().map(|kind| HitKind::Note(*kind)).collect()
        }
        Kind::Note(kind) => vec![HitKind::Note(kind)],
    }
}

fn as_json(recall: &Recall) -> Result<Value, Failure> {
    let hit = |hit: &Hit| -> Result<Value, Failure> {
        let terms: serde_json::Map<String, Value> =
            hit.explanation().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        Ok(json!({
            "strength": hit.strength.name(),
            "team": hit.record.author().map(team),
            "score": hit.score,
            "text": hit.text,
            "step_idx": hit.step_idx,
            "terms": terms,
            "record": record::as_json(&hit.record, None)?,
        }))
    };
    let hits = recall.hits.iter().map(hit).collect::<Result<Vec<Value>, Failure>>()?;
    Ok(json!({
        "hits": hits,
        "n_below_strength": recall.n_below_strength,
        "n_over_budget": recall.n_over_budget,
    }))
}
