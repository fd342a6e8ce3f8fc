//! Catalog: which ended episodes met which errors and made which calls, in a form that is searched
//! as it lies on disk.
//!
//! It also says which are attempts at one task, how good each was, and what they followed.
//!
//! Who asks about one error or one call reads the digests of the episodes that it names, and of no
//! others. Derived like everything that was learned; a row for each episode, in the order of the
//! change feed.

use rustc_hash::{FxHashMap, FxHashSet};

use super::advice::{TaskGroup, TaskGroupKey};
use super::digest::{CallKey, Digest, Signature, Sketch};
use super::hash::StableHash;
use super::pattern::{MIN_FAILED, MetError};
use super::table::{AttemptCounts, AttemptRank, Learned, TaskKey};
use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::{Episode, EpisodeId, RecordId, RecordKind};

/// Beginning of a stored catalog; its last byte is the version.
const MAGIC: &[u8; 8] = b"memcat\0\x02";

/// Most episodes that are read for one question; of more, those that met the error itself come
/// before those with one like it, and newer ones before older ones.
const MAX_EPISODES: usize = 400;

/// Episodes by what they met and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Catalog {
    /// Position in the change feed up to which changes are in it.
    pub(crate) seq: u64,
    rows: Vec<u8>,
}

/// The row of an episode, as it lies in the bytes.
struct Row<'a> {
    id: EpisodeId,
    scope: u64,
    task: TaskKey,
    rank: AttemptRank,
    retries: AttemptCounts,
    /// Records that it followed.
    followed: &'a [u8],
    errors: &'a [u8],
    calls: &'a [u8],
}

impl Row<'_> {
    /// Returns the task that it was an attempt at.
    const fn group(&self) -> TaskGroupKey {
        TaskGroupKey { scope: self.scope, task: self.task }
    }
}

/// Changes of episodes since a catalog was made: the new row, or none for one that went.
#[derive(Debug, Default)]
pub(crate) struct CatalogChanges {
    rows: FxHashMap<EpisodeId, Option<Vec<u8>>>,
    order: Vec<EpisodeId>,
}

impl CatalogChanges {
    /// Takes an episode out.
    pub(crate) fn remove(&mut self, id: EpisodeId) {
        self.rows.insert(id, None);
    }

    /// Puts an ended episode in the place of what is known of it.
    pub(crate) fn put(&mut self, episode: &Episode, digest: &Digest) {
        self.rows.insert(episode.id, Some(encode_row(episode, digest)));
        self.order.push(episode.id);
    }
}

impl Catalog {
    /// Takes changes in; costs one copy of the catalog.
    pub(crate) fn change(&mut self, changes: &CatalogChanges) {
        if changes.rows.is_empty() {
            return;
        }
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut rest = self.rows.as_slice();
        while let Some((row, bytes, after)) = next_row(rest) {
            if !changes.rows.contains_key(&row.id) {
                rows.extend_from_slice(bytes);
            }
            rest = after;
        }
        let mut seen = FxHashSet::default();
        for id in changes.order.iter().filter(|id| seen.insert(**id)) {
            rows.extend(changes.rows.get(id).into_iter().flatten().flatten());
        }
        self.rows = rows;
    }

    /// Returns the sum of the plain retries after errors of all episodes.
    pub(crate) fn plain_retries(&self) -> AttemptCounts {
        let mut sum = AttemptCounts::default();
        self.rows().for_each(|row| sum.merge(row.retries));
        sum
    }

