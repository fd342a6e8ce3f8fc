//! Hooks that are killed at any moment: what was acknowledged is kept, once.

use std::collections::BTreeSet;
#[cfg(unix)]
use std::process::Stdio;
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

/// Number of starts of a client: a longer run has fifty.
fn n_starts() -> usize {
    std::env::var("MEMORY_MCP_CLIENT_STARTS").map_or(6, |number| number.parse().unwrap())
}

/// A client: it holds the input of its server as its output, calls the hooks of its payloads one
/// after the other, and notes those that ended well.
#[cfg(unix)]
const CLIENT: &str = r#"
for payload in "$1".*.json; do
    "$0" hook claude-code <"$payload" >/dev/null && echo "$payload" >>"$1.acked"
done
read -r forever
"#;

/// Starts a client with the calls of a session and kills it at some moment; returns the commands of
/// the hooks that it saw end, and of all.
#[cfg(unix)]
fn start_and_kill(home: &Home, n: usize) -> (BTreeSet<String>, BTreeSet<String>) {
    let session = Session::new(&format!("k{n}"), &home.path("shop"));
    let name = home.path(&format!("client{n:02}"));
    let write = |at: usize, payload: Vec<u8>| {
        let path = format!("{}.{at:02}.json", name.display());
        std::fs::write(&path, payload).unwrap();
        path
    };
    write(0, session.prompt(&format!("k{n}"), "sweep the floors of the shop"));
    let calls = (1..30).map(|at| {
        let command = format!("sweep {n:02}-{at:02}");
        (write(at, session.ended(&format!("k{n}-{at}"), &command)), command)
    });
    let calls: Vec<(String, String)> = calls.collect();
    let mut server = home.command(&[]);
    server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let hook = home.command(&[]);
    let mut client = std::process::Command::new("/bin/sh");
    client.args(["-c", CLIENT]).arg(hook.get_program()).arg(&name).current_dir(home.path("shop"));
    client.env_clear().env("PATH", "/usr/bin:/bin");
    client.envs(hook.get_envs().filter_map(|(name, value)| Some((name, value?))));
    client.stdin(Stdio::piped()).stderr(Stdio::piped());
    client.stdout(Stdio::from(server.stdin.take().unwrap()));
    let mut child = client.spawn().unwrap();
    // Only the client holds the server's input now.
    drop(client);
    thread::sleep(Duration::from_micros(n as u64 * 271_828 % 1_500_000));
    child.kill().unwrap();
    // Both outputs end with the last process that was started: none stays.
    child.wait_with_output().unwrap();
    server.wait_with_output().unwrap();
    let acked = std::fs::read_to_string(name.with_extension("acked")).unwrap_or_default();
    let is_acked = |path: &str| acked.lines().any(|line| line == path);
    let kept = calls.iter().filter(|(path, _)| is_acked(path)).map(|(_, c)| c.clone());
    (kept.collect(), calls.iter().map(|(_, command)| command.clone()).collect())
}

#[cfg(unix)]
#[test]
fn of_clients_that_are_killed_no_process_stays_and_nothing_acknowledged_is_lost_or_told_twice() {
    let home = Home::new();
    let (mut kept, mut called) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..n_starts() {
        let (of_client, all) = start_and_kill(&home, n);
        kept.extend(of_client);
        called.extend(all);
        assert_eq!(left_over(&home), Vec::<String>::new());
    }
    let stored = home.commands();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(stored.len(), distinct.len(), "told twice");
    let lost: Vec<_> = kept.difference(&distinct).collect();
    assert!(lost.len() <= n_given_up(&home), "lost of {}: {lost:?}", kept.len());
    assert!(!kept.is_empty() && distinct.is_subset(&called), "{} of {}", kept.len(), called.len());
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
