//! Names of settings, fields and options that say what their value is.
//!
//! In: a name as it stands in a text. Out: the certainty that its value is a secret. Used by the
//! search for named values. Limits: English words, and German ones for passwords.

/// Certainty with which a name tells its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// A password: people choose it, so that it may look like anything.
    Password,
    /// A token or key: made by a machine, or at least no plain word.
    Token,
    /// Perhaps a key: only what looks random is taken for one.
    Perhaps,
}

/// Words behind the word that counts, as in `API_KEY_V2` or `client-key-data`.
const QUALIFIERS: &[&str] = &[
    "prod",
    "production",
    "staging",
    "stage",
    "dev",
    "development",
    "live",
    "old",
    "new",
    "current",
    "value",
    "val",
    "plain",
    "plaintext",
    "raw",
    "b64",
    "base64",
    "encoded",
    "data",
    "base",
    "primary",
    "secondary",
    "backup",
    "root",
    "admin",
    "default",
    "env",
    "string",
];

/// Words for a password, also at the end of a longer word.
const PASSWORDS: &[&str] =
    &["password", "passwd", "passphrase", "passcode", "pwd", "kennwort", "passwort"];

/// Short words for a password that mean it only within a name, or alone before `=`.
const SHORT_PASSWORDS: &[&str] = &[
    "pass",
    "pw",
    "psw",
    "pgpass",
    "dbpass",
    "userpass",
    "smtppass",
    "mailpass",
    "adminpass",
    "rootpass",
    "mysqlpass",
    "ftppass",
    "authpass",
];

/// Words before `token` that make it a place in a list, or a sign of a language.
const PLAIN_TOKENS: &[&str] = &[
    "next",
    "page",
    "continuation",
    "sync",
    "cancellation",
    "cancel",
    "stop",
    "start",
    "end",
    "eos",
    "bos",
    "pad",
    "unk",
    "mask",
    "sep",
    "cls",
    "special",
    "pagination",
    "per",
    "first",
    "last",
    "current",
    "previous",
    "prev",
    "each",
    "every",
    "this",
    "one",
];

/// Words before `key` that make it one that opens something.
const OPENING_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "account",
    "auth",
    "shared",
    "signing",
    "encryption",
    "encrypt",
    "decryption",
    "master",
    "license",
    "service",
    "client",
    "admin",
    "deploy",
    "app",
    "application",
    "consumer",
    "subscription",
    "webhook",
    "hmac",
    "jwt",
    "aes",
    "rsa",
    "ssh",
    "gpg",
    "sas",
    "functions",
    "write",
    "ingest",
    "integration",
    "server",
    "security",
    "developer",
    "bot",
    "rapidapi",
    "openai",
    "stripe",
    "sendgrid",
    "anthropic",
    "gemini",
    "groq",
    "mistral",
    "cohere",
    "datadog",
    "sentry",
    "twilio",
    "mailgun",
    "algolia",
    "mapbox",
    "maps",
];

/// The same written together.
const JOINED_KEYS: &[&str] = &[
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "authkey",
    "licensekey",
    "masterkey",
    "signingkey",
    "sharedkey",
    "encryptionkey",
    "servicekey",
    "clientkey",
    "appkey",
    "sharedaccesskey",
];

/// Words before `key` that make it one by which something is found.
const FINDING_KEYS: &[&str] = &[
    "public",
    "pub",
    "primary",
    "foreign",
    "sort",
    "partition",
    "cache",
    "hash",
    "range",
    "composite",
    "natural",
    "unique",
    "index",
    "dict",
    "map",
    "object",
    "row",
    "column",
    "group",
    "lookup",
    "search",
    "join",
    "config",
    "setting",
    "registry",
    "hot",
    "shortcut",
    "enter",
    "escape",
    "arrow",
    "up",
    "down",
    "left",
    "right",
    "home",
    "keyboard",
    "press",
    "idempotency",
    "routing",
    "translation",
    "message",
    "label",
    "react",
    "json",
    "yaml",
    "xml",
    "field",
    "property",
    "attribute",
    "tag",
    "metadata",
    "s3",
    "storage",
    "text",
    "error",
    "merge",
    "dedup",
    "id",
];

