//! `forget`: removes records for good.

use std::collections::BTreeMap;

use memory_core::{Error, Memory, RecordId, RecordKind, Retention, Source};
use serde_json::json;

use super::filter::FilterArgs;
use super::output::{Failure, Output};
use super::record;
use crate::config::Settings;
use crate::store;

/// Records that are removed at once.
const BATCH: usize = 500;

/// Records that are shown before they are removed.
const N_SHOWN: usize = 20;

/// Arguments of `forget`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ids, or their first 8 digits or more
    #[arg(conflicts_with_all = ["kind", "outcome", "status", "tag", "since", "until", "current"])]
    ids: Vec<String>,
    /// Records that rules name, such as `abandoned>90d, superseded>26w`; without rules those of the
    /// setting `retention`
    #[arg(
        long,
        value_name = "RULES",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all =
            ["ids", "kind", "outcome", "status", "tag", "since", "until", "current"]
    )]
    policy: Option<String>,
    /// Let records be imported again that were forgotten: IMPORTER:ID, as `forget` shows it
    #[arg(
        long,
        value_name = "SOURCE",
        num_args = 1..,
        conflicts_with_all = ["ids", "policy", "kind", "outcome", "status", "tag", "since",
            "until", "current", "yes"]
    )]
    lift: Vec<String>,
    /// Vectors of an embedding model that is not in use, by its id, as `status` shows it; they also
    /// go by themselves, fourteen days after its last use
    #[arg(
        long,
        value_name = "MODEL",
        conflicts_with_all = ["ids", "policy", "lift", "kind", "outcome", "status", "tag", "since",
            "until", "current"]
    )]
    vectors_of: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only show what would be removed (default)
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Remove
    #[arg(long, short = 'y')]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if !args.lift.is_empty() {
        return lift(&args.lift, settings, output);
    }
    if let Some(model) = &args.vectors_of {
        return drop_vectors(model, args.yes, settings, output);
    }
    let policy = args.policy.as_deref().map(|rules| policy(rules, settings)).transpose()?;
    let nothing_named = args.ids.is_empty() && args.filter.is_empty() && policy.is_none();
    if nothing_named && settings.scope_condition().is_none() {
        return Err(Failure::Usage(
            "name what to forget: ids, --policy, or conditions such as --scope, --tag, --until"
                .to_owned(),
        ));
    }
    let store = store::open(settings)?;
    let memory = &store.memory;
    let (ids, rules) = match &policy {
        Some(policy) => expired(policy, settings, memory)?,
        None => (chosen(args, settings, memory)?, BTreeMap::new()),
    };
    let removed = if args.yes { remove(memory, &ids)? } else { 0 };
    if output.is_json() {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut value = json!({ "ids": ids, "removed": removed, "dry_run": !args.yes });
        if let (Some(policy), Some(fields)) = (policy, value.as_object_mut()) {
            fields.insert("policy".to_owned(), policy.to_string().into());
            fields.insert("rules".to_owned(), json!(rules));
        }
        return output.value(&value);
    }
    let counts: Vec<Vec<String>> =
        rules.into_iter().map(|(rule, n)| vec![rule, n.to_string()]).collect();
    if !counts.is_empty() {
        output.table(&["RULE", "RECORDS"], &counts)?;
        output.line("")?;
    }
    match (ids.len(), args.yes) {
        (0, _) => output.line("nothing is stored that fits"),
        (_, true) => output.line(&format!("removed {removed}")),
        (_, false) => show(memory, &ids, output),
    }
}

/// Lets the records of sources be imported again.
fn lift(names: &[String], settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let sources = names.iter().map(|name| Source::from_name(name).map_err(Error::from));
    let sources: Vec<Source> = sources.collect::<Result<_, _>>()?;
    let store = store::open(settings)?;
    let n_lifted = sources.len();
    for source in sources {
        store.memory.lift(source)?;
    }
    if output.is_json() {
        return output.value(&json!({ "lifted": n_lifted }));
    }
    output.line(&format!("{n_lifted} may be imported again"))
}

