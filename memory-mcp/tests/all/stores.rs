//! Stores that cannot be used, or not any more: said clearly, and nothing that is stored is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use memory_testkit::stdio::{Client, Failure, Server};
use serde_json::{Value, json};

use super::{begin, server, text};

const IN_TIME: Duration = Duration::from_secs(10);

fn on(store: &Path) -> Server {
    server().arg("--store").arg(store)
}

/// Starts a server that refuses to begin, and returns what it says on stderr; the client is told
/// by the end of the pipe.
fn failed_start(store: &Path) -> String {
    let client = on(store).spawn();
    let ping = client.wait(client.send("ping", &json!({})));
    assert_eq!(ping, Err(Failure::Ended), "it serves {}", store.display());
    let status = client.wait_for_end(IN_TIME);
    let said = client.stderr();
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

/// Does the same where nothing but the refusal is said.
fn refused_start(store: &Path) -> String {
    let said = failed_start(store);
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    said
}

#[test]
fn a_store_of_a_newer_version_is_refused_by_name_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    assert!(on(&store).start().close_stdin_and_wait(IN_TIME).success());
    // SQLite keeps `user_version`, our format, in the bytes 60 to 63 of the file.
    let mut bytes = fs::read(&store).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&store, &bytes).unwrap();
    let said = refused_start(&store);
    for part in ["memory.db", "format 7", "update the program"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert_eq!(fs::read(&store).unwrap(), bytes);
}

#[test]
fn a_store_that_is_a_folder_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused_start(dir.path());
    assert!(said.contains("it is a folder; name a file"), "{said}");
    assert!(said.contains(dir.path().to_str().unwrap()), "{said}");
}

