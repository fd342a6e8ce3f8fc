//! Prompts: what a person would otherwise have to type.

use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::CallError;
use crate::tools::answer;

/// Returns all prompts.
pub(crate) fn list() -> Vec<Prompt> {
    let argument = |name: &str, about: &str, required| {
        PromptArgument::new(name).with_description(about).with_required(required)
    };
    let episode = |required| argument("episode_id", "Of the episode, or its last digits", required);
    vec![
        Prompt::new(
            "recall",
            Some("Past experience with a task, question or error"),
            Some(vec![argument("query", "Task, question or error", true)]),
        )
        .with_title("Recall"),
        Prompt::new(
            "handoff",
            Some("All that another agent needs to go on with an episode"),
            Some(vec![episode(true)]),
        )
        .with_title("Hand over"),
        Prompt::new(
            "end-episode",
            Some("Ends an episode with an honest outcome and its lessons"),
            Some(vec![episode(true)]),
        )
        .with_title("End the episode"),
    ]
}

/// Returns the message of a prompt.
pub(crate) fn prompt(
    call: &Call<'_>,
    name: &str,
    args: &JsonObject,
) -> Result<GetPromptResult, CallError> {
    let given = |field: &str| match args.get(field).and_then(Value::as_str).map(str::trim) {
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => Err(CallError::Refused(format!("arguments.{field} is required"))),
    };
    let pack = |id: &str| answer(call, "checkpoint", &json!({"episode_id": id, "handoff": true}));
    let text = match name {
        "recall" => {
            let query = given("query")?;
            let found = answer(call, "recall", &json!({"query": query}))?;
            format!(
                "Use this past experience where it fits, and check it against the code.\n{found}"
            )
        }
        "handoff" => {
            let pack = pack(&given("episode_id")?)?;
            format!("Go on with this work; log to its episode with log_steps.\n{pack}")
        }
        "end-episode" => {
            let id = given("episode_id")?;
            let pack = pack(&id)?;
            format!(
                "End this episode: call complete_episode with episode_id {id}. Say honestly how it \
                 ended (unjudged where nobody can tell), sum it up in two sentences, and give the \
                 lessons that you would have liked to know at the start.\n{pack}"
            )
        }
        _ => {
            return Err(CallError::Refused(
                "no such prompt; there are recall, handoff, end-episode".to_owned(),
            ));
        }
    };
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
}
