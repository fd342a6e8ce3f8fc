//! Command `hook`: one event of a client, in on standard input, out on standard output.

use std::ffi::OsString;

use crate::config::Settings;
use crate::hook;

/// Arguments of `hook`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Client for which the hook was installed; whose event it is shows in the event
    client: Option<String>,
    /// Anything more, which is passed over
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    more: Vec<OsString>,
}

/// Runs the command; whatever happens shows in its log alone.
pub(crate) fn run(args: &Args, settings: &Settings) {
    hook::run(args.client.as_deref(), settings);
}

/// Returns whether a command line, without the program's name, is that of a hook.
pub(crate) fn is_hook(args: impl IntoIterator<Item = OsString>) -> bool {
    const WITH_VALUE: [&str; 6] =
        ["--store", "--scope", "--project", "--log-level", "--config", "--set"];
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some(flag) if WITH_VALUE.contains(&flag) => drop(args.next()),
            Some(flag) if flag.starts_with('-') => {}
            command => return command == Some("hook"),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_known_by_its_command_whatever_else_is_wrong() {
        let line = |line: &str| is_hook(line.split(' ').map(OsString::from));
        assert!(line("hook codex") && line("--store /x hook") && line("--bogus hook --what"));
        assert!(!line("recall hook") && !line("--store hook") && !line("--json stats"));
    }
}