/// Judges a name; `None` for one that says nothing of a secret.
///
/// The last word counts: `password_reset_url` is an address and `max_tokens` a number.
pub(super) fn secrecy(name: &str) -> Option<Secrecy> {
    let words = words(name);
    let mut rest = words.as_slice();
    while let [head @ .., last] = rest
        && !head.is_empty()
        && (is_one_of(last, QUALIFIERS) || is_number(last))
    {
        rest = head;
    }
    let [head @ .., last] = rest else { return None };
    let previous = head.last().copied();
    let follows = |words: &[&str]| previous.is_some_and(|word| is_one_of(word, words));
    let last_lower = last.to_ascii_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| last_lower.ends_with(word));
    if ends(PASSWORDS) || is_one_of(last, SHORT_PASSWORDS) {
        return Some(Secrecy::Password);
    }
    if ends(&["secret"]) || ends(JOINED_KEYS) {
        return Some(Secrecy::Token);
    }
    if last_lower == "jwt" || (ends(&["token"]) && !follows(PLAIN_TOKENS)) {
        return Some(Secrecy::Token);
    }
    match last_lower.as_str() {
        "key" if follows(OPENING_KEYS) => Some(Secrecy::Token),
        "key" if previous.is_some() && !follows(FINDING_KEYS) => Some(Secrecy::Perhaps),
        "credential" | "credentials" | "creds" | "auth" | "authorization" | "sid" | "session" => {
            Some(Secrecy::Perhaps)
        }
        "sessionid" | "sessid" | "phpsessid" | "jsessionid" => Some(Secrecy::Perhaps),
        _ => None,
    }
}

/// Tells whether a word makes a key of the word `key` behind it, as in `API key`.
pub(super) fn opens_with(word: &str) -> bool {
    is_one_of(word, OPENING_KEYS)
}

/// Tells whether a name is one of a cookie that keeps somebody signed in.
pub(super) fn is_session_cookie(name: &str) -> bool {
    const PIECES: &[&str] =
        &["sess", "sid", "token", "auth", "jwt", "csrf", "xsrf", "remember", "secret", "login"];
    let name = name.to_ascii_lowercase();
    PIECES.iter().any(|piece| name.contains(piece))
}

/// Tells whether a name is that of a signature or key in the query of an address.
pub(super) fn is_query_secret(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "sig",
        "signature",
        "x-amz-signature",
        "x-amz-security-token",
        "x-goog-signature",
        "key",
        "hmac",
        "sessionid",
        "session",
        "sid",
        "auth",
        "code_verifier",
        "x-amz-credential",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Returns the words of a name: cut at signs, and where a capital follows a small letter.
fn words(name: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let bytes = part.as_bytes();
        let mut from = 0;
        for at in 1..bytes.len() {
            let [before, here] = [at - 1, at].map(|at| bytes.get(at).copied().unwrap_or(0));
            let next = bytes.get(at + 1).copied().unwrap_or(0);
            // `apiKey` is cut before `Key`, `APIKey` too.
            let hump = before.is_ascii_lowercase() && here.is_ascii_uppercase();
            let acronym_ends = before.is_ascii_uppercase()
                && here.is_ascii_uppercase()
                && next.is_ascii_lowercase();
            let to_digits = before.is_ascii_alphabetic() && here.is_ascii_digit();
            if hump || acronym_ends || (to_digits && before.is_ascii_lowercase()) {
                found.extend(part.get(from..at));
                from = at;
            }
        }
        found.extend(part.get(from..).filter(|word| !word.is_empty()));
    }
    found
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Tells whether a word is a number or version.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['v', 'V']).unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
