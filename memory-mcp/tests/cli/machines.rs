//! Two stores that exchange records through one folder.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::home::{Home, Ran};

const SCOPE: &str = "acme/shop";

/// A store of somebody who exchanges one project through the folder.
struct Machine {
    home: Home,
    settings: [String; 3],
}

impl Machine {
    fn new(author: &str, folder: &Path) -> Self {
        let settings = [
            format!("remote=folder:{}", folder.display()),
            format!("remote_scopes={SCOPE},acme/api"),
            format!("author={author}"),
        ];
        Self { home: Home::new(), settings }
    }

    fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let settings = self.settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
        args.iter().copied().chain(settings).collect()
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(&self.args(args))
    }

    fn sync(&self) -> Value {
        self.run(&["sync", "--json"]).ok().value()
    }

    /// Starts an exchange and kills it once `is_time`, or when it has ended.
    fn kill_sync_when(&self, is_time: impl Fn() -> bool) {
        let mut command = self.home.command(&self.args(&["sync"]));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && !is_time() {
            std::thread::yield_now();
        }
        drop(child.kill());
        child.wait().unwrap();
    }

    /// What is stored of the project, in order.
    fn content(&self) -> Vec<String> {
        let lines = self.home.export(&["--scope", SCOPE]);
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines.sort_unstable();
        lines
    }
}

fn fill(machine: &Machine, name: &str, n: usize) {
    let episode = |n: usize| {
        json!({
            "id": format!("{name}-{n}"), "task": format!("Mend {name} {n}"), "outcome": "success",
            "context": {"project": SCOPE},
            "steps": [{"tool": "bash", "args": "make", "result": "green"}],
        })
    };
    machine.home.import(&(0..n).map(episode).collect::<Vec<_>>());
}

fn segments(folder: &Path) -> usize {
    let machines = std::fs::read_dir(folder).unwrap().flatten();
    let files = machines.filter_map(|machine| std::fs::read_dir(machine.path()).ok()).flatten();
    files.flatten().filter(|file| file.file_name().to_string_lossy().ends_with(".segment")).count()
}

#[test]
fn what_is_remembered_on_one_machine_is_found_on_the_other_with_its_author() {
    let folder = tempfile::tempdir().unwrap();
    let (ada, ben) = (Machine::new("Ada", folder.path()), Machine::new("Ben", folder.path()));
    ada.run(&["remember", "Deploy from the branch release", "--scope", SCOPE]).ok();
    ada.run(&["remember", "My own diary", "--scope", "private"]).ok();
    let dry = ada.run(&["sync", "--dry-run"]).ok().out;
    assert!(dry.contains("would send 0 episode(s), 1 note(s)"), "{dry}");
    assert_eq!(segments(folder.path()), 0, "nothing was sent");
    assert_eq!(ada.sync()["n_sent"], 1);
    assert_eq!(ben.sync()["n_received"], 1);
    let hits = ben.run(&["recall", "deploy branch", "--scope", SCOPE]).ok().out;
    assert!(hits.contains("branch release") && hits.contains("team Ada"), "{hits}");
    assert!(!ben.run(&["recall", "diary", "--scope", "*"]).ok().out.contains("diary"));
    let listed = ben.run(&["list", "--json"]).ok().values();
    assert_eq!(listed[0]["team"], "Ada", "{listed:?}");
    let own = ada.run(&["recall", "deploy branch", "--scope", SCOPE]).ok().out;
    assert!(!own.contains("team"), "{own}");
    let own = ada.run(&["list", "--json"]).ok().values();
    assert!(own.iter().all(|note| note["team"].is_null()), "{own:?}");
    let id = ben.home.run(&["list", "--json"]).ok().values()[0]["id"].as_str().unwrap().to_owned();
    ben.run(&["forget", &id, "--yes"]).ok();
    ben.sync();
    assert_eq!(ada.sync()["n_removed"], 1);
    assert_eq!((ada.content(), ben.content()), (vec![], vec![]));
    let doctor = ada.run(&["doctor"]);
    let line = doctor.out.lines().find(|line| line.contains("exchange")).unwrap();
    assert!(line.starts_with("ok") && line.contains("0 record(s) wait"), "{line}");
}

#[test]
fn an_exchange_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ada, ben) = (Machine::new("Ada", folder.path()), Machine::new("Ben", folder.path()));
    fill(&ada, "engine", 400);
    fill(&ben, "wheel", 400);
    let lock = |machine: &Machine| machine.home.path("memory.db.sync.lock").exists();
    ada.kill_sync_when(|| lock(&ada));
    ada.kill_sync_when(|| std::fs::read_dir(folder.path()).unwrap().next().is_some());
    ada.kill_sync_when(|| segments(folder.path()) > 0);
    ben.kill_sync_when(|| lock(&ben));
    ben.kill_sync_when(|| segments(folder.path()) > 1);
    let before = segments(folder.path());
    ada.kill_sync_when(|| segments(folder.path()) > before);
    for machine in [&ada, &ben, &ada, &ben] {
        machine.sync();
    }
    let (here, there) = (ada.content(), ben.content());
    assert_eq!(here.len(), 800);
    assert_eq!(here, there);
    assert_eq!(
        (ada.sync()["n_sent"].clone(), ada.sync()["n_waiting"].clone()),
        (0.into(), 0.into())
    );
    let findings = ben.run(&["doctor", "--json"]).value();
    let content = findings["findings"].as_array().unwrap().iter().find(|f| f["what"] == "content");
    assert_eq!(content.unwrap()["state"], "ok");
}

#[test]
fn a_setting_that_is_missing_or_wrong_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Machine::new("Ada", folder.path());
    ada.home.run(&["sync"]).fails(2, &["`remote` is not set", "folder:PATH"]);
    let no_scopes = ["sync", "--set", "remote=folder:there"];
    ada.home.run(&no_scopes).fails(2, &["`remote_scopes` is empty", "memory-mcp scopes"]);
    ada.home.run(&["list", "--set", "remote=there"]).fails(2, &["folder:PATH", "libsql://"]);
    let gone = Machine::new("Ada", &folder.path().join("gone"));
    gone.run(&["sync"]).fails(1, &["no such folder", "mount"]);
    let doctor = gone.run(&["doctor"]).out;
    assert!(doctor.contains("no such folder") && doctor.contains("WARNING"), "{doctor}");
    ada.run(&["sync", "--leave"]).fails(2, &["--yes"]);
}

#[test]
fn leaving_forgets_what_came_from_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (ada, ben) = (Machine::new("Ada", folder.path()), Machine::new("Ben", folder.path()));
    ada.run(&["remember", "Deploy from the branch release", "--scope", SCOPE]).ok();
    ben.run(&["remember", "Prices are kept in cents", "--scope", SCOPE]).ok();
    ada.sync();
    ben.sync();
    ada.sync();
    assert_eq!((ada.content().len(), ben.content().len()), (2, 2));
    let left = ada.run(&["sync", "--leave", "--yes", "--json"]).ok().value();
    assert_eq!(left["n_forgotten"], 1);
    assert_eq!(ada.content().len(), 1);
    ben.sync();
    assert_eq!(ben.content().len(), 2, "what was sent stays with the others");
}
