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

use rmcp::model::{JsonObject, MetaObject, Tool as ToolListing, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::error::CallError;
use crate::wire::{Arguments, Place, answer_schema, object_schema, short_ids};

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
    /// Name for people.
    const TITLE: &'static str;
    /// Words by which a client that defers its tools finds this one; empty for one of the few
    /// without which the others are of no use: those are loaded at once.
    const SEARCH_HINT: &'static str = "";
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

    /// A picture beside the text, as PNG, where one was asked for.
    fn image(&self) -> Option<Vec<u8>> {
        None
    }
}

/// Answer of a tool with its types erased.
#[derive(Debug, Clone, Default)]
pub(crate) struct Produced {
    pub(crate) text: String,
    /// Data, where the server is set to give any.
    pub(crate) data: Option<Value>,
    /// A picture as PNG.
    pub(crate) image: Option<Vec<u8>>,
}

/// Function of a tool: from a call to its answer.
pub(crate) type Run = fn(&Call<'_>, JsonObject) -> Result<Produced, CallError>;

/// A tool with its types erased.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    listing: fn(structured: bool) -> ToolListing,
}

impl Entry {
    /// Returns the entry of the tool in `tools/list`, with the schema of its answer where answers
    /// hold data.
    pub(crate) fn listing(&self, structured: bool) -> ToolListing {
        (self.listing)(structured)
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

fn run<T: Tool>(call: &Call<'_>, raw: JsonObject) -> Result<Produced, CallError> {
    let answer = T::run(call, T::Args::read(raw, &Place::Root)?)?;
    let data = call.served.structured.then(|| serde_json::to_value(&answer)).transpose();
    let data = data.map_err(|error| CallError::Internal(format!("answer: {error}")))?;
    let text = short_ids(call.memory, answer.text(call));
    Ok(Produced { text, data, image: answer.image() })
}

/// Tells Claude Code to show a tool to the model at once.
const ALWAYS_LOAD: &str = "anthropic/alwaysLoad";

/// Names words by which Claude Code finds a tool that it has not loaded.
const SEARCH_HINT: &str = "anthropic/searchHint";

fn listing<T: Tool>(structured: bool) -> ToolListing {
    // What is not said is as the protocol takes it: not read only, destructive, not idempotent.
    let annotations = match T::EFFECT {
        Effect::Reads => ToolAnnotations::new().read_only(true),
        Effect::Adds => ToolAnnotations::new().destructive(false),
        Effect::Removes => ToolAnnotations::new().destructive(true).idempotent(true),
    };
    let mut meta = JsonObject::new();
    if T::SEARCH_HINT.is_empty() {
        meta.insert(ALWAYS_LOAD.to_owned(), true.into());
    } else {
        meta.insert(SEARCH_HINT.to_owned(), T::SEARCH_HINT.into());
    }
    let listing =
        ToolListing::new(T::NAME, T::ABOUT, Arc::new(object_schema(T::Args::FIELDS, structured)))
            .with_title(T::TITLE)
            .with_annotations(annotations)
            .with_meta(MetaObject(meta));
    if structured {
        listing.with_raw_output_schema(Arc::new(answer_schema::<T::Answer>()))
    } else {
        listing
    }
}

/// Returns the text of a tool's answer, for what is made of it.
pub(crate) fn answer(call: &Call<'_>, tool: &str, args: &Value) -> Result<String, CallError> {
    let entry = TOOLS.iter().find(|entry| entry.name == tool);
    let entry = entry.ok_or_else(|| CallError::Internal(format!("no tool {tool}")))?;
    let args = args.as_object().cloned().unwrap_or_default();
    (entry.run)(call, args).map(|produced| produced.text)
}

/// Returns a count as the engine takes it; one that no machine could hold is as good as the
/// largest.
fn count(given: u64) -> usize {
    usize::try_from(given).unwrap_or(usize::MAX)
}
