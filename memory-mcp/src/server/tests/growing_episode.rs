//! An episode is shown as it was at one moment, also while another call appends to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use memory_core::{EpisodeId, NewEpisode, NewStep, Scope};
use serde_json::json;

use super::*;

/// Reads an episode at its tip, over and over, while steps are appended.
fn read_while_it_grows(server: &Server, id: EpisodeId) {
    let tool = TOOLS.iter().find(|tool| tool.name == "get_episode").unwrap();
    let memory = &server.memory;
    let is_full = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                let step = NewStep { tool: "t".to_owned(), ..NewStep::default() };
                memory.log(id, vec![step]).unwrap();
            }
            is_full.store(true, Ordering::Release);
        });
        while !is_full.load(Ordering::Acquire) {
            let from = memory.episode(id).unwrap().n_steps;
            let now = SystemClock.now();
            let call = Call { memory, served: &server.served, now, protocol: None };
            let args = json!({"episode_id": id.to_string(), "from_step": from, "limit": 50});
            let shown = (tool.run)(&call, args.as_object().unwrap().clone()).unwrap().data;
            let shown = shown.unwrap();
            let n_shown = shown["steps"].as_array().unwrap().len() as u64;
            let n_steps = shown["n_steps"].as_u64().unwrap();
            assert!(u64::from(from) + n_shown <= n_steps, "{n_shown} from {from} of {n_steps}");
        }
    });
}

#[test]
fn an_episode_is_shown_as_it_was_at_one_moment_while_it_grows() {
    let server = server();
    // The writer gets in between two reads of the storage in about every third of them.
    for _ in 0..40 {
        let new = NewEpisode::new(Scope::new("s").unwrap(), "t");
        let id = server.memory.start(new).unwrap().value;
        read_while_it_grows(&server, id);
    }
}
