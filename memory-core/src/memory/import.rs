//! Import of records from elsewhere: stored once, however often they come, and linked by source.
//!
//! Input: records with their source, and the links between them as the source names them. Output:
//! one batch for the storage, and the links that cannot be resolved yet. Used by the crate
//! `memory-capture` and by library users. Limits: a note is linked only while it is inserted, so
//! what it names has to be stored before it; an episode is linked at any time.

use std::collections::{BTreeMap, BTreeSet};

use super::Memory;
use crate::error::Error;
use crate::intake::{Completion, Intake, NewEpisode, NewNote, NewStep, Receipt};
use crate::learn::Digest;
use crate::model::{
    Episode, EpisodeId, NoteId, RecordId, RecordKind, Relation, RelationKind, Shown, Source,
};
use crate::storage::{self, Durability, Found, Op, WriteBatch};

/// A record from elsewhere, or the records that one names.
#[derive(Debug, Clone, PartialEq)]
pub enum Import {
    /// An episode with its steps; `None` leaves it open. Its source must be set.
    Episode(Box<NewEpisode>, Vec<NewStep>, Option<Box<Completion>>),
    /// A note. Its source must be set.
    Note(Box<NewNote>),
    /// The records that an imported record names.
    Links(Links),
}

/// The records that an imported record names.
///
/// Links of a note are set when the note is inserted, so they belong into the same call. Those of
/// an episode replace the ones it has, at any time, unless it has others than these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Kind of the record that names the others.
    pub kind: RecordKind,
    /// Source of the record that names the others.
    pub source: Source,
    /// The named records, in the order in which they are to be stored.
    pub links: Vec<Link>,
}

/// A record that an imported record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Part that the named record has.
    pub role: LinkRole,
    /// Kind of the named record.
    pub kind: RecordKind,
    /// Source of the named record, or its id in this store as the external id.
    pub source: Source,
}

/// Part that a named record has for the record that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRole {
    /// Earlier episode to which an episode has this relation.
    Related(RelationKind),
    /// Record that was shown when an episode began.
    Shown {
        /// True for a strong hit.
        strong: bool,
    },
    /// Record whose advice an episode followed.
    Followed,
    /// Note that a note replaces.
    Supersedes,
    /// Episode that taught a note.
    TaughtBy,
}

/// Result of an import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// Number of records that were not stored before.
    pub n_new: usize,
    /// Number of records that were forgotten and are therefore not stored again.
    pub n_forgotten: usize,
    /// Links of stored episodes of which some name nothing that is stored: to be imported again
    /// once more records are.
    pub unresolved: Vec<Links>,
    /// Number of links among `unresolved` that name nothing that is stored.
    pub n_unresolved_links: usize,
    /// Number of links of notes that name nothing that is stored; they are left out.
    pub n_dropped_links: usize,
}

/// A record by kind and source.
type Key = (RecordKind, Source);

/// Result of looking sources up.
#[derive(Debug, Default)]
struct Known {
    /// Records that are stored.
    ids: BTreeMap<Key, RecordId>,
    /// Sources whose records were forgotten.
    forgotten: BTreeSet<Key>,
}

/// The named records of an episode, and the number of those that are not stored.
#[derive(Debug, Default)]
struct EpisodeLinks {
    relations: Vec<Relation>,
    shown: Vec<Shown>,
    followed: Vec<RecordId>,
    n_missing: usize,
}

impl Memory {
    /// Stores records from elsewhere; those whose source is stored already are left as they are,
    /// those that were forgotten are not stored again.
    ///
    /// A record is stored already when one of its kind has the same source, or has its external id
    /// as id: such a record was exported from this very store. Links are resolved in the same two
    /// ways, also to records of the same call; those of a note only to records before it.
    ///
    /// The new records of one call are stored all or none. They survive the end of the process;
    /// [`Memory::flush`] makes them survive a power cut. Cost: one look-up for each distinct
    /// source.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] and [`Error::LimitExceeded`] as for [`Memory::start`], [`Memory::log`]
    /// and [`Memory::remember`], also for a record without a source; [`Error::Conflict`] for a note
    /// that supersedes one that is superseded already; [`Error::Storage`].
    pub fn import(&self, records: Vec<Import>) -> Result<Receipt<Imported>, Error> {
        let mut intake = self.intake();
        let mut links: BTreeMap<Key, Vec<Link>> = BTreeMap::new();
        let mut keyed = Vec::with_capacity(records.len());
        for record in records {
            match record {
                Import::Links(of) => {
                    // Sources are found as they are stored.
                    let masked = |link: Link| Link { source: link.source.masked(), ..link };
                    let named = of.links.into_iter().map(masked).collect();
                    links.entry((of.kind, of.source.masked())).or_insert(named);
                }
                record => keyed.push((key_of(&record)?, record)),
            }
        }
        let Known { mut ids, forgotten } = self.known(&keyed, &links)?;
        let mut imported = Imported::default();
        let mut ops = Vec::with_capacity(keyed.len());
        for (key, record) in keyed {
            if ids.contains_key(&key) {
                continue;
            }
            if forgotten.contains(&key) {
                imported.n_forgotten += 1;
                continue;
            }
            let id = RecordId::from_bytes(key.0, self.clock.next_id());
            match (record, id) {
                (Import::Note(mut new), RecordId::Note(id)) => {
                    let links = links.get(&key).map_or(&[][..], Vec::as_slice);
                    imported.n_dropped_links += link_note(&mut new, links, &ids);
                    ops.push(Op::InsertNote(Box::new(intake.note(id, *new)?)));
                }
                (Import::Episode(new, steps, completion), RecordId::Episode(id)) => {
                    self.take_episode(id, &mut intake, *new, steps, completion, &mut ops)?;
                }
                _ => continue,
            }
            ids.insert(key, id);
            imported.n_new += 1;
        }
        self.link_episodes(links, &ids, &mut ops, &mut imported)?;
        if !ops.is_empty() {
            self.apply("import records", WriteBatch { ops }, Durability::Process)?;
        }
        Ok(intake.receipt(imported))
    }

