//! `install` and `uninstall`, in the home folder of a test.

use super::home::Home;

#[test]
fn clients_are_listed_with_what_is_missing() {
    let home = Home::new();
    home.write(".codex/config.toml", "model = \"m\"\n");
    let listed = home.run(&["install"]).ok();
    assert!(listed.out.contains("codex"), "{}", listed.out);
    assert!(listed.out.contains("`memory-mcp install codex` would complete"), "{}", listed.out);
    let values = home.run(&["install", "--json"]).ok().values();
    assert_eq!(values.len(), 10);
    let codex = values.iter().find(|value| value["client"] == "codex").unwrap();
    assert_eq!((&codex["found"], &codex["pieces"]["server"]), (&true.into(), &"no".into()));
}

#[test]
fn a_dry_run_shows_the_diff_and_an_installation_makes_it_once() {
    let home = Home::new();
    let text = "# mine\nmodel = \"m\"\n";
    let config = home.write(".codex/config.toml", text);
    let dry = home.run(&["install", "codex", "--dry-run"]).ok().out;
    assert!(dry.contains("+ [mcp_servers.memory]") && dry.contains("left to do"), "{dry}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), text);

    let done = home.run(&["install", "codex", "--store", "/tmp/other.db"]).ok().out;
    assert!(done.contains("config.toml (changed)"), "{done}");
    let installed = std::fs::read_to_string(&config).unwrap();
    assert!(
        installed.contains("args = [\"--store\", \"/tmp/other.db\", \"serve\"]"),
        "{installed}"
    );
    let again = home.run(&["install", "codex", "--store", "/tmp/other.db"]).ok().out;
    assert!(again.contains("installed already"), "{again}");

    home.run(&["uninstall", "codex"]).ok();
    assert_eq!(std::fs::read_to_string(&config).unwrap(), text);
    let nothing = home.run(&["uninstall", "codex"]).ok().out;
    assert!(nothing.contains("nothing of memory-mcp is there"), "{nothing}");
}

#[test]
fn what_cannot_be_installed_is_named() {
    let home = Home::new();
    home.run(&["install", "emacs"]).fails(2, &["there is no client `emacs`", "claude-code"]);
    home.write(".cursor/mcp.json", "{");
    home.write(".gemini/settings.json", "{}");
    let ran =
        home.run(&["install", "cursor", "gemini"]).fails(1, &["cursor", "mcp.json", "line 1"]);
    assert!(ran.out.contains("Gemini CLI"), "the others are installed: {}", ran.out);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let home = Home::new();
    home.write(".cursor", "a file where a folder would be");
    home.run(&["install", "cursor"]).fails(1, &["mcp.json: cannot be read"]);
}

#[cfg(unix)]
#[test]
fn a_command_of_a_client_that_did_nothing_is_not_said_to_have_run() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    home.write(".codex/config.toml", "model = \"m\"\n");
    let idle = home.write("bin/codex", "#!/bin/sh\nexit 0\n");
    std::fs::set_permissions(&idle, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut install = home.command(&["install", "codex"]);
    install.env("PATH", home.path("bin"));
    let ran = super::home::Ran::of(install.output().unwrap()).ok();
    assert!(!ran.out.contains("ran:") && ran.out.contains("config.toml (changed)"), "{}", ran.out);
}
