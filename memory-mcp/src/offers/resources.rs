//! Records and scopes as resources, by address: `memory://episode/{id}`.

use memory_core::{Note, display_name};
use rmcp::model::{Resource, ResourceTemplate};
use serde_json::json;

use crate::call::Call;
use crate::error::CallError;
use crate::tools::answer;
use crate::wire::{QUOTED, dot, put, quote, short_ids, team};

/// Beginning of every address.
const SCHEME: &str = "memory://";

/// Templates: address, name, title, description.
const TEMPLATES: [[&str; 4]; 3] = [
    ["memory://episode/{id}", "episode", "Episode", "One attempt at a task, with its steps"],
    ["memory://note/{id}", "note", "Note", "A lesson, fact, preference or decision"],
    ["memory://scope/{scope}", "scope", "Project", "The newest of a project"],
];

/// Returns the templates of all addresses.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let template = |[uri, name, title, about]: [&str; 4]| {
        let template = ResourceTemplate::new(uri, name).with_title(title);
        template.with_description(about).with_mime_type("text/plain")
    };
    TEMPLATES.into_iter().map(template).collect()
}

/// Returns the resource that every client may show: the project of the session.
pub(crate) fn list(call: &Call<'_>) -> Vec<Resource> {
    let scope = call.served.project.scope();
    let uri = format!("{SCHEME}scope/{scope}");
    let resource = Resource::new(uri, "project").with_title("This project");
    vec![resource.with_description("Its newest experience").with_mime_type("text/plain")]
}

/// Returns the text of a resource.
pub(crate) fn read(call: &Call<'_>, uri: &str) -> Result<String, CallError> {
    let unknown = || {
        CallError::Refused(
            "no such resource: write memory://episode/ID, memory://note/ID or memory://scope/SCOPE"
                .to_owned(),
        )
    };
    let path = uri.strip_prefix(SCHEME).ok_or_else(unknown)?;
    let (kind, name) = path.split_once('/').ok_or_else(unknown)?;
    // Clients that fill a template escape what is not plain, such as the slashes of a scope.
    let name = unescaped(name).ok_or_else(unknown)?;
    match kind {
        "episode" => answer(call, "get_episode", &json!({"episode_id": name})),
        "note" => {
            let note = call.memory.note(call.note_id("id", &name)?)?;
            Ok(short_ids(call.memory, note_text(&note)))
        }
        "scope" => answer(call, "recall", &json!({"query": "", "scope": name})),
        _ => Err(unknown()),
    }
}

fn note_text(note: &Note) -> String {
    let mut out = format!("{} {}", note.kind.name(), note.id);
    dot(&mut out, format_args!("scope {}", display_name(note.scope.as_str())));
    dot(&mut out, note.occurred_at);
    dot(&mut out, format_args!("from {}", note.origin.name()));
    if let Some(author) = &note.author {
        dot(&mut out, format_args!("team {}", display_name(&team(author))));
    }
    if let Some(by) = note.superseded_by {
        dot(&mut out, format_args!("superseded by {by}"));
    }
    if let Some(episode) = note.episode {
        dot(&mut out, format_args!("learned in {episode}"));
    }
    put(&mut out, format_args!("\n{QUOTED}"));
    quote(&mut out, note.text.as_str());
    out
}

/// Replaces `%2F` and the like; `None` for what stands for no text.
fn unescaped(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escapes_are_read_and_broken_ones_refused() {
        assert_eq!(unescaped("a%2Fb%20c").as_deref(), Some("a/b c"));
        assert_eq!(unescaped("github.com/acme/shop").as_deref(), Some("github.com/acme/shop"));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(unescaped(broken), None, "{broken}");
        }
    }
}
