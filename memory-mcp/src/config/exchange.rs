//! Settings of the exchange with other machines, and the token that is never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use memory_core::Scope;

use super::remote::Secret;

/// Variable with the token of the server; it is not a setting, so that it lies in no list of
/// processes.
pub(super) const TOKEN_VARIABLE: &str = "MEMORY_MCP_REMOTE_TOKEN";

/// Seconds between two exchanges of a server, if nothing else is set.
const INTERVAL_S: u64 = 60;

/// Place through which machines exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remote {
    /// A folder.
    Folder(PathBuf),
    /// The address of a server.
    Server(String),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
            Self::Server(address) => f.write_str(address),
        }
    }
}

impl Remote {
    /// Reads an address; a folder's path is taken from `base`.
    pub(super) fn from_text(text: &str, base: &Path) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("folder:") {
            if path.is_empty() {
                return Err("must name a folder: folder:PATH".to_owned());
            }
            return Ok(Self::Folder(base.join(path)));
        }
        let schemes = ["libsql://", "https://", "http://"];
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
        match host {
            None => {
                Err(format!("must be folder:PATH, libsql://…, https://… or http://…, not `{text}`"))
            }
            Some("") => Err("must name a server behind ://".to_owned()),
            Some(host) if host.contains('@') => Err(format!(
                "must hold no user or password: the token is read from ${TOKEN_VARIABLE} or \
                 `remote_token_file`"
            )),
            Some(_) if text.contains(['?', '#']) || text.contains(char::is_whitespace) => {
                Err("must be an address without a query, a fragment or blanks".to_owned())
            }
            Some(_) => Ok(Self::Server(text.to_owned())),
        }
    }
}

/// Settings of the exchange: its scopes and its place.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeSettings {
    /// The place, if there is one.
    pub(crate) remote: Option<Remote>,
    /// The scopes that are exchanged; nothing else leaves the store.
    pub(crate) scopes: Vec<Scope>,
    /// Name that others see on what was recorded here: that of the user, unless another is set.
    pub(crate) author: String,
    /// File with the token.
    pub(crate) token_file: Option<PathBuf>,
    /// Seconds between two exchanges of a server; 0 for none.
    pub(crate) interval_s: u64,
    /// The token of the variable.
    pub(crate) token: Option<Secret>,
}

impl ExchangeSettings {
    /// Nothing is exchanged.
    pub(super) fn none<'a>(
        token: Option<Secret>,
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let users = ["USER", "USERNAME", "LOGNAME"];
        let mut users = users.iter().filter_map(|name| variable(name).map(str::trim));
        let user = users.find(|user| !user.is_empty());
        Self {
            remote: None,
            scopes: Vec::new(),
            author: user.unwrap_or_default().to_owned(),
            token_file: None,
            interval_s: INTERVAL_S,
            token,
        }
    }

    /// Sets the scopes, by name.
    pub(super) fn set_scopes(&mut self, names: &[String]) -> Result<(), String> {
        let mut scopes = Vec::new();
        for name in names.iter().filter(|name| !name.trim().is_empty()) {
            let scope = Scope::new(name);
            scopes.push(scope.map_err(|error| format!("`{name}`: {}", error.reason))?);
        }
        scopes.sort_unstable();
        scopes.dedup();
        self.scopes = scopes;
        Ok(())
    }

    /// Shows the scopes.
    pub(super) fn shown_scopes(&self) -> String {
        let names: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
        names.join(",")
    }

    /// Returns the token: that of the variable, else that of the file.
    pub(crate) fn token(&self) -> Result<Option<Secret>, String> {
        if self.token.is_some() {
            return Ok(self.token.clone());
        }
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        Secret::named(&path.display().to_string(), text.as_ref()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_folder_or_a_server_without_credentials() {
        let read = |text: &str| Remote::from_text(text, Path::new("/home/ada"));
        assert_eq!(read("folder:share"), Ok(Remote::Folder("/home/ada/share".into())));
        assert_eq!(read("folder:/mnt/x y"), Ok(Remote::Folder("/mnt/x y".into())));
        let server = "libsql://team.example.org";
        assert_eq!(read(server), Ok(Remote::Server(server.to_owned())));
        for (bad, says) in [
            ("share", "folder:PATH"),
            ("folder:", "name a folder"),
            ("https://", "name a server"),
            ("https://ada:pw@example.org", "no user or password"),
            ("http://example.org?authToken=x", "without a query"),
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.contains(says) && !error.contains("pw@"), "{bad}: {error}");
        }
    }
}
