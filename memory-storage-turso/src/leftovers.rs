//! Log of a database that is no longer there, put aside before another database is opened.
//!
//! SQLite takes every `-wal` file beside a database for its own. After somebody replaced or
//! overwrote the database of a running or killed process, that log belongs to the old one, and
//! playing it into the new one would damage it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_core::StorageError;
use memory_core::backend::HalfFile;

use crate::check;
use crate::connection::Connection;
use crate::error::from_io;
use crate::files::{Cause, Displaced};
use crate::fingerprint::{self, FileId, Fingerprint, Stamp};
use crate::migrate::migrate;
use crate::paths::{LOG, LOG_INDEX, beside};
use crate::schema::MIGRATIONS;

/// Makes sure that what lies beside the database at `store` belongs to it, before it is opened. The
/// lock is held; `is_first` says that no other handle has a store of this name open.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when other handles are open on the same database but on other
/// files beside it, or when its content was overwritten under them.
pub(crate) fn settle(
    store: &Arc<Path>,
    lock_path: &Path,
    is_first: bool,
) -> Result<(), StorageError> {
    let Some(noted) = fingerprint::load(lock_path) else { return Ok(()) };
    let found = fs::symlink_metadata(store).ok();
    match found.filter(|found| FileId::of(found) == noted.database) {
        // Nobody else has it open: SQLite sorts out what a crash left.
        Some(found) if is_first => {
            let is_overwritten = noted.stamp.is_some_and(|stamp| stamp != Stamp::of(&found));
            if is_overwritten && is_log(store, noted.log) && !log_fits(store)? {
                set_aside(store, LOG, noted.log)?;
            }
            Ok(())
        }
        Some(found) => check_shared(store, &noted, Stamp::of(&found))
            .map_err(|cause| Displaced::new(store, cause).not_opened()),
        None => {
            set_aside(store, LOG, noted.log)?;
            set_aside(store, LOG_INDEX, noted.log_index)
        }
    }
}

/// Returns whether the log beside the store is that file and holds something.
fn is_log(store: &Path, former: FileId) -> bool {
    let found = fs::symlink_metadata(beside(store, LOG));
    found.is_ok_and(|found| FileId::of(&found) == former && found.len() > 0)
}

/// Tries on a copy whether the database is sound together with the log beside it. Nobody has them
/// open.
///
/// Costs a copy and a check, some seconds per 100 MB; happens only after a crash and a change of
/// the database by another program.
fn log_fits(store: &Path) -> Result<bool, StorageError> {
    let name = store.display();
    tracing::warn!(store = %name, "the database was changed after a crash: checked on a copy");
    let copy = HalfFile::create(store).map_err(|error| from_io(store, &error))?;
    for suffix in ["", LOG] {
        let (from, to) = (beside(store, suffix), beside(copy.path(), suffix));
        fs::copy(&from, &to).map_err(|error| from_io(&to, &error))?;
    }
    let path = Arc::from(copy.path());
    let findings = Connection::open(&path, Duration::ZERO).and_then(|mut conn| {
        // The check knows the newest format only.
        migrate(&mut conn, MIGRATIONS)?;
        check::run(&mut conn)
    });
    Ok(findings.is_ok_and(|findings| findings.is_empty()))
}

/// Checks that the files are those that the other handles have open.
fn check_shared(store: &Path, noted: &Fingerprint, stamp: Stamp) -> Result<(), Cause> {
    if FileId::at(&beside(store, LOG)) != Some(noted.log) {
        return Err(Cause::Log);
    }
    if FileId::at(&beside(store, LOG_INDEX)) != Some(noted.log_index) {
        return Err(Cause::LogIndex);
    }
    if noted.stamp.is_none_or(|noted| noted == stamp) { Ok(()) } else { Err(Cause::Overwritten) }
}

/// Gives a file of the former database another name; one that holds nothing is removed. A process
/// that has it open keeps it.
fn set_aside(store: &Path, suffix: &str, former: FileId) -> Result<(), StorageError> {
    let path = beside(store, suffix);
    let Ok(found) = fs::symlink_metadata(&path) else { return Ok(()) };
    if FileId::of(&found) != former {
        return Ok(());
    }
    // The index is made anew from the log.
    let done = if suffix == LOG_INDEX || found.len() == 0 {
        fs::remove_file(&path)
    } else {
        let aside = beside(&path, &format!(".orphan-{}", former.inode));
        tracing::warn!(
            store = %store.display(),
            aside = %aside.display(),
            "another database lies here than before: the log of the former one was put aside"
        );
        fs::rename(&path, aside)
    };
    done.map_err(|error| from_io(&path, &error))
}