/// Removes the vectors of a model, or says how many there are.
fn drop_vectors(
    model: &str,
    is_meant: bool,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let store = store::open(settings)?;
    let status = store.memory.status()?;
    let (_, others) = status.vectors();
    let stored = others.iter().find(|(name, _)| *name == model);
    let n = match (is_meant, stored) {
        (false, Some((_, n))) => *n,
        (true, _) => store.memory.drop_vectors(model)?,
        (false, None) => {
            let names: Vec<&str> = others.iter().map(|(name, _)| *name).collect();
            return Err(Failure::Failed(match names.as_slice() {
                [] => format!("--vectors-of {model}: no model but the one in use has vectors"),
                names => {
                    format!("--vectors-of {model}: vectors not in use are of {}", names.join(", "))
                }
            }));
        }
    };
    if output.is_json() {
        let removed = if is_meant { n } else { 0 };
        return output.value(&json!({
            "model": model, "n_vectors": n, "removed": removed, "dry_run": !is_meant
        }));
    }
    if is_meant {
        return output.line(&format!("removed {n} vectors of {model}"));
    }
    output.line(&format!("{n} vectors of {model}"))?;
    output.remark(&format!("nothing was removed; --yes removes these {n}"));
    Ok(())
}

/// Shows the records that would be removed.
fn show(memory: &Memory, ids: &[RecordId], output: &mut Output<'_>) -> Result<(), Failure> {
    let n = ids.len();
    let shown = ids.get(..n.min(N_SHOWN)).unwrap_or_default();
    let records = memory.read(shown)?;
    record::table(memory, &records, output)?;
    if n > N_SHOWN {
        output.line(&format!("… and {} more", n - N_SHOWN))?;
    }
    if records.iter().any(record::is_open) {
        output.remark("some of these episodes are still open");
    }
    output.remark(&format!("nothing was removed; --yes removes these {n}"));
    Ok(())
}

/// The rules that are given, else those of the settings.
fn policy(rules: &str, settings: &Settings) -> Result<Retention, Failure> {
    if rules.trim().is_empty() { Ok(settings.retention.clone()) } else { Ok(rules.parse()?) }
}

/// Returns the records that a policy names in the scope of `--scope`, and their number by rule.
fn expired(
    policy: &Retention,
    settings: &Settings,
    memory: &Memory,
) -> Result<(Vec<RecordId>, BTreeMap<String, usize>), Failure> {
    let named = memory.expired(policy, settings.scope_condition().as_ref())?;
    let mut rules = BTreeMap::new();
    for expired in &named {
        *rules.entry(expired.rule.clone()).or_insert(0) += 1;
    }
    Ok((named.into_iter().map(|expired| expired.id).collect(), rules))
}

fn chosen(args: &Args, settings: &Settings, memory: &Memory) -> Result<Vec<RecordId>, Failure> {
    const KINDS: [RecordKind; 2] = [RecordKind::Episode, RecordKind::Note];
    if args.ids.is_empty() {
        let selection = args.filter.selection(settings)?;
        let mut ids = selection.all(memory, RecordKind::Episode)?;
        ids.extend(selection.all(memory, RecordKind::Note)?);
        return Ok(ids);
    }
    let mut ids = Vec::with_capacity(args.ids.len());
    for prefix in &args.ids {
        let id = memory.resolve(&KINDS, prefix)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Removes in batches; after a failure the message says how many were removed before it.
fn remove(memory: &Memory, ids: &[RecordId]) -> Result<usize, Failure> {
    let mut removed = 0;
    for batch in ids.chunks(BATCH) {
        removed += memory.forget(batch).map_err(|error| match removed {
            0 => Failure::from(error),
            n => Failure::Failed(format!("{error}; {n} of {} are removed", ids.len())),
        })?;
    }
    Ok(removed)
}