    /// Returns the episodes that say something of an error: those that met it, one like it, or one
    /// of the same tool and class; in the order of the catalog.
    pub(crate) fn with_error(&self, met: &MetError) -> Vec<EpisodeId> {
        let (mut seen, mut wanted) = (FxHashSet::default(), FxHashSet::default());
        for row in self.rows() {
            for_each_error(row.errors, |signature, sketch| {
                // The first sketch of a signature is the one that counts, as in the table.
                let is_wanted = || {
                    signature.family() == met.signature.family()
                        || sketch
                            .to_sketch(met.sketch.tool)
                            .is_some_and(|sketch| met.sketch.likeness(&sketch).is_some())
                };
                if seen.insert(signature) && is_wanted() {
                    wanted.insert(signature);
                }
            });
        }
        let mut found: Vec<(bool, usize, EpisodeId)> = Vec::new();
        for (at, row) in self.rows().enumerate() {
            let (mut is_exact, mut is_wanted) = (false, false);
            for_each_error(row.errors, |signature, _| {
                is_exact |= signature == met.signature;
                is_wanted |= wanted.contains(&signature);
            });
            if is_exact || is_wanted {
                found.push((is_exact, at, row.id));
            }
        }
        newest(found)
    }

    /// Returns the episodes of a scope that made a call, if it failed often enough there to warn of
    /// it; in the order of the catalog.
    pub(crate) fn with_risky_call(&self, scope: &str, call: CallKey) -> Vec<EpisodeId> {
        let scope = scope_key(scope);
        let (mut n_failed, mut found) = (0_u32, Vec::new());
        for (at, row) in self.rows().enumerate().filter(|(_, row)| row.scope == scope) {
            if let Some(failed) = times_failed(row.calls, call) {
                n_failed = n_failed.saturating_add(failed);
                found.push((failed > 0, at, row.id));
            }
        }
        if n_failed < MIN_FAILED { Vec::new() } else { newest(found) }
    }

    /// Returns the episodes that followed one of some records, in the order of the catalog.
    pub(crate) fn with_followed(&self, records: &FxHashSet<RecordId>) -> Vec<EpisodeId> {
        let follows = |row: &Row<'_>| {
            let entries = row.followed.as_chunks::<FOLLOWED_BYTES>().0.iter();
            entries.filter_map(followed_record).any(|record| records.contains(&record))
        };
        self.rows().filter(follows).map(|row| row.id).collect()
    }

    /// Returns the tasks of episodes with several attempts, and the best of these; an answer for
    /// each episode.
    pub(crate) fn task_groups(&self, episodes: &[EpisodeId]) -> Vec<Option<TaskGroup>> {
        let keys = self.group_keys(episodes);
        let wanted: FxHashSet<TaskGroupKey> = keys.values().copied().collect();
        let mut ranks: FxHashMap<TaskGroupKey, Vec<AttemptRank>> = FxHashMap::default();
        for row in self.rows().filter(|row| wanted.contains(&row.group())) {
            ranks.entry(row.group()).or_default().push(row.rank);
        }
        let group = |id: &EpisodeId| {
            let key = *keys.get(id)?;
            TaskGroup::of(key, ranks.get(&key)?.iter().copied())
        };
        episodes.iter().map(group).collect()
    }

    /// Returns all attempts at the tasks of some episodes, in the order of the catalog.
    pub(crate) fn attempts_with(&self, episodes: &[EpisodeId]) -> Vec<EpisodeId> {
        let wanted: FxHashSet<TaskGroupKey> = self.group_keys(episodes).into_values().collect();
        self.rows().filter(|row| wanted.contains(&row.group())).map(|row| row.id).collect()
    }

    fn group_keys(&self, episodes: &[EpisodeId]) -> FxHashMap<EpisodeId, TaskGroupKey> {
        let wanted: FxHashSet<EpisodeId> = episodes.iter().copied().collect();
        let found = self.rows().filter(|row| wanted.contains(&row.id));
        found.map(|row| (row.id, row.group())).collect()
    }

    /// Returns an empty table that knows how often plain retries work.
    pub(crate) fn table(&self) -> Learned {
        let mut table = Learned::default();
        table.set_plain_retries(self.plain_retries());
        table
    }

    /// Encodes it; `store` tells the stores apart.
    pub(crate) fn encode(&self, store: [u8; 16]) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.bytes(MAGIC);
        out.u8(Digest::VERSION);
        out.bytes(&store);
        out.u64(self.seq);
        out.u64(checksum(&self.rows));
        out.bytes(&self.rows);
        out.into_bytes()
    }

    /// Decodes what [`Catalog::encode`] wrote for the same store.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for damaged bytes, another version or another store.
    pub(crate) fn decode(bytes: &[u8], store: [u8; 16]) -> Result<Self, DecodeError> {
        let mut input = ByteReader::new(bytes);
        let is_ours = input.array::<8>()? == *MAGIC
            && input.u8()? == Digest::VERSION
            && input.array::<16>()? == store;
        if !is_ours {
            return Err(DecodeError::Invalid { what: "head of a catalog" });
        }
        let (seq, sum) = (input.u64()?, input.u64()?);
        let rows = input.rest();
        if checksum(rows) != sum {
            return Err(DecodeError::Invalid { what: "checksum of a catalog" });
        }
        Ok(Self { seq, rows: rows.to_vec() })
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = self.rows.as_slice();
        std::iter::from_fn(move || {
            let (row, _, after) = next_row(rest)?;
            rest = after;
            Some(row)
        })
    }
}

