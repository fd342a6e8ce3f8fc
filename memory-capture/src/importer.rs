//! Import of captured records: from batches to the memory, and what came of it.
//!
//! Input: batches of [`Captured`] records in the order of their files. Output: the refused ones at
//! once, the [`Counts`] at the end. Used by the command line's `import`. Limits: the links of
//! episodes to records that come later are kept until [`Importer::finish`], some hundred bytes
//! each.

use std::collections::BTreeSet;

use memory_core::{
    Error, Import, Imported, Link, Links, Memory, Receipt, Record, RecordFilter, RecordKind,
    Source, Status,
};

/// Episodes whose links are resolved at once in the end.
const MAX_LINKED: usize = 200;

/// Open episodes that are read at once.
const MAX_LISTED: usize = 200;

/// A record as a format gives it.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The record: [`Import::Episode`] or [`Import::Note`].
    pub record: Import,
    /// The records that it names.
    pub links: Vec<Link>,
    /// Another source that the same record may be stored under.
    pub alias: Option<Source>,
    /// True when its reward was moved into [0, 1].
    pub is_reward_clamped: bool,
    /// True when one of its times could not be read, so that the time of import was taken.
    pub is_time_unknown: bool,
}

/// Numbers of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Episodes that were given.
    pub n_episodes: u64,
    /// Their steps.
    pub n_steps: u64,
    /// Notes that were given.
    pub n_notes: u64,
    /// Records that were not stored before.
    pub n_new: u64,
    /// Records that were.
    pub n_known: u64,
    /// Episodes among them that hooks had left open, and that are complete now.
    pub n_completed: u64,
    /// Records that were forgotten and are therefore not stored again.
    pub n_forgotten: u64,
    /// Secrets that were masked.
    pub n_masked: u64,
    /// Texts that were too long and are kept by head and tail.
    pub n_cut: u64,
    /// Rewards that were moved into [0, 1].
    pub n_rewards_clamped: u64,
    /// Records with a time that could not be read.
    pub n_times_unknown: u64,
    /// Links to records that are not stored.
    pub n_links_unknown: u64,
}

/// Stores captured records and counts.
pub struct Importer<'m> {
    memory: &'m Memory,
    /// Links of episodes of which some name nothing that is stored yet.
    unresolved: Vec<Links>,
    /// Sources of episodes that are open; read when they are needed first.
    open: Option<BTreeSet<Source>>,
    counts: Counts,
}

impl<'m> Importer<'m> {
    /// Returns an importer into `memory` that has stored nothing yet.
    #[must_use]
    pub fn new(memory: &'m Memory) -> Self {
        Self { memory, unresolved: Vec::new(), open: None, counts: Counts::default() }
    }

