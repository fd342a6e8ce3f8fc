//! The exchange with other machines: the carrier that is set, whose turn it is, and what happens in
//! the background of a server.
//!
//! What is exchanged and how it merges is [`memory_core::exchange`]. Used by the server and by
//! `sync`, `status` and `doctor`.

mod background;
mod folder;
mod segment;
mod turn;

use std::path::Path;

use memory_core::exchange::{Carrier, ExchangeError, Report, Terms, exchange, leave, preview};
use memory_core::{RecordId, Storage, StorageError, SystemClock};

#[cfg(feature = "remote")]
use memory_storage_turso::{RemoteCarrier, RemoteOptions};

use crate::config::{Remote, Settings};

pub(crate) use background::Background;
use folder::Folder;
use turn::Turn;

/// Reason why nothing is exchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    /// No place is set.
    #[error(
        "`remote` is not set: set it to folder:PATH, libsql://HOST or https://HOST, and name the \
         projects to be exchanged in `remote_scopes`"
    )]
    NoRemote,
    /// No project is opted in.
    #[error(
        "`remote_scopes` is empty, so that nothing is exchanged: name projects, as `memory-mcp \
         scopes` lists them"
    )]
    NoScopes,
    /// Another process of this store exchanges right now.
    #[error("another process exchanges the records of this store right now")]
    Taken,
    /// The carrier cannot be opened.
    #[error("{0}")]
    Carrier(String),
    /// The exchange ended early.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Opens the carrier that is set.
pub(crate) fn open_carrier(settings: &Settings) -> Result<Box<dyn Carrier>, SyncError> {
    match settings.exchange.remote.as_ref().ok_or(SyncError::NoRemote)? {
        Remote::Folder(path) => Ok(Box::new(Folder::new(path.clone()))),
        Remote::Server(address) => server(address, settings),
    }
}

/// Opens the carrier on a server, which is not asked anything yet.
#[cfg(feature = "remote")]
fn server(address: &str, settings: &Settings) -> Result<Box<dyn Carrier>, SyncError> {
    let token = settings.exchange.token().map_err(SyncError::Carrier)?;
    let options = RemoteOptions {
        token: token.map(|token| token.expose().into()),
        ..RemoteOptions::default()
    };
    let opened = RemoteCarrier::open(address, options);
    opened
        .map(|carrier| Box::new(carrier) as Box<dyn Carrier>)
        .map_err(ExchangeError::from)
        .map_err(SyncError::from)
}

#[cfg(not(feature = "remote"))]
fn server(address: &str, settings: &Settings) -> Result<Box<dyn Carrier>, SyncError> {
    Err(SyncError::Carrier(format!(
        "`remote` is {address} ({}), but this build carries records through folders alone: build \
         with --features remote, or set it to folder:PATH",
        settings.origin("remote")
    )))
}

/// Exchanges once; waits for another process that does.
pub(crate) fn sync(settings: &Settings, storage: &dyn Storage) -> Result<Report, SyncError> {
    let terms = terms(settings)?;
    let _turn = Turn::wait(&settings.store).ok_or(SyncError::Taken)?;
    let mut carrier = open_carrier(settings)?;
    Ok(exchange(storage, &SystemClock, &terms, &mut *carrier)?)
}

/// Lists what would be sent; nothing is written or read elsewhere.
pub(crate) fn would_send(
    settings: &Settings,
    storage: &dyn Storage,
) -> Result<Vec<RecordId>, SyncError> {
    let terms = terms(settings)?;
    let remote = settings.exchange.remote.as_ref().ok_or(SyncError::NoRemote)?;
    Ok(preview(storage, &SystemClock, &terms, &remote.to_string())?)
}

/// Forgets what came from others, and where this store stood; gives the number of records.
pub(crate) fn leave_exchange(
    settings: &Settings,
    storage: &dyn Storage,
) -> Result<usize, SyncError> {
    let _turn = Turn::wait(&settings.store).ok_or(SyncError::Taken)?;
    Ok(leave(storage)?)
}

/// Checks that all is set that an exchange needs.
pub(crate) fn check(settings: &Settings) -> Result<(), SyncError> {
    terms(settings)?;
    open_carrier(settings).map(drop)
}

fn terms(settings: &Settings) -> Result<Terms, SyncError> {
    if settings.exchange.remote.is_none() {
        return Err(SyncError::NoRemote);
    }
    if settings.exchange.scopes.is_empty() {
        return Err(SyncError::NoScopes);
    }
    Ok(Terms {
        scopes: settings.exchange.scopes.clone(),
        author: settings.exchange.author.as_str().into(),
        place: place(&settings.store).into(),
    })
}

/// Names the file of a store, by its number on the disk and when it was made: that of a copy or of
/// a restored backup is another one, under whatever path, in a container or not.
fn place(store: &Path) -> String {
    let Ok(metadata) = std::fs::metadata(store) else { return String::new() };
    let made = metadata.created().ok();
    let made = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    let made_ms = made.map_or(0, |made| made.as_millis());
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    format!("file {number}, made {made_ms}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_store_is_told_from_it_and_a_move_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two, three] = ["a.db", "b.db", "c.db"].map(|name| dir.path().join(name));
        std::fs::write(&one, "x").unwrap();
        let before = place(&one);
        std::fs::copy(&one, &two).unwrap();
        assert_ne!(before, place(&two));
        std::fs::rename(&one, &three).unwrap();
        assert_eq!(before, place(&three));
    }
}
