//! Settings and their sources, as the binary shows them; the rules have tests beside them.

use serde_json::Value;

use crate::home::Home;

fn origin(value: &Value, key: &str) -> (String, String) {
    let rows = value["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == key).unwrap();
    (row["value"].as_str().unwrap().to_owned(), row["origin"].as_str().unwrap().to_owned())
}

#[test]
fn each_setting_tells_its_value_and_where_it_came_from() {
    let home = Home::new();
    let file = home.write("settings.toml", "max_steps = 7\nlog_level = 'error'\n");
    let mut command =
        home.command(&["config", "--json", "--config", "settings.toml", "--set", "max_limit=99"]);
    let output = command.env("MEMORY_MCP_LOG_LEVEL", "info").output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let from_file = std::fs::canonicalize(&file).unwrap();
    let (steps, steps_from) = origin(&value, "max_steps");
    assert_eq!(steps, "7");
    assert_eq!(std::fs::canonicalize(steps_from).unwrap(), from_file);
    assert_eq!(origin(&value, "log_level"), ("info".into(), "$MEMORY_MCP_LOG_LEVEL".into()));
    assert_eq!(origin(&value, "max_limit"), ("99".into(), "--set".into()));
    assert_eq!(origin(&value, "max_labels").1, "default");
    let people = home.run(&["config"]).ok().out;
    assert!(people.contains("max_steps") && people.contains("does not exist"), "{people}");
}

#[test]
fn a_setting_that_makes_no_sense_is_a_usage_error() {
    let home = Home::new();
    home.write("settings.toml", "max_step = 7\n");
    let wrong = home.run(&["list", "--config", "settings.toml"]);
    wrong.fails(2, &["error: unknown setting `max_step`", "did you mean `max_steps`?"]);
    home.run(&["list", "--set", "max_steps=many"])
        .fails(2, &["must be a whole number, not `many`"]);
    home.run(&["list", "--log-level", "loud"]).fails(2, &["`log_level` (--log-level) must be off"]);
    home.run(&["list", "--config", "nowhere.toml"]).fails(2, &["nowhere.toml"]);
}

#[test]
fn an_unknown_variable_is_a_warning() {
    let home = Home::new();
    let output = home.command(&["list"]).env("MEMORY_MCP_SCOPES", "x").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && err.contains("did you mean `MEMORY_MCP_SCOPE`?"), "{err}");
}

#[test]
fn the_repository_around_the_folder_is_the_default_scope() {
    let home = Home::new();
    home.write(".git/config", "[remote \"origin\"]\n\turl = git@github.com:acme/shop.git\n");
    let remembered = home.run(&["remember", "x", "--json"]).ok().value();
    assert_eq!(remembered["scope"], "github.com/acme/shop");
    let value = home.run(&["config", "--json"]).ok().value();
    assert_eq!(origin(&value, "scope"), ("github.com/acme/shop".into(), "default".into()));
}

#[test]
fn wrong_usage_is_explained_and_help_goes_to_stdout() {
    let home = Home::new();
    home.run(&["lits"]).fails(2, &["error: ", "lits", "'list'"]);
    home.run(&["import", "jsonl"]).fails(2, &["error: ", "PATH"]);
    home.run(&["show"]).fails(2, &["error: "]);
    let help = home.run(&["help"]).ok();
    assert!(help.out.contains("Commands:") && help.err.is_empty(), "{}", help.err);
    assert!(home.run(&["--version"]).ok().out.starts_with("memory-mcp "));
    assert!(!home.path("memory.db").exists(), "none of this needs a store");
}

const REMOTE: [&str; 8] = [
    "--set",
    "embedder=openai",
    "--set",
    "embedder_url=http://127.0.0.1:9/v1",
    "--set",
    "embedder_model=m",
    "--set",
    "embedder_dimension=8",
];

#[test]
fn the_key_of_a_provider_is_not_shown() {
    let home = Home::new();
    for form in [&["config"][..], &["config", "--json"]] {
        let mut command = home.command(&[form, &REMOTE].concat());
        command.env("MEMORY_MCP_LOG_LEVEL", "trace").env("MEMORY_MCP_EMBEDDER_KEY", "sk-walrus");
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(output.status.success() && said.contains("embedder_model"), "{said}");
        assert!(!said.contains("walrus"), "{said}");
    }
}

#[cfg(not(feature = "http"))]
#[test]
fn a_build_without_remote_embedders_says_how_to_get_them() {
    let home = Home::new();
    let ran = home.run(&[&["list"][..], &REMOTE].concat());
    ran.fails(2, &["`embedder` is openai (--set)", "--features http", "set embedder to minilm"]);
}
