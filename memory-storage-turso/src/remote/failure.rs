//! Meaning of a failure of libsql's remote calls to an exchange.
//!
//! libsql tells it as text: the kind is in the first words, the code of the server or its status
//! behind them.

use memory_core::exchange::CarrierError;

/// Words for an answer that no libsql server gives.
pub(super) const NO_SERVER: &str = "it does not answer as a libsql server does; check the address";

/// Longest reason, in bytes; a proxy may answer with a page.
const MAX_REASON: usize = 240;

/// A failure, not yet with the name of the place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// See [`CarrierError::Away`].
    Away(String),
    /// See [`CarrierError::Refused`].
    Refused(String),
    /// See [`CarrierError::Corrupt`].
    Corrupt(String),
}

/// Makes errors that name a place, and never its token.
#[derive(Debug)]
pub(super) struct Failure {
    address: Box<str>,
    token: Option<Secret>,
}

struct Secret(Box<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Failure {
    /// Takes the address, and the token that must not be repeated.
    pub(super) fn new(address: &str, token: Option<&str>) -> Self {
        let token = token.filter(|token| !token.is_empty()).map(|token| Secret(token.into()));
        Self { address: address.into(), token }
    }

    /// Returns the error of a fault.
    pub(super) fn error(&self, fault: Fault) -> CarrierError {
        let address = self.address.clone();
        match fault {
            Fault::Away(reason) => CarrierError::Away { address, reason: self.clean(&reason) },
            Fault::Refused(reason) => {
                CarrierError::Refused { address, reason: self.clean(&reason) }
            }
            Fault::Corrupt(what) => CarrierError::Corrupt { address, what: self.clean(&what) },
        }
    }

    /// One line, of bounded length, without the token.
    fn clean(&self, reason: &str) -> Box<str> {
        let mut reason = match &self.token {
            Some(token) => reason.replace(&*token.0, "[token]"),
            None => reason.to_owned(),
        };
        if reason.len() > MAX_REASON {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            reason.push('…');
        }
        reason.split_whitespace().collect::<Vec<_>>().join(" ").into()
    }
}

impl From<libsql::Error> for Fault {
    fn from(error: libsql::Error) -> Self {
        match error {
            libsql::Error::Hrana(inner) => of_server(&inner.to_string()),
            libsql::Error::InvalidTlsConfiguration(error) => Self::Refused(format!(
                "no certificate authorities of this machine can be read ({error}); install them"
            )),
            libsql::Error::ConnectionFailed(reason) => Self::Away(reason),
            error => Self::Refused(error.to_string()),
        }
    }
}

/// Reads the words of libsql's client.
fn of_server(told: &str) -> Fault {
    let (kind, what) = told.split_once(": ").unwrap_or((told, ""));
    let what = what.trim_matches('`');
    match kind {
        "http error" => Fault::Away(what.to_owned()),
        "json error" if !what.contains("EOF") => Fault::Refused(NO_SERVER.to_owned()),
        "unexpected response" => Fault::Refused(NO_SERVER.to_owned()),
        "api error" => {
            match what.strip_prefix("status=").and_then(|rest| rest.split_once(", body=")) {
                Some((status, body)) => of_status(status, body),
                None => of_statement("", what),
            }
        }
        "stream error" => {
            of_statement(quoted_after(what, "code: \""), quoted_after(what, "message: \""))
        }
        "cursor error" => match what.split_once("(error code: ") {
            Some((_, rest)) => {
                let (code, message) = rest.split_once(") ").unwrap_or((rest, ""));
                of_statement(code, message.trim_matches('`'))
            }
            None => Fault::Away(format!("its answer broke off ({what})")),
        },
        _ => Fault::Away(told.to_owned()),
    }
}

/// The text up to the next quotation mark.
fn quoted_after<'t>(text: &'t str, mark: &str) -> &'t str {
    let rest = text.split_once(mark).map_or("", |(_, rest)| rest);
    rest.split_once('"').map_or(rest, |(quoted, _)| quoted)
}

fn of_status(status: &str, body: &str) -> Fault {
    let code = status.get(..3).and_then(|code| code.parse::<u16>().ok()).unwrap_or(0);
    match code {
        401 | 403 => Fault::Refused(format!(
            "the token is missing, wrong, expired or without the permission ({status}); set \
             MEMORY_MCP_REMOTE_TOKEN to a valid one"
        )),
        404 => Fault::Refused(format!(
            "there is no database under this address ({status}: {body}); make it, or check the \
             address"
        )),
        413 => Fault::Refused(format!("an entry is larger than the server takes ({status})")),
        300..=399 => Fault::Refused(format!(
            "it points to another place ({status}); name that one as the address"
        )),
        // A stream that the server does not know any more: a new one will do.
        400 if mentions(body, &["baton", "stream"]) => Fault::Away(format!("{status}: {body}")),
        408 | 429 | 500.. => Fault::Away(format!("{status}: {body}")),
        _ => Fault::Refused(format!("{status}: {body}")),
    }
}

