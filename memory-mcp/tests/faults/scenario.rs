//! A session of the engine as a list of calls that can be made one by one, and what it leaves
//! behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use memory_core::backend::StepRange;
use memory_core::{
    Completion, Episode, EpisodeId, Error, Import, Memory, NewEpisode, NewNote, NewStep, Note,
    NoteId, NoteKind, Outcome, Query, RecordFilter, RecordId, RecordKind, Remembered, Scope,
    Source, Step, StepClock, Storage, Strength, Timestamp,
};
use memory_testkit::read;

/// One call of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Start,
    Log(&'static str),
    Complete,
    Checkpoint,
    Remember,
    RememberAgain,
    Judge,
    Supersede,
    Import,
    Forget,
    Recall,
}

/// The session. Each recall follows changes of another kind, and takes them into the index.
pub(super) const SESSION: [Act; 16] = [
    Act::Start,
    Act::Log("walrus"),
    Act::Recall,
    Act::Log("lynx"),
    Act::Checkpoint,
    Act::Log("ibex"),
    Act::Recall,
    Act::Complete,
    Act::Remember,
    Act::Recall,
    Act::RememberAgain,
    Act::Judge,
    Act::Supersede,
    Act::Import,
    Act::Forget,
    Act::Recall,
];

/// All that is stored, in the order of ids; but for what is derived from it.
#[derive(Debug, PartialEq)]
pub(super) struct Stored {
    episodes: Vec<(Episode, Vec<Step>)>,
    notes: Vec<Note>,
}

impl Stored {
    pub(super) fn of(storage: &dyn Storage) -> Self {
        let list = |kind| storage.list(kind, &RecordFilter::default(), None, usize::MAX).unwrap();
        let (mut episodes, mut notes) = (Vec::new(), Vec::new());
        for kind in [RecordKind::Episode, RecordKind::Note] {
            for entry in list(kind) {
                match entry.id {
                    RecordId::Episode(id) => episodes.push(id),
                    RecordId::Note(id) => notes.push(id),
                }
            }
        }
        episodes.sort_unstable();
        notes.sort_unstable();
        let ranges: Vec<StepRange> = episodes
            .iter()
            .map(|episode| StepRange { episode: *episode, from: 0, limit: u32::MAX })
            .collect();
        let steps = storage.steps(&ranges).unwrap();
        let episodes = read::episodes(storage, &episodes).into_iter().flatten();
        let episodes = episodes.map(|episode| Episode { digest: None, ..episode });
        Self {
            episodes: episodes.zip(steps).collect(),
            notes: read::notes(storage, &notes).into_iter().flatten().collect(),
        }
    }

    /// The records that a search finds.
    fn current(&self) -> BTreeSet<RecordId> {
        let episodes = self.episodes.iter().map(|(episode, _)| episode.id.into());
        episodes.chain(self.current_notes().map(|note| note.id.into())).collect()
    }

    fn current_notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.superseded_by.is_none())
    }

    /// The texts of all steps and current notes.
    fn texts(&self) -> Vec<&str> {
        let steps = self.episodes.iter().flat_map(|(_, steps)| steps);
        let steps = steps.map(|step| step.observation.as_str());
        steps.chain(self.current_notes().map(|note| note.text.as_str())).collect()
    }
}

/// The caller of the engine, with what it has been told so far.
pub(super) struct Caller {
    pub(super) memory: Memory,
    episode: Option<EpisodeId>,
    note: Option<NoteId>,
    lessons: Vec<NoteId>,
}

