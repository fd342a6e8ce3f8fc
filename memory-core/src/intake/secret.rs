//! Secrets are masked before anything is written.
//!
//! The shapes are those that providers publish for their tokens and that the public rule sets of secret
//! scanners (gitleaks, detect-secrets) collect. A rule is tried only where its literal beginning was
//! seen, so that a text without one costs a single scan for those literals.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;

/// A shape of secrets.
struct Rule {
    /// What replaces the secret, in brackets.
    name: &'static str,
    /// Literals of which every match contains one; case does not matter. None begins inside another of
    /// a later rule, so that a leftmost scan misses no rule.
    anchors: &'static [&'static str],
    /// The shape; the group `secret` is what is masked, or the whole match without such a group.
    shape: &'static str,
}

/// Tried in this order; the first that covers a piece of text names it.
const RULES: &[Rule] = &[
    Rule {
        name: "private-key",
        anchors: &["-----begin"],
        shape: r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    },
    Rule {
        name: "aws-key-id",
        anchors: &["akia", "asia", "abia", "acca"],
        shape: r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    },
    Rule {
        name: "github-token",
        anchors: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        shape: r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    },
    Rule {
        name: "gitlab-token",
        anchors: &["glpat-", "gldt-", "glrt-"],
        shape: r"\bgl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,}",
    },
    Rule {
        name: "slack-token",
        anchors: &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "hooks.slack.com"],
        shape: r"(?:xox[abprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{40,})",
    },
    Rule { name: "anthropic-key", anchors: &["sk-ant-"], shape: r"\bsk-ant-[A-Za-z0-9_-]{20,}" },
    Rule {
        name: "openai-key",
        anchors: &["sk-"],
        shape: r"\bsk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}",
    },
    Rule {
        name: "stripe-key",
        anchors: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        shape: r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,})",
    },
    Rule {
        name: "google-key",
        anchors: &["aiza", "ya29.", "gocspx-"],
        shape: r"\b(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{28})",
    },
    Rule { name: "npm-token", anchors: &["npm_"], shape: r"\bnpm_[A-Za-z0-9]{36}\b" },
    Rule {
        name: "pypi-token",
        anchors: &["pypi-ageichlwas5vcmc"],
        shape: r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    },
    Rule { name: "huggingface-token", anchors: &["hf_"], shape: r"\bhf_[A-Za-z]{34}\b" },
    Rule {
        name: "digitalocean-token",
        anchors: &["dop_v1_", "doo_v1_", "dor_v1_"],
        shape: r"\bdo[opr]_v1_[a-f0-9]{64}\b",
    },
    Rule {
        name: "sendgrid-key",
        anchors: &["sg."],
        shape: r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}",
    },
    Rule { name: "telegram-token", anchors: &[":aa"], shape: r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b" },
    Rule {
        name: "age-key",
        anchors: &["age-secret-key-1"],
        shape: r"(?i)AGE-SECRET-KEY-1[0-9A-Z]{58}",
    },
    Rule {
        name: "jwt",
        anchors: &["eyj"],
        shape: r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    },
    Rule {
        name: "url-password",
        anchors: &["://"],
        shape: r"[A-Za-z][A-Za-z0-9+.-]+://[^\s:/@'\x22<>]*:(?P<secret>[^\s/@'\x22<>]{3,})@",
    },
    Rule {
        name: "authorization",
        anchors: &["authorization"],
        shape: r"(?i)authorization[\x22']?\s*[:=]\s*[\x22']?(?:bearer|basic|token)\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})",
    },
    Rule {
        name: "secret",
        anchors: &[
            "passw",
            "secret",
            "api_key",
            "apikey",
            "api-key",
            "access_key",
            "accesskey",
            "access-key",
            "auth_token",
            "auth-token",
            "authtoken",
            "access_token",
            "access-token",
            "accesstoken",
            "private_key",
            "private-key",
            "privatekey",
        ],
        shape: r#"(?i)(?:password|passwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|private[_-]?key)[a-z0-9_]*\\?["']?\s{0,3}(?::=|=>|[:=])\s{0,3}(?:\\?["'](?P<quoted>[^"'\\\s$\{<]{8,})\\?["']|(?P<secret>[A-Za-z0-9+/_.=~!@#%^&*-]{12,}))"#,
    },
];

