//! An exchange: what one machine does when it syncs.

use super::carrier::Carrier;
use super::error::ExchangeError;
use super::session::Session;
use super::shadow::{self, Shadow};
use super::standing::{OUT, RECORD, SOURCE, Standing, WAITS, keep, unreadable};
use crate::clock::Clock;
use crate::model::{Author, MachineId, Record, RecordId, Scope};
use crate::storage::{Durability, Op, Placed, Storage, StorageError, WriteBatch};

/// Operations of one batch.
const BATCH: usize = 256;

/// Terms on which a machine takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The scopes that are exchanged; nothing else leaves the store.
    pub scopes: Vec<Scope>,
    /// Name that others see on what was made here.
    pub author: Box<str>,
    /// Names the store's file: where that is another one than last time, the store is a copy and
    /// gets an identity of its own.
    pub place: Box<str>,
}

/// Report of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Records that were sent, forgotten ones too.
    pub n_sent: usize,
    /// Secrets that were masked on the way.
    pub n_masked: usize,
    /// Records of others that were stored or changed here.
    pub n_received: usize,
    /// Records that were removed here, because they were forgotten elsewhere.
    pub n_removed: usize,
    /// Records that wait to be sent next time.
    pub n_waiting: usize,
    /// Records that are larger than the carrier takes, and stay here until they change.
    pub n_too_large: usize,
}

/// Sends what was changed here, and takes in what others sent.
///
/// One exchange at a time is the caller's to see to. Writes go on meanwhile; whatever they change
/// is merged. A crash at any point loses nothing: the next exchange goes on from there.
///
/// # Errors
///
/// See [`ExchangeError`]; it is noted in the [`Standing`] too.
pub fn exchange(
    storage: &dyn Storage,
    clock: &dyn Clock,
    terms: &Terms,
    carrier: &mut dyn Carrier,
) -> Result<Report, ExchangeError> {
    let mut session = join(storage, clock, terms, carrier.address())?;
    match run(&mut session, carrier) {
        Ok(report) => {
            let now = Some(clock.now());
            let standing =
                Standing { tried_at: now, synced_at: now, error: None, ..session.standing };
            storage.apply(WriteBatch::of(standing.keep()), Durability::Process)?;
            Ok(report)
        }
        Err(error) => {
            note_failure(storage, clock, &error);
            Err(error)
        }
    }
}

/// Keeps the reason of a failure, with the standing that is stored: what the session had in mind
/// may not be.
fn note_failure(storage: &dyn Storage, clock: &dyn Clock, error: &ExchangeError) {
    let Ok(Some(standing)) = Standing::of(storage) else { return };
    let (tried_at, error) = (Some(clock.now()), Some(error.to_string().into()));
    let standing = Standing { tried_at, error, ..standing };
    // Whoever cannot keep it is told the error itself.
    drop(storage.apply(WriteBatch::of(standing.keep()), Durability::Process));
}

fn run(session: &mut Session<'_>, carrier: &mut dyn Carrier) -> Result<Report, ExchangeError> {
    session.observe()?;
    let before = session.clock.now();
    if let Some(there) = carrier.now()? {
        let after = session.clock.now();
        let here = before.as_millis() / 2 + after.as_millis() / 2;
        session.standing.skew_ms = Some(here.saturating_sub(there.as_millis()));
    }
    let taken = session.pull(carrier)?;
    session.observe()?;
    let sent = session.push(carrier)?;
    Ok(Report {
        n_sent: sent.entries,
        n_masked: sent.masks,
        n_received: taken.placed,
        n_removed: taken.removed,
        n_waiting: session.waiting()?.len(),
        n_too_large: Standing::too_large(session.storage)?.len(),
    })
}

/// Counts what would be sent, and writes nothing.
///
/// # Errors
///
/// Those of the storage.
pub fn preview(
    storage: &dyn Storage,
    clock: &dyn Clock,
    terms: &Terms,
    address: &str,
) -> Result<Vec<RecordId>, StorageError> {
    let (standing, _) = prepared(storage, clock, terms, address)?;
    let mut session = session(storage, clock, terms, standing);
    let mut waiting = session.waiting()?;
    while let Some((ops, _)) = session.observe_page()? {
        for op in ops {
            if let Op::KeepState { name, bytes, .. } = op
                && let Some(id) = name.strip_prefix(OUT).and_then(shadow::id_of)
            {
                waiting.retain(|other| *other != id);
                if !bytes.is_empty() {
                    waiting.push(id);
                }
            }
        }
    }
    Ok(waiting)
}

