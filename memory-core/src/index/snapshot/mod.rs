//! The snapshot: the search index in a file beside the store, so that a start need not build it
//! anew.
//!
//! Derived state: the storage is the truth, and whatever is wrong with the file it is built from
//! there. The path is the caller's; this module is the only file access of the crate. One file, so
//! that the units of the columns, of the terms and of the vectors are always those of one moment:
//!
//! ```text
//! head    256 bytes: magic, version, whose it is, position, lengths, checksums
//! front   columns · terms and ends of their lists · hashes of texts, units without vector
//! lists   pages of postings, each with a checksum in the front
//! vectors as `memory_dense` saves them: codes, then the vectors themselves
//! ```
//!
//! Head and front are checked and copied at load, postings and codes as well by who asks many
//! questions. The vectors stay where they are, are read one by one and have a checksum each; for
//! who asks one question so do pages of postings and pieces of codes. A file is never changed: a
//! new one is written beside it and renamed, so that readers see the old one or the new one, and
//! whoever has the old one open keeps it.

pub(super) mod codec;
pub(super) mod error;
mod head;
pub(super) mod reading;

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use memory_dense::{DenseIndex, FrozenIndex, SavedVectors};

use super::bm25::Bm25;
use super::semantic::Semantic;
use super::unit::{self, content_hash};
use super::{Columns, Contents, Position, Tokenizer};
use crate::half_file::HalfFile;
use crate::storage::Seq;
use codec::{Reader, Writer};
use error::SnapshotError;
use head::{HEAD_BYTES, Head};
use reading::Reading;

/// Format written and read.
const SNAPSHOT_VERSION: u32 = 5;

/// Identity that a snapshot must have in order to be of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    /// Id of the store.
    pub(super) store: [u8; 16],
    /// Embedding model of the vectors and their dimension; `None` without vectors.
    pub(super) model: Option<(&'a str, usize)>,
    /// Hash of the rules by which texts are cut into units and terms; see [`ways_of_texts`].
    pub(super) texts: u64,
}

impl<'a> Identity<'a> {
    /// Returns the identity for that store, by this program.
    pub(super) fn new(store: [u8; 16], model: Option<(&'a str, usize)>) -> Self {
        Self { store, model, texts: ways_of_texts() }
    }
}

/// Text whose terms show how texts are cut into terms.
const SAMPLE: &str = "Kate’s queries were failing: parseHttp_request2(src/index/mod.rs) naïve 我的同事 \
     E0382 Straße ÆØŁ ıİ ΣΑΣ مُحَمَّد שָׁלוֹם 🚀👍🏽 ｶﾞ ไทย";

/// A hash of what makes units and terms out of texts, and of the version of this program.
///
/// An index of a program that cuts texts otherwise would not match its queries.
fn ways_of_texts() -> u64 {
    let mut terms = Vec::new();
    Tokenizer::for_query().for_each_term(SAMPLE, |term| terms.push(term.hash()));
    content_hash(&format!("{} {:?} {terms:?}", env!("CARGO_PKG_VERSION"), unit::BOUNDS))
}

/// An index as it was at one moment, to be written while it goes on.
pub(super) struct Draft {
    front: Writer<Vec<u8>>,
    lists: Vec<u8>,
    vectors: Option<FrozenIndex>,
    position: Position,
}

/// The file that was written, and where the vectors lie in it.
pub(super) struct Filed {
    file: Arc<File>,
    start: u64,
    vectors: Option<SavedVectors>,
}

impl Draft {
    /// Takes down an index. Cost: a copy of all but its codes and vectors.
    pub(super) fn of(contents: &Contents) -> Result<Self, SnapshotError> {
        let room = contents.columns.size_bytes() + contents.lexical.size_bytes();
        let mut front = Writer::new(Vec::with_capacity(room));
        contents.columns.write(&mut front)?;
        contents.lexical.write(&mut front)?;
        if let Some(semantic) = &contents.semantic {
            semantic.write(&mut front)?;
        }
        let vectors = contents.semantic.as_ref().map(|semantic| semantic.dense().freeze());
        let lists = contents.lexical.pages();
        Ok(Self { front, lists, vectors, position: contents.position() })
    }

