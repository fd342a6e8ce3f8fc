//! The tools: one table in listing order, one file for each.
//!
//! A tool reads its arguments, asks the engine and shapes the answer; it decides nothing that the
//! engine could. Used by the server.

mod analyze;
mod checkpoint;
mod complete_episode;
mod feedback;
mod forget;
mod get_episode;
mod log_steps;
mod patterns;
mod recall;
mod recommend;
mod remember;
mod start_episode;
mod status;

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as ToolListing, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::error::CallError;
use crate::wire::{Arguments, Place, answer_schema, object_schema};

/// All tools, in listing order.
pub(crate) static TOOLS: [Entry; 13] = [
    entry::<start_episode::StartEpisode>(),
    entry::<log_steps::LogSteps>(),
    entry::<complete_episode::CompleteEpisode>(),
    entry::<recall::Recall>(),
    entry::<get_episode::GetEpisode>(),
    entry::<recommend::Recommend>(),
    entry::<remember::Remember>(),
    entry::<forget::Forget>(),
    entry::<patterns::Patterns>(),
    entry::<analyze::Analyze>(),
    entry::<feedback::Feedback>(),
    entry::<checkpoint::Checkpoint>(),
    entry::<status::Status>(),
];

/// Effect of a tool on what is stored; none of them reaches beyond the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Reads,
    /// Adds to it; the same call again adds again.
    Adds,
    /// Removes for good; the same call again finds nothing more.
    Removes,
}

/// One tool.
trait Tool {
    const NAME: &'static str;
    /// Purpose of the tool and when to call it, for a model.
    const ABOUT: &'static str;
    const EFFECT: Effect;
    type Args: Arguments;
    type Answer: Answer;

    /// Does what the call asks; may block.
    fn run(call: &Call<'_>, args: Self::Args) -> Result<Self::Answer, CallError>;
}

/// Answer of a tool: data for programs, text for readers.
trait Answer: Serialize + JsonSchema {
    /// The answer as a model reads it; says the same as the data.
    fn text(&self, call: &Call<'_>) -> String;
}

/// Function of a tool: from a call to the text and the data of its answer.
pub(crate) type Run = fn(&Call<'_>, JsonObject) -> Result<(String, Value), CallError>;

/// A tool with its types erased.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    listing: fn() -> ToolListing,
}

impl Entry {
    /// Returns the entry of the tool in `tools/list`.
    pub(crate) fn listing(&self) -> ToolListing {
        (self.listing)()
    }

    /// Makes a tool for the server's own tests.
    #[cfg(test)]
    pub(crate) const fn for_test(name: &'static str, run: Run) -> Self {
        Self { name, run, listing: listing::<status::Status> }
    }
}

const fn entry<T: Tool>() -> Entry {
    Entry { name: T::NAME, run: run::<T>, listing: listing::<T> }
}

fn run<T: Tool>(call: &Call<'_>, raw: JsonObject) -> Result<(String, Value), CallError> {
    let answer = T::run(call, T::Args::read(raw, &Place::Root)?)?;
    let data = serde_json::to_value(&answer);
    let data = data.map_err(|error| CallError::Internal(format!("answer: {error}")))?;
    Ok((answer.text(call), data))
}

fn listing<T: Tool>() -> ToolListing {
    let annotations = ToolAnnotations::new()
        .read_only(T::EFFECT == Effect::Reads)
        .destructive(T::EFFECT == Effect::Removes)
        .idempotent(T::EFFECT != Effect::Adds)
        .open_world(false);
    ToolListing::new(T::NAME, T::ABOUT, Arc::new(object_schema(T::Args::FIELDS)))
        .with_raw_output_schema(Arc::new(answer_schema::<T::Answer>()))
        .with_annotations(annotations)
}

/// Returns a count as the engine takes it; one that no machine could hold is as good as the
/// largest.
fn count(given: u64) -> usize {
    usize::try_from(given).unwrap_or(usize::MAX)
}
