use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::install::clients;

/// A home folder with an environment of its own, in which no program is found.
struct Home {
    dir: tempfile::TempDir,
    environment: Environment,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_str().unwrap();
        let vars = [("HOME", home), ("PATH", &format!("{home}/bin"))];
        let environment = Environment::of(&vars);
        Self { dir, environment }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn install(&self, client: &str) -> Result<Plan, InstallError> {
        install(&named(client), &request(), &self.environment, true)
    }

    fn uninstall(&self, client: &str) -> Result<Plan, InstallError> {
        uninstall(&named(client), &request(), &self.environment, true)
    }

    /// Every file with its content.
    fn files(&self) -> BTreeMap<PathBuf, String> {
        fn walk(dir: &Path, files: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, files);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    files.insert(path, text);
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(self.dir.path(), &mut files);
        files
    }
}

fn named(name: &str) -> Client {
    clients().into_iter().find(|client| client.name == name).unwrap()
}

fn request() -> Request {
    let start = Start { program: "/opt/memory-mcp".to_owned(), flags: Vec::new() };
    Request { start, pieces: Piece::ALL.to_vec() }
}

/// Files that users have, with what editors must keep.
const FILES: [(&str, &str); 8] = [
    (".claude.json", "{\"numStartups\": 3, \"mcpServers\": {\"other\": {\"command\": \"npx\"}}}"),
    (".claude/settings.json", "{\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": []}]\n  }\n}\n"),
    (".claude/CLAUDE.md", "# Mine\n\nAlways test.\n"),
    (
        ".codex/config.toml",
        "# mine\nmodel = \"m\"   # kept\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n",
    ),
    (".gemini/settings.json", "{\n\t// kept\n\t\"theme\": \"dark\",\n}\n"),
    (".config/opencode/opencode.json", "{ /* kept */ \"mcp\": {} }\n"),
    (".config/zed/settings.json", "// Zed settings\n{\n  \"vim_mode\": true, // kept\n}\n"),
    (".cursor/hooks.json", "{\n  \"version\": 1,\n  \"hooks\": {}\n}\n"),
];

#[test]
fn what_is_installed_is_removed_to_the_byte_in_every_client() {
    for client in clients() {
        for with_files in [false, true] {
            let home = Home::new();
            if with_files {
                for (name, text) in FILES {
                    home.write(name, text);
                }
            }
            let before = home.files();
            let n_changed = home.install(&client.name).unwrap().changes.len();
            assert!(n_changed > 0, "{}", client.name);
            let again = home.install(&client.name).unwrap();
            assert!(again.changes.is_empty(), "{}: {:?}", client.name, again.changes);
            home.uninstall(&client.name).unwrap();
            assert_eq!(home.files(), before, "{}", client.name);
            assert!(home.uninstall(&client.name).unwrap().changes.is_empty());
        }
    }
}

#[test]
fn what_the_user_writes_meanwhile_stays() {
    let home = Home::new();
    for (name, text) in FILES {
        home.write(name, text);
    }
    for client in ["claude-code", "codex", "gemini", "cursor"] {
        home.install(client).unwrap();
    }
    let edit = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(home.path(name)).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        fs::write(home.path(name), text.replacen(from, to, 1)).unwrap();
    };
    edit(".claude/settings.json", "{\n", "{\n  \"model\": \"opus\",\n");
    edit(".codex/config.toml", "# mine", "# mine too");
    edit(".gemini/settings.json", "dark", "light");
    edit(".claude/CLAUDE.md", "Always", "Never");
    for client in ["claude-code", "codex", "gemini", "cursor"] {
        home.uninstall(client).unwrap();
    }
    let read = |name: &str| fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(
        read(".claude/settings.json"),
        FILES[1].1.replacen("{\n", "{\n  \"model\": \"opus\",\n", 1)
    );
    assert_eq!(read(".codex/config.toml"), FILES[3].1.replace("# mine", "# mine too"));
    assert_eq!(read(".gemini/settings.json"), FILES[4].1.replace("dark", "light"));
    assert_eq!(read(".claude/CLAUDE.md"), FILES[2].1.replace("Always", "Never"));
    assert_eq!(read(".cursor/hooks.json"), FILES[7].1);
}

#[test]
fn a_file_that_does_not_parse_stops_the_client_before_anything_is_written() {
    for (client, name, text) in [
        ("claude-code", ".claude/settings.json", "{\"hooks\": "),
        ("claude-code", ".claude.json", "not json"),
        ("codex", ".codex/config.toml", "model = "),
        ("cursor", ".cursor/hooks.json", "{\"hooks\": []}"),
    ] {
        let home = Home::new();
        home.write(name, text);
        let before = home.files();
        let error = home.install(client).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("correct the file"), "{error}");
        assert_eq!(home.files(), before);
    }
}

