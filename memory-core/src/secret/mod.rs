//! Masking of secrets: what looks like a key, token or password is replaced before it is written.
//!
//! In: a text of a caller. Out: the text with `[masked:<name>]` in place of each secret, and their
//! number. Used by the intake for all free text, by [`crate::model::Scope`] for names of projects,
//! and by all that gives stored text away, as rules grow and a text may be older than one.
//!
//! One scan finds words that secrets come with: the literals of the table `shapes.txt`, words such
//! as `token` within names, `://`, `Bearer`. Only around such a word a rule is tried, on a bounded
//! piece of text, so that the cost is linear whatever the text. Limits: a secret without a known
//! shape, name or place is not seen; a password in prose only behind "password is".

mod address;
mod blocks;
mod judge;
mod keyed;
mod names;
mod scan;
mod shapes;
mod value;

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use shapes::Shape;

/// A rule that a word calls for.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The shape of that number in the table.
    Shape(usize),
    /// A value whose name holds the word.
    Keyed,
    /// The same; passwords look like anything.
    Password,
    /// A password of SQL.
    Identified,
    /// The first line of a private key.
    KeyBegin,
    /// The last line of a private key.
    KeyEnd,
    /// User and password in an address.
    Userinfo,
    /// A token behind `Bearer`.
    Bearer,
    /// The cookies of a header.
    Cookie,
    /// An option of a command.
    Option(&'static str),
}

/// Words that call for a rule, besides the literals of shapes. Case does not matter.
const WORDS: &[(&str, Rule)] = &[
    ("passw", Rule::Password),
    ("passphrase", Rule::Password),
    ("passcode", Rule::Password),
    ("kennwort", Rule::Password),
    ("pass=", Rule::Keyed),
    ("pass:", Rule::Keyed),
    ("pass\"", Rule::Keyed),
    ("pass'", Rule::Keyed),
    ("pass =", Rule::Keyed),
    ("identified by ", Rule::Identified),
    ("pwd", Rule::Keyed),
    ("_pw", Rule::Keyed),
    ("secret", Rule::Keyed),
    ("token", Rule::Keyed),
    ("key", Rule::Keyed),
    ("cred", Rule::Keyed),
    ("auth", Rule::Keyed),
    ("jwt", Rule::Keyed),
    ("sessid", Rule::Keyed),
    ("sessionid=", Rule::Keyed),
    ("session=", Rule::Keyed),
    ("sid=", Rule::Keyed),
    ("sig=", Rule::Keyed),
    ("hmac=", Rule::Keyed),
    ("signature=", Rule::Keyed),
    ("code_verifier=", Rule::Keyed),
    (blocks::BEGIN, Rule::KeyBegin),
    (blocks::END, Rule::KeyEnd),
    ("://", Rule::Userinfo),
    ("bearer ", Rule::Bearer),
    ("cookie", Rule::Cookie),
    ("-u", Rule::Option("-u")),
    ("-p", Rule::Option("-p")),
    ("-a", Rule::Option("-a")),
    ("--user", Rule::Option("--user")),
    ("--proxy-user", Rule::Option("--proxy-user")),
];

/// Shortest text that is worth the automaton of twice the speed and ten times the size, in bytes:
/// what only names its project, as most commands do, never waits the millisecond that it takes.
const MIN_DFA_TEXT: usize = 512;

/// All rules, and what finds the words that call for them.
struct Rules {
    shapes: Vec<Shape>,
    words: Vec<&'static str>,
    /// The rule of each word.
    rule_of: Vec<Rule>,
    /// Finds the words in short texts.
    nfa: AhoCorasick,
    /// Finds the same in longer ones; made when the first one comes.
    dfa: OnceLock<Option<AhoCorasick>>,
}

/// Returns the rules, made at their first use; `None` only for a table that the tests refuse.
fn rules() -> Option<&'static Rules> {
    static RULES: OnceLock<Option<Rules>> = OnceLock::new();
    let make = || {
        let shapes = shapes::read();
        let literals = shapes.iter().enumerate().flat_map(|(number, shape)| {
            shape.literals.iter().map(move |literal| (*literal, Rule::Shape(number)))
        });
        let (words, rule_of): (Vec<&str>, Vec<Rule>) =
            WORDS.iter().copied().chain(literals).unzip();
        let nfa = automaton(AhoCorasickKind::ContiguousNFA, &words)?;
        Some(Rules { shapes, words, rule_of, nfa, dfa: OnceLock::new() })
    };
    RULES.get_or_init(make).as_ref()
}

fn automaton(kind: AhoCorasickKind, words: &[&str]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    // All words at a place count, so that none hides another that begins within it.
    builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
    builder.kind(Some(kind)).build(words).ok()
}

