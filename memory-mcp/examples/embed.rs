//! The memory inside a program of your own: durable store, embedding model, background work.
//!
//! Run it with `cargo run -p memory-mcp --example embed`. It needs the crates `memory-core`,
//! `memory-storage-turso`, `memory-embed` and, for its last part, `tokio`.
//!
//! Every call of [`Memory`] blocks: it waits for the disk, for the index while that is being
//! loaded, and for the vector of a query. From async code call it on a blocking thread, as
//! [`recall_async`] does. A [`Memory`] may be used from any number of threads at once.

use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use memory_core::{
    Completion, Config, Embedder, Memory, NewEpisode, NewStep, Outcome, Query, Recall, Scope,
};
use memory_embed::{Cached, MiniLm};
use memory_storage_turso::{Options, TursoStorage};

/// Number of queries whose vectors are cached, 1.5 KB each.
const N_CACHED_QUERIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

fn main() -> Result<(), Box<dyn Error>> {
    // A program would use a folder of its own; this one leaves nothing behind.
    let dir = tempfile::tempdir()?;
    let memory = open(&dir.path().join("memory.db"))?;
    let scope = Scope::new("github.com/acme/shop")?;
    record(&memory, &scope)?;

    // Vectors are made in the background, and a query finds by words what has none yet. A short
    // program may wait for them; a server need not.
    memory.embed_all()?;

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let question = "the checkout crate does not compile after the currency change";
    let recall = runtime.block_on(recall_async(&memory, Query::new(question)))?;
    for hit in &recall.hits {
        writeln!(io::stdout(), "{:?} {:.2}\n{}", hit.strength, hit.score, hit.text)?;
    }
    if recall.hits.is_empty() {
        return Err("the episode that was just recorded is not found".into());
    }
    // Dropping the last handle flushes the store and saves the index.
    Ok(())
}

/// Opens the store at `path`, or creates it, and starts the background work.
///
/// Several processes may open one store at the same time.
fn open(path: &Path) -> Result<Arc<Memory>, Box<dyn Error>> {
    let storage = TursoStorage::open(path, &Options::default())?;
    // With a file for the index the next start need not build it. It is derived: it may be deleted.
    let config =
        Config { snapshot_path: Some(path.with_extension("db.index")), ..Config::default() };
    // The model lies in the program: 24 MB, no download, some milliseconds a text.
    let embedder = Cached::new(MiniLm::embedded()?, N_CACHED_QUERIES);
    let embedder: Arc<dyn Embedder> = Arc::new(embedder);
    let builder = Memory::builder(Arc::new(storage)).config(config).embedder(embedder);
    Ok(Arc::new(builder.background(true).open()?))
}

/// Records one attempt at a task: its start, a failed step, and how it ended.
fn record(memory: &Memory, scope: &Scope) -> Result<(), memory_core::Error> {
    let task = "Make the checkout tests pass after the currency change";
    let episode = memory.start(NewEpisode::new(scope.clone(), task))?.value;
    let step = NewStep {
        tool: "bash".into(),
        args: r#"{"command":"cargo test -p checkout"}"#.into(),
        error: Some("error[E0433]: use of undeclared crate `rust_decimal`".into()),
        ..NewStep::default()
    };
    memory.log(episode, vec![step])?;
    let completion = Completion {
        outcome: Some(Outcome::Success),
        summary: Some("Listed rust_decimal in the manifest of checkout.".into()),
        ..Completion::default()
    };
    memory.finish(episode, completion)?;
    Ok(())
}

/// Recalls from async code without blocking the runtime.
async fn recall_async(memory: &Arc<Memory>, query: Query) -> Result<Recall, Box<dyn Error>> {
    let memory = Arc::clone(memory);
    let recall = tokio::task::spawn_blocking(move || memory.recall(&query)).await?;
    Ok(recall?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_finds_what_it_recorded() {
        super::main().unwrap();
    }
}
