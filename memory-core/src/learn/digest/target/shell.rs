//! Command lines: their commands, the files that these read, change and remove.
//!
//! A reader of what agents write, not a shell: quotes, separators, redirections and here-documents
//! are understood; variables and patterns are passed over, as what they stand for is not known.

use super::path::{is_file, is_plain};

/// Bytes of a command line that are read.
const MAX_LINE_BYTES: usize = 16_384;

/// Programs that run the program named after them.
const PREFIXES: [&str; 12] =
    ["sudo", "time", "env", "nohup", "exec", "command", "nice", "timeout", "then", "do", "if", "!"];

/// Programs whose first argument is a pattern or a script, not a file.
const WITH_SCRIPT: [&str; 8] = ["sed", "grep", "egrep", "fgrep", "rg", "ag", "awk", "perl"];

/// Programs that look around or move files: what they did is told by the files alone.
const LOOKING: [&str; 49] = [
    "ls", "cat", "head", "tail", "less", "more", "grep", "egrep", "fgrep", "rg", "ag", "find",
    "fd", "sed", "awk", "perl", "wc", "echo", "printf", "cd", "pushd", "popd", "pwd", "which",
    "type", "tree", "stat", "file", "diff", "cmp", "sort", "uniq", "cut", "tr", "xargs", "mkdir",
    "touch", "rm", "rmdir", "tee", "truncate", "cp", "mv", "chmod", "ln", "nl", "sleep", "export",
    "true",
];

/// Subcommands of git that look around or prepare a commit.
const LOOKING_GIT: [&str; 10] =
    ["status", "diff", "log", "show", "add", "blame", "grep", "stash", "checkout", "restore"];

/// What a command did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Read,
    Changed,
    Removed,
}

/// A command of a line, without what it is redirected to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// The program, without its folder, and its arguments.
    words: Vec<String>,
    /// Files that it writes and reads by redirection.
    output: Vec<String>,
    input: Vec<String>,
    /// Text of its here-document.
    pub(super) document: Option<String>,
}

impl Command {
    fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Returns the arguments.
    fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Returns the folder that it changes to.
    pub(super) fn folder(&self) -> Option<&str> {
        let is_change = matches!(self.program(), "cd" | "pushd");
        self.args().first().filter(|_| is_change).map(String::as_str)
    }

    /// Returns the command in one line if it does more than look around and move files.
    pub(super) fn action(&self) -> Option<String> {
        let sub = self.args().iter().find(|word| !word.starts_with('-'));
        let is_looking = LOOKING.contains(&self.program())
            || (self.program() == "git" && sub.is_none_or(|s| LOOKING_GIT.contains(&s.as_str())));
        let is_bare = self.words.len() < 2 && self.document.is_some()
            || matches!(self.words.as_slice(), [_, dash] if dash == "-");
        let is_named = self.program().starts_with(|c: char| c.is_alphabetic());
        (is_named && !is_looking && !is_bare).then(|| self.words.join(" "))
    }

    /// Returns code that it runs: a here-document of an interpreter, or an argument of it.
    pub(super) fn code(&self) -> Option<&str> {
        let is_interpreter = ["python", "node", "ruby", "perl", "php", "deno", "bun"]
            .iter()
            .any(|name| self.program().starts_with(name));
        if !is_interpreter {
            return None;
        }
        let mut args = self.args().iter();
        let given = args.find(|arg| matches!(arg.as_str(), "-c" | "-e")).and(args.next());
        given.map(String::as_str).or(self.document.as_deref())
    }

    /// Returns the file that its here-document goes to, with the text.
    pub(super) fn written(&self) -> Option<(&str, &str)> {
        Some((self.output.last()?, self.document.as_deref()?))
    }

    /// Returns whether its here-document is a patch that it applies.
    pub(super) fn applies(&self) -> bool {
        let is_git = self.program() == "git"
            && self.args().iter().any(|arg| matches!(arg.as_str(), "apply" | "am"));
        is_git || matches!(self.program(), "patch" | "apply_patch" | "applypatch")
    }

    /// Returns whether it prints what was changed here, not what was changed at other times.
    pub(super) fn shows_changes(&self) -> bool {
        self.program() == "git"
            && self.args().iter().find(|a| !a.starts_with('-')).is_some_and(|a| a == "diff")
    }