/// Returns the episodes that are read: exact ones first, newer ones first, in their order.
fn newest(mut found: Vec<(bool, usize, EpisodeId)>) -> Vec<EpisodeId> {
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(MAX_EPISODES);
    found.sort_unstable_by_key(|(_, at, _)| *at);
    found.into_iter().map(|(_, _, id)| id).collect()
}

/// Bytes of a record that an episode followed: its kind and id.
const FOLLOWED_BYTES: usize = 17;

fn followed_record(entry: &[u8; FOLLOWED_BYTES]) -> Option<RecordId> {
    let (kind, id) = entry.split_first()?;
    let kind = if *kind == 0 { RecordKind::Episode } else { RecordKind::Note };
    Some(RecordId::from_bytes(kind, *id.first_chunk()?))
}

/// Writes a row: its length, the id, the scope, the task, its rank, plain retries, what it
/// followed, errors, and calls with the number of times that each failed.
fn encode_row(episode: &Episode, digest: &Digest) -> Vec<u8> {
    let mut errors = ByteWriter::new();
    let mut seen = FxHashSet::default();
    let distinct = digest.incidents.iter().filter(|incident| seen.insert(incident.signature));
    for (incident, sketch) in distinct.zip(&digest.sketches) {
        errors.u64(incident.signature.0);
        errors.bytes(&sketch.tool.to_le_bytes());
        for words in [&sketch.words, &sketch.salient] {
            let words = words.get(..words.len().min(255)).unwrap_or_default();
            errors.u8(u8::try_from(words.len()).unwrap_or(u8::MAX));
            for word in words {
                errors.bytes(&word.to_le_bytes());
            }
        }
    }
    let mut calls: FxHashMap<CallKey, u8> = FxHashMap::default();
    for (call, (_, ok)) in digest.calls.iter().zip(&digest.moves) {
        let n_failed = calls.entry(*call).or_default();
        *n_failed = n_failed.saturating_add(u8::from(!ok));
    }
    calls.remove(&CallKey::NONE);
    let mut calls: Vec<(CallKey, u8)> = calls.into_iter().collect();
    calls.sort_unstable();
    let mut table = Learned::default();
    table.put(episode, digest);
    let retries = table.plain_retries();
    let mut out = ByteWriter::new();
    out.bytes(&episode.id.to_bytes());
    out.u64(scope_key(episode.scope.as_str()));
    out.u64(TaskKey::of(episode.task.as_str()).0);
    let rank = table.run(episode.id).map(|run| run.rank().encode());
    out.bytes(&rank.unwrap_or([0; AttemptRank::N_BYTES]));
    for n in [retries.n_tried, retries.n_resolved, retries.n_dead_ends] {
        out.bytes(&n.to_le_bytes());
    }
    let mut followed = ByteWriter::new();
    for record in episode.closing.iter().flat_map(|closing| &closing.followed) {
        followed.u8(u8::from(record.kind() == RecordKind::Note));
        followed.bytes(&record.to_bytes());
    }
    for block in [followed.into_bytes(), errors.into_bytes()] {
        out.bytes(&u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.bytes(&block);
    }
    for (call, n_failed) in calls {
        out.bytes(&call.0.to_le_bytes());
        out.u8(n_failed);
    }
    let row = out.into_bytes();
    let mut framed = u32::try_from(row.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    framed.extend(row);
    framed
}

/// Returns the first row with its bytes, and the bytes after it.
fn next_row(bytes: &[u8]) -> Option<(Row<'_>, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (row, after) = rest.split_at_checked(length)?;
    let whole = bytes.get(..length + 4)?;
    let (id, row) = row.split_first_chunk::<16>()?;
    let (scope, row) = row.split_first_chunk::<8>()?;
    let (task, row) = row.split_first_chunk::<8>()?;
    let (rank, row) = row.split_first_chunk::<{ AttemptRank::N_BYTES }>()?;
    let (tried, row) = row.split_first_chunk::<4>()?;
    let (resolved, row) = row.split_first_chunk::<4>()?;
    let (dead_ends, row) = row.split_first_chunk::<4>()?;
    let (n_bytes, row) = row.split_first_chunk::<4>()?;
    let (followed, row) = row.split_at_checked(u32::from_le_bytes(*n_bytes) as usize)?;
    let (n_bytes, row) = row.split_first_chunk::<4>()?;
    let (errors, calls) = row.split_at_checked(u32::from_le_bytes(*n_bytes) as usize)?;
    let retries = AttemptCounts {
        n_tried: u32::from_le_bytes(*tried),
        n_resolved: u32::from_le_bytes(*resolved),
        n_dead_ends: u32::from_le_bytes(*dead_ends),
    };
    let (id, scope) = (EpisodeId::from_bytes(*id), u64::from_le_bytes(*scope));
    let (task, rank) = (TaskKey(u64::from_le_bytes(*task)), AttemptRank::decode(id, rank));
    Some((Row { id, scope, task, rank, retries, followed, errors, calls }, whole, after))
}

/// The sketch of an error, as it lies in the bytes.
struct SketchBytes<'a> {
    tool: u16,
    words: &'a [u8],
    salient: &'a [u8],
}

impl SketchBytes<'_> {
    /// Returns the sketch, if it is of a tool.
    fn to_sketch(&self, tool: u16) -> Option<Sketch> {
        let words = |bytes: &[u8]| {
            bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect()
        };
        let same = self.tool == tool;
        same.then(|| Sketch { tool, words: words(self.words), salient: words(self.salient) })
    }
}