    /// Writes it to `path`, as long as `go_on` says so, and waits until it is on disk if `sync`
    /// says so then.
    ///
    /// Without that a power cut may leave a damaged file, which is noticed.
    pub(super) fn save(
        self,
        path: &Path,
        identity: &Identity<'_>,
        sync: &dyn Fn() -> bool,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Filed, SnapshotError> {
        let Self { front, lists, vectors, position } = self;
        let half = HalfFile::create(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => SnapshotError::Stopped,
            _ => SnapshotError::Io { op: "create", source },
        })?;
        let mut file = half.file();
        // The head comes last, when the checksums are known: an unfinished file has none.
        file.write_all(&[0; HEAD_BYTES]).map_err(SnapshotError::io("write"))?;
        let (contents, front_checksum, front_bytes) = front.finish();
        file.write_all(&contents).map_err(SnapshotError::io("write"))?;
        drop(contents);
        file.write_all(&lists).map_err(SnapshotError::io("write"))?;
        let lists_bytes = lists.len() as u64;
        drop(lists);
        let start = HEAD_BYTES as u64 + front_bytes + lists_bytes;
        let vectors = vectors.map(|vectors| vectors.write(&mut file, go_on)).transpose()?;
        let file_bytes = start + vectors.as_ref().map_or(0, SavedVectors::n_bytes);
        let head = Head { position, front_bytes, front_checksum, lists_bytes, file_bytes };
        file.seek(SeekFrom::Start(0)).map_err(SnapshotError::io("write"))?;
        file.write_all(&head.encode(identity)).map_err(SnapshotError::io("write"))?;
        let file = half.place(sync()).map_err(SnapshotError::io("place"))?;
        Ok(Filed { file: Arc::new(file), start, vectors })
    }
}

impl Filed {
    /// Lets the index go on with the vectors in the file; gives what it held instead.
    pub(super) fn attach(self, dense: &mut DenseIndex) -> impl Sized + use<> {
        self.vectors.map(|vectors| dense.attach(&self.file, self.start, vectors))
    }
}

/// The position of the snapshot at `path`, if it is one that [`load`] would look at.
pub(super) fn position(path: &Path, identity: &Identity<'_>) -> Option<Position> {
    open(path, identity).ok().map(|(_, head)| head.position)
}

/// Reads the index at `path` for a store whose change feed ends at `newest`; changes after its
/// position are to be taken in.
///
/// Cost: a copy of the front; .1 s at 100,000 units with vectors of 384 dimensions.
pub(super) fn load(
    path: &Path,
    identity: &Identity<'_>,
    newest: Seq,
    reading: Reading,
) -> Result<Contents, SnapshotError> {
    let (file, head) = open(path, identity)?;
    let found = head.position.changes;
    if found > newest {
        return Err(SnapshotError::Ahead { found, newest });
    }
    let input = BufReader::with_capacity(1 << 16, file.as_ref());
    let mut front = Reader::new(input, head.front_bytes);
    let columns = Columns::read(&mut front)?;
    let lists_start = HEAD_BYTES as u64 + head.front_bytes;
    let lexical = Bm25::read(&mut front, columns.n_numbers(), &file, lists_start)?;
    let mut semantic = match identity.model {
        None => None,
        Some(model) => Some(Semantic::read(&mut front, model, head.position.vectors)?),
    };
    if front.finish()? != head.front_checksum {
        return Err(SnapshotError::Corrupt { what: "contents" });
    }
    if let Some(semantic) = &mut semantic {
        semantic.open_vectors(&file, lists_start + head.lists_bytes, reading)?;
    }
    if reading == Reading::Whole {
        lexical.read_pages()?;
    }
    Ok(Contents::new(columns, lexical, semantic, found))
}

/// Takes away a file that turned out to be damaged, so that whoever keeps it sees that there is
/// none.
pub(super) fn discard(path: &Path) {
    // A file that stays is found to be damaged again.
    drop(fs::remove_file(path));
}

/// Opens the file and checks its head and size.
fn open(path: &Path, identity: &Identity<'_>) -> Result<(Arc<File>, Head), SnapshotError> {
    let mut file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SnapshotError::Missing,
        _ => SnapshotError::Io { op: "open", source },
    })?;
    let got = file.metadata().map_err(SnapshotError::io("read"))?.len();
    let mut bytes = [0; HEAD_BYTES];
    if got < HEAD_BYTES as u64 {
        return Err(SnapshotError::Truncated { expected: HEAD_BYTES as u64, got });
    }
    file.read_exact(&mut bytes).map_err(SnapshotError::io("read"))?;
    let head = Head::decode(&bytes, identity)?;
    let expected = head.file_bytes;
    // What may be longer than the file is what the lengths in it are measured by.
    if got != expected || head.front_bytes > got || head.lists_bytes > got {
        return Err(SnapshotError::Truncated { expected, got });
    }
    Ok((Arc::new(file), head))
}

#[cfg(test)]
mod tests;
