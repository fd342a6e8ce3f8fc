//! `status`: reports the state of each part, from probes made for the call.

use std::collections::BTreeMap;
use std::time::Instant;

use memory_core::display_name;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Exchanged, arguments, dot, put};

pub(super) struct Status;

arguments! {
    /// Arguments of `status`.
    pub(super) struct Args {
        verbose: Option<bool> = "For programs. ",
    }
}

/// Answer of `status`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    healthy: bool,
    /// Broken parts, each with the reason.
    problems: Vec<String>,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    uptime_s: u64,
    scope: String,
    store: String,
    /// Change of late in the scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    news: Option<String>,
    /// Exchange with other machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<Exchanged>,
    #[serde(flatten)]
    probed: Option<Probed>,
    #[serde(flatten)]
    detail: Option<Detail>,
}

/// State of storage and index; missing when the storage did not answer.
#[derive(Debug, Serialize, JsonSchema)]
struct Probed {
    n_episodes: u64,
    n_open: u64,
    n_steps: u64,
    n_notes: u64,
    size_bytes: u64,
    index_ready: bool,
    /// Changes that are stored and not yet searched, at most.
    index_lag: u64,
    /// Texts that wait for their vector.
    n_pending: usize,
    /// Vectors of the embedding model in use.
    n_embedded: u64,
    /// Vectors of models that are not in use, by model.
    unused_vectors: BTreeMap<String, u64>,
    /// Use of the index's file at the start, and the reason where it was of no use.
    snapshot: String,
}

/// Details for the search for a cause.
#[derive(Debug, Serialize, JsonSchema)]
struct Detail {
    read_us: u64,
    store_id: String,
    format: u32,
    seq: u64,
    n_units: usize,
    index_bytes: usize,
    n_vectors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Recalls answered from kept answers, computed, and shared with one in flight.
    n_recalls_cached: u64,
    n_recalls_computed: u64,
    n_recalls_shared: u64,
    pid: u32,
}

impl Tool for Status {
    const NAME: &'static str = "status";
    const TITLE: &'static str = "Status";
    const SEARCH_HINT: &'static str = "memory health";
    const ABOUT: &'static str = "Health of store and search, counts, versions: when in trouble.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Health;

    fn run(call: &Call<'_>, args: Args) -> Result<Health, CallError> {
        let mut health = Health {
            healthy: true,
            problems: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
            protocol: call.protocol.clone(),
            uptime_s: call.served.started.elapsed().as_secs(),
            scope: call.served.project.scope().to_string(),
            store: call.served.store.clone(),
            news: None,
            exchange: None,
            probed: None,
            detail: None,
        };
        let began = Instant::now();
        // A broken part is the answer, not an error of the call.
        let status = match call.memory.status() {
            Ok(status) => status,
            Err(error) => {
                health.problems.push(format!("storage: {error}"));
                health.healthy = false;
                return Ok(health);
            }
        };
        // What cannot be learned is no trouble of the store.
        health.news = call.memory.news(&call.served.project.scope()).ok().flatten();
        health.exchange = call.memory.exchange_status().ok().flatten().map(Exchanged::new);
        let read_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(failure) = &status.index.failure {
            health.problems.push(format!("index: {failure}"));
            health.healthy = false;
        }
        if let Some(failure) = &status.index.vectors_failure {
            health.problems.push(format!("vectors, found by words alone: {failure}"));
            health.healthy = false;
        }
        let (n_embedded, others) = status.vectors();
        let unused_vectors = others.iter().map(|(model, n)| ((*model).to_owned(), *n)).collect();
        health.probed = Some(Probed {
            n_episodes: status.storage.n_episodes,
            n_open: status.storage.n_open,
            n_steps: status.storage.n_steps,
            n_notes: status.storage.n_notes,
            size_bytes: status.storage.size_bytes,
            index_ready: status.index.ready,
            index_lag: status.head.seq.saturating_sub(status.index.seq),
            n_pending: status.index.n_pending,
            n_embedded,
            unused_vectors,
            snapshot: status.index.snapshot(),
        });
        health.detail = args.verbose.unwrap_or(false).then(|| Detail {
            read_us,
            store_id: format!("{:032x}", u128::from_be_bytes(status.head.store_id)),
            format: status.head.format,
            seq: status.head.seq,
            n_units: status.index.n_units,
            index_bytes: status.index.size_bytes,
            n_vectors: status.storage.n_vectors(),
            model: status.index.model,
            n_recalls_cached: status.n_recalls_cached,
            n_recalls_computed: status.n_recalls_computed,
            n_recalls_shared: status.n_recalls_shared,
            pid: std::process::id(),
        });
        Ok(health)
    }
}

impl Answer for Health {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = format!("memory-mcp {}", self.version);
        dot(&mut out, if self.healthy { "healthy" } else { "NOT healthy" });
        dot(&mut out, format_args!("up {} s", self.uptime_s));
        if let Some(protocol) = &self.protocol {
            dot(&mut out, format_args!("protocol {protocol}"));
        }
        let scope = display_name(&self.scope);
        put(&mut out, format_args!("\nscope {scope}\nstore {}", self.store));
        if let Some(news) = &self.news {
            put(&mut out, format_args!("\nnews: {news}"));
        }
        if let Some(probed) = &self.probed {
            dot(&mut out, format_args!("{} bytes", probed.size_bytes));
            put(
                &mut out,
                format_args!(
                    "\n{} episode(s), {} open, {} step(s), {} note(s)",
                    probed.n_episodes, probed.n_open, probed.n_steps, probed.n_notes
                ),
            );
            let ready = if probed.index_ready { "ready" } else { "loading" };
            put(&mut out, format_args!("\nindex {ready}, {} change(s) behind", probed.index_lag));
            dot(&mut out, format_args!("snapshot {}", probed.snapshot));
            if probed.n_pending > 0 {
                let (done, waiting) = (probed.n_embedded, probed.n_pending);
                dot(
                    &mut out,
                    format_args!("{waiting} text(s) wait for their vector, {done} have it"),
                );
            }
            for (model, n) in &probed.unused_vectors {
                put(&mut out, format_args!("\n{n} vector(s) of {model} are not used"));
            }
        }
        if let Some(exchange) = &self.exchange {
            put(&mut out, format_args!("\nexchange {}", exchange.line()));
        }
        if let Some(detail) = &self.detail {
            detail.put(&mut out);
        }
        for problem in &self.problems {
            out.push_str("\nproblem: ");
            out.push_str(problem);
        }
        out
    }
}

impl Detail {
    fn put(&self, out: &mut String) {
        put(
            out,
            format_args!(
                "\nread {} µs, format {}, seq {}, {} unit(s), index {} bytes, store {}, pid {}",
                self.read_us,
                self.format,
                self.seq,
                self.n_units,
                self.index_bytes,
                self.store_id,
                self.pid
            ),
        );
        let Self { n_recalls_cached, n_recalls_computed, n_recalls_shared, .. } = self;
        put(
            out,
            format_args!(
                "\nrecalls: {n_recalls_computed} computed, {n_recalls_cached} from kept answers, \
                 {n_recalls_shared} shared"
            ),
        );
        if let Some(model) = &self.model {
            let n_vectors = self.n_vectors;
            put(out, format_args!("\nembedder {model}, {n_vectors} vector(s) stored"));
        }
    }
}
