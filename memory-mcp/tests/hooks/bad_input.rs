//! What clients and machines do that they should not: the client never notices.

use std::fs::{self, File};
use std::process::Command;

use serde_json::json;

use crate::session::{Home, Session, printed, start};

#[test]
fn a_payload_that_is_none_is_passed_by_in_silence() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    let deep = "[".repeat(100_000);
    let half = session.ended("c1", "ls");
    let (half, _) = half.split_at(half.len() / 2);
    for payload in
        [&b""[..], b"{}", b"null", b"7", b"not json", b"\0\0\0", deep.as_bytes(), half, b"[{}]"]
    {
        assert_eq!(home.hook("claude-code", payload), "");
    }
    let without_ids = json!({"hook_event_name": "PostToolUse", "tool_name": "Bash"}).to_string();
    assert_eq!(home.hook("claude-code", without_ids.as_bytes()), "");
    assert_eq!(home.hook("no-such-client", &session.prompt("p", "sweep the floor of it")), "");
    let log = fs::read_to_string(home.path("memory.db.hooks.log")).unwrap();
    assert!(log.contains("no JSON object") && log.lines().count() >= 9, "{log}");
}

#[test]
fn a_payload_of_two_megabytes_and_one_that_is_no_utf_8_are_recorded() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    assert_eq!(home.hook("claude-code", &session.prompt("p1", "read the log of the till")), "");
    let (input, response) = (json!({"command": "cat log"}), json!({"stdout": "x".repeat(2 << 20)}));
    let large = json!({"tool_name": "Bash", "tool_use_id": "c1", "tool_input": input,
        "tool_response": response});
    assert_eq!(home.hook("claude-code", &session.payload("PostToolUse", &large)), "");
    let mut broken = session.ended("c2", "cat ABCD");
    let at = broken.windows(4).position(|part| part == b"ABCD").unwrap();
    broken[at..at + 4].copy_from_slice(&[0xff, 0xc3, 0x28, 0xfe]);
    assert_eq!(home.hook("claude-code", &broken), "");
    let commands = home.commands();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands.contains(&"cat log".to_owned()));
}

#[test]
fn the_hook_of_one_client_records_the_payload_of_another_as_what_it_is() {
    let home = Home::new();
    let folder = home.path("shop");
    let payload = |event: &str, more: serde_json::Value| {
        let mut payload = json!({"session_id": "g", "cwd": folder, "hook_event_name": event,
            "transcript_path": "/home/dev/.gemini/tmp/a/chats/session-1.jsonl",
            "timestamp": "2026-03-01T10:00:00.000Z"});
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload.to_string().into_bytes()
    };
    let prompt = json!({"prompt": "sweep the floor of the shop"});
    home.hook("claude-code", &payload("BeforeAgent", prompt));
    let episodes = home.export();
    assert_eq!(episodes[0]["context"]["agent"], "gemini", "{episodes:?}");
}

#[test]
fn a_clock_that_jumps_leaves_one_episode_in_order() {
    let home = Home::new();
    let folder = home.path("shop");
    let payload = |event: &str, at: &str, more: serde_json::Value| {
        let mut payload = json!({"session_id": "g", "cwd": folder, "hook_event_name": event,
            "transcript_path": "/home/dev/.gemini/tmp/a/chats/session-1.jsonl", "timestamp": at});
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload.to_string().into_bytes()
    };
    let prompt = json!({"prompt": "sweep the floor of the shop"});
    home.hook("gemini", &payload("BeforeAgent", "2026-03-01T10:00:00.000Z", prompt));
    for (n, at) in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-01T09:00:00Z", "no"]
        .iter()
        .enumerate()
    {
        let call = json!({"tool_name": "run_shell_command",
            "tool_input": {"command": format!("sweep {n}")},
            "tool_response": {"llmContent": "swept"}});
        assert_eq!(home.hook("gemini", &payload("AfterTool", at, call)), "");
    }
    home.hook("gemini", &payload("SessionEnd", "2026-03-01T08:00:00Z", json!({})));
    let commands = home.commands();
    assert_eq!(commands, ["sweep 0", "sweep 1", "sweep 2", "sweep 3"]);
}

