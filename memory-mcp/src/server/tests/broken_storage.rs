//! Answers of tools when the storage behind them fails.

use std::sync::Arc;
use std::time::Instant;

use memory_core::{MemStorage, Memory, StorageError, Timestamp};
use memory_testkit::fault::{Calls, Fault, FaultStorage, Moment};
use serde_json::{Value, json};

use crate::call::{Call, Running, Served};
use crate::error::CallError;
use crate::project::Project;
use crate::tools::{Produced, TOOLS};

/// A memory whose storage can be made to fail.
struct Rig {
    storage: Arc<FaultStorage>,
    memory: Memory,
    served: Served,
}

impl Rig {
    fn new() -> Self {
        let storage = Arc::new(FaultStorage::new(Arc::new(MemStorage::new())));
        let memory = Memory::builder(Arc::clone(&storage) as _).open().unwrap();
        memory.refresh().unwrap();
        let (project, store) = (Project::named("shop"), "memory".to_owned());
        Self {
            storage,
            memory,
            served: Served {
                project,
                store,
                structured: true,
                started: Instant::now(),
                running: Running::default(),
            },
        }
    }

    fn call(&self, tool: &str, args: &Value) -> Result<(String, Value), CallError> {
        let entry = TOOLS.iter().find(|entry| entry.name == tool).unwrap();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let call = Call { memory: &self.memory, served: &self.served, now, protocol: None };
        let Produced { text, data, .. } = (entry.run)(&call, args.as_object().unwrap().clone())?;
        Ok((text, data.unwrap()))
    }
}

#[test]
fn an_episode_begins_also_when_the_past_cannot_be_looked_up() {
    let rig = Rig::new();
    rig.storage.arm(Fault::once(Calls::All, 0, Moment::Before, || StorageError::Busy));
    let (text, data) = rig.call("start_episode", &json!({"task": "t"})).unwrap();
    assert!(data["degraded"].as_str().unwrap().contains("busy"), "{data}");
    assert!(text.contains("could not be looked up"), "{text}");
    let shown = rig.call("get_episode", &json!({"episode_id": data["episode_id"]})).unwrap().1;
    assert_eq!(shown["status"], "open");
}

#[test]
fn the_status_of_a_broken_storage_is_an_answer_that_names_it() {
    let rig = Rig::new();
    let broken = || StorageError::Corrupt { what: "page 7".into() };
    rig.storage.arm(Fault::from(Calls::All, 0, Moment::Before, broken));
    let (text, data) = rig.call("status", &json!({"verbose": true})).unwrap();
    assert_eq!(data["healthy"], false);
    assert!(data["problems"][0].as_str().unwrap().contains("page 7"), "{data}");
    assert!(text.contains("NOT healthy") && text.contains("page 7"), "{text}");
}

#[test]
fn what_a_retry_cures_is_refused_and_damage_is_an_internal_error() {
    let rig = Rig::new();
    let note = json!({"text": "t"});
    rig.storage.arm(Fault::from(Calls::Writes, 0, Moment::Before, || StorageError::Busy));
    match rig.call("remember", &note) {
        Err(CallError::Refused(text)) => assert!(text.contains("try again"), "{text}"),
        other => panic!("{other:?}"),
    }
    let broken = || StorageError::Corrupt { what: "page 7".into() };
    rig.storage.arm(Fault::from(Calls::Writes, 0, Moment::Before, broken));
    match rig.call("remember", &note) {
        Err(CallError::Internal(detail)) => assert!(detail.contains("page 7"), "{detail}"),
        other => panic!("{other:?}"),
    }
    rig.storage.disarm();
    rig.call("remember", &note).unwrap();
}
