//! The address of a server, as a user wrote it.

use memory_core::exchange::CarrierError;

/// Address that has been checked.
#[derive(Debug, Clone)]
pub(super) struct Address {
    shown: Box<str>,
    is_encrypted: bool,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`CarrierError::Refused`] that names what is wrong with it; no message repeats credentials.
    pub(super) fn read(given: &str) -> Result<Self, CarrierError> {
        let given = given.trim();
        let refused = |shown: &str, reason: &str| {
            let (address, reason) = (shown.into(), reason.into());
            Err(CarrierError::Refused { address, reason })
        };
        let Some((scheme, rest)) = given.split_once("://") else {
            let reason = "it is no address of a server; write libsql://…, https://… or http://…";
            return refused("the setting `remote`", reason);
        };
        let scheme = scheme.to_ascii_lowercase();
        let rest = rest.trim_end_matches('/');
        let end_of_host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end_of_host);
        let host_shown = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let shown = format!("{scheme}://{host_shown}");
        if !matches!(&*scheme, "libsql" | "https" | "http") {
            let reason = "it has another scheme than libsql://, https:// or http://";
            return refused(&shown, reason);
        }
        if host_shown != host || path.contains(['?', '#']) {
            let reason = "its address carries a user or a parameter; leave that out and set \
                          MEMORY_MCP_REMOTE_TOKEN to the token";
            return refused(&shown, reason);
        }
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\');
        let (name, port) = match host.rsplit_once(':') {
            // The colons of `[::1]` are part of the name.
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(1_u16)),
        };
        if name.is_empty() || port.is_none_or(|port| port == 0) || !rest.chars().all(is_plain) {
            return refused(&shown, "its address has no host, or one that cannot be read");
        }
        Ok(Self { shown: format!("{scheme}://{rest}").into(), is_encrypted: scheme != "http" })
    }

    /// Returns the address, which has no credentials in it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns whether it is reached through TLS.
    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_are_taken_as_they_are() {
        for (given, shown, is_encrypted) in [
            ("libsql://team.turso.io", "libsql://team.turso.io", true),
            (" HTTPS://sync.example.org:8443/ ", "https://sync.example.org:8443", true),
            ("http://127.0.0.1:8080/dev/team", "http://127.0.0.1:8080/dev/team", false),
            ("http://[::1]", "http://[::1]", false),
            ("http://[::1]:80", "http://[::1]:80", false),
        ] {
            let address = Address::read(given).unwrap();
            assert_eq!((address.shown(), address.is_encrypted()), (shown, is_encrypted));
        }
    }

    #[test]
    fn other_addresses_are_refused_without_repeating_credentials() {
        for (given, says) in [
            ("", "no address of a server"),
            ("sync.example.org", "no address of a server"),
            ("wss://sync.example.org", "another scheme"),
            ("folder:/tmp", "no address of a server"),
            ("https://me:s3cret@sync.example.org", "leave that out"),
            ("https://x@y:s3cret@sync.example.org", "leave that out"),
            ("libsql://team.turso.io?authToken=s3cret", "leave that out"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http://host:99999", "no host"),
            ("http://host:0", "no host"),
            ("http://a b", "no host"),
            ("http://h\u{f6}st", "no host"),
        ] {
            let message = Address::read(given).unwrap_err().to_string();
            assert!(message.contains(says), "{given}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