#[test]
fn a_server_of_another_program_keeps_its_name() {
    let home = Home::new();
    home.write(".cursor/mcp.json", r#"{"mcpServers": {"memory": {"command": "npx"}}}"#);
    home.install("cursor").unwrap();
    let text = fs::read_to_string(home.path(".cursor/mcp.json")).unwrap();
    assert!(text.contains(r#""memory": {"command": "npx"}"#), "{text}");
    assert!(text.contains("\"memory-mcp\": {"), "{text}");
}

#[test]
fn a_script_of_another_is_never_replaced() {
    let home = Home::new();
    home.write("Documents/Cline/Hooks/PreToolUse", "#!/bin/sh\necho mine\n");
    let before = home.files();
    let error = home.install("cline").unwrap_err().to_string();
    assert!(
        error.contains("PreToolUse") && error.contains("/opt/memory-mcp hook cline"),
        "{error}"
    );
    assert_eq!(home.files(), before);
}

#[test]
fn codex_gets_its_hooks_where_it_has_hooks() {
    let home = Home::new();
    let hooks = "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"lint\"\n";
    home.write(".codex/config.toml", hooks);
    home.install("codex").unwrap();
    assert!(!home.path(".codex/hooks.json").exists());
    let text = fs::read_to_string(home.path(".codex/config.toml")).unwrap();
    assert!(text.contains("[[hooks.PostToolUse]]"), "{text}");
    assert!(home.install("codex").unwrap().changes.is_empty());
}

#[test]
fn a_survey_changes_nothing_and_sees_what_is_missing() {
    let home = Home::new();
    home.write(".claude/settings.json", "{}");
    let claude = named("claude-code");
    let states = || {
        let survey = survey(&claude, &request(), &home.environment).unwrap();
        assert!(survey.is_found);
        survey.pieces.into_iter().map(|(_, state)| state).collect::<Vec<_>>()
    };
    let before = home.files();
    assert_eq!(states(), [State::Absent; 3]);
    install(&claude, &request(), &home.environment, false).unwrap();
    assert_eq!(home.files(), before);
    home.install("claude-code").unwrap();
    assert_eq!(states(), [State::Present; 3]);
    let moved = Request {
        start: Start { program: "/new/memory-mcp".to_owned(), flags: Vec::new() },
        ..request()
    };
    let survey = survey(&claude, &moved, &home.environment).unwrap();
    let state = |piece| survey.pieces.iter().find(|(p, _)| *p == piece).unwrap().1;
    assert_eq!(state(Piece::Server), State::Outdated);
    assert_eq!(state(Piece::Hooks), State::Outdated);
    assert!(!survey_of("zed", &home).is_found);
    assert_eq!(survey_of("zed", &home).pieces[1].1, State::NoPlace);
}

fn survey_of(name: &str, home: &Home) -> Survey {
    survey(&named(name), &request(), &home.environment).unwrap()
}

#[cfg(unix)]
#[test]
fn permissions_and_links_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = Home::new();
    let real = home.write("dotfiles/claude.json", "{}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, home.path(".claude.json")).unwrap();
    home.install("claude-code").unwrap();
    assert!(fs::symlink_metadata(home.path(".claude.json")).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("memory-mcp"));
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    home.install("cline").unwrap();
    let script = home.path("Documents/Cline/Hooks/PreToolUse").metadata().unwrap();
    assert_eq!(script.permissions().mode() & 0o777, 0o700);
}

#[cfg(unix)]
#[test]
fn the_clients_own_command_is_used_where_it_is_found() {
    use std::os::unix::fs::PermissionsExt;
    let program = |home: &Home, script: &str| {
        let path = home.write("bin/claude", script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let home = Home::new();
    let file = home.path(".claude.json");
    let entry = r#"{"command": "/opt/memory-mcp", "args": ["serve"], "type": "stdio"}"#;
    let does = format!(
        "#!/bin/sh\necho \"$@\" >> {0}.log\n\
         echo '{{\"mcpServers\": {{\"memory\": {entry}}}}}' > {0}\n",
        file.display()
    );
    program(&home, &does);
    let plan = install(&named("claude-code"), &request(), &home.environment, false).unwrap();
    let line = "claude mcp add memory -s user -- /opt/memory-mcp serve";
    assert_eq!(plan.command.unwrap().line(), line);
    assert!(plan.changes.iter().all(|change| !change.path.ends_with(".claude.json")));
    let plan = home.install("claude-code").unwrap();
    assert!(plan.changes.iter().all(|change| !change.path.ends_with(".claude.json")));
    let log = fs::read_to_string(home.path(".claude.json.log")).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");

    let home = Home::new();
    program(&home, "#!/bin/sh\nexit 1\n");
    home.install("claude-code").unwrap();
    let text = fs::read_to_string(home.path(".claude.json")).unwrap();
    assert!(text.contains("/opt/memory-mcp"), "a command that fails is made up for: {text}");
}