/// Finds anchors; the second list gives the rule of each.
fn anchors() -> Option<&'static (AhoCorasick, Vec<usize>)> {
    static ANCHORS: OnceLock<Option<(AhoCorasick, Vec<usize>)>> = OnceLock::new();
    let build = || {
        let table = RULES
            .iter()
            .enumerate()
            .flat_map(|(i, rule)| rule.anchors.iter().map(move |a| (*a, i)));
        let (anchors, rule_of): (Vec<&str>, Vec<usize>) = table.unzip();
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostFirst);
        builder.kind(Some(AhoCorasickKind::DFA)).build(anchors).ok().map(|found| (found, rule_of))
    };
    ANCHORS.get_or_init(build).as_ref()
}

/// The compiled shape of a rule, made when its anchor is first seen: most stores never need most of them.
fn shape(rule: usize) -> Option<&'static Regex> {
    static SHAPES: [OnceLock<Option<Regex>>; RULES.len()] =
        [const { OnceLock::new() }; RULES.len()];
    SHAPES.get(rule)?.get_or_init(|| Regex::new(RULES.get(rule)?.shape).ok()).as_ref()
}

/// Replaces every secret in `text` by `[masked:<rule>]` and counts them.
///
/// Cost: one pass for the anchors, plus the rules whose anchor occurs. Masking a masked text changes
/// nothing.
pub(crate) fn mask(text: String) -> (String, u32) {
    let Some((anchors, rule_of)) = anchors() else { return (text, 0) };
    let mut seen = 0_u64;
    for anchor in anchors.find_iter(&text) {
        seen |= rule_of.get(anchor.pattern().as_usize()).map_or(0, |rule| 1 << rule);
    }
    if seen == 0 {
        return (text, 0);
    }
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    for (i, rule) in RULES.iter().enumerate().filter(|(i, _)| seen & (1 << i) != 0) {
        for captures in shape(i).into_iter().flat_map(|shape| shape.captures_iter(&text)) {
            let part =
                captures.name("secret").or_else(|| captures.name("quoted")).or(captures.get(0));
            let Some(range) = part.map(|part| part.range()) else { continue };
            let covered = found.iter().any(|(r, _)| r.start < range.end && range.start < r.end);
            if !covered && is_secret(rule.name, text.get(range.clone()).unwrap_or_default()) {
                found.push((range, rule.name));
            }
        }
    }
    replace(text, found)
}

/// Tells a value from code that only speaks of secrets.
fn is_secret(rule: &str, value: &str) -> bool {
    if value.starts_with("[masked:") {
        return false;
    }
    match rule {
        // `password = get_password_from_env` or `api_key=settings.API_KEY` is code, not a secret:
        // an unquoted value must mix letters and digits and not be a path of identifiers.
        "secret" => {
            value.bytes().any(|b| b.is_ascii_digit())
                && value.bytes().any(|b| b.is_ascii_alphabetic())
        }
        "url-password" => !value.starts_with('$') && !value.starts_with('{'),
        _ => true,
    }
}

fn replace(text: String, mut found: Vec<(Range<usize>, &'static str)>) -> (String, u32) {
    if found.is_empty() {
        return (text, 0);
    }
    found.sort_unstable_by_key(|(range, _)| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for (range, name) in &found {
        masked.push_str(text.get(from..range.start).unwrap_or_default());
        masked.push_str("[masked:");
        masked.push_str(name);
        masked.push(']');
        from = range.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    (masked, u32::try_from(found.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
