//! Claims about search by meaning, with an embedder whose meanings are known.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::*;
use crate::clock::StepClock;
use crate::embed::{EmbedError, Role};
use crate::intake::{Completion, NewEpisode, NewNote, NewStep};
use crate::model::{NoteKind, Scope, Timestamp};
use crate::storage::MemStorage;

/// Words of one list mean the same.
const MEANINGS: [&[&str]; 4] = [
    &["car", "automobile", "vehicle"],
    &["fast", "quick", "rapid"],
    &["bread", "loaf", "baking"],
    &["ocean", "sea"],
];

#[derive(Default)]
pub(super) struct Concepts {
    id: &'static str,
    n_texts: AtomicUsize,
    is_down: AtomicBool,
}

impl Concepts {
    pub(super) fn new(id: &'static str) -> Arc<Self> {
        Arc::new(Self { id, ..Self::default() })
    }

    fn n_texts(&self) -> usize {
        self.n_texts.load(Ordering::SeqCst)
    }
}

impl Embedder for Concepts {
    fn id(&self) -> &str {
        self.id
    }

    fn dimension(&self) -> usize {
        MEANINGS.len() + 1
    }

    fn batch_limit(&self) -> usize {
        4
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        assert!(texts.len() <= self.batch_limit(), "{} texts", texts.len());
        if self.is_down.load(Ordering::SeqCst) {
            return Err(EmbedError::Unavailable { provider: "test".into(), source: None });
        }
        if role == Role::Document {
            self.n_texts.fetch_add(texts.len(), Ordering::SeqCst);
        }
        let vector = |text: &&str| {
            let text = text.to_lowercase();
            let has = |words: &&[&str]| words.iter().any(|word| text.contains(word));
            let mut vector: Vec<f32> =
                MEANINGS.iter().map(|words| f32::from(u8::from(has(words)))).collect();
            vector.push(0.1);
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

fn memory_on(storage: &Arc<dyn Storage>, embedder: &Arc<Concepts>) -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_700_000_000_000), 1_000));
    let embedder: Arc<dyn Embedder> = Arc::<Concepts>::clone(embedder);
    Memory::builder(Arc::clone(storage)).clock(clock).embedder(embedder).open().unwrap()
}

pub(super) fn fact(text: &str) -> NewNote {
    NewNote::new(Scope::new("shop").unwrap(), NoteKind::Fact, text)
}

fn turn(speaker: &str, position: u32, text: &str) -> NewNote {
    let (speaker, session) = (Some(speaker.into()), Some("s".into()));
    NewNote { speaker, session, position, kind: NoteKind::Turn, ..fact(text) }
}

fn store() -> Arc<dyn Storage> {
    Arc::new(MemStorage::new())
}

fn first(recall: &Recall) -> Option<RecordId> {
    recall.hits.first().map(|hit| hit.record.id())
}

#[test]
fn a_text_is_found_by_its_meaning_once_it_is_embedded() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let car = memory.remember(fact("The automobile is red")).unwrap().value.id();
    memory.remember(fact("A loaf needs an hour")).unwrap();
    let query = Query::new("which vehicle");
    let before = memory.recall(&query).unwrap();
    assert_eq!((before.hits.len(), before.n_pending), (0, 2), "words alone find nothing");
    assert_eq!(memory.embed_all().unwrap(), 2);
    let after = memory.recall(&query).unwrap();
    assert_eq!((first(&after), after.n_pending), (Some(car.into()), 0));
    let terms: Vec<&str> = after.hits[0].explanation().map(|(name, _)| name).collect();
    assert!(terms.contains(&"dense") && terms.contains(&"cosine"), "{terms:?}");
    assert!(after.hits[0].signals.cosine > Some(0.7), "{:?}", after.hits[0].signals);
}