/// Returns whether a text has one of these words in it, in lower or upper case.
fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Reads an error of a statement. A server that knows no better code says `SQLITE_UNKNOWN`, so the
/// message counts too.
fn of_statement(code: &str, message: &str) -> Fault {
    let told = if code.is_empty() { message.to_owned() } else { format!("{message} ({code})") };
    let is = |codes: &[&str], words: &[&str]| {
        codes.iter().any(|known| code.starts_with(known)) || mentions(message, words)
    };
    if is(&["SQLITE_CORRUPT", "SQLITE_NOTADB"], &["malformed", "not a database"]) {
        return Fault::Corrupt(told);
    }
    let passes = [
        "SQLITE_BUSY",
        "SQLITE_LOCKED",
        "SQLITE_INTERRUPT",
        "SQLITE_PROTOCOL",
        "STREAM_",
        "TRANSACTION_",
    ];
    if is(&passes, &["is locked", "baton", "stream", "timed out", "timeout", "no such table"]) {
        return Fault::Away(told);
    }
    if is(&["SQLITE_TOOBIG"], &["too big", "too large"]) {
        return Fault::Refused(format!("an entry is larger than the server takes ({told})"));
    }
    if is(&["SQLITE_FULL"], &["disk is full"]) {
        return Fault::Refused(format!("its disk is full ({told}); free some space there"));
    }
    let denied = [
        "SQLITE_AUTH",
        "SQLITE_READONLY",
        "SQLITE_PERM",
        "AUTH_",
        "SQL_WRITE_BLOCKED",
        "SQL_READ_BLOCKED",
        "BLOCKED",
    ];
    if is(&denied, &["readonly", "read-only", "not authorized", "blocked", "unauthorized"]) {
        return Fault::Refused(format!(
            "the token does not allow that, or the database is blocked ({told})"
        ));
    }
    Fault::Refused(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(told: &str) -> Fault {
        Fault::from(libsql::Error::Hrana(told.to_owned().into()))
    }

    fn stream(message: &str, code: &str) -> Fault {
        of(&format!("stream error: `Error {{ message: \"{message}\", code: \"{code}\" }}`"))
    }

    #[test]
    fn what_passes_is_away() {
        for told in [
            "http error: `error trying to connect: tcp connect error: Connection refused`",
            "api error: `status=502 Bad Gateway, body=<html>`",
            "api error: `status=429 Too Many Requests, body={}`",
            "api error: `status=400 Bad Request, body={\"error\":\"Invalid baton\"}`",
            "api error: `SQLite error: database is locked`",
            "json error: `EOF while parsing a value at line 1 column 0`",
            "cursor error: `cursor stream ended prematurely`",
            "cursor error: `error at step 0: (error code: SQLITE_BUSY) `busy``",
            "something new: `whatever`",
        ] {
            assert!(matches!(of(told), Fault::Away(_)), "{told}: {:?}", of(told));
        }
        for (message, code) in [
            ("The stream has expired due to inactivity", "STREAM_EXPIRED"),
            ("Transaction timed-out", "TRANSACTION_TIMEOUT"),
            ("SQLite error: no such table: memory_mcp_entries", "SQLITE_UNKNOWN"),
        ] {
            assert!(matches!(stream(message, code), Fault::Away(_)), "{code}");
        }
    }

    #[test]
    fn what_stays_is_refused_or_damaged() {
        for (message, code, says) in [
            ("Authorization was rejected: access denied", "AUTH_REJECTED", "token"),
            ("attempt to write a readonly database", "SQLITE_READONLY", "token"),
            ("Database writes are blocked: over the plan", "BLOCKED", "blocked"),
            ("SQLite error: database or disk is full", "SQLITE_FULL", "free some space"),
            ("string or blob too big", "ARGS_INVALID", "larger than the server takes"),
            ("near \\\"SELEKT\\\": syntax error", "SQL_PARSE_ERROR", "SQL_PARSE_ERROR"),
        ] {
            let Fault::Refused(reason) = stream(message, code) else { panic!("{code}") };
            assert!(reason.contains(says), "{reason}");
        }
        let malformed = stream("database disk image is malformed", "SQLITE_CORRUPT");
        assert!(matches!(malformed, Fault::Corrupt(_)), "{malformed:?}");
    }

    #[test]
    fn reasons_are_one_short_line_without_the_token() {
        let failure = Failure::new("http://host", Some("t0ken"));
        let page = format!("<html>\n  Bearer t0ken {}é", "x".repeat(MAX_REASON));
        let shown = failure.error(Fault::Away(page)).to_string();
        assert!(shown.starts_with("http://host is away: <html> Bearer [token] x"), "{shown}");
        assert!(shown.len() < MAX_REASON + 40 && !shown.contains('\n'), "{shown}");
        assert!(!format!("{failure:?}").contains("t0ken"));
    }
}
