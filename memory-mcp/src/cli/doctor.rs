//! `doctor`: checks the store and its surroundings, and names the remedies.

mod repair;

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::output::{Failure, Output, size};
use crate::config::{Origin, Settings};
use crate::exchange;
use crate::scope;
use crate::store::{self, Store};
use crate::wire::Exchanged;
use crate::wire::put;

/// Free space below which writes may soon fail.
const LOW_SPACE_BYTES: u64 = 512 << 20;

/// State of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Broken,
}

/// Result of one check.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, state: State::Ok, detail: detail.into(), remedy: None }
    }

    fn warning(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (detail, remedy) = (detail.into(), Some(remedy.into()));
        Self { what, state: State::Warning, detail, remedy }
    }

    fn broken(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (detail, remedy) = (detail.into(), Some(remedy.into()));
        Self { what, state: State::Broken, detail, remedy }
    }
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make the search index anew, and of a damaged store a sound one with all that is readable;
    /// the damaged file is kept under another name
    #[arg(long)]
    repair: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut findings = vec![
        Finding::ok("version", format!("memory-mcp {}", env!("CARGO_PKG_VERSION"))),
        check_settings(settings),
        check_scope(settings),
    ];
    if args.repair {
        findings.push(repair::repair(settings));
    }
    let existed = settings.store.exists();
    let begin = Instant::now();
    match store::open(settings) {
        Ok(store) => {
            let waited_ms = begin.elapsed().as_millis();
            findings.push(opened(&store, existed, waited_ms));
            findings.push(check_content(&store));
            findings.push(check_index(&store));
            findings.extend(check_exchange(&store, settings));
            findings.extend(check_vectors(&store));
        }
        Err(error) => {
            let remedy = "follow the message; of a damaged store `memory-mcp doctor --repair` \
                          saves what is readable, or `memory-mcp restore BACKUP --force` \
                          replaces it";
            findings.push(Finding::broken("store", error.to_string(), remedy));
        }
    }
    findings.push(check_permissions(&settings.store));
    findings.extend(check_space(&settings.store));
    print(&findings, output)?;
    let broken = findings.iter().any(|finding| finding.state == State::Broken);
    if broken { Err(Failure::Incomplete) } else { Ok(()) }
}

fn print(findings: &[Finding], output: &mut Output<'_>) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&serde_json::json!({ "findings": findings }));
    }
    for finding in findings {
        let mark = match finding.state {
            State::Ok => "ok",
            State::Warning => "WARNING",
            State::Broken => "BROKEN",
        };
        output.line(&format!("{mark:<8} {:<12} {}", finding.what, finding.detail))?;
        if let Some(remedy) = &finding.remedy {
            output.line(&format!("{:21} → {remedy}", ""))?;
        }
    }
    Ok(())
}

fn check_settings(settings: &Settings) -> Finding {
    let rows = settings.rows();
    let set: Vec<String> = rows
        .iter()
        .filter(|row| row.origin != Origin::Default)
        .map(|row| format!("{} from {}", row.key, row.origin))
        .collect();
    let detail = if set.is_empty() { "all defaults".to_owned() } else { set.join(", ") };
    match settings.warnings.first() {
        None => Finding::ok("settings", detail),
        Some(warning) => Finding::warning("settings", warning, "correct or unset it"),
    }
}

fn check_scope(settings: &Settings) -> Finding {
    match scope::own(settings) {
        Ok(scope) => {
            Finding::ok("scope", format!("{scope} (in {})", settings.working_dir.display()))
        }
        Err(error) => Finding::broken("scope", error.to_string(), "set another `scope`"),
    }
}

fn opened(store: &Store, existed: bool, waited_ms: u128) -> Finding {
    match store.memory.status() {
        Ok(status) if !existed => Finding::ok(
            "store",
            format!("{}, new, format {}", store.storage.path().display(), status.head.format),
        ),
        Ok(status) if waited_ms > 1_000 => Finding::warning(
            "store",
            format!(
                "opening took {waited_ms} ms, another process held the lock (format {})",
                status.head.format
            ),
            "see which window is writing; a long import holds it again and again",
        ),
        Ok(status) => Finding::ok(
            "store",
            format!(
                "{}, format {}, {}, opened in {waited_ms} ms",
                store.storage.path().display(),
                status.head.format,
                size(status.storage.size_bytes)
            ),
        ),
        Err(error) => {
            Finding::broken("store", error.to_string(), "run doctor again, then restore a backup")
        }
    }
}

/// Remedy for a damaged content.
const REPAIR: &str = "end all sessions, then `memory-mcp doctor --repair` saves what is readable; \
                      or restore a backup";

