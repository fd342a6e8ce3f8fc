//! What hooks leave out and the transcript of the session tells: ends of calls, and prompts whose
//! own hook never came.
//!
//! Codex CLI 0.171.0 gives a hook the output of a command without its exit code; the rollout has it
//! by then (seen in real runs, 30 November 2026).

use memory_core::Timestamp;
use serde_json::Value;

use super::Hook;
use crate::client::Client;
use crate::clients::codex;
use crate::event::{CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::transcript::{Lines, Place};

impl Hook {
    /// Returns the transcript that tells how the call of this hook ended, if the hook does not.
    #[must_use]
    pub fn untold_in(&self) -> Option<&str> {
        let is_untold = self.events.iter().any(|event| untold(&event.kind).is_some());
        self.transcript.as_deref().filter(|_| self.client == Client::Codex && is_untold)
    }

    /// Adds the ends of calls that the last bytes of that transcript tell; returns whether all are
    /// told now. The first line may be half a one.
    pub fn tell(&mut self, tail: &[u8]) -> bool {
        let mut is_told = true;
        for event in &mut self.events {
            let Some(id) = untold(&event.kind) else { continue };
            match end_in(tail, id) {
                Some(told) => {
                    if let EventKind::CallEnded { end, .. } = &mut event.kind {
                        *end = told;
                    }
                }
                None => is_told = false,
            }
        }
        is_told
    }

    /// Returns the prompt that a call of this hook answers, from the last bytes of the session's
    /// transcript: that of the call's turn, or the last one where the client names no turns. It has
    /// the key that its own hook would have given it. The first line may be half a one; `now` is
    /// the time of a prompt without one.
    #[must_use]
    pub fn prompt_in(&self, call: &Event, tail: &[u8], now: Timestamp) -> Option<Event> {
        let place = Place { session: call.session.clone(), folder: call.folder.clone(), at: now };
        let mut lines = Lines::new(self.client, tail, 0, place, true).ok()?;
        let mut found = None;
        while let Ok(Some(record)) = lines.read() {
            for event in record.events.unwrap_or_default() {
                let EventKind::Prompt(prompt) = event.kind else { continue };
                let names = [&prompt.id, &prompt.alias];
                if call.turn.is_none() || names.contains(&&call.turn) {
                    found = Some((event.at, prompt.text));
                }
            }
        }
        found.map(|(at, text)| Event {
            at,
            kind: EventKind::Prompt(Prompt { id: call.turn.clone(), alias: None, text }),
            ..call.clone()
        })
    }
}

/// Returns the id of a call whose end is not told.
fn untold(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::CallEnded { call, end } if end.status == CallStatus::Unknown => {
            call.id.as_deref()
        }
        _ => None,
    }
}

/// Returns the end of a call in the lines of a rollout, the newest first.
fn end_in(tail: &[u8], id: &str) -> Option<CallEnd> {
    let mut lines = tail.rsplit(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let line = str::from_utf8(line).ok().filter(|line| line.contains(id))?;
        let Value::Object(line) = serde_json::from_str(line).ok()? else { return None };
        let mut events = Vec::new();
        codex::Transcript::default().line(&line, &mut events);
        events.into_iter().find_map(|event| match event.kind {
            EventKind::CallEnded { call, end }
                if call.id.as_deref() == Some(id) && end.status != CallStatus::Unknown =>
            {
                Some(end)
            }
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use memory_core::Timestamp;

    use crate::event::{CallStatus, Event, EventKind};
    use crate::hook::read_hook;

    fn payload(id: &str) -> String {
        serde_json::json!({
            "session_id": "s", "turn_id": "t", "hook_event_name": "PostToolUse",
            "transcript_path": "/home/dev/.codex/sessions/rollout-1.jsonl", "tool_name": "Bash",
            "tool_input": {"command": "make test"}, "tool_use_id": id, "tool_response": "no target",
        })
        .to_string()
    }

    fn rollout(id: &str, code: i32) -> String {
        let item = serde_json::json!({
            "type": "CommandExecution", "id": id, "command": ["/bin/bash", "-lc", "make test"],
            "status": if code == 0 { "completed" } else { "failed" }, "exit_code": code,
            "aggregated_output": "no target", "duration": {"secs": 1, "nanos": 5_000_000},
        });
        let payload = serde_json::json!({"type": "item_completed", "item": item});
        serde_json::json!({"type": "event_msg", "payload": payload}).to_string()
    }

    #[test]
    fn an_exit_code_comes_from_the_rollout_and_of_its_own_call_alone() {
        let mut hook = read_hook(payload("c2").as_bytes(), None).unwrap();
        assert_eq!(hook.untold_in(), Some("/home/dev/.codex/sessions/rollout-1.jsonl"));
        assert!(!hook.tell(b"") && !hook.tell(rollout("c1", 2).as_bytes()));
        let half = "\"exit_code\":9}}\n";
        let tail = format!("{half}{}\n{}\n", rollout("c2", 2), rollout("c3", 0));
        assert!(hook.tell(tail.as_bytes()));
        let EventKind::CallEnded { end, .. } = &hook.events[0].kind else { panic!("{hook:?}") };
        assert_eq!(end.status, CallStatus::Failed);
        assert_eq!((end.error.as_deref(), end.latency_ms), (Some("no target"), Some(1_005)));
        assert_eq!(hook.untold_in(), None);
    }

    #[test]
    fn the_prompt_of_a_call_is_that_of_its_turn() {
        let rollout = |turn: &str, words: &str| {
            let started = serde_json::json!({"type": "task_started", "turn_id": turn});
            let content = serde_json::json!([{"type": "text", "text": words}]);
            let item = serde_json::json!({"type": "UserMessage", "id": "i", "content": content});
            let item = serde_json::json!({"type": "item_completed", "item": item});
            [started, item].map(|payload| {
                let at = "2026-03-01T10:00:00.000Z";
                serde_json::json!({"type": "event_msg", "timestamp": at, "payload": payload})
                    .to_string()
                    + "\n"
            })
        };
        let tail = [
            "half\"}}\n".to_owned(),
            rollout("t", "mend the till").concat(),
            rollout("u", "sweep the floor").concat(),
        ];
        let tail = tail.concat();
        let now = Timestamp::from_millis(7);
        let hook = read_hook(payload("c1").as_bytes(), None).unwrap();
        let told = hook.prompt_in(&hook.events[0], tail.as_bytes(), now).unwrap();
        let EventKind::Prompt(prompt) = &told.kind else { panic!("{told:?}") };
        assert_eq!((prompt.id.as_deref(), &*prompt.text), (Some("t"), "mend the till"));
        assert_eq!(told.session, hook.events[0].session);
        assert_eq!(told.at.map(|at| at.to_string()).as_deref(), Some("2026-03-01T10:00:00Z"));
        let other = hook.prompt_in(&hook.events[0], rollout("u", "x").concat().as_bytes(), now);
        assert_eq!(other, None, "of another turn");
        let unnamed = Event { turn: None, ..hook.events[0].clone() };
        let last = hook.prompt_in(&unnamed, tail.as_bytes(), now).unwrap();
        assert!(matches!(last.kind, EventKind::Prompt(prompt) if prompt.text == "sweep the floor"));
    }

    #[test]
    fn other_clients_tell_it_themselves() {
        let claude = payload("toolu_1").replace(".codex/sessions/rollout-1", ".claude/projects/a");
        let claude = claude.replace("\"turn_id\"", "\"prompt_id\"");
        let hook = read_hook(claude.as_bytes(), None).unwrap();
        assert_eq!(hook.untold_in(), None);
    }
}
