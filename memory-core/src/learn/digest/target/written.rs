//! What a step writes whole: a file with its new text.

use std::borrow::Cow;

use super::arguments::{Role, command_line, role};
use super::shell;
use crate::learn::digest::members::{members, unquoted};
use crate::model::Step;

/// Names of arguments that hold all that a file becomes.
const WHOLE: [&str; 3] = ["content", "contents", "file_text"];

/// Returns the file that a step writes whole, with the text that it puts there: by a here-document,
/// or by arguments that name a file and its contents.
pub(crate) fn written(step: &Step) -> Option<(String, String)> {
    let args = step.args.as_str().trim();
    let line = if args.starts_with('{') { command_line(args) } else { Some(Cow::Borrowed(args)) };
    if let Some(line) = line {
        let commands = shell::commands(&line);
        let mut written = commands.iter().filter_map(shell::Command::written);
        return written.next_back().map(|(file, text)| (file.to_owned(), text.to_owned()));
    }
    let value = |accepts: &dyn Fn(&str) -> bool| {
        let (_, raw) = members(args).find(|(name, _)| accepts(name))?;
        unquoted(raw).map(Cow::into_owned)
    };
    let file = value(&|name| role(name) == Role::File)?;
    Some((file, value(&|name| WHOLE.contains(&name))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    #[test]
    fn a_here_document_and_contents_are_written_whole() {
        let of = |args: &str| written(&step("t", args, true, ""));
        let expected = Some(("a.py".to_owned(), "x = 1\n".to_owned()));
        assert_eq!(of("cd b && cat > a.py <<'E'\nx = 1\nE\npython a.py"), expected);
        assert_eq!(of(r#"{"path":"a.py","content":"x = 1\n"}"#), expected);
        assert_eq!(of(r#"{"path":"a.py","old_str":"x","new_str":"y"}"#), None);
        assert_eq!(of("cat a.py > b.py"), None);
    }
}
