//! Properties of a value whose name says that it is a secret: is it one, or does it stand for one?
//!
//! In: a value. Out: whether it is a reference, a path, a word, code, or made by chance. Used by
//! the judgement of named values and of tokens. Limits: judged by characters alone.

/// Shortest run of letters of both cases that looks random without a digit.
const MIN_RANDOM_LETTERS: usize = 16;

/// Mean length of the pieces of words, in bytes.
const MIN_PIECE: usize = 4;

/// Shortest run of characters of all kinds, in bytes.
const MIN_NOISE: usize = 32;

/// The same of names of code.
const MIN_NAME_PIECE: usize = 3;

/// Most digits of a number among words.
const MAX_NUMBER: usize = 4;

/// Fewest different characters of what was made by chance.
const MIN_DISTINCT: usize = 4;

/// Beginnings of values that say where a secret is to be found.
const REFERENCES: &[&str] = &[
    "env:",
    "env.",
    "env(",
    "process.env",
    "os.environ",
    "os.getenv",
    "vault:",
    "op://",
    "ssm:",
    "arn:",
    "secretsmanager",
    "keychain:",
    "keyring:",
    "file:",
    "ref+",
    "sops:",
    "!env",
    "!secret",
    "!ref",
    "!vault",
    "secrets.",
    "var.",
    "vars.",
    "inputs.",
    "config.",
    "settings.",
    "steps.",
    "projects/",
    "azurekeyvault",
    "import.meta",
    "deno.env",
];

/// Pieces of values that stand in examples.
const PLACEHOLDERS: &[&str] = &[
    "your-",
    "your_",
    "yourpass",
    "yourtoken",
    "yoursecret",
    "yourkey",
    "yourapi",
    "-here",
    "_here",
    "placeholder",
    "redacted",
    "xxxxxx",
    "****",
    "changeme",
    "change-me",
    "change_me",
    "replace_me",
    "replace-me",
    "replaceme",
    "insert-",
    "insert_",
    "<",
    "…",
    "...",
];

/// Words that stand where a value is told of, not given: types, states, labels.
const WORDS: &[&str] = &[
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "optional",
    "required",
    "string",
    "str",
    "text",
    "bytes",
    "buffer",
    "byte",
    "char",
    "int",
    "integer",
    "number",
    "float",
    "bool",
    "boolean",
    "any",
    "object",
    "dict",
    "list",
    "vec",
    "unknown",
    "never",
    "void",
    "self",
    "this",
    "todo",
    "tbd",
    "n/a",
    "na",
    "empty",
    "missing",
    "invalid",
    "valid",
    "expired",
    "hidden",
    "encrypted",
    "hashed",
    "plain",
    "plaintext",
    "disabled",
    "enabled",
    "default",
    "prompt",
    "stdin",
    "env",
    "varchar",
    "nvarchar",
    "uuid",
    "date",
    "example",
    "test",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "pass",
    "secret",
    "token",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "access_token",
    "refresh_token",
    "id_token",
    "bearer",
    "basic",
    "credentials",
    "passwort",
    "field",
    "input",
    "value",
    "set",
    "unset",
    "ok",
    "is",
    "must",
    "should",
    "the",
    "a",
    "option",
    "options",
    "flag",
    "flags",
    "argument",
    "arguments",
    "parameter",
    "file",
    "an",
    "for",
    "and",
    "or",
    "not",
    "in",
    "to",
    "of",
    "with",
    "from",
    "if",
    "when",
    "at",
    "unchanged",
];

/// Endings of names of types.
const TYPE_ENDINGS: &[&str] = &[
    "String",
    "Str",
    "Token",
    "Key",
    "Password",
    "Secret",
    "Value",
    "Type",
    "Option",
    "Field",
    "Config",
    "Input",
    "Hash",
    "Bytes",
    "Buffer",
    "Provider",
    "Credential",
    "Credentials",
    "Ref",
    "Handle",
    "Box",
    "Vec",
    "Arc",
    "Kind",
    "Stream",
    "Id",
    "Error",
    "Manager",
    "Service",
    "Store",
];

