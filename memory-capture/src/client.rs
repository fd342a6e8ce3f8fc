//! The programs whose records are read.

/// Declares the clients with their fixed names and titles.
macro_rules! clients {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)+) => {
        /// A program whose hooks or transcripts are read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Client { $($(#[$doc])* $variant,)+ }

        impl Client {
            /// Every client, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its fixed name, as in arguments and as the importer of its records.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its name for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// Returns the client of that name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

clients! {
    /// Claude Code.
    ClaudeCode = "claude-code", "Claude Code";
    /// Codex CLI.
    Codex = "codex", "Codex CLI";
    /// GitHub Copilot CLI.
    Copilot = "copilot", "Copilot CLI";
    /// Agent mode of VS Code.
    VsCode = "vscode", "VS Code";
    /// Cursor.
    Cursor = "cursor", "Cursor";
    /// Gemini CLI.
    Gemini = "gemini", "Gemini CLI";
    /// OpenCode.
    OpenCode = "opencode", "OpenCode";
    /// Cline.
    Cline = "cline", "Cline";
    /// Roo Code.
    Roo = "roo", "Roo Code";
    /// Windsurf.
    Windsurf = "windsurf", "Windsurf";
    /// mini-swe-agent.
    MiniSweAgent = "mini-swe-agent", "mini-swe-agent";
    /// SWE-agent.
    SweAgent = "swe-agent", "SWE-agent";
    /// OpenHands.
    OpenHands = "openhands", "OpenHands";
    /// The trajectory format of Harbor.
    Atif = "atif", "ATIF";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_names_one_client() {
        for client in Client::ALL {
            assert_eq!(Client::from_name(client.name()), Some(*client));
        }
        assert_eq!(Client::from_name("Claude Code"), None);
    }
}
