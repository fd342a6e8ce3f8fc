//! The table of clients, and its templates filled in.

use serde::Deserialize;

use super::jsonc::{Json, quoted};

/// The table.
const TABLE: &str = include_str!("clients.toml");

/// A client as the table describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// Its name on our command line.
    pub(crate) name: String,
    /// Its name for people.
    pub(crate) title: String,
    /// Names of its programs.
    pub(super) programs: Vec<String>,
    /// Places that exist where it is used.
    pub(super) signs: Vec<String>,
    /// What is left to do by hand.
    pub(super) left: Vec<String>,
    pub(super) server: Server,
    pub(super) hooks: Option<Hooks>,
    pub(super) own_files: Option<OwnFiles>,
    pub(super) instruction: Option<Instruction>,
}

impl Client {
    /// Returns what is left to do by hand after an installation.
    pub(crate) fn left(&self) -> &[String] {
        &self.left
    }
}

/// The list of servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) places: Vec<String>,
    /// Names down to the list of servers.
    pub(super) path: Vec<String>,
    /// Template of the entry.
    pub(super) entry: String,
    /// Words with which the client's own program adds a server.
    pub(super) add: Option<Vec<String>>,
    /// Words with which it removes one.
    pub(super) remove: Option<Vec<String>>,
}

/// Hooks in a settings file, in lists by event below the name `hooks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hooks {
    pub(super) places: Vec<String>,
    /// Place that is taken instead if it holds hooks already.
    pub(super) rather: Option<String>,
    /// Members that the file needs.
    pub(super) base: Option<String>,
    /// The client in the line of the hook.
    pub(super) hint: String,
    /// Template of the entry.
    pub(super) entry: String,
    pub(super) events: Vec<String>,
    /// Template for events that get less time.
    pub(super) short_entry: Option<String>,
    #[serde(default)]
    pub(super) short_events: Vec<String>,
}

/// Files that are ours as a whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnFiles {
    pub(super) folder: String,
    pub(super) hint: String,
    pub(super) names: Vec<String>,
    pub(super) text: OwnText,
    #[serde(default)]
    pub(super) executable: bool,
}

/// Content of a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OwnText {
    /// The plugin for OpenCode.
    Opencode,
    /// A shell script that becomes the hook.
    Shell,
}

/// The file of instructions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instruction {
    pub(super) places: Vec<String>,
    /// Text before ours where the file is ours as a whole.
    pub(super) head: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    client: Vec<Client>,
}

/// Returns the table of clients.
pub(crate) fn clients() -> Vec<Client> {
    // A test reads the table, so that what is compiled in can be read.
    toml::from_str::<Table>(TABLE).map(|table| table.client).unwrap_or_default()
}

/// Words that start this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// Path of the program.
    pub(crate) program: String,
    /// Words before the command, such as the store.
    pub(crate) flags: Vec<String>,
}

impl Start {
    /// Returns the words of a server.
    fn serve(&self) -> Vec<String> {
        self.flags.iter().cloned().chain(["serve".to_owned()]).collect()
    }

    /// Returns the line of a hook.
    pub(super) fn hook(&self, hint: &str) -> String {
        let words = std::iter::once(&self.program).chain(&self.flags);
        let words: Vec<String> = words.map(|word| shell_word(word)).collect();
        format!("{} hook {hint}", words.join(" "))
    }

    /// Returns the words of a hook of OpenCode as a list of JavaScript.
    pub(super) fn js_words(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.flags).map(String::as_str);
        let words: Vec<String> = words.chain(["hook", "opencode"]).map(quoted).collect();
        format!("[{}]", words.join(", "))
    }

    /// Fills a template of a server or a hook; `None` if it is none, which a test excludes.
    pub(super) fn fill(&self, template: &str, name: &str, hint: &str) -> Option<Json> {
        let args: Vec<String> = self.serve().iter().map(|word| quoted(word)).collect();
        let line = quoted(&self.hook(hint));
        let filled = template
            .replace("\"{program}\"", &quoted(&self.program))
            .replace("\"{args}\"", &args.join(", "))
            .replace("{name}", name)
            .replace("{hook}", line.trim_matches('"'));
        Json::read(&filled).ok()
    }

    /// Fills the words of a command of the client.
    pub(super) fn words(&self, template: &[String], name: &str) -> Vec<String> {
        let mut words = Vec::new();
        for word in template {
            match word.as_str() {
                "{name}" => words.push(name.to_owned()),
                "{program}" => words.push(self.program.clone()),
                "{args}" => words.extend(self.serve()),
                word => words.push(word.to_owned()),
            }
        }
        words
    }
}

/// Returns a word as shells read it, in quotes where it needs them.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-.:+@~".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in word.chars() {
        if "\"\\$`".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::ours::{is_ours, starts_program};

    #[test]
    fn every_template_of_the_table_makes_an_entry_of_ours() {
        let start = Start {
            program: "/opt/m é/memory-mcp".into(),
            flags: vec!["--store".into(), "/a \"b\"".into()],
        };
        let clients = clients();
        let names: Vec<_> = clients.iter().map(|client| client.name.as_str()).collect();
        let expected = [
            "claude-code",
            "codex",
            "copilot",
            "vscode",
            "cursor",
            "gemini",
            "opencode",
            "windsurf",
            "zed",
            "cline",
        ];
        assert_eq!(names, expected);
        for client in &clients {
            let hooks = client.hooks.iter();
            let templates =
                hooks.flat_map(|hooks| [Some(&hooks.entry), hooks.short_entry.as_ref()]);
            for template in templates.flatten().chain([&client.server.entry]) {
                let value = start.fill(template, "memory", "codex").unwrap();
                assert!(is_ours(&value), "{}: {template}", client.name);
                assert!(!value.any_text(&|text| text.contains('{')), "{template}");
            }
        }
        assert!(starts_program(&start.hook("codex")));
        assert_eq!(
            start.hook("codex"),
            "\"/opt/m é/memory-mcp\" --store \"/a \\\"b\\\"\" hook codex"
        );
    }

    #[test]
    fn the_plugin_of_claude_code_has_the_hooks_of_the_table() {
        let hooks = include_str!("../../../plugins/claude-code/hooks/hooks.json");
        let hooks: serde_json::Value = serde_json::from_str(hooks).unwrap();
        let mut events: Vec<&String> = hooks["hooks"].as_object().unwrap().keys().collect();
        events.sort();
        let table = clients().into_iter().find(|client| client.name == "claude-code").unwrap();
        let table = table.hooks.unwrap();
        let mut expected: Vec<&String> = table.events.iter().collect();
        expected.sort();
        assert_eq!(events, expected);
        for groups in hooks["hooks"].as_object().unwrap().values() {
            let hook = &groups[0]["hooks"][0];
            assert_eq!(
                (&hook["command"], &hook["timeout"]),
                (&"memory-mcp hook claude-code".into(), &10.into())
            );
        }
    }
}