/// A secret that was found: where it is, and what replaces it, in brackets.
type Found = (Range<usize>, &'static str);

impl Rules {
    /// Returns what finds the words in a text of some length.
    fn finder(&self, text_len: usize) -> &AhoCorasick {
        if text_len < MIN_DFA_TEXT {
            return &self.nfa;
        }
        let make = || automaton(AhoCorasickKind::DFA, &self.words);
        self.dfa.get_or_init(make).as_ref().unwrap_or(&self.nfa)
    }

    /// Finds the secrets of a text, in the order in which their words end; they may overlap.
    fn find(&self, text: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut last_name = 0..0;
        for word in self.finder(text.len()).find_overlapping_iter(text) {
            let Some(rule) = self.rule_of.get(word.pattern().as_usize()) else { continue };
            let (start, end) = (word.start(), word.end());
            // Within what is known to be a secret only its shape is looked for, which names it.
            let is_shape = matches!(rule, Rule::Shape(_));
            let is_within = |(range, name): &Found| {
                range.start <= start && end <= range.end && !(is_shape && is_plain(name))
            };
            if found.iter().rev().take(4).any(is_within) {
                continue;
            }
            let more = match rule {
                Rule::Shape(number) => self
                    .shapes
                    .get(*number)
                    .and_then(|shape| Some((shape.find(text, start..end)?, shape.name))),
                Rule::Keyed | Rule::Password => {
                    let name = keyed::name_around(text, &(start..end));
                    if last_name == name {
                        continue;
                    }
                    last_name = name.clone();
                    let is_password = matches!(rule, Rule::Password);
                    let told = || address::told_in_prose(text, name.end, is_password);
                    keyed::find(text, &name).or_else(told).map(|range| (range, "secret"))
                }
                Rule::Identified => {
                    address::after_identified(text, end).map(|range| (range, "secret"))
                }
                Rule::KeyBegin => {
                    blocks::from_begin(text, start).map(|range| (range, "private-key"))
                }
                Rule::KeyEnd => blocks::to_end(text, start).map(|range| (range, "private-key")),
                Rule::Userinfo => {
                    address::in_userinfo(text, start).map(|range| (range, "url-password"))
                }
                Rule::Bearer => {
                    address::after_bearer(text, end).map(|range| (range, "authorization"))
                }
                Rule::Cookie => {
                    let cookies = address::in_cookies(text, end);
                    found.extend(cookies.into_iter().map(|range| (range, "cookie")));
                    None
                }
                Rule::Option(option) => {
                    address::of_option(text, start, option).map(|range| (range, "secret"))
                }
            };
            found.extend(more);
        }
        found
    }
}

/// Replaces every secret in a text by `[masked:<name>]`, as is done with all that is stored; for
/// whoever keeps a text beside the records. Masking a masked text changes nothing.
#[must_use]
pub fn mask_secrets(text: String) -> String {
    mask(text).0
}

/// Replaces every secret in `text` by `[masked:<name>]` and counts them.
///
/// Cost: one scan of the text, and a bounded piece of work for each word that secrets come with.
/// Masking a masked text changes nothing.
pub(crate) fn mask(text: String) -> (String, u32) {
    mask_with(text, |_| String::new())
}

/// Does the same for a text that names something: different secrets leave different marks, and the
/// same one always the same, so that what is stored under the name is found again.
///
/// The mark holds 32 bits of a hash of the secret, which is too little to tell a key by.
pub(crate) fn mask_name(name: &str) -> (String, u32) {
    mask_with(name.to_owned(), |secret| format!(":{:08x}", fingerprint(secret)))
}

fn mask_with(text: String, mark: fn(&str) -> String) -> (String, u32) {
    let found = rules().map(|rules| rules.find(&text)).unwrap_or_default();
    if found.is_empty() {
        return (text, 0);
    }
    let found = joined(found);
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for (range, name) in &found {
        masked.push_str(text.get(from..range.start).unwrap_or_default());
        masked.push_str("[masked:");
        masked.push_str(name);
        masked.push_str(&mark(text.get(range.clone()).unwrap_or_default()));
        masked.push(']');
        from = range.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    (masked, u32::try_from(found.len()).unwrap_or(u32::MAX))
}

/// Tells whether a name says only where a secret stood.
fn is_plain(name: &str) -> bool {
    matches!(name, "secret" | "authorization" | "cookie")
}

/// Orders what was found and makes one of what overlaps; a shape says more than a name, so that it
/// gives the mark.
fn joined(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|(range, name)| (range.start, usize::MAX - range.end, is_plain(name)));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for (range, name) in found {
        match joined.last_mut() {
            Some((last, last_name)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                if is_plain(last_name) && !is_plain(name) {
                    *last_name = name;
                }
            }
            _ => joined.push((range, name)),
        }
    }
    joined
}

/// Half of the FNV-1a hash of a secret.
fn fingerprint(secret: &str) -> u32 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = secret.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests;
