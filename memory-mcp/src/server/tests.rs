//! Claims about every call, whatever the tool.

mod broken_storage;
mod growing_episode;

use memory_core::MemStorage;
use serde_json::Value;

use super::*;
use crate::call::Running;
use crate::project::Project;

static PANICS: Entry = Entry::for_test("panics", |_, _| panic!("on purpose"));
static ANSWERS: Entry = Entry::for_test("answers", |_, _| {
    Ok(Produced { text: "text".to_owned(), data: Some(Value::Null), image: None })
});
static BREAKS: Entry =
    Entry::for_test("breaks", |_, _| Err(CallError::Internal("secret detail".to_owned())));

fn server() -> Server {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
    let (project, store) = (Project::named("s"), "memory".to_owned());
    Server::new(
        Arc::new(memory),
        Served {
            project,
            store,
            structured: true,
            started: Instant::now(),
            running: Running::default(),
        },
    )
}

fn run(
    tool: &'static Entry,
    server: &Server,
    cancelled: bool,
) -> Result<CallToolResult, ErrorData> {
    let call = server.call(tool, JsonObject::new(), None, move || cancelled);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

#[test]
fn a_panic_in_a_tool_is_an_internal_error_and_the_server_goes_on() {
    let server = server();
    for _ in 0..2 * MAX_CALLS {
        let error = run(&PANICS, &server, false).unwrap_err();
        assert_eq!(error.code, rmcp::model::ErrorCode::INTERNAL_ERROR);
    }
    assert_eq!(run(&ANSWERS, &server, false).unwrap().is_error, Some(false));
}

#[test]
fn the_detail_of_an_internal_error_stays_in_the_log() {
    let error = run(&BREAKS, &server(), false).unwrap_err();
    assert!(!error.message.contains("secret"), "{}", error.message);
}

#[test]
fn a_call_that_is_cancelled_before_its_turn_does_nothing() {
    let answer = run(&PANICS, &server(), true).unwrap();
    assert_eq!(answer.is_error, Some(true));
}

#[test]
fn the_instructions_are_at_most_twelve_lines() {
    assert!(INSTRUCTIONS.lines().count() <= 12, "{INSTRUCTIONS}");
}