    /// Stores a batch; returns the refused records by their origin, each with the reason.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] when the memory cannot store anything. What was stored before stays.
    pub fn write<Origin>(
        &mut self,
        batch: Vec<(Captured, Origin)>,
    ) -> Result<Vec<(Origin, Error)>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        for (captured, _) in &batch {
            self.count(captured);
        }
        let batch = self.complete_open(batch)?;
        let batch = self.without_aliases(batch)?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let records = batch.iter().flat_map(|(captured, _)| captured.clone().into_imports());
        match self.import(records.collect(), batch.len()) {
            Ok(()) => return Ok(Vec::new()),
            Err(error) if is_about_a_record(&error) => {}
            Err(error) => return Err(error),
        }
        // Something in the batch is refused: one by one, only that is left out.
        let mut refused = Vec::new();
        for (captured, origin) in batch {
            match self.import(captured.into_imports().collect(), 1) {
                Ok(()) => {}
                Err(error) if is_about_a_record(&error) => refused.push((origin, error)),
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Completes episodes that hooks began and did not end; returns the others. Steps that a hook
    /// told are known by the ids of their calls.
    fn complete_open<Origin>(
        &mut self,
        batch: Vec<(Captured, Origin)>,
    ) -> Result<Vec<(Captured, Origin)>, Error> {
        let mut others = Vec::with_capacity(batch.len());
        for (captured, origin) in batch {
            match self.open_source(&captured)? {
                Some(source) => {
                    if self.complete(&source, &captured)? {
                        self.counts.n_completed += 1;
                    }
                    self.counts.n_known += 1;
                }
                None => others.push((captured, origin)),
            }
        }
        Ok(others)
    }

    /// Returns the source of the open episode that an ended one is.
    fn open_source(&mut self, captured: &Captured) -> Result<Option<Source>, Error> {
        let Import::Episode(new, _, Some(_)) = &captured.record else { return Ok(None) };
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(open_sources(self.memory)?),
        };
        let sources = new.source.iter().chain(&captured.alias);
        let mut sources = sources.filter(|source| open.contains(*source));
        Ok(sources.next().cloned())
    }

    /// Appends what is missing to an open episode and ends it; returns whether it did.
    fn complete(&mut self, source: &Source, captured: &Captured) -> Result<bool, Error> {
        let Import::Episode(_, steps, Some(completion)) = &captured.record else {
            return Ok(false);
        };
        let mut whole = self.memory.capture();
        for step in steps.iter().filter(|step| step.call_id.is_some()) {
            whole.log(source, step.clone())?;
        }
        whole.close(source, (**completion).clone())?;
        if let Some(open) = &mut self.open {
            open.remove(source);
        }
        match whole.apply() {
            Ok(()) => Ok(true),
            // Ended by a hook in the meantime, or not fit for it: it stays as it is.
            Err(error) if is_about_a_record(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Leaves out the records that are stored under another source.
    fn without_aliases<Origin>(
        &mut self,
        batch: Vec<(Captured, Origin)>,
    ) -> Result<Vec<(Captured, Origin)>, Error> {
        let aliases = batch.iter().filter_map(|(captured, _)| captured.alias.clone());
        let aliases: Vec<Source> = aliases.collect();
        if aliases.is_empty() {
            return Ok(batch);
        }
        let mut known = self.memory.knows(RecordKind::Episode, &aliases)?.into_iter();
        let n_given = batch.len();
        let mut is_new = |(captured, _): &(Captured, Origin)| {
            captured.alias.is_none() || known.next() != Some(true)
        };
        let batch: Vec<_> = batch.into_iter().filter(|one| is_new(one)).collect();
        self.counts.n_known += (n_given - batch.len()) as u64;
        Ok(batch)
    }

    /// Resolves the links that are left, now that all records are stored, and returns the counts.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn finish(mut self) -> Result<Counts, Error> {
        for links in std::mem::take(&mut self.unresolved).chunks(MAX_LINKED) {
            let links = links.iter().cloned().map(Import::Links).collect();
            let imported = self.memory.import(links)?.value;
            self.counts.n_links_unknown += imported.n_unresolved_links as u64;
        }
        Ok(self.counts)
    }

    fn import(&mut self, records: Vec<Import>, n_given: usize) -> Result<(), Error> {
        let Receipt { value, n_masked, n_cut } = self.memory.import(records)?;
        let Imported { n_new, n_forgotten, unresolved, n_dropped_links, n_unresolved_links: _ } =
            value;
        self.unresolved.extend(unresolved);
        self.counts.n_new += n_new as u64;
        self.counts.n_known += (n_given - n_new - n_forgotten) as u64;
        self.counts.n_forgotten += n_forgotten as u64;
        self.counts.n_links_unknown += n_dropped_links as u64;
        self.counts.n_masked += u64::from(n_masked);
        self.counts.n_cut += u64::from(n_cut);
        Ok(())
    }

    fn count(&mut self, captured: &Captured) {
        match &captured.record {
            Import::Episode(_, steps, _) => {
                self.counts.n_episodes += 1;
                self.counts.n_steps += steps.len() as u64;
            }
            Import::Note(_) => self.counts.n_notes += 1,
            Import::Links(_) => {}
        }
        self.counts.n_rewards_clamped += u64::from(captured.is_reward_clamped);
        self.counts.n_times_unknown += u64::from(captured.is_time_unknown);
    }
}

impl Captured {
    /// The record, and its links if it has any.
    fn into_imports(self) -> impl Iterator<Item = Import> {
        let links = if self.links.is_empty() { None } else { self.own_name() };
        let links =
            links.map(|(kind, source)| Import::Links(Links { kind, source, links: self.links }));
        [self.record].into_iter().chain(links)
    }

    fn own_name(&self) -> Option<(RecordKind, Source)> {
        match &self.record {
            Import::Episode(new, ..) => Some((RecordKind::Episode, new.source.clone()?)),
            Import::Note(new) => Some((RecordKind::Note, new.source.clone()?)),
            Import::Links(_) => None,
        }
    }
}

/// Returns whether the error is one record's, so that the others can be stored without it.
const fn is_about_a_record(error: &Error) -> bool {
    matches!(
        error,
        Error::Invalid { .. }
            | Error::LimitExceeded { .. }
            | Error::Conflict { .. }
            | Error::NotFound { .. }
            | Error::Forgotten { .. }
    )
}

/// Returns the sources of all open episodes.
fn open_sources(memory: &Memory) -> Result<BTreeSet<Source>, Error> {
    let filter = RecordFilter { status: Some(Status::Open), ..RecordFilter::default() };
    let (mut sources, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = memory.list(RecordKind::Episode, &filter, cursor, MAX_LISTED)?;
        let ids: Vec<_> = page.iter().map(|entry| entry.id).collect();
        for record in memory.read(&ids)? {
            if let Record::Episode(episode) = record {
                sources.extend(episode.source);
            }
        }
        cursor = page.last().copied();
        if page.len() < MAX_LISTED {
            return Ok(sources);
        }
    }
}
