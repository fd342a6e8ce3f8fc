//! The tables and how they came to be: one numbered migration per format.
//!
//! Rules: columns for everything that is filtered or joined, JSON text for open-ended lists;
//! records are joined by integer keys (`pk`) and named by 16-byte ids; columns that change while
//! an episode is open come before the long texts. A published migration never changes: a new
//! format appends one.

/// Marks a file as ours (`PRAGMA application_id`): the letters `MmcE`.
pub(crate) const APPLICATION_ID: i64 = 0x4d6d_6345;

/// The migrations, in order; the n-th makes format n (from 1) out of the one before.
pub(crate) const MIGRATIONS: &[&str] = &[FORMAT_1, FORMAT_2, FORMAT_3, FORMAT_4, FORMAT_5];

/// The newest format that this program reads and writes.
pub(crate) const FORMAT: u32 = 5;

/// A record's kind in the columns `kind`.
pub(crate) const EPISODE: i64 = 1;
/// A record's kind in the columns `kind`.
pub(crate) const NOTE: i64 = 2;

/// Episodes with steps, notes, their tags, the change feed and the identity of the store.
///
/// - `steps.at` is the key of the episode × 2³² + the position, so that the steps of an episode lie
///   together and need no second index; step rows are too long for a table without rowid.
/// - `changes` has one row per record that was ever stored. That of a stored record is found by the
///   record's `seq`, that of a removed one by the partial index: appending a step touches three
///   pages.
///   The row with the highest seq is only ever replaced by a higher one, so `max(seq)` never falls.
const FORMAT_1: &str = "
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('store_id', randomblob(16));

CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id BLOB NOT NULL,
    removed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX changes_removed ON changes (kind, id) WHERE removed = 1;

