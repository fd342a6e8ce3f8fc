//! Hooks that are killed at any moment: what was acknowledged is kept, once.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use crate::session::{Home, Session, printed};

/// Sessions that call hooks side by side.
const N_SESSIONS: usize = 4;

/// Number of calls of hooks: a longer run has a thousand.
fn n_calls() -> usize {
    std::env::var("MEMORY_MCP_HOOK_CALLS").map_or(160, |number| number.parse().unwrap())
}

/// Calls the hooks of a session, every third killed at some moment; returns the commands whose
/// hook ended by itself, and those whose hook was killed.
fn call(home: &Home, n: usize) -> (BTreeSet<String>, BTreeSet<String>) {
    let session = Session::new(&format!("s{n}"), &home.path("shop"));
    let prompt = session.prompt(&format!("p{n}"), "sweep the floors of the shop");
    home.hook("claude-code", &prompt);
    let (mut kept, mut killed) = (BTreeSet::new(), BTreeSet::new());
    for at in 0..n_calls() / N_SESSIONS {
        let command = format!("sweep {n}-{at:04}");
        let mut child = home.start("claude-code", &session.ended(&format!("c{n}-{at}"), &command));
        if at % 3 == 1 {
            thread::sleep(Duration::from_micros(at as u64 * 7_919 % 60_000));
            child.kill().unwrap();
            child.wait().unwrap();
            killed.insert(command);
        } else {
            assert_eq!(printed(&child.wait_with_output().unwrap()), "");
            kept.insert(command);
        }
    }
    home.hook("claude-code", &session.over());
    (kept, killed)
}

#[test]
fn of_hooks_that_are_killed_nothing_acknowledged_is_lost_nothing_told_twice_and_none_left() {
    let home = Home::new();
    // The store is made before they run side by side.
    home.hook("claude-code", &Session::new("s", &home.path("shop")).over());
    let (mut kept, mut killed) = (BTreeSet::new(), BTreeSet::new());
    thread::scope(|scope| {
        let home = &home;
        let sessions: Vec<_> =
            (0..N_SESSIONS).map(|n| scope.spawn(move || call(home, n))).collect();
        for session in sessions {
            let (of_session, lost) = session.join().unwrap();
            kept.extend(of_session);
            killed.extend(lost);
        }
    });
    let stored = home.commands();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(stored.len(), distinct.len(), "told twice");
    let lost: Vec<_> = kept.difference(&distinct).collect();
    assert!(lost.len() <= n_given_up(&home), "lost of {}: {lost:?}", kept.len());
    assert!(distinct.iter().all(|command| kept.contains(command) || killed.contains(command)));
    let open = home.export().iter().filter(|episode| episode["outcome"].is_null()).count();
    assert_eq!(open, 0, "every session was ended");
    assert_eq!(left_over(&home), Vec::<String>::new());
}

/// Events that hooks gave up, by their log: no client waits for one longer than some seconds.
fn n_given_up(home: &Home) -> usize {
    let log = std::fs::read_to_string(home.path("memory.db.hooks.log")).unwrap_or_default();
    let words = ["was given up", "not recorded", "cannot be opened"];
    log.lines().filter(|line| words.iter().any(|part| line.contains(part))).count()
}

/// Processes of the binary that have this home as theirs.
fn left_over(home: &Home) -> Vec<String> {
    let mark = format!("MEMORY_MCP_STORE={}", home.store().display());
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let of = |process: std::fs::DirEntry| {
        let environment = std::fs::read(process.path().join("environ")).ok()?;
        let has_mark = String::from_utf8_lossy(&environment).contains(&mark);
        has_mark.then(|| process.path().display().to_string())
    };
    processes.filter_map(|process| of(process.ok()?)).collect()
}