#[test]
fn a_name_is_found_where_it_stands_and_not_where_it_sounds_alike() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let exact =
        memory.remember(fact("FastCarQueue drops messages when baking")).unwrap().value.id();
    for n in 0..30 {
        memory.remember(fact(&format!("A quick vehicle, number {n}"))).unwrap();
    }
    memory.embed_all().unwrap();
    let recall = memory.recall(&Query::new("FastCarQueue")).unwrap();
    assert_eq!(first(&recall), Some(exact.into()));
}

#[test]
fn vectors_survive_a_restart_and_are_shared_by_processes() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let other = memory_on(&storage, &embedder);
    let id = memory.remember(fact("The automobile is red")).unwrap().value.id();
    memory.embed_all().unwrap();
    for memory in [other, memory_on(&storage, &embedder)] {
        assert_eq!(first(&memory.recall(&Query::new("vehicle")).unwrap()), Some(id.into()));
        assert_eq!(memory.embed_all().unwrap(), 0);
    }
    assert_eq!(embedder.n_texts(), 1);
}

#[test]
fn another_model_embeds_anew_and_never_sees_the_old_vectors() {
    let storage = store();
    let old = Concepts::new("concepts/1");
    let memory = memory_on(&storage, &old);
    memory.remember(fact("The automobile is red")).unwrap();
    memory.embed_all().unwrap();
    let new = Concepts::new("concepts/2");
    let memory = memory_on(&storage, &new);
    assert_eq!(memory.recall(&Query::new("vehicle")).unwrap().n_pending, 1);
    assert_eq!(memory.embed_all().unwrap(), 1);
    assert_eq!((old.n_texts(), new.n_texts()), (1, 1));
    assert_eq!(memory.recall(&Query::new("vehicle")).unwrap().hits.len(), 1);
}

#[test]
fn an_open_episode_is_embedded_as_far_as_it_has_changed() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let scope = Scope::new("shop").unwrap();
    let id = memory.start(NewEpisode::new(scope, "Make it rapid")).unwrap().value;
    let step = |text: &str| NewStep {
        tool: "bash".into(),
        observation: text.into(),
        ..NewStep::default()
    };
    memory.log(id, (0..4).map(|n| step(&format!("step {n}"))).collect()).unwrap();
    assert_eq!(memory.embed_all().unwrap(), 2, "the task and one window");
    memory.log(id, vec![step("the sea is near")]).unwrap();
    assert_eq!(memory.embed_all().unwrap(), 1, "the task is as it was, the new window is not");
    let recall = memory.recall(&Query::new("ocean")).unwrap();
    assert_eq!((first(&recall), recall.hits[0].step_idx), (Some(id.into()), Some(4)));
    memory.forget(&[id.into()]).unwrap();
    assert_eq!(first(&memory.recall(&Query::new("ocean")).unwrap()), None);
    assert_eq!(storage.stats().unwrap().n_vectors(), 0);
}

#[test]
fn what_keeps_its_text_keeps_its_vector() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let scope = Scope::new("shop").unwrap();
    let id = memory.start(NewEpisode::new(scope, "Make it rapid")).unwrap().value;
    let step = NewStep { tool: "bash".into(), observation: "the sea".into(), ..NewStep::default() };
    memory.log(id, vec![step]).unwrap();
    let old = memory.remember(fact("The automobile is red")).unwrap().value;
    assert_eq!(memory.embed_all().unwrap(), 3);
    memory.finish(id, Completion::default()).unwrap();
    memory.remember(NewNote { supersedes: Some(old.id()), ..fact("The car is blue") }).unwrap();
    assert_eq!(memory.recall(&Query::new("ocean")).unwrap().n_pending, 1, "the new note alone");
    assert_eq!(memory.embed_all().unwrap(), 1);
    assert_eq!(first(&memory.recall(&Query::new("ocean")).unwrap()), Some(id.into()));
}