    /// Calls `found` with each file that it names, and what it does to it.
    pub(super) fn files(&self, mut found: impl FnMut(&str, Touch)) {
        for file in self.output.iter().filter(|file| is_plain(file)) {
            found(file, Touch::Changed);
        }
        for file in self.input.iter().filter(|file| is_file(file)) {
            found(file, Touch::Read);
        }
        let is_option = |word: &&String| word.starts_with('-');
        let in_place = self.args().iter().take_while(is_option).any(|o| is_in_place(o));
        let has_script = WITH_SCRIPT.contains(&self.program())
            && !self.args().iter().any(|o| matches!(o.as_str(), "-e" | "-f"));
        let is_looking = LOOKING.contains(&self.program()) || self.program() == "git";
        let files: Vec<&str> = self
            .args()
            .iter()
            .filter(|word| !word.starts_with('-'))
            .skip(usize::from(has_script))
            .map(String::as_str)
            // `a.b` may name a module of a program that is run.
            .filter(|word| is_file(word) && (is_looking || word.contains('/')))
            .collect();
        let touch = match self.program() {
            "sed" | "perl" if in_place => Touch::Changed,
            "tee" | "touch" | "truncate" => Touch::Changed,
            "rm" | "unlink" => Touch::Removed,
            "cp" | "mv" | "ln" | "install" => {
                if let Some((to, from)) = files.split_last().filter(|(_, from)| !from.is_empty()) {
                    let source = if self.program() == "mv" { Touch::Removed } else { Touch::Read };
                    for file in from {
                        found(file, source);
                    }
                    found(to, Touch::Changed);
                } else {
                    for file in files {
                        found(file, Touch::Read);
                    }
                }
                return;
            }
            "git" => self.git_touch(),
            _ => Touch::Read,
        };
        for file in files {
            found(file, touch);
        }
    }

    fn git_touch(&self) -> Touch {
        let mut words = self.args().iter().filter(|word| !word.starts_with('-'));
        match words.next().map(String::as_str) {
            Some("add" | "mv" | "am") => Touch::Changed,
            Some("rm" | "checkout" | "restore" | "clean") => Touch::Removed,
            _ => Touch::Read,
        }
    }
}

fn is_in_place(option: &str) -> bool {
    let short = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let is_short = short.is_some_and(|letters| {
        letters.starts_with('i')
            || letters.chars().all(char::is_alphabetic) && letters.contains('i')
    });
    is_short || option.starts_with("--in-place")
}

/// Reads the commands of a line, or of a script of several lines.
pub(super) fn commands(line: &str) -> Vec<Command> {
    let end = line.floor_char_boundary(MAX_LINE_BYTES);
    let mut reader = Reader { rest: line.get(..end).unwrap_or(line), ..Reader::default() };
    while reader.step() {}
    reader.end_command();
    reader.commands
}

/// Role of the word that is being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Role {
    #[default]
    Argument,
    Output,
    Input,
    Tag,
    /// A number of a stream, or the text of a here-string.
    Nothing,
}

#[derive(Debug, Default)]
struct Reader<'a> {
    rest: &'a str,
    word: Option<String>,
    role: Role,
    command: Command,
    commands: Vec<Command>,
    /// Tags of here-documents that begin after this line, each with the number of its command.
    tags: Vec<(String, usize)>,
}