/// Ends a store's part in the exchange: forgets what came from others and how far it has got;
/// gives the number of records that were removed. What was sent stays with the others.
///
/// # Errors
///
/// Those of the storage; to be repeated after one.
pub fn leave(storage: &dyn Storage) -> Result<usize, StorageError> {
    let Some(standing) = Standing::of(storage)? else { return Ok(0) };
    let mut n_removed = 0;
    let mut ops = Vec::new();
    for state in storage.states(RECORD)? {
        let key = state.name.strip_prefix(RECORD).unwrap_or_default();
        let shadow = Shadow::from_bytes(&state.bytes);
        let shadow = shadow.map_err(|error| unreadable(&state.name, error))?;
        if let (Some(id), Shadow::Live(seen)) = (shadow::id_of(key), shadow) {
            match storage.records(&[id])?.into_iter().flatten().next() {
                Some(record) if record.author().is_some() => {
                    ops.push(Op::Withdraw { id, source: None });
                    n_removed += 1;
                }
                Some(record) => {
                    let own = seen.versions.counts.get(&standing.machine).copied();
                    let own = own.unwrap_or_default();
                    if own != seen.versions.total() {
                        let record = counted(record, own);
                        let placed = Placed { record, steps: None, seen: None };
                        ops.push(Op::Place(Box::new(placed)));
                    }
                }
                None => {}
            }
        }
        ops.push(keep(state.name, Vec::new()));
        if ops.len() >= BATCH {
            apply(storage, &mut ops)?;
        }
    }
    for state in [OUT, SOURCE].map(|prefix| storage.states(prefix)).into_iter().flatten().flatten()
    {
        ops.push(keep(state.name, Vec::new()));
    }
    // The machine stays who it is: what it has counted is its own if it joins again.
    let clock = standing.clock;
    ops.push(Standing { clock, ..Standing::new(standing.machine, &standing.place) }.keep());
    apply(storage, &mut ops)?;
    Ok(n_removed)
}

fn apply(storage: &dyn Storage, ops: &mut Vec<Op>) -> Result<(), StorageError> {
    let ops = std::mem::take(ops);
    storage.apply(WriteBatch { ops }, Durability::Process).map(drop)
}

fn counted(mut record: Record, own: super::state::Counts) -> Record {
    match &mut record {
        Record::Episode(episode) => {
            episode.feedback.n_helpful = own.helpful;
            episode.feedback.n_unhelpful = own.unhelpful;
        }
        Record::Note(note) => {
            note.feedback.n_helpful = own.helpful;
            note.feedback.n_unhelpful = own.unhelpful;
            note.n_merged = own.merged;
        }
    }
    record
}

/// Begins an exchange: finds out who this machine is and where it stands, and keeps that.
fn join<'a>(
    storage: &'a dyn Storage,
    clock: &'a dyn Clock,
    terms: &'a Terms,
    address: &str,
) -> Result<Session<'a>, StorageError> {
    let (standing, resend) = prepared(storage, clock, terms, address)?;
    let mut ops = vec![standing.keep()];
    if resend {
        // Another carrier knows nothing yet.
        for state in storage.states(RECORD)? {
            let key = state.name.strip_prefix(RECORD).unwrap_or_default();
            ops.push(keep(format!("{OUT}{key}").into(), WAITS.to_vec()));
        }
    }
    for page in ops.chunks(BATCH * 4) {
        storage.apply(WriteBatch { ops: page.to_vec() }, Durability::Process)?;
    }
    Ok(session(storage, clock, terms, standing))
}

fn session<'a>(
    storage: &'a dyn Storage,
    clock: &'a dyn Clock,
    terms: &'a Terms,
    standing: Standing,
) -> Session<'a> {
    let me = Author { name: terms.author.clone(), machine: standing.machine };
    Session { storage, clock, me, scopes: &terms.scopes, standing }
}

/// Returns where the store stands under these terms, and whether all that was sent before is to be
/// sent again.
fn prepared(
    storage: &dyn Storage,
    clock: &dyn Clock,
    terms: &Terms,
    address: &str,
) -> Result<(Standing, bool), StorageError> {
    let known = Standing::of(storage)?;
    let machine = || MachineId(clock.next_id());
    let mut standing = known.unwrap_or_else(|| Standing::new(machine(), &terms.place));
    if standing.place != terms.place {
        // A copy: what the original sends is not its own.
        (standing.machine, standing.cursor) = (machine(), None);
        standing.place.clone_from(&terms.place);
    }
    let scopes: Vec<Box<str>> = terms.scopes.iter().map(|scope| scope.as_str().into()).collect();
    let is_elsewhere = *standing.address != *address;
    let resend = is_elsewhere && !standing.address.is_empty();
    if is_elsewhere || standing.scopes != scopes {
        (standing.observed, standing.cursor) = (0, None);
        (standing.address, standing.scopes) = (address.into(), scopes);
    }
    Ok((standing, resend))
}
