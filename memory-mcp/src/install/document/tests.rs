use super::*;

const OURS: &str = r#"{"hooks": [{"type": "command", "command": "/a/memory-mcp hook codex"}]}"#;
const NEWER: &str = r#"{"hooks": [{"type": "command", "command": "/b/memory-mcp hook codex"}]}"#;

fn element(text: &str, value: &str) -> Result<String, Unfit> {
    let entry = Entry::Element("Stop".into(), Json::read(value).unwrap());
    with_entry(Format::Json, text, &["hooks"], &entry)
}

fn member(text: &str, value: &str) -> Result<String, Unfit> {
    let entry = Entry::Member("memory".into(), Json::read(value).unwrap());
    with_entry(Format::Json, text, &["mcpServers"], &entry)
}

#[test]
fn an_element_is_added_once_and_brought_up_to_date() {
    let text = r#"{
  // mine
  "hooks": {
    "Stop": [
      {"hooks": [{"type": "command", "command": "lint"}]}
    ]
  }
}
"#;
    let once = element(text, OURS).unwrap();
    assert_eq!(element(&once, OURS).unwrap(), once);
    let newer = element(&once, NEWER).unwrap();
    assert_eq!(newer, once.replace("/a/", "/b/"));
    assert_eq!(without_ours(Format::Json, &newer, &["hooks"]).unwrap(), text);
}

#[test]
fn a_hook_of_another_in_our_group_stays() {
    let text = format!(
        "{{\"hooks\": {{\"Stop\": [{}]}}}}",
        OURS.replace("}]", "}, {\"command\": \"lint\"}]")
    );
    let left = without_ours(Format::Json, &text, &["hooks"]).unwrap();
    assert_eq!(left, r#"{"hooks": {"Stop": [{"hooks": [{"command": "lint"}]}]}}"#);
}

#[test]
fn what_was_emptied_goes_and_what_was_empty_stays() {
    let text = "{\n  \"permissions\": {},\n  \"model\": \"m\"\n}\n";
    let added = element(text, OURS).unwrap();
    assert_eq!(without_ours(Format::Json, &added, &["hooks"]).unwrap(), text);
    let empty = "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n";
    assert_eq!(without_ours(Format::Json, empty, &["hooks"]).unwrap(), empty);
}

#[test]
fn a_server_of_another_program_is_never_replaced() {
    let other = r#"{"mcpServers": {"memory": {"command": "npx"}}}"#;
    let ours = r#"{"command": "/a/memory-mcp", "args": ["serve"]}"#;
    assert_eq!(member(other, ours), Err(Unfit::Taken("memory".into())));
    // Additions of the user to our entry stay.
    let entry = r#"{"command": "/a/memory-mcp", "args": ["serve"], "env": {"X": "1"}}"#;
    let extended = format!(r#"{{"mcpServers": {{"memory": {entry}}}}}"#);
    let extended = extended.as_str();
    assert_eq!(member(extended, ours).unwrap(), extended);
}

#[test]
fn a_form_that_the_client_cannot_read_is_named() {
    let form = |text| element(text, OURS).unwrap_err().to_string();
    assert!(form(r#"{"hooks": []}"#).starts_with("`hooks` is not an object"), "{}", form("[]"));
    assert!(form(r#"{"hooks": {"Stop": {}}}"#).starts_with("`Stop` is not a list"));
    assert!(form("[]").contains("is not an object"));
    assert!(form("{\"a\"\n}").starts_with("line 2: a colon is missing"));
}

const TOML: &str = r#"# mine
model = "m" # the model

[mcp_servers.other]
command = "npx" # about it

[projects."/x"]
trust_level = "trusted"
"#;

#[test]
fn a_toml_file_keeps_its_comments_and_its_order() {
    let entry = Entry::Member(
        "memory".into(),
        Json::read(r#"{"command": "/a/memory-mcp", "args": ["serve"]}"#).unwrap(),
    );
    let path = ["mcp_servers"];
    let added = with_entry(Format::Toml, TOML, &path, &entry).unwrap();
    assert!(
        added.contains("\n[mcp_servers.memory]\ncommand = \"/a/memory-mcp\"\nargs = [\"serve\"]\n"),
        "{added}"
    );
    for line in TOML.lines() {
        assert!(added.contains(line), "{line}");
    }
    assert_eq!(with_entry(Format::Toml, &added, &path, &entry).unwrap(), added);
    assert_eq!(without_ours(Format::Toml, &added, &path).unwrap(), TOML);
    let empty = with_entry(Format::Toml, "", &path, &entry).unwrap();
    assert_eq!(without_ours(Format::Toml, &empty, &path).unwrap().trim(), "");
    let other = Entry::Member("other".into(), Json::Object(Vec::new()));
    assert_eq!(with_entry(Format::Toml, TOML, &path, &other).map(|_| ()), Ok(()));
    let other = Entry::Member("other".into(), Json::read("{\"command\": \"x\"}").unwrap());
    assert_eq!(with_entry(Format::Toml, TOML, &path, &other), Err(Unfit::Taken("other".into())));
    assert!(with_entry(Format::Toml, "a = = 1", &path, &entry).is_err());
}

#[test]
fn hooks_in_toml_are_tables_of_their_own_list() {
    let text = "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"lint\"\n";
    let entry = Entry::Element("Stop".into(), Json::read(OURS).unwrap());
    let added = with_entry(Format::Toml, text, &["hooks"], &entry).unwrap();
    assert_eq!(added.matches("[[hooks.Stop]]").count(), 2, "{added}");
    assert_eq!(with_entry(Format::Toml, &added, &["hooks"], &entry).unwrap(), added);
    let newer = Entry::Element("Stop".into(), Json::read(NEWER).unwrap());
    let newer = with_entry(Format::Toml, &added, &["hooks"], &newer).unwrap();
    assert!(newer.contains("/b/memory-mcp") && !newer.contains("/a/memory-mcp"), "{newer}");
    assert_eq!(without_ours(Format::Toml, &newer, &["hooks"]).unwrap(), text);
}