/// Tells whether a value names the place of a secret: a variable, a template, a store.
pub(super) fn is_reference(value: &str) -> bool {
    if let Some(rest) = value.strip_prefix('$') {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let first = rest.chars().next();
        return first.is_none_or(|c| "{([".contains(c))
            || (first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && rest.chars().all(is_name));
    }
    let is_wrapped = |open: char, close: char| {
        value.starts_with(open) && value.ends_with(close) && value.len() > 2
    };
    is_wrapped('{', '}')
        || is_wrapped('%', '%')
        || is_wrapped('<', '>')
        || is_wrapped('[', ']')
        || value.starts_with("{{")
        || value.starts_with("#{")
        || value.starts_with("${")
        || REFERENCES.iter().any(|start| super::scan::starts_with(value, 0, start))
}

/// Tells whether a value stands in the place of one that the reader is to fill in, or is masked.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let mut distinct: Vec<u8> = value.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    (value.len() >= 16 && distinct.len() < MIN_DISTINCT)
        || value.starts_with("[masked:")
        || PLACEHOLDERS.iter().any(|piece| value.contains(piece))
}

/// Tells whether a value is a pattern that something is put into, or a colour.
pub(super) fn is_template(value: &str) -> bool {
    let is_colour = value.strip_prefix('#').is_some_and(|rest| {
        matches!(rest.len(), 3 | 6 | 8) && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let braces = value.find('{').zip(value.rfind('}')).is_some_and(|(open, close)| open < close);
    is_colour || braces || value.contains("%s") || value.contains("%d") || value.contains("%(")
}

/// Tells whether a value is a word that says something of a secret.
pub(super) fn is_known_word(value: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Tells whether a value is an address, or the path of a file.
pub(super) fn is_path(value: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "._-@~+".contains(c);
    let in_pieces =
        |rest: &str| rest.contains(['/', '.']) && rest.split('/').all(|p| p.chars().all(is_word));
    if value.contains("://") {
        return true;
    }
    if let Some(rest) = value.strip_prefix('/') {
        return in_pieces(rest);
    }
    let is_relative = ["./", "../", "~/", "@/"].iter().any(|start| value.starts_with(start));
    let bytes = value.as_bytes();
    let has_drive = bytes.get(1) == Some(&b':') && matches!(bytes.get(2), Some(b'\\' | b'/'));
    is_relative || has_drive || has_file_ending(value)
}

/// Tells whether a value ends as names of files do that hold keys and settings.
fn has_file_ending(value: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "pem", "key", "crt", "cert", "cer", "p12", "pfx", "jks", "json", "yml", "yaml", "toml",
        "txt", "env", "conf", "cfg", "ini", "pub", "asc", "gpg", "age", "kdbx", "md", "rs", "py",
        "ts", "js", "go", "sh", "java", "rb", "php", "html", "xml", "sql", "lock",
    ];
    let ending = value.rsplit_once('.').map(|(stem, ending)| (stem.is_empty(), ending));
    matches!(ending, Some((false, ending)) if ENDINGS.contains(&ending))
}

/// Tells whether a value begins with a date, or is a span of time.
pub(super) fn is_time(value: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        value.as_bytes().get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is_date = digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && value.as_bytes().get(4) == Some(&b'-')
        && value.as_bytes().get(7) == Some(&b'-');
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = value.get(number.len()..).unwrap_or_default();
    let is_span = !number.is_empty()
        && number.len() <= 4
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && ["s", "ms", "m", "min", "h", "d", "days", "hours", "w", "y"].contains(&unit);
    is_date || is_span
}

/// Tells whether a value is a name of code: identifiers, joined by `.`, `::` or `->`, perhaps with
/// a call or an index behind them.
pub(super) fn is_code(value: &str) -> bool {
    let bare = value.trim_start_matches(['&', '*', '!']);
    let end = bare.find(['(', '[', '{']).unwrap_or(bare.len());
    let called = end < bare.len();
    let name = bare
        .get(..end)
        .unwrap_or_default()
        .replace("::", ".")
        .replace("->", ".")
        .replace("?.", ".");
    let mut pieces = name.trim_end_matches(['!', '<', '>', '.']).split('.');
    let is_identifier = |piece: &str| {
        piece.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && piece.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let n_pieces = name.split('.').count();
    pieces.all(is_identifier) && (called || n_pieces > 1)
}

/// Tells whether a value is one identifier.
pub(super) fn is_identifier(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Tells whether an identifier is named as types are.
pub(super) fn is_type(value: &str) -> bool {
    let end = value.find(['<', '[', '|', '?']).unwrap_or(value.len());
    let name = value.get(..end).unwrap_or_default().trim_start_matches('&');
    let upper = name.starts_with(|c: char| c.is_ascii_uppercase());
    upper && is_identifier(name) && TYPE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (end < value.len() && is_identifier(name))
}

/// Tells whether a value is made of words and short numbers, joined by signs, capitals or nothing:
/// `wildcard-tls-2024`, `X509RequestOptions`. Chance makes pieces of two or three characters.
pub(super) fn is_slug(value: &str) -> bool {
    has_pieces_of(value, MIN_PIECE) && !lacks_vowels(value)
}

/// Tells whether a long run of letters of both cases has fewer vowels than words have.
fn lacks_vowels(value: &str) -> bool {
    let count = |class: fn(u8) -> bool| value.bytes().filter(|byte| class(*byte)).count();
    let n_letters = count(|byte| byte.is_ascii_alphabetic());
    let n_vowels = count(|byte| b"aeiouAEIOU".contains(&byte));
    let is_run = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_run
        && value.len() >= MIN_RANDOM_LETTERS
        && value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase())
        && n_vowels * 4 < n_letters
}

/// Tells whether a value is one run of letters and digits of both cases, long enough for a token.
pub(super) fn is_long_mixed(value: &str) -> bool {
    let count = |class: fn(&u8) -> bool| value.bytes().filter(class).count();
    value.len() >= MIN_RANDOM_LETTERS
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && count(u8::is_ascii_uppercase) >= 3
        && count(u8::is_ascii_lowercase) >= 3
}

/// Tells whether a value may be a name of code that is made of words, short ones among them.
pub(super) fn is_name(value: &str) -> bool {
    is_identifier(value) && has_pieces_of(value, MIN_NAME_PIECE)
}

/// Tells whether the pieces of a value have that length in the mean.
fn has_pieces_of(value: &str, length: usize) -> bool {
    let bytes = value.as_bytes();
    let mut n_pieces = 1_usize;
    let mut n_in_piece = 1_usize;
    let mut longest_number = 0;
    for pair in bytes.windows(2) {
        let [last, next] = pair else { continue };
        if class(*last) == class(*next) || (last.is_ascii_uppercase() && next.is_ascii_lowercase())
        {
            n_in_piece += 1;
        } else {
            n_in_piece = 1;
            n_pieces += usize::from(next.is_ascii_alphanumeric());
        }
        if next.is_ascii_digit() {
            longest_number = longest_number.max(n_in_piece);
        }
    }
    let is_joined = bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_./:+".contains(b));
    is_joined && longest_number <= MAX_NUMBER && n_pieces * length <= bytes.len().max(length)
}

/// Sorts a byte by what a word is made of.
fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

/// Tells whether a value is a long run of characters of all kinds, as keys of sessions are made.
pub(super) fn is_noise(value: &str) -> bool {
    let has = |class: fn(&u8) -> bool| value.bytes().filter(class).count() >= 3;
    value.len() >= MIN_NOISE
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_punctuation)
        && value.split_whitespace().count() * 6 < value.len()
        && is_mixed(value)
}

/// Tells whether a value is a UUID, which names things of all kinds.
pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Tells whether a value looks as if it was made by chance: letters and digits among each other, or
/// many letters of both cases.
pub(super) fn is_random(value: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "+/=_.~%-".contains(c);
    if !value.chars().all(is_token) || is_slug(value) {
        return false;
    }
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let n_upper = value.bytes().filter(u8::is_ascii_uppercase).count();
    let n_lower = value.bytes().filter(u8::is_ascii_lowercase).count();
    let long_letters = value.len() >= MIN_RANDOM_LETTERS && n_upper >= 3 && n_lower >= 3;
    (digits && letters) || (long_letters && (is_mixed(value) || lacks_vowels(value)))
}

/// Tells whether capitals stand as often within as chance puts them, not only at heads of words.
fn is_mixed(value: &str) -> bool {
    let bytes = value.as_bytes();
    let changes = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() != b.is_ascii_lowercase()));
    changes.count() * 5 >= value.len() * 2
}
