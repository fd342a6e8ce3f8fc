//! Folders in which the platforms keep data and settings of a user.

use std::path::PathBuf;

/// The families of platforms that have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    /// Linux and the BSDs: the XDG base directories.
    Xdg,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

impl Platform {
    /// Platform that this program was built for.
    pub(super) const CURRENT: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Mac
    } else {
        Self::Xdg
    };

    /// The folder for data that programs keep; `var` reads the environment.
    pub(super) fn data_dir(self, var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        match self {
            Self::Xdg => xdg(&var, "XDG_DATA_HOME", ".local/share"),
            Self::Mac => Some(var("HOME")?.join("Library").join("Application Support")),
            Self::Windows => var("LOCALAPPDATA").or_else(|| var("APPDATA")),
        }
    }

    /// The folder for settings; `var` reads the environment.
    pub(super) fn config_dir(self, var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        match self {
            Self::Xdg => xdg(&var, "XDG_CONFIG_HOME", ".config"),
            Self::Mac => Some(var("HOME")?.join("Library").join("Application Support")),
            Self::Windows => var("APPDATA").or_else(|| var("LOCALAPPDATA")),
        }
    }
}

/// A folder by the XDG rules, which say that a relative path in the variable is to be ignored.
fn xdg(var: &impl Fn(&str) -> Option<PathBuf>, name: &str, under_home: &str) -> Option<PathBuf> {
    match var(name).filter(|path| path.has_root()) {
        Some(path) => Some(path),
        None => Some(var("HOME")?.join(under_home)),
    }
}
