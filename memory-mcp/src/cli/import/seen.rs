//! Files that were read before: by their size and time, kept in the store, so that an import that
//! is run again reads what changed alone.

use std::collections::BTreeMap;

use memory_capture::Client;
use memory_core::{Error, Memory};

use super::places::Kept;

/// Version of the way in which files are read; another one reads them all again.
const VERSION: u32 = 1;

/// States that are written at once.
const MAX_STATES: usize = 200;

/// What is known of the files of a client.
#[derive(Debug, Default)]
pub(super) struct Seen {
    prefix: String,
    files: BTreeMap<Box<str>, Box<[u8]>>,
    /// Files that were read now.
    read: Vec<(String, Vec<u8>)>,
}

impl Seen {
    /// Reads what is known.
    pub(super) fn load(memory: &Memory, client: Client) -> Result<Self, Error> {
        let prefix = format!("import/{}/", client.name());
        let states = memory.states(&prefix)?.into_iter().map(|state| (state.name, state.bytes));
        Ok(Self { files: states.collect(), prefix, read: Vec::new() })
    }

    /// Returns whether a file is as it was when all of it was read.
    pub(super) fn has(&self, file: &Kept) -> bool {
        let mark = self.files.get(&*self.name(file));
        mark.is_some_and(|mark| **mark == *mark_of(file))
    }

    /// Notes a file of which nothing is left to be read.
    pub(super) fn add(&mut self, file: &Kept) {
        self.read.push((self.name(file), mark_of(file)));
    }

    /// Keeps what was read; called once all of it is stored.
    pub(super) fn keep(&mut self, memory: &Memory) -> Result<(), Error> {
        let read = std::mem::take(&mut self.read);
        for some in read.chunks(MAX_STATES) {
            let mut batch = memory.capture();
            for (name, mark) in some {
                batch.keep_state(name, mark.clone())?;
            }
            batch.apply()?;
        }
        self.files.extend(read.into_iter().map(|(name, mark)| (name.into(), mark.into())));
        Ok(())
    }

    /// Returns the name of a state: a hash of the path, since paths are long and tell much.
    fn name(&self, file: &Kept) -> String {
        let path = file.path.as_os_str().as_encoded_bytes();
        let hash = |seed: u64| {
            path.iter()
                .fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        };
        format!("{}{:016x}{:016x}", self.prefix, hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9))
    }
}

/// Returns size and time of a file and of those of its subagents.
fn mark_of(file: &Kept) -> Vec<u8> {
    let subagents = file.subagents.iter().filter_map(|path| path.metadata().ok());
    let n_bytes = subagents.fold(file.n_bytes, |sum, metadata| sum.wrapping_add(metadata.len()));
    let mut mark = VERSION.to_le_bytes().to_vec();
    mark.extend(n_bytes.to_le_bytes());
    mark.extend(file.at.as_millis().to_le_bytes());
    mark
}
