//! Salient words of a message: ports, codes and names that make another error of the same words.
//!
//! The coarse form masks every number and quotation. Some of them are the point: `:6379` is not
//! `:5432`, exit code 137 is not exit code 1, module `yaml` is not `requests`. What a number or a
//! name is follows from the words before it; durations, counts, positions and places stay masked.

/// Bytes of a message in which salient words are looked for.
const MAX_BYTES: usize = 2_048;

/// Maximum number of salient words of a message.
const MAX_WORDS: usize = 4;

/// Words after which a number is a code.
const CODE_CUES: [&str; 9] =
    ["code", "status", "error", "errno", "http", "http/1.1", "http/2", "signal", "port"];

/// Words after which a quotation is the name of what is missing or wrong.
const NAME_CUES: [&str; 11] = [
    "named",
    "module",
    "package",
    "crate",
    "library",
    "dependency",
    "plugin",
    "extension",
    "program",
    "executable",
    "command",
];

/// Passes the salient words of `message` to `take`, in their order.
///
/// Costs time linear in the first two kilobytes.
pub(super) fn words(message: &str, mut take: impl FnMut(&str)) {
    let near = message.split_at(message.floor_char_boundary(MAX_BYTES)).0;
    let (mut before, mut n_words) = (String::new(), 0);
    for word in near.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let salient = port_of(word)
            .or_else(|| is_cue(&CODE_CUES, &before).then_some(bare).filter(|n| is_code(n)))
            .or_else(|| is_cue(&NAME_CUES, &before).then(|| quoted(word)).flatten());
        if let Some(salient) = salient {
            take(salient);
            n_words += 1;
            if n_words == MAX_WORDS {
                return;
            }
        }
        before.clear();
        before.extend(bare.chars().flat_map(char::to_lowercase));
    }
}

fn is_cue(cues: &[&str], word: &str) -> bool {
    cues.contains(&word)
}

/// Returns whether a word is a number as exit codes, statuses, signals and ports have it.
fn is_code(word: &str) -> bool {
    (1..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the port of an address: digits behind the colon of an IPv4 address, of `localhost` or
/// of a bracketed IPv6 address. A place in a file (`lib.rs:42`) is none.
fn port_of(word: &str) -> Option<&str> {
    let (host, rest) = word.trim_end_matches([':', '.', ',', ';', ')']).rsplit_once(':')?;
    let port = rest.split(|c: char| !c.is_ascii_digit()).next().filter(|port| is_code(port))?;
    let host = host.rsplit(['/', '@', '(', '"', '\'']).next().unwrap_or(host);
    let is_ipv4 = host.split('.').count() == 4
        && host.split('.').all(|part| !part.is_empty() && part.parse::<u8>().is_ok());
    (is_ipv4 || host.eq_ignore_ascii_case("localhost") || host.ends_with(']')).then_some(port)
}

/// Returns the inside of a quoted name, which is no path.
fn quoted(word: &str) -> Option<&str> {
    let word = word.trim_end_matches(['.', ',', ':', ';', '!', ')']);
    let quote = word.chars().next().filter(|c| matches!(c, '"' | '\'' | '`' | '‘' | '“'))?;
    let inside = word.strip_prefix(quote)?.trim_end_matches(['"', '\'', '`', '’', '”']);
    let is_name = |c: char| c.is_alphanumeric() || "_-.:@".contains(c);
    (!inside.is_empty() && inside.chars().all(is_name)).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::words;

    fn salient(message: &str) -> Vec<String> {
        let mut all = Vec::new();
        words(message, |word| all.push(word.to_owned()));
        all
    }

    #[test]
    fn ports_codes_and_names_are_salient() {
        for (message, expected) in [
            ("connect ECONNREFUSED 127.0.0.1:6379", "6379"),
            ("cannot reach http://localhost:8080/health", "8080"),
            ("dial tcp [::1]:9000: refused", "9000"),
            ("make: exited with exit code 137", "137"),
            ("process ended by signal 9", "9"),
            ("the server answered with status 503", "503"),
            ("requested URL returned error: 401", "401"),
            ("HTTP 429", "429"),
            ("address in use: port 3000.", "3000"),
            ("ModuleNotFoundError: No module named 'yaml'", "yaml"),
            ("use of undeclared crate `rust_decimal`", "rust_decimal"),
            ("Cannot find package \"left-pad\", sorry", "left-pad"),
        ] {
            assert_eq!(salient(message), [expected], "{message}");
        }
    }

    #[test]
    fn durations_counts_places_and_values_are_not() {
        for message in [
            "timed out after 3012 ms waiting for worker 17",
            "src/lib.rs:42:7: unexpected token",
            "could not open '/srv/app/x.lock'",
            "No such file or directory: 'conf/app.toml'",
            "12 of 40 tests failed",
            "KeyError: 'x'",
            "error in line 12",
            "module loaded at 12:30",
            "",
        ] {
            assert!(salient(message).is_empty(), "{message}: {:?}", salient(message));
        }
    }
}