#[test]
fn without_its_embedder_a_query_is_answered_by_words_and_says_so() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let id = memory.remember(fact("The automobile is red")).unwrap().value.id();
    memory.embed_all().unwrap();
    embedder.is_down.store(true, Ordering::SeqCst);
    let recall = memory.recall(&Query::new("automobile")).unwrap();
    assert_eq!(first(&recall), Some(id.into()));
    assert!(recall.degraded.unwrap().contains("not available"));
    memory.remember(fact("A loaf needs an hour")).unwrap();
    assert!(matches!(memory.embed_all(), Err(Error::Embed { .. })));
    embedder.is_down.store(false, Ordering::SeqCst);
    assert_eq!(memory.embed_all().unwrap(), 1, "nothing was lost");
}

#[test]
fn the_background_embeds_what_is_written() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    memory_on(&storage, &embedder).remember(fact("The automobile is red")).unwrap();
    let shared: Arc<dyn Embedder> = Arc::<Concepts>::clone(&embedder);
    let builder = Memory::builder(Arc::clone(&storage)).embedder(shared).background(true);
    let memory = builder.open().unwrap();
    memory.remember(fact("A loaf needs an hour")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while storage.stats().unwrap().n_vectors() < 2 {
        assert!(Instant::now() < deadline, "nothing was embedded in time");
        std::thread::yield_now();
    }
    drop(memory);
    assert_eq!(embedder.n_texts(), 2);
}

#[test]
fn names_of_speakers_do_not_draw_a_query() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    // The name means something else to the model.
    memory.remember(turn("Ocean", 0, "Good morning")).unwrap();
    memory.remember(turn("Paul", 1, "The sea was cold")).unwrap();
    let asked = memory.remember(turn("Ocean", 2, "My automobile broke down")).unwrap().value.id();
    memory.embed_all().unwrap();
    let recall = memory.recall(&Query::new("What vehicle does Ocean have?")).unwrap();
    assert_eq!(first(&recall), Some(asked.into()));
}

#[test]
fn i_and_you_ask_for_what_the_user_and_the_assistant_said() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let said = [
        ("assistant", "A deadline helps to begin early"),
        ("user", "The deadline was moved to May"),
        ("assistant", "Tell the team of the deadline"),
        ("User", "Everybody knows the deadline now"),
    ];
    let remember = |(position, (speaker, text)): (u32, (&str, &str))| -> RecordId {
        memory.remember(turn(speaker, position, text)).unwrap().value.id().into()
    };
    let ids: Vec<RecordId> = (0..).zip(said).map(remember).collect();
    for n in 0..20 {
        memory.remember(fact(&format!("Loaf number {n}"))).unwrap();
    }
    let first_two = |text: &str| {
        let query = Query { variety: false, ..Query::new(text) };
        let hits = memory.recall(&query).unwrap().hits.into_iter().take(2);
        let mut found: Vec<RecordId> = hits.map(|hit| hit.record.id()).collect();
        found.sort();
        found
    };
    assert_eq!(first_two("when is my deadline"), [ids[1], ids[3]]);
    assert_eq!(first_two("Which deadline did I have"), [ids[1], ids[3]]);
    assert_eq!(first_two("which deadline did you have"), [ids[0], ids[2]]);
    // The word is none of theirs, and a variable is no person.
    let terms = memory.recall(&Query::new("user deadline for i in team")).unwrap().hits;
    assert!(terms.iter().flat_map(|hit| &hit.terms).all(|(name, _)| *name != "speaker"));
}

#[test]
fn a_turn_between_two_that_fit_a_little_stays_behind_the_one_that_answers() {
    let (storage, embedder) = (store(), Concepts::new("concepts/1"));
    let memory = memory_on(&storage, &embedder);
    let little = "The deadline, and then we had a long talk about the weather";
    let said = ["Good morning", "The deadline is on Friday", "See you", little, little, little];
    let mut ids: Vec<RecordId> = Vec::new();
    for (position, text) in (0..).zip(said) {
        ids.push(memory.remember(turn("Ada", position, text)).unwrap().value.id().into());
    }
    for n in 0..20 {
        memory.remember(fact(&format!("Loaf number {n}"))).unwrap();
    }
    let hits = memory.recall(&Query::new("deadline")).unwrap().hits;
    assert_eq!(hits.first().map(|hit| hit.record.id()), Some(ids[1]));
}