fn check_content(store: &Store) -> Finding {
    match store.memory.check() {
        Ok(found) if found.is_empty() => Finding::ok("content", "read in full, sound"),
        Ok(found) => Finding::broken("content", found.join("; "), REPAIR),
        Err(error) => Finding::broken("content", error.to_string(), REPAIR),
    }
}

fn check_index(store: &Store) -> Finding {
    let begin = Instant::now();
    let refreshed = store.memory.refresh();
    let loaded_ms = begin.elapsed().as_millis();
    match refreshed.and_then(|()| store.memory.status()) {
        Ok(status) => {
            let (n_embedded, _) = status.vectors();
            let index = status.index;
            let bytes = size(index.size_bytes as u64);
            let mut detail = format!(
                "{} units, {bytes}, ready after {loaded_ms} ms, snapshot {}",
                index.n_units,
                index.snapshot()
            );
            if index.n_pending > 0 {
                let n_pending = index.n_pending;
                put(
                    &mut detail,
                    format_args!(
                        "; {n_pending} wait for their vector, which the server makes, \
                         {n_embedded} have it"
                    ),
                );
            }
            match (&index.vectors_failure, &index.snapshot_failure) {
                (Some(failure), _) => Finding::broken(
                    "index",
                    format!("{detail}; vectors: {failure}"),
                    "search goes by words alone: check the finding on the content",
                ),
                (None, Some(_)) => Finding::warning(
                    "index",
                    detail,
                    "it is written anew by itself; if this stays, make the store's folder writable",
                ),
                (None, None) => Finding::ok("index", detail),
            }
        }
        Err(error) => Finding::broken(
            "index",
            error.to_string(),
            "it is built from the store: check the finding on its content, then start again",
        ),
    }
}

/// Says how far the exchange with other machines has come, if one is set or was begun.
fn check_exchange(store: &Store, settings: &Settings) -> Option<Finding> {
    let is_set = settings.exchange.remote.is_some();
    let exchanged = match store.memory.exchange_status() {
        Ok(Some(status)) => Exchanged::new(status),
        Ok(None) if is_set => {
            let detail = "set, and not begun yet";
            return Some(match exchange::check(settings) {
                Ok(()) => Finding::ok("exchange", detail),
                Err(error) => Finding::warning("exchange", detail, error.to_string()),
            });
        }
        Ok(None) => return None,
        Err(error) => {
            let remedy = "`memory-mcp sync --leave --yes`, then join again";
            return Some(Finding::broken("exchange", error.to_string(), remedy));
        }
    };
    let line = exchanged.line();
    Some(if !is_set {
        let remedy = "set `remote` again, or `memory-mcp sync --leave --yes`";
        Finding::warning("exchange", format!("{line}; `remote` is not set"), remedy)
    } else if exchanged.has_failed() {
        Finding::warning("exchange", line, "follow the message, then `memory-mcp sync`")
    } else if exchanged.is_odd() {
        let remedy = "set the clocks; what is damaged or too large for the place stays where it is";
        Finding::warning("exchange", line, remedy)
    } else {
        Finding::ok("exchange", line)
    })
}

/// Tells of vectors that no search uses.
fn check_vectors(store: &Store) -> Vec<Finding> {
    let Ok(status) = store.memory.status() else { return Vec::new() };
    let (_, others) = status.vectors();
    let unused = others.iter().map(|(model, n)| Finding {
        what: "vectors",
        state: State::Ok,
        detail: format!("{n} of {model}, which is not in use"),
        remedy: Some(format!(
            "they go 14 days after its last use; now: memory-mcp forget --vectors-of {model} --yes"
        )),
    });
    unused.collect()
}

/// Checks that the store's folder can be written and that others cannot read the store.
fn check_permissions(store: &Path) -> Finding {
    let folder = store.parent().unwrap_or(store);
    let read_only = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly())
    };
    for path in [folder, store] {
        if read_only(path) {
            let detail = format!("{} is read-only", path.display());
            return Finding::broken(
                "permissions",
                detail,
                "make it writable, or pass --store PATH",
            );
        }
    }
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(store) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            return Finding::warning(
                "permissions",
                format!("others can read {} (mode {:o})", store.display(), mode & 0o777),
                format!("chmod 600 {}", store.display()),
            );
        }
    }
    Finding::ok("permissions", format!("{} is yours", folder.display()))
}

/// Checks the free space on the disk of the store, where the platform reports it.
fn check_space(store: &Path) -> Option<Finding> {
    let folder = store.ancestors().skip(1).find(|folder| folder.exists())?;
    let free = free_bytes(folder)?;
    let detail = format!("{} free", size(free));
    Some(if free < LOW_SPACE_BYTES {
        Finding::warning(
            "disk space",
            detail,
            "free some space, or pass --store PATH on another disk",
        )
    } else {
        Finding::ok("disk space", detail)
    })
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
