//! Stores that cannot be used, backups, and the doctor.

use serde_json::{Value, json};

use crate::home::{Home, Ran};

fn finding<'v>(value: &'v Value, what: &str) -> &'v Value {
    let findings = value["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["what"] == what).unwrap()
}

#[test]
fn a_store_that_is_a_folder_is_refused_with_a_remedy() {
    let home = Home::new();
    std::fs::create_dir(home.path("folder")).unwrap();
    let ran = home.run(&["list", "--store", "folder"]);
    ran.fails(1, &["error: ", "it is a folder", "memory.db"]);
    let value = home.run(&["doctor", "--store", "folder", "--json"]).fails(1, &[]).value();
    assert_eq!(finding(&value, "store")["state"], "broken");
}

#[test]
fn a_file_of_something_else_is_refused() {
    let home = Home::new();
    home.write("notes.txt", &"not a store\n".repeat(400));
    let ran = home.run(&["list", "--store", "notes.txt"]);
    ran.fails(1, &["error: ", "notes.txt"]);
    let kept = std::fs::read_to_string(home.path("notes.txt")).unwrap();
    assert!(kept.starts_with("not a store"), "it is left alone");
}

/// Root may write anywhere, so the test shows something only for other users.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_refused_with_a_remedy() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let folder = home.path("locked");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    let is_root = std::fs::write(folder.join("probe"), "").is_ok();
    let ran = home.run(&["remember", "x", "--store", "locked/memory.db"]);
    if !is_root {
        ran.fails(1, &["error: ", "locked", "permissions"]);
    }
    let value = home.run(&["doctor", "--store", "locked/memory.db", "--json"]);
    assert_eq!(finding(&value.value(), "permissions")["state"], "broken");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_backup_is_restored_in_place_of_the_store() {
    let home = Home::new();
    home.run(&["remember", "one"]).ok();
    home.run(&["backup", "copy.db"]).ok();
    home.run(&["backup", "copy.db"]).fails(1, &["error: ", "it exists"]);
    home.run(&["remember", "two"]).ok();
    home.run(&["restore", "copy.db"]).fails(1, &["error: ", "exists"]);
    home.run(&["restore", "nowhere.db", "--force"]).fails(1, &["no such backup"]);
    home.run(&["restore", "copy.db", "--force"]).ok();
    let notes = home.run(&["list", "--json"]).ok().values();
    assert_eq!((notes.len(), &notes[0]["text"]), (1, &json!("one")));
}

#[test]
fn a_restored_store_is_searched_as_it_was() {
    let home = Home::new();
    let notes = |from: u32| -> Vec<Value> {
        (from..from + 600)
            .map(|n| json!({"id": n, "text": format!("animal{n} was seen")}))
            .collect()
    };
    let found = |n: u32| {
        let query = format!("animal{n}");
        let hits = home.run(&["recall", &query, "--scope", "*", "--json"]).ok().out;
        hits.contains(&format!("animal{n} was seen"))
    };
    let told = || {
        let told = home.run(&["stats", "--json"]).ok().value();
        told["index"]["snapshot"].as_str().unwrap().to_owned()
    };
    home.import(&notes(0));
    assert!(home.path("memory.db.index").exists(), "an import is worth keeping");
    home.run(&["backup", "copy.db"]).ok();
    home.import(&notes(600));
    assert!(found(17) && found(717));
    assert_eq!(told(), "loaded");
    home.run(&["restore", "copy.db", "--force"]).ok();
    assert!(found(17) && !found(717));
    assert_eq!(told(), "loaded", "the first start after the restore has written it anew");
}

#[test]
fn the_doctor_finds_a_sound_store_sound() {
    let home = Home::new();
    home.run(&["remember", "one"]).ok();
    let value = home.run(&["doctor", "--json"]).ok().value();
    for what in ["version", "settings", "scope", "store", "content", "index"] {
        assert_eq!(finding(&value, what)["state"], "ok", "{value}");
    }
    assert!(home.run(&["doctor"]).ok().out.contains("sound"));
}

#[cfg(unix)]
#[test]
fn a_store_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    home.run(&["remember", "one"]).ok();
    let store = home.path("memory.db");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).unwrap();
    let value = home.run(&["doctor", "--json"]).ok().value();
    let permissions = finding(&value, "permissions");
    assert_eq!(permissions["state"], "warning");
    assert!(permissions["remedy"].as_str().unwrap().contains("chmod 600"), "{permissions}");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let home = Home::new();
    let lines: Vec<Value> = (0..2_000).map(|n| json!({"id": n, "text": "x".repeat(500)})).collect();
    home.import(&lines);
    let mut child = home
        .command(&["export"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_fails_a_write_and_ends_no_process() {
    let home = Home::new();
    home.run(&["remember", "Deploys run from the branch release"]).ok();
    let mut child = std::process::Command::new("sh");
    let long = "Releases are cut on Mondays and announced by mail. ".repeat(1_200);
    let ours = home.command(&["import", "jsonl", "many.jsonl"]);
    let lines: Vec<String> = (0..16).map(|n| json!({"id": n, "text": long}).to_string()).collect();
    home.write("many.jsonl", &lines.join("\n"));
    // In blocks of 512 bytes, or of a kilobyte.
    child.args(["-c", "ulimit -f 256; exec \"$@\"", "sh"]).arg(ours.get_program());
    child.args(ours.get_args()).current_dir(home.path(".")).env_clear();
    child.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(child.output().unwrap());
    assert!(ran.code == 1 && ran.err.contains("error: "), "{}: {}{}", ran.code, ran.out, ran.err);
    home.run(&["doctor"]).ok();
    let kept = home.run(&["recall", "branch of deploys"]).ok().out;
    assert!(kept.contains("branch release"), "{kept}");
    home.run(&["remember", "Written again without the limit"]).ok();
}