/// Passes each error of a row to `take`.
fn for_each_error(mut bytes: &[u8], mut take: impl FnMut(Signature, &SketchBytes<'_>)) {
    while let Some((signature, sketch, rest)) = next_error(bytes) {
        take(signature, &sketch);
        bytes = rest;
    }
}

fn next_error(bytes: &[u8]) -> Option<(Signature, SketchBytes<'_>, &[u8])> {
    let (signature, rest) = bytes.split_first_chunk::<8>()?;
    let (tool, rest) = rest.split_first_chunk::<2>()?;
    let (n_words, rest) = rest.split_first()?;
    let (words, rest) = rest.split_at_checked(2 * usize::from(*n_words))?;
    let (n_salient, rest) = rest.split_first()?;
    let (salient, rest) = rest.split_at_checked(2 * usize::from(*n_salient))?;
    let sketch = SketchBytes { tool: u16::from_le_bytes(*tool), words, salient };
    Some((Signature(u64::from_le_bytes(*signature)), sketch, rest))
}

/// Returns how often a call failed in a row; `None` for one that was not made.
fn times_failed(calls: &[u8], call: CallKey) -> Option<u32> {
    let key = call.0.to_le_bytes();
    let entries = calls.as_chunks::<5>().0;
    let found = entries.iter().find(|entry| entry.starts_with(&key))?;
    found.last().map(|n| u32::from(*n))
}

fn scope_key(scope: &str) -> u64 {
    let mut hash = StableHash::new();
    hash.update(scope.as_bytes());
    hash.finish()
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = StableHash::new();
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash.update_word(u64::from_le_bytes(*word));
    }
    hash.update(rest);
    hash.finish()
}
