//! Places where the project of a session is looked for, as far as the environment names them.

use std::path::PathBuf;

use super::platform::Platform;

/// Variables in which clients name the folder of the project to the programs that they start.
const CLIENT_VARIABLES: [&str; 4] =
    ["CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CURSOR_PROJECT_DIR", "COPILOT_PROJECT_DIR"];

/// Git's own settings, outside of any repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct GitSettings {
    /// The folder that `~/` stands for.
    pub(crate) home: Option<PathBuf>,
    /// The files of the machine and of the user, in the order in which git reads them.
    pub(crate) files: Vec<PathBuf>,
}

impl GitSettings {
    /// Finds the files; `var` reads the environment.
    pub(super) fn new(platform: Platform, var: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let home = var("HOME").or_else(|| var("USERPROFILE"));
        let mut files = Vec::new();
        if platform != Platform::Windows && var("GIT_CONFIG_NOSYSTEM").is_none() {
            files.push(PathBuf::from("/etc/gitconfig"));
        }
        if let Some(global) = var("GIT_CONFIG_GLOBAL") {
            files.push(global);
        } else {
            let xdg = var("XDG_CONFIG_HOME");
            let xdg = xdg.or_else(|| home.as_ref().map(|home| home.join(".config")));
            files.extend(xdg.map(|folder| folder.join("git").join("config")));
            files.extend(home.as_ref().map(|home| home.join(".gitconfig")));
        }
        Self { home, files }
    }
}

/// Returns the folders that a client names; `var` reads the environment.
pub(super) fn client_folders(var: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let folders = CLIENT_VARIABLES.iter().filter_map(|name| var(name));
    folders.filter(|folder| folder.is_absolute()).collect()
}
