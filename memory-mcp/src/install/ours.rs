//! The rule by which entries of this program are told from those of others.

use std::path::Path;

use super::jsonc::Json;

/// Name of the binary.
pub(super) const PROGRAM: &str = "memory-mcp";

/// Names under which the server is entered; the second where another program has the first.
pub(super) const SERVER_NAMES: [&str; 2] = ["memory", "memory-mcp"];

/// Name of the tool that answers hooks.
const HOOK_TOOL: &str = "hook";

/// Returns whether a value is an entry of ours as a whole: a server or a hook that starts this
/// program, a hook that calls our server, or a group of such hooks alone.
pub(super) fn is_ours(value: &Json) -> bool {
    let Json::Object(members) = value else { return false };
    let group = value.member("hooks").map(Json::elements).unwrap_or_default();
    if !group.is_empty() {
        return group.iter().all(is_ours);
    }
    let text = |name| value.member(name).and_then(Json::text).unwrap_or_default();
    if text("type") == "mcp_tool" {
        return text("tool") == HOOK_TOOL && SERVER_NAMES.contains(&text("server"));
    }
    members.iter().any(|(name, value)| match value {
        Json::Text(line) if name != "cwd" => starts_program(line),
        Json::Array(words) => words.first().and_then(Json::text).is_some_and(is_program),
        _ => false,
    })
}

/// Returns whether a command line starts this program.
pub(super) fn starts_program(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("& ").trim_start();
    if is_program(line) {
        return true;
    }
    let program = match line.chars().next() {
        Some(quote @ ('"' | '\'')) => line.get(1..).and_then(|rest| rest.split(quote).next()),
        _ => line.split_whitespace().next(),
    };
    program.is_some_and(is_program)
}

/// Returns whether this is the path of this program.
fn is_program(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    Path::new(name).file_stem().is_some_and(|stem| stem == PROGRAM) && {
        let extension = Path::new(name).extension();
        extension.is_none_or(|extension| extension.eq_ignore_ascii_case("exe"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_this_program_are_known_by_its_name() {
        for ours in [
            r#"{"command": "/opt/m m/memory-mcp", "args": ["serve"]}"#,
            r#"{"command": "C:/bin/memory-mcp.exe"}"#,
            r#"{"command": ["/opt/memory-mcp", "serve"], "type": "local"}"#,
            r#"{"type": "command", "command": "\"/opt/m m/memory-mcp\" hook codex"}"#,
            r#"{"type": "command", "bash": "memory-mcp hook copilot"}"#,
            r#"{"type": "mcp_tool", "server": "memory", "tool": "hook", "input": {}}"#,
            r#"{"matcher": "*", "hooks": [{"command": "memory-mcp hook gemini"}]}"#,
        ] {
            assert!(is_ours(&Json::read(ours).unwrap()), "{ours}");
        }
        for other in [
            r#"{"command": "npx", "args": ["-y", "other-memory-mcp"]}"#,
            r#"{"command": "/opt/memory-mcp-proxy"}"#,
            r#"{"command": "echo memory-mcp"}"#,
            r#"{"command": "python3", "cwd": "/src/memory-mcp"}"#,
            r#"{"type": "mcp_tool", "server": "memory", "tool": "recall"}"#,
            r#"{"hooks": [{"command": "memory-mcp hook codex"}, {"command": "lint"}]}"#,
            r#"{"hooks": []}"#,
            r#""memory-mcp""#,
        ] {
            assert!(!is_ours(&Json::read(other).unwrap()), "{other}");
        }
    }
}