impl Caller {
    /// A caller whose clock shows and numbers the same in every run.
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        let clock = StepClock::new(Timestamp::from_millis(1_700_000_000_000), 1_000);
        let memory = Memory::builder(storage).clock(Arc::new(clock)).open().unwrap();
        // The index loads on a thread of its own; afterwards every call to the storage is the
        // caller's.
        memory.refresh().unwrap();
        Self::on(memory)
    }

    /// A caller that was told nothing yet.
    pub(super) fn on(memory: Memory) -> Self {
        Self { memory, episode: None, note: None, lessons: Vec::new() }
    }

    /// Makes a call; a recall must find what is `stored`.
    pub(super) fn act(&mut self, act: Act, stored: &Stored) -> Result<(), Error> {
        let episode = self.episode.unwrap_or(EpisodeId::from_bytes([0; 16]));
        match act {
            Act::Start => {
                let new = NewEpisode::new(scope(), "quail task");
                self.episode = Some(self.memory.start(new)?.value);
            }
            Act::Log(word) => _ = self.memory.log(episode, steps(word))?,
            Act::Complete => {
                let lessons = vec!["badger lesson".to_owned(), "ferret lesson".to_owned()];
                let outcome = Some(Outcome::Success);
                let completion = Completion { outcome, lessons, ..Completion::default() };
                let lessons = self.memory.finish(episode, completion)?.value.lessons;
                self.lessons = lessons.iter().map(Remembered::id).collect();
            }
            Act::Checkpoint => _ = self.memory.checkpoint(episode, "gecko checkpoint")?,
            Act::RememberAgain => {
                let told = self.memory.remember(note("  otter   note."))?.value;
                assert_eq!(Some(told.id()), self.note, "{told:?}");
                assert!(matches!(told, Remembered::Merged { .. }), "{told:?}");
            }
            Act::Judge => {
                let note = self.note.unwrap_or(NoteId::from_bytes([0; 16]));
                let judged = self.memory.feedback(&[episode.into(), note.into()], true)?;
                assert_eq!(judged.len(), 2);
            }
            Act::Remember => self.note = Some(self.memory.remember(note("otter note"))?.value.id()),
            Act::Supersede => {
                let new = NewNote { supersedes: self.note, ..note("beaver note") };
                self.memory.remember(new)?;
            }
            Act::Import => _ = self.memory.import(imports())?,
            Act::Forget => {
                let ids: Vec<_> = self.lessons.iter().map(|id| (*id).into()).collect();
                assert_eq!(self.memory.forget(&ids)?, 2);
            }
            Act::Recall => self.recall(stored)?,
        }
        Ok(())
    }

    /// A search for all words at once finds every record that is stored and current, and nothing
    /// else.
    fn recall(&self, stored: &Stored) -> Result<(), Error> {
        let (strength, limit) = (Strength::Any, Some(30));
        let query = Query { strength, limit, ..Query::new(WORDS.join(" ")) };
        let hits = self.memory.recall(&query)?.hits;
        let found: BTreeSet<RecordId> = hits.iter().map(|hit| hit.record.id()).collect();
        assert_eq!(found, stored.current(), "{hits:?}");
        Ok(())
    }

    /// Every text that is stored and current is found by its word alone.
    pub(super) fn assert_finds_all(&self, stored: &Stored) {
        let texts = stored.texts();
        for word in WORDS {
            let query = Query { strength: Strength::Any, ..Query::new(word) };
            let hits = self.memory.recall(&query).unwrap().hits;
            let is_found = hits.iter().any(|hit| hit.text.contains(word));
            let is_due = texts.iter().any(|text| text.starts_with(word));
            assert_eq!(is_found, is_due, "`{word}` among {texts:?}");
        }
    }

    /// Takes what a call did although it failed for what it told: what a caller learns by looking.
    pub(super) fn look(&mut self, stored: &Stored) {
        self.episode = self.episode.or_else(|| {
            let own = |(episode, _): &&(Episode, _)| episode.task.as_str() == "quail task";
            stored.episodes.iter().find(own).map(|(episode, _)| episode.id)
        });
        let with = |text: &str| {
            let own = stored.notes.iter().filter(|note| note.text.as_str().ends_with(text));
            own.map(|note| note.id).collect::<Vec<_>>()
        };
        self.note = self.note.or_else(|| with("otter note").first().copied());
        if self.lessons.is_empty() {
            self.lessons = with("lesson");
        }
    }
}

/// A word of each text that is stored in the course of the session.
const WORDS: [&str; 12] = [
    "gecko", "walrus", "lynx", "ibex", "badger", "ferret", "otter", "beaver", "heron", "pelican",
    "stork", "quokka",
];

fn scope() -> Scope {
    Scope::new("github.com/acme/shop").unwrap()
}

fn note(text: &str) -> NewNote {
    NewNote::new(scope(), NoteKind::Fact, text)
}

fn step(observation: String) -> NewStep {
    NewStep { tool: "bash".into(), observation, ..NewStep::default() }
}

/// Several steps, so that a torn batch would show.
fn steps(word: &str) -> Vec<NewStep> {
    vec![step(format!("{word} log")), step("second".into()), step("third".into())]
}

fn imports() -> Vec<Import> {
    let source = |id: &str| Some(Source { importer: "other".into(), external_id: id.into() });
    let notes = ["heron note", "pelican note"]
        .map(|text| Import::Note(Box::new(NewNote { source: source(text), ..note(text) })));
    let episode = NewEpisode { source: source("1"), ..NewEpisode::new(scope(), "import task") };
    let completion =
        Completion { lessons: vec!["quokka lesson of another".into()], ..Completion::default() };
    let steps = vec![step("stork observed".into()), step("more".into())];
    let episode = Import::Episode(Box::new(episode), steps, Some(Box::new(completion)));
    notes.into_iter().chain([episode]).collect()
}