impl Reader<'_> {
    /// Reads what comes next; returns whether there was anything.
    fn step(&mut self) -> bool {
        let Some(c) = self.take() else { return false };
        match c {
            '\\' => {
                if let Some(escaped) = self.take().filter(|c| *c != '\n') {
                    self.push(escaped);
                }
            }
            '\'' => self.quoted('\''),
            '"' => self.quoted('"'),
            '\n' => {
                self.end_command();
                self.documents();
            }
            // `&>` redirects both streams.
            '&' if self.rest.starts_with('>') => self.end_word(),
            ' ' | '\t' | '\r' => self.end_word(),
            '&' | ';' | '|' | '(' | ')' => self.end_command(),
            '>' | '<' => self.redirect(c),
            '#' if self.word.is_none() => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..).unwrap_or_default();
            }
            c => self.push(c),
        }
        true
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn quoted(&mut self, quote: char) {
        self.word.get_or_insert_default();
        while let Some(c) = self.take().filter(|c| *c != quote) {
            match c {
                '\\' if quote == '"' => {
                    if let Some(escaped) = self.take() {
                        if !matches!(escaped, '"' | '\\' | '$' | '`') {
                            self.push('\\');
                        }
                        self.push(escaped);
                    }
                }
                c => self.push(c),
            }
        }
    }

    fn redirect(&mut self, sign: char) {
        // The number before it is that of a stream.
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let mut n_signs = 1;
        while self.rest.starts_with(sign) {
            self.take();
            n_signs += 1;
        }
        if self.rest.starts_with(['&', '-', '|']) {
            self.take();
        }
        self.role = match (sign, n_signs) {
            ('>', _) => Role::Output,
            (_, 1) => Role::Input,
            (_, 2) => Role::Tag,
            _ => Role::Nothing,
        };
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match std::mem::take(&mut self.role) {
            Role::Argument => self.command.words.push(word),
            Role::Output => self.command.output.push(word),
            Role::Input => self.command.input.push(word),
            Role::Tag => self.tags.push((word, self.commands.len())),
            Role::Nothing => {}
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.role = Role::Argument;
        let mut command = std::mem::take(&mut self.command);
        let mut is_prefixed = false;
        let n_before = command
            .words
            .iter()
            .take_while(|word| {
                let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
                    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
                });
                let is_option =
                    is_prefixed && word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
                let is_prefix = PREFIXES.contains(&word.as_str());
                is_prefixed |= is_prefix;
                is_assignment || is_option || is_prefix
            })
            .count();
        command.words.drain(..n_before);
        if let Some(program) = command.words.first_mut()
            && let Some((_, name)) = program.rsplit_once('/')
        {
            *program = name.to_owned();
        }
        let has_tag = self.tags.iter().any(|(_, of)| *of == self.commands.len());
        if has_tag || command != Command::default() {
            self.commands.push(command);
        }
    }

    /// Reads the here-documents that begin after the line that has just ended.
    fn documents(&mut self) {
        for (tag, of) in std::mem::take(&mut self.tags) {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim() == tag {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if let Some(command) = self.commands.get_mut(of) {
                command.document = Some(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Touch::{Changed, Read, Removed};

    fn files(line: &str) -> Vec<(String, Touch)> {
        let mut all = Vec::new();
        for command in commands(line) {
            command.files(|name, touch| all.push((name.to_owned(), touch)));
        }
        all
    }

    #[test]
    fn files_are_read_changed_and_removed() {
        let cases: [(&str, &[(&str, Touch)]); 14] = [
            ("cat a.py | grep -n 'x/y.py' b.py", &[("a.py", Read), ("b.py", Read)]),
            ("sed -i 's/a.b/c/' app/a.py", &[("app/a.py", Changed)]),
            ("sed -n '1,5p' app/a.py", &[("app/a.py", Read)]),
            ("sed -i.bak -e 's/a/b/' app/a.py", &[("app/a.py", Changed)]),
            ("echo x >> notes.md 2>&1", &[("notes.md", Changed)]),
            ("pytest -q >/dev/null 2>err.txt", &[("/dev/null", Changed), ("err.txt", Changed)]),
            ("mv a.py b/c.py", &[("a.py", Removed), ("b/c.py", Changed)]),
            ("cp a.py b.py; rm -f b.py", &[("a.py", Read), ("b.py", Changed), ("b.py", Removed)]),
            ("git checkout -- a/b.rs", &[("a/b.rs", Removed)]),
            ("git add a/b.rs && git diff --cached", &[("a/b.rs", Changed)]),
            ("sudo -E tee conf/a.yml", &[("conf/a.yml", Changed)]),
            ("X=1 ./run.sh --file=x.py \"a b.py\" m.test 'd/c.py'", &[("d/c.py", Read)]),
            ("ls src/*.rs $HOME/x.rs", &[]),
            ("python -c \"print('a.py')\" < in.json", &[("in.json", Read)]),
        ];
        for (line, expected) in cases {
            let expected: Vec<(String, Touch)> =
                expected.iter().map(|(name, touch)| ((*name).to_owned(), *touch)).collect();
            assert_eq!(files(line), expected, "{line}");
        }
    }

    #[test]
    fn a_here_document_belongs_to_its_command_and_is_no_command() {
        let line = "cat <<'EOF' > a.py\nrm b.py\nEOF\nmake test";
        assert_eq!(files(line), [("a.py".to_owned(), Changed)]);
        let all = commands(line);
        assert_eq!(all[0].document.as_deref(), Some("rm b.py\n"));
        assert_eq!(all[1].action().unwrap(), "make test");
        let patch = commands("apply_patch <<EOF\n*** Begin Patch\nEOF");
        assert!(patch[0].applies() && patch[0].document.is_some());
        let code = commands("python3 - <<'EOF'\nopen('a.py')\nEOF\n");
        assert_eq!((code[0].code(), code[0].action()), (Some("open('a.py')\n"), None));
    }

    #[test]
    fn what_only_looks_around_is_no_action() {
        let action =
            |line: &str| commands(line).iter().filter_map(Command::action).collect::<Vec<_>>();
        assert_eq!(
            action("cd app && RUST_LOG=x cargo test  -p core | tail"),
            ["cargo test -p core"]
        );
        assert_eq!(action("git commit -m 'x y' && git status"), ["git commit -m x y"]);
        assert!(action("ls; echo done; # make").is_empty());
        assert_eq!(commands("cd /work/app")[0].folder(), Some("/work/app"));
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in "[ -~\n]{0,80}|\\PC{0,40}") {
            for command in commands(&line) {
                command.files(|_, _| ());
                let _text = (command.action(), command.code());
            }
        }
    }
}
