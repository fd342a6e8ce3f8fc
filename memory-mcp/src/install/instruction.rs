//! The lines in a client's file of instructions that say which memory is for what.

/// Marks of our lines; Markdown shows neither.
const BEGIN: &str = "<!-- memory-mcp -->";
const END: &str = "<!-- /memory-mcp -->";

/// Returns the two lines, with or without hooks that record by themselves.
pub(super) fn lines(server: &str, is_recorded: bool) -> String {
    let way = if is_recorded {
        "sessions are recorded by hooks; call `recall` before a task that may have been tried \
         before, and `remember` for what should last"
    } else {
        "call `start_episode` before a task, `log_steps` while working, `complete_episode` at its \
         end, and `recall` when something fails"
    };
    format!(
        "{BEGIN}\n\
         - What was tried in past sessions, what cured which error: the MCP server `{server}` \
         ({way}).\n\
         - Standing rules and preferences: this file, not the server.\n\
         {END}\n"
    )
}

/// Returns the text with our lines at its end, or where they are already.
pub(super) fn with_lines(text: &str, lines: &str) -> String {
    if let Some((before, after)) = around(text) {
        return format!("{before}{lines}{after}");
    }
    let gap = match text {
        "" => "",
        text if text.ends_with("\n\n") => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{gap}{lines}")
}

/// Returns the text without our lines.
pub(super) fn without_lines(text: &str) -> String {
    let Some((before, after)) = around(text) else { return text.to_owned() };
    let before =
        if after.is_empty() { before.strip_suffix('\n').unwrap_or(before) } else { before };
    format!("{before}{after}")
}

/// Returns what stands before and behind our lines.
fn around(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some((before, after.strip_prefix("\r\n").or(after.strip_prefix('\n')).unwrap_or(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_come_once_and_go_without_a_trace() {
        let lines = lines("memory", true);
        for text in ["", "# Mine\n", "# Mine\n\nno line end", "a\n\n"] {
            let added = with_lines(text, &lines);
            assert_eq!(with_lines(&added, &lines), added);
            assert_eq!(without_lines(&added).trim_end(), text.trim_end(), "{text:?}");
            assert!(added.starts_with(text));
        }
        let moved = format!("before\n{lines}after\n");
        assert_eq!(with_lines(&moved, &super::lines("memory", false)).matches(BEGIN).count(), 1);
        assert_eq!(without_lines(&moved), "before\nafter\n");
        assert_eq!(without_lines("nothing of ours\n"), "nothing of ours\n");
    }
}