/// Stands for every folder that takes no files: permissions stop everybody but root, this stops
/// all.
#[test]
fn a_store_whose_folder_cannot_be_made_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "text").unwrap();
    for below in ["file/memory.db", "file/deeper/memory.db"] {
        let said = refused_start(&dir.path().join(below));
        assert!(said.contains("file") && said.contains("check the path"), "{said}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "text");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    for text in ["x", &"not a store\n".repeat(1_000)] {
        fs::write(&path, text).unwrap();
        let said = refused_start(&path);
        assert!(said.contains("notes.txt") && said.contains("not a store"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// Logs big steps until one call is refused; the refusal, and how many steps were acknowledged.
fn fill(client: &Client, episode: &str) -> (String, u64) {
    let steps: Vec<Value> = (0..4)
        .map(|n| json!({"tool": "bash", "observation": format!("{n} {}", "line\n".repeat(3_000))}))
        .collect();
    let args = json!({"episode_id": episode, "steps": steps});
    let mut n_steps = 0;
    for _ in 0..500 {
        match client.try_call("log_steps", &args) {
            Ok(outcome) if outcome.is_error => return (outcome.text, n_steps),
            Ok(outcome) => n_steps = outcome.expect_ok()["n_steps"].as_u64().unwrap(),
            Err(failure) => panic!("{failure:?}\n{}", client.stderr()),
        }
    }
    panic!("{n_steps} big steps were taken");
}

/// The server answers reads as before, and has `n_steps` steps.
fn assert_reads(client: &Client, episode: &str, n_steps: u64) {
    let shown = client.call("get_episode", &json!({"episode_id": episode})).expect_ok();
    assert_eq!(shown["n_steps"], n_steps, "no half batch");
    let found = client.call("recall", &json!({"query": "walrus", "scope": "*"})).expect_ok();
    assert!(text(&found["hits"][0]["text"]).contains("walrus"), "{found}");
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_steps"], n_steps);
}

#[test]
fn a_full_store_refuses_writes_answers_reads_and_takes_writes_when_there_is_room() {
    let client = server().arg("--set").arg("max_store_bytes=600_000").start();
    _ = client.call("remember", &json!({"text": "the walrus note"})).expect_ok();
    let episode = begin(&client, "fill the store");
    let (said, n_steps) = fill(&client, &episode);
    for part in ["memory.db", "full", "free some space"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(n_steps > 0);
    assert_reads(&client, &episode, n_steps);
    // Each says something else, or it would be merged into the first.
    let note = |n| json!({"text": format!("{n} {}", "y".repeat(20_000))});
    let mut notes = (0..100).map(|n| client.call("remember", &note(n)));
    let said = notes.find(|outcome| outcome.is_error).unwrap().text;
    assert!(said.contains("memory.db") && said.contains("full"), "{said}");
    assert_reads(&client, &episode, n_steps);

    let forget = json!({"ids": [episode], "dry_run": false});
    assert_eq!(client.call("forget", &forget).expect_ok()["n"], 1);
    let episode = begin(&client, "go on");
    let (_, n_again) = fill(&client, &episode);
    assert!(n_again > 0, "there is room again");
    assert_reads(&client, &episode, n_again);
}

/// Stands for a full disk: the system refuses that a file grows, whoever asks.
#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_is_named_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    // 1,000 blocks of 512 or 1,024 bytes. The signal for a file that is too long would end any
    // process.
    let limited = "trap '' XFSZ; ulimit -f 1000; exec \"$@\"";
    let shell = Server::new("sh").env("MEMORY_MCP_STRUCTURED_ANSWERS", "true");
    let shell = shell.arg("-c").arg(limited).arg("sh");
    let client = shell.arg(env!("CARGO_BIN_EXE_memory-mcp")).arg("--store").arg(&store).start();
    _ = client.call("remember", &json!({"text": "the walrus note"})).expect_ok();
    let episode = begin(&client, "fill the disk");
    let (said, n_steps) = fill(&client, &episode);
    for part in ["memory.db", "free space"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert_reads(&client, &episode, n_steps);
    client.close_stdin_and_wait(IN_TIME);

    let client = on(&store).start();
    assert_reads(&client, &episode, n_steps);
    let step = json!({"episode_id": episode, "steps": [{"tool": "bash", "observation": "ok"}]});
    assert_eq!(client.call("log_steps", &step).expect_ok()["n_steps"], n_steps + 1);
}

/// The allocator reserves address space by the thread, which must not use it up.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_the_address_space_ends_no_server() {
    // In KiB, with the model. How far the allocator gets before it fails depends on the limit.
    for limit in [262_144, 229_376, 196_608] {
        let dir = tempfile::tempdir().unwrap();
        let limited = format!("ulimit -v {limit}; exec \"$@\"");
        let shell = Server::new("sh").env("MEMORY_MCP_STRUCTURED_ANSWERS", "true");
        let shell = shell.arg("-c").arg(limited).arg("sh").arg(env!("CARGO_BIN_EXE_memory-mcp"));
        let client = shell.arg("--store").arg(dir.path().join("memory.db")).start();
        _ = client.call("remember", &json!({"text": "the walrus note"})).expect_ok();
        let episode = begin(&client, "use little memory");
        for n in 0..20 {
            let observation = format!("{n} {}", "line ".repeat(900));
            let steps = json!([{"tool": "bash", "observation": observation}]);
            let args = json!({"episode_id": episode, "steps": steps});
            _ = client.call("log_steps", &args).expect_ok();
            _ = client.call("recall", &json!({"query": format!("walrus {n}")})).expect_ok();
        }
        assert_reads(&client, &episode, 20);
        let health = client.call("status", &json!({})).expect_ok();
        assert_eq!(health["healthy"], true, "{limit} KiB: {health}");
    }
}

/// A path that belongs to a store: its name with `suffix`.
#[cfg(unix)]
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A server that searches by words alone, which starts at once.
#[cfg(unix)]
fn by_words(store: &Path) -> Server {
    on(store).arg("--set").arg("embedder=none")
}

/// A closed store of its own with notes about lanterns.
#[cfg(unix)]
fn lanterns(store: &Path, n_notes: usize) -> PathBuf {
    let path = store.with_file_name("lanterns.db");
    let client = by_words(&path).start();
    for n in 0..n_notes {
        let text = format!("lantern {n}: {}", "wick oil glass brass ".repeat(1_000));
        _ = client.call("remember", &json!({"text": text})).expect_ok();
    }
    assert!(client.close_stdin_and_wait(IN_TIME).success());
    path
}

/// Reads a file and puts a change into it, so that neither its name nor its inode is another.
#[cfg(unix)]
fn overwrite(path: &Path, bytes: &[u8]) {
    let modified = || fs::metadata(path).unwrap().modified().unwrap();
    let before = modified();
    // The clock of the file system ticks every few milliseconds.
    while modified() == before {
        fs::write(path, bytes).unwrap();
    }
}

/// Change to the store of a running server: its name, the change, and a word that is stored at the
/// path afterwards, if the path then names a store.
#[cfg(unix)]
type Mishap = (&'static str, fn(&Path), Option<&'static str>);

#[cfg(unix)]
const MISHAPS: &[Mishap] = &[
    ("removed", |store| fs::remove_file(store).unwrap(), Some("")),
    (
        "removed with all that belongs to it",
        |store| {
            for entry in fs::read_dir(store.parent().unwrap()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        },
        Some(""),
    ),
    ("moved", |store| fs::rename(store, store.with_file_name("away.db")).unwrap(), Some("")),
    (
        "moved with its folder",
        |store| {
            let folder = store.parent().unwrap();
            fs::rename(folder, folder.with_file_name("away")).unwrap();
        },
        Some(""),
    ),
    ("replaced", |store| fs::rename(lanterns(store, 2), store).unwrap(), Some("lantern")),
    (
        "replaced by a link",
        |store| {
            let other = lanterns(store, 2);
            fs::remove_file(store).unwrap();
            std::os::unix::fs::symlink(other, store).unwrap();
        },
        Some("lantern"),
    ),
    ("without its log", |store| fs::remove_file(beside(store, "-wal")).unwrap(), None),
    ("without the index of its log", |store| fs::remove_file(beside(store, "-shm")).unwrap(), None),
    (
        "overwritten by a smaller store",
        |store| overwrite(store, &fs::read(lanterns(store, 2)).unwrap()),
        Some("lantern"),
    ),
    (
        "overwritten by a larger store",
        |store| overwrite(store, &fs::read(lanterns(store, 15)).unwrap()),
        Some("lantern"),
    ),
    ("overwritten by text", |store| overwrite(store, &b"words ".repeat(20_000)), None),
    ("cut off", |store| overwrite(store, &fs::read(store).unwrap()[..5_000]), None),
    ("emptied", |store| overwrite(store, b""), Some("")),
];

/// Number of notes of the stores to which something happens: more than one page of the database.
#[cfg(unix)]
const N_HERONS: usize = 20;

/// A server with a store of its own, some notes in it, and an episode.
#[cfg(unix)]
fn herons(store: &Path) -> (Client, String) {
    // Some of the notes are in the database, some in its log alone.
    for half in 0..2 {
        let client = by_words(store).start();
        for n in 0..N_HERONS / 2 {
            let text = format!("heron {half}-{n}: {}", "reed pond frog stone ".repeat(10 * n));
            _ = client.call("remember", &json!({"text": text})).expect_ok();
        }
        if half == 1 {
            let episode = begin(&client, "count the herons");
            return (client, episode);
        }
        assert!(client.close_stdin_and_wait(IN_TIME).success());
    }
    unreachable!()
}

/// Nothing is confirmed, and everybody who asks is told.
#[cfg(unix)]
fn assert_refuses(client: &Client, episode: &str, what: &str) {
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["healthy"], false, "{what}: {health}");
    assert!(text(&health["problems"][0]).contains("memory.db"), "{what}: {health}");
    let steps = json!([{"tool": "bash", "observation": "one more heron"}]);
    let calls = [
        ("remember", json!({"text": "the ibis came after the store went away"})),
        ("log_steps", json!({"episode_id": episode, "steps": steps})),
        ("complete_episode", json!({"episode_id": episode, "outcome": "success"})),
        ("start_episode", json!({"task": "count the ibises"})),
    ];
    for (tool, args) in calls {
        let outcome = client.call(tool, &args);
        assert!(outcome.is_error, "{what}: {tool} was confirmed: {}", outcome.text);
        for part in ["memory.db", "while the store is open", "nothing was written", "memory-mcp"] {
            assert!(outcome.text.contains(part), "{what}: `{part}` is not in: {}", outcome.text);
        }
    }
    // Nor is anything told from files that the path does not lead to.
    if ["removed", "moved", "replaced"].iter().any(|word| what.starts_with(word)) {
        for (tool, name) in [("recall", "query"), ("recommend", "task")] {
            let outcome = client.call(tool, &json!({name: "count the herons"}));
            assert!(outcome.is_error, "{what}: {tool} answered: {}", outcome.text);
        }
    }
}

/// The store at the path works again after a restart, with what the path names now.
#[cfg(unix)]
fn assert_restarts(store: &Path, stored: &str, what: &str) {
    let client = by_words(store).start();
    _ = client.call("remember", &json!({"text": "a gull after the restart"})).expect_ok();
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["healthy"], true, "{what}: {health}");
    for word in ["heron", "lantern", "ibis", "gull"] {
        let query = json!({"query": word, "scope": "*", "strength": "any"});
        let found = client.call("recall", &query).expect_ok();
        let hits = found["hits"].as_array().unwrap();
        let is_found = hits.iter().any(|hit| text(&hit["text"]).contains(word));
        assert_eq!(is_found, word == stored || word == "gull", "{what}: {word}: {found}");
    }
    assert!(client.close_stdin_and_wait(IN_TIME).success(), "{what}");
    let doctor = Command::new(env!("CARGO_BIN_EXE_memory-mcp"));
    let doctor = { doctor }.arg("--store").arg(store).arg("doctor").output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("read in full, sound"), "{what}: {said}");
}

/// Two servers each: one is closed as an editor does it, one is killed.
#[cfg(unix)]
#[test]
fn a_store_that_is_taken_from_a_running_server_confirms_nothing_that_is_lost() {
    for (what, happens, stored) in MISHAPS {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("home/memory.db");
        let (client, episode) = herons(&store);
        let second = by_words(&store).start();
        _ = second.call("recall", &json!({"query": "heron"})).expect_ok();
        happens(&store);
        assert_refuses(&client, &episode, what);
        assert_refuses(&second, &episode, what);
        // It ends by itself, and its exit code says that the store could not be flushed.
        assert_eq!(client.close_stdin_and_wait(IN_TIME).code(), Some(1), "{what}");
        assert!(client.stderr().contains("while the store is open"), "{what}: {}", client.stderr());
        second.kill9();
        second.wait_for_end(IN_TIME);
        match stored {
            Some(stored) => assert_restarts(&store, stored, what),
            // Nothing that was confirmed before is lost where only what lay beside was.
            None if what.contains("log") => assert_restarts(&store, "heron", what),
            None => assert!(failed_start(&store).contains("error: the store is damaged"), "{what}"),
        }
    }
}

/// Ways in which a server ends whose store was taken from it.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    KilledUnaware,
    Killed,
    Closed,
}

/// The log of the former store is never played into another database.
#[cfg(unix)]
#[test]
fn a_store_that_takes_the_place_of_another_stays_whole_however_the_server_of_that_ended() {
    let ends = [End::KilledUnaware, End::Killed, End::Closed];
    for ((what, happens, stored), end) in
        MISHAPS.iter().flat_map(|mishap| ends.map(|end| (mishap, end)))
    {
        let Some(stored) = stored else { continue };
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("home/memory.db");
        let (client, episode) = herons(&store);
        happens(&store);
        if end != End::KilledUnaware {
            assert_refuses(&client, &episode, what);
        }
        if end == End::Closed {
            client.close_stdin_and_wait(IN_TIME);
        } else {
            client.kill9();
            client.wait_for_end(IN_TIME);
        }
        assert_restarts(&store, stored, &format!("{what}, {end:?}"));
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_is_put_back_is_used_again_and_has_all_that_was_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("home/memory.db");
    let (client, episode) = herons(&store);
    let away = store.with_file_name("away.db");
    fs::rename(&store, &away).unwrap();
    assert_refuses(&client, &episode, "moved");
    fs::rename(&away, &store).unwrap();
    _ = client.call("complete_episode", &json!({"episode_id": episode, "outcome": "success"}));
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!((&health["healthy"], &health["n_open"]), (&json!(true), &json!(0)), "{health}");
    client.kill9();
    client.wait_for_end(IN_TIME);
    let client = by_words(&store).start();
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_notes"], N_HERONS, "{health}");
}

/// Also where somebody removed the mark that the store is in use.
#[cfg(unix)]
#[test]
fn a_backup_is_not_restored_under_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("home/memory.db");
    let (client, _) = herons(&store);
    let backup = dir.path().join("backup.db");
    let run = |args: &[&str]| {
        let command = Command::new(env!("CARGO_BIN_EXE_memory-mcp"));
        { command }.arg("--store").arg(&store).args(args).output().unwrap()
    };
    let backup = backup.to_str().unwrap();
    assert!(run(&["backup", backup]).status.success());
    for (n, mark) in [beside(&store, ".use"), beside(&store, ".none")].iter().enumerate().rev() {
        _ = fs::remove_file(mark);
        let refused = run(&["restore", backup, "--force"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("open in another window"), "{said}");
        _ = client.call("remember", &json!({"text": format!("egret {n}, too")})).expect_ok();
    }
    client.kill9();
    client.wait_for_end(IN_TIME);
    let client = by_words(&store).start();
    let health = client.call("status", &json!({})).expect_ok();
    assert_eq!(health["n_notes"], N_HERONS + 2, "{health}");
}