    /// Returns what is known of all records that are imported or named.
    fn known(
        &self,
        records: &[(Key, Import)],
        links: &BTreeMap<Key, Vec<Link>>,
    ) -> Result<Known, Error> {
        let named = links.iter().flat_map(|(owner, links)| {
            let linked = links.iter().map(|link| (link.kind, link.source.clone()));
            linked.chain([owner.clone()])
        });
        let keys: BTreeSet<Key> = records.iter().map(|(key, _)| key.clone()).chain(named).collect();
        let mut known = Known::default();
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let of_kind = keys.iter().filter(|(of, _)| *of == kind);
            let sources: Vec<Source> = of_kind.map(|(_, source)| source.clone()).collect();
            if sources.is_empty() {
                continue;
            }
            let found =
                self.storage.find(kind, &sources).map_err(Error::storage("find sources"))?;
            debug_assert_eq!(found.len(), sources.len(), "one answer for each source");
            for (source, found) in sources.into_iter().zip(found) {
                match found {
                    Found::Stored(id) => drop(known.ids.insert((kind, source), id)),
                    Found::Forgotten => drop(known.forgotten.insert((kind, source))),
                    Found::Unknown => {}
                }
            }
        }
        self.add_own_ids(&keys, &mut known.ids)?;
        Ok(known)
    }

    /// Adds the records whose external id is their id in this store: an export names those so that
    /// have no source.
    fn add_own_ids(
        &self,
        keys: &BTreeSet<Key>,
        ids: &mut BTreeMap<Key, RecordId>,
    ) -> Result<(), Error> {
        let unknown = keys.iter().filter(|key| !ids.contains_key(*key));
        let candidates: Vec<(Key, RecordId)> =
            unknown.filter_map(|key| Some((key.clone(), own_id(key)?))).collect();
        if candidates.is_empty() {
            return Ok(());
        }
        let wanted: Vec<RecordId> = candidates.iter().map(|(_, id)| *id).collect();
        let records = storage::records(self.storage.as_ref(), &wanted)
            .map_err(Error::storage("read records"))?;
        let stored: BTreeSet<RecordId> = records.iter().map(crate::model::Record::id).collect();
        ids.extend(candidates.into_iter().filter(|(_, id)| stored.contains(id)));
        Ok(())
    }

    /// Appends the operations that store an episode.
    fn take_episode(
        &self,
        id: EpisodeId,
        intake: &mut Intake<'_>,
        new: NewEpisode,
        steps: Vec<NewStep>,
        completion: Option<Box<Completion>>,
        ops: &mut Vec<Op>,
    ) -> Result<(), Error> {
        let mut episode = Box::new(intake.episode(id, new)?);
        let steps = intake.steps(steps)?;
        let mut notes = Vec::new();
        if let Some(completion) = completion {
            let (closing, lessons) = intake.closing(*completion)?;
            for text in lessons {
                let id = NoteId::from_bytes(self.clock.next_id());
                let note = intake.lesson(id, &episode, closing.ended_at, text);
                notes.push(Op::InsertNote(Box::new(note)));
            }
            episode.closing = Some(closing);
            episode.digest = Some(Digest::of(&steps).encode().into());
        }
        ops.push(Op::InsertEpisode { episode, steps });
        ops.append(&mut notes);
        Ok(())
    }

    /// Links the episodes: new ones within their insertion, stored ones where the links say more
    /// than what is stored.
    fn link_episodes(
        &self,
        links: BTreeMap<Key, Vec<Link>>,
        ids: &BTreeMap<Key, RecordId>,
        ops: &mut Vec<Op>,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let mut resolved = BTreeMap::new();
        for ((kind, source), links) in links {
            // A record that is not stored was refused in an earlier call, and its links with it.
            let Some(RecordId::Episode(id)) = ids.get(&(kind, source.clone())) else { continue };
            let of = EpisodeLinks::resolve(&links, ids);
            if of.n_missing > 0 {
                imported.n_unresolved_links += of.n_missing;
                imported.unresolved.push(Links { kind, source, links });
            }
            resolved.insert(*id, of);
        }
        for op in ops.iter_mut() {
            if let Op::InsertEpisode { episode, .. } = op
                && let Some(of) = resolved.remove(&episode.id)
            {
                of.set(episode);
            }
        }
        let stored: Vec<EpisodeId> = resolved.keys().copied().collect();
        if stored.is_empty() {
            return Ok(());
        }
        let stored = storage::episodes(self.storage.as_ref(), &stored)
            .map_err(Error::storage("read episodes"))?;
        debug_assert_eq!(stored.len(), resolved.len(), "one answer for each id");
        for (stored, (id, of)) in stored.into_iter().zip(resolved) {
            if stored.is_some_and(|stored| of.says_more_than(&stored)) {
                let EpisodeLinks { relations, shown, followed, .. } = of;
                ops.push(Op::Tie { episode: id, relations, shown, followed });
            }
        }
        Ok(())
    }
}