#[test]
fn two_hooks_at_once_for_one_call_record_it_once() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    home.hook("claude-code", &session.prompt("p1", "sweep the floor of the shop"));
    for n in 0..8 {
        let payload = session.ended(&format!("c{n}"), &format!("sweep {n}"));
        let both = [home.start("claude-code", &payload), home.start("claude-code", &payload)];
        for child in both {
            assert_eq!(printed(&child.wait_with_output().unwrap()), "");
        }
    }
    let expected: Vec<String> = (0..8).map(|n| format!("sweep {n}")).collect();
    assert_eq!(home.commands(), expected);
}

#[test]
fn a_store_that_is_locked_newer_damaged_or_nowhere_is_not_noticed() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    let prompt = session.prompt("p1", "sweep the floor of the shop");
    home.hook("claude-code", &prompt);

    let lock = File::options().write(true).open(home.path("memory.db.lock")).unwrap();
    lock.lock().unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(home.hook("claude-code", &session.ended("c1", "ls")), "");
    assert!(begin.elapsed().as_secs() < 10, "a client waits for it");
    drop(lock);
    assert_eq!(home.hook("claude-code", &session.ended("c2", "ls")), "");
    assert_eq!(home.commands(), ["ls"]);

    // The version that the file says it has is far beyond all that is known.
    for name in ["memory.db-wal", "memory.db-shm"] {
        drop(fs::remove_file(home.path(name)));
    }
    let mut bytes = fs::read(home.store()).unwrap();
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(home.store(), &bytes).unwrap();
    assert_eq!(home.hook("claude-code", &session.ended("c3", "ls")), "");
    fs::write(home.store(), "no database at all, but as long as a head of one would be".repeat(9))
        .unwrap();
    assert_eq!(home.hook("claude-code", &session.ended("c4", "ls")), "");
    let log = fs::read_to_string(home.path("memory.db.hooks.log")).unwrap();
    assert!(log.contains("cannot be opened"), "{log}");

    for place in ["/dev/null/memory.db", "/proc/none/memory.db"] {
        let mut command = home.command(&["hook", "claude-code"]);
        command.env("MEMORY_MCP_STORE", place);
        assert_eq!(printed(&start(command, &prompt).wait_with_output().unwrap()), "");
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_not_noticed() {
    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    home.hook("claude-code", &session.prompt("p1", "sweep the floor of the shop"));
    // No file may grow: writes fail as on a full disk.
    let hook = home.command(&[]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" hook claude-code"]);
    shell.arg(hook.get_program()).env_clear().current_dir(home.path("shop"));
    shell.envs(hook.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = start(shell, &session.ended("c1", "ls"));
    assert_eq!(printed(&child.wait_with_output().unwrap()), "");
    assert_eq!(home.hook("claude-code", &session.ended("c2", "ls -l")), "");
    assert_eq!(home.commands(), ["ls -l"]);
}

#[cfg(unix)]
#[test]
fn a_home_that_is_read_only_is_not_noticed() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let home = Home::new();
    let session = Session::new("s", &home.path("shop"));
    home.hook("claude-code", &session.prompt("p1", "sweep the floor of the shop"));
    let close = |mode| {
        for name in [".", "memory.db"] {
            let mode = if name == "." { mode } else { mode & 0o666 };
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(home.path(name), permissions).unwrap();
        }
    };
    close(0o555);
    let is_superuser = File::create(home.path("probe")).is_ok();
    for store in ["memory.db", "new/memory.db"] {
        let mut command = home.command(&["hook", "claude-code"]);
        command.env("MEMORY_MCP_STORE", home.path(store));
        if is_superuser {
            // Nobody, as whom the folder is as closed as it looks.
            command.uid(65_534).gid(65_534);
        }
        let child = start(command, &session.ended("c1", "ls"));
        assert_eq!(printed(&child.wait_with_output().unwrap()), "");
    }
    close(0o755);
    assert_eq!(home.hook("claude-code", &session.ended("c2", "ls -l")), "");
    assert_eq!(home.commands(), ["ls -l"]);
}