CREATE TABLE episodes (
    pk INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    seq INTEGER NOT NULL,
    n_steps INTEGER NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    started_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    ended_at INTEGER,
    reward REAL,
    scope TEXT NOT NULL,
    importer TEXT,
    external_id TEXT,
    task_type TEXT,
    language TEXT,
    framework TEXT,
    domain TEXT,
    agent TEXT,
    model TEXT,
    session TEXT,
    branch TEXT,
    tags TEXT,
    task TEXT NOT NULL,
    task_bytes INTEGER,
    summary TEXT,
    summary_bytes INTEGER,
    reflection TEXT,
    reflection_bytes INTEGER,
    artifacts TEXT,
    CHECK ((status = 'open') = (ended_at IS NULL)),
    CHECK ((status = 'completed') = (outcome IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX episodes_id ON episodes (id);
CREATE UNIQUE INDEX episodes_source ON episodes (importer, external_id) WHERE importer IS NOT NULL;
CREATE INDEX episodes_time ON episodes (started_at, id);
CREATE INDEX episodes_scope ON episodes (scope, started_at, id);
CREATE INDEX episodes_open ON episodes (started_at, id) WHERE status = 'open';

CREATE TABLE steps (
    at INTEGER PRIMARY KEY,
    episode INTEGER GENERATED ALWAYS AS (at >> 32) VIRTUAL,
    idx INTEGER GENERATED ALWAYS AS (at & 0xffffffff) VIRTUAL,
    occurred_at INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    latency_ms INTEGER,
    n_tokens INTEGER,
    tool TEXT NOT NULL,
    action TEXT,
    args TEXT NOT NULL,
    args_bytes INTEGER,
    error TEXT,
    error_bytes INTEGER,
    observation TEXT NOT NULL,
    observation_bytes INTEGER
) STRICT;

CREATE TABLE notes (
    pk INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    seq INTEGER NOT NULL,
    episode BLOB,
    supersedes BLOB,
    superseded_by BLOB,
    kind TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    valid_from INTEGER,
    valid_to INTEGER,
    position INTEGER NOT NULL,
    scope TEXT NOT NULL,
    importer TEXT,
    external_id TEXT,
    speaker TEXT,
    session TEXT,
    tags TEXT,
    text TEXT NOT NULL,
    text_bytes INTEGER
) STRICT;
CREATE UNIQUE INDEX notes_id ON notes (id);
CREATE UNIQUE INDEX notes_source ON notes (importer, external_id) WHERE importer IS NOT NULL;
CREATE INDEX notes_time ON notes (occurred_at, id);
CREATE INDEX notes_scope ON notes (scope, occurred_at, id);
CREATE INDEX notes_episode ON notes (episode) WHERE episode IS NOT NULL;
CREATE INDEX notes_supersedes ON notes (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX notes_superseded_by ON notes (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE tags (
    kind INTEGER NOT NULL,
    tag TEXT NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (kind, tag, at, id)
) STRICT, WITHOUT ROWID;
";

/// Vectors of units, and the models that made them.
///
/// - `vectors.vector` holds `models.dimension` numbers as little-endian f32. A plain BLOB, because
///   the type `F32_BLOB(n)` fixes one dimension for a whole table, and its functions and index are
///   not used.
/// - `seq` is never given out twice, not even after the newest row is gone (AUTOINCREMENT): a
///   reader
///   that follows the vectors of a model asks for those above the last one that it knows. An index
///   carries the integer key, so `vectors_model` is one over (model, seq).
/// - Vectors hold the id of their record, not its key: all of them are read when a process starts,
///   which then joins nothing. The unique index begins with the columns that find the vectors of a
///   record.
/// - The triggers also hold for a process of an older version that has the store open since before.
const FORMAT_2: &str = "
CREATE TABLE models (
    pk INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0)
) STRICT;
CREATE UNIQUE INDEX models_name ON models (name);

CREATE TABLE vectors (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL,
    part INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    content_hash INTEGER NOT NULL,
    vector BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX vectors_unit ON vectors (id, kind, part, model);
CREATE INDEX vectors_model ON vectors (model);

CREATE TRIGGER episodes_vectors AFTER DELETE ON episodes BEGIN
    DELETE FROM vectors WHERE id = old.id AND kind = 1;
END;
CREATE TRIGGER notes_vectors AFTER DELETE ON notes BEGIN
    DELETE FROM vectors WHERE id = old.id AND kind = 2;
END
";

/// Columns that learning needs: relations between episodes, records that were shown and followed,
/// judgements, counts of merged texts, and the digest of an episode's steps.
const FORMAT_3: &str = "
ALTER TABLE episodes ADD COLUMN n_helpful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN n_unhelpful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN relations TEXT;
ALTER TABLE episodes ADD COLUMN shown TEXT;
ALTER TABLE episodes ADD COLUMN followed TEXT;
ALTER TABLE episodes ADD COLUMN surprise REAL;
ALTER TABLE episodes ADD COLUMN digest BLOB;
ALTER TABLE notes ADD COLUMN n_helpful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notes ADD COLUMN n_unhelpful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notes ADD COLUMN n_merged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notes ADD COLUMN merged_at INTEGER
";

/// Who a record comes from, inferred outcomes, calls of steps, forgotten sources, small states, and
/// the last bytes of ids.
///
/// - What was imported before is taken for imported, all else for the agent's.
/// - `steps_calls` finds a call within its episode; steps without an id of their call are not in
///   it.
/// - `forgotten` has a row for each source whose record was removed.
/// - `states.name` is a BLOB, so that names with a common beginning are a range of bytes.
/// - Ids are shown by their last digits, which are random, and found by their last four bytes.
const FORMAT_4: &str = "
ALTER TABLE episodes ADD COLUMN origin TEXT NOT NULL DEFAULT 'agent';
ALTER TABLE episodes ADD COLUMN inferred TEXT;
UPDATE episodes SET origin = 'imported' WHERE importer IS NOT NULL;
CREATE INDEX episodes_tail ON episodes (substr(id, 13));
ALTER TABLE notes ADD COLUMN origin TEXT NOT NULL DEFAULT 'agent';
UPDATE notes SET origin = 'imported' WHERE importer IS NOT NULL;
CREATE INDEX notes_tail ON notes (substr(id, 13));
ALTER TABLE steps ADD COLUMN call_id TEXT;
CREATE UNIQUE INDEX steps_calls ON steps (episode, call_id) WHERE call_id IS NOT NULL;

CREATE TABLE forgotten (
    kind INTEGER NOT NULL,
    importer TEXT NOT NULL,
    external_id TEXT NOT NULL,
    PRIMARY KEY (kind, importer, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE states (
    name BLOB NOT NULL PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX states_age ON states (recorded_at)
";

/// Authors of records that came from other machines.
const FORMAT_5: &str = "
ALTER TABLE episodes ADD COLUMN machine BLOB CHECK (machine IS NULL OR length(machine) = 16);
ALTER TABLE episodes ADD COLUMN author TEXT;
ALTER TABLE notes ADD COLUMN machine BLOB CHECK (machine IS NULL OR length(machine) = 16);
ALTER TABLE notes ADD COLUMN author TEXT
";