impl EpisodeLinks {
    /// Looks the named records up among `ids`.
    fn resolve(links: &[Link], ids: &BTreeMap<Key, RecordId>) -> Self {
        let mut of = Self::default();
        for Link { role, kind, source } in links {
            match (role, ids.get(&(*kind, source.clone())).copied()) {
                (LinkRole::Related(kind), Some(RecordId::Episode(episode))) => {
                    of.relations.push(Relation { kind: *kind, episode });
                }
                (LinkRole::Shown { strong }, Some(record)) => {
                    of.shown.push(Shown { record, strong: *strong });
                }
                (LinkRole::Followed, Some(record)) => of.followed.push(record),
                _ => of.n_missing += 1,
            }
        }
        of
    }

    /// Sets the links of an episode that is not stored yet.
    fn set(self, episode: &mut Episode) {
        episode.relations.extend(self.relations);
        episode.shown.extend(self.shown);
        if let Some(closing) = &mut episode.closing {
            closing.followed.extend(self.followed);
        }
    }

    /// Returns whether these links are those of the stored episode and others.
    fn says_more_than(&self, stored: &Episode) -> bool {
        let closing = stored.closing.as_ref();
        let has_followed = closing.map_or(&[][..], |closing| &closing.followed);
        // An open episode has followed nothing yet.
        let followed = if closing.is_some() { &self.followed[..] } else { &[] };
        let is_covered = stored.relations.iter().all(|tie| self.relations.contains(tie))
            && stored.shown.iter().all(|tie| self.shown.contains(tie))
            && has_followed.iter().all(|id| followed.contains(id));
        let is_same = stored.relations == self.relations
            && stored.shown == self.shown
            && has_followed == followed;
        is_covered && !is_same
    }
}

/// Sets what a note names; returns the number of links that name nothing stored.
fn link_note(new: &mut NewNote, links: &[Link], ids: &BTreeMap<Key, RecordId>) -> usize {
    let mut n_missing = 0;
    for Link { role, kind, source } in links {
        match (role, ids.get(&(*kind, source.clone()))) {
            (LinkRole::Supersedes, Some(RecordId::Note(id))) => new.supersedes = Some(*id),
            (LinkRole::TaughtBy, Some(RecordId::Episode(id))) => new.episode = Some(*id),
            _ => n_missing += 1,
        }
    }
    n_missing
}

/// Kind and source of a record that is to be imported.
fn key_of(record: &Import) -> Result<Key, Error> {
    let (kind, source) = match record {
        Import::Episode(new, ..) => (RecordKind::Episode, new.source.clone()),
        Import::Note(new) => (RecordKind::Note, new.source.clone()),
        Import::Links(links) => (links.kind, Some(links.source.clone())),
    };
    let source = source.ok_or(Error::invalid("source", "an imported record needs one"))?;
    // As it is stored, so that it is found.
    Ok((kind, source.masked()))
}

/// The id that an external id is, if it is one.
fn own_id((kind, source): &Key) -> Option<RecordId> {
    // Other spellings of an id are nobody's export.
    let id = Some(&*source.external_id).filter(|id| id.len() == 36)?;
    match kind {
        RecordKind::Episode => id.parse::<EpisodeId>().ok().map(RecordId::from),
        RecordKind::Note => id.parse::<NoteId>().ok().map(RecordId::from),
    }
}

#[cfg(test)]
mod tests;
