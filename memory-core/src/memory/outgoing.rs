//! Masking of stored text on its way out.
//!
//! In: records and steps as they are stored. Out: the same without secrets. Rules grow, and a text
//! may be older than one. Used by what reads whole records for a caller; hits and advice mask what
//! they quote. The store itself is not changed.

use crate::model::{Episode, Excerpt, Note, Record, Step};
use crate::secret::mask;

/// Masks the texts of a record.
pub(super) fn record(mut record: Record) -> Record {
    match &mut record {
        Record::Episode(episode) => mask_episode(episode),
        Record::Note(note) => mask_note(note),
    }
    record
}

/// Masks the texts of an episode.
pub(super) fn episode(mut episode: Episode) -> Episode {
    mask_episode(&mut episode);
    episode
}

/// Masks the text of a note.
pub(super) fn note(mut note: Note) -> Note {
    mask_note(&mut note);
    note
}

/// Masks the texts of a step.
pub(super) fn step(mut step: Step) -> Step {
    mask_excerpt(&mut step.args);
    mask_excerpt(&mut step.observation);
    step.error.iter_mut().for_each(mask_excerpt);
    step
}

fn mask_episode(episode: &mut Episode) {
    mask_excerpt(&mut episode.task);
    if let Some(closing) = &mut episode.closing {
        closing.summary.iter_mut().for_each(mask_excerpt);
        closing.reflection.iter_mut().for_each(mask_excerpt);
        for artifact in &mut closing.artifacts {
            *artifact = mask(std::mem::take(artifact).into()).0.into();
        }
    }
}

fn mask_note(note: &mut Note) {
    mask_excerpt(&mut note.text);
}

fn mask_excerpt(excerpt: &mut Excerpt) {
    let (text, n_masked) = mask(excerpt.as_str().to_owned());
    if n_masked == 0 {
        return;
    }
    // Only a text that was cut reports another length than its own.
    let full_bytes = if excerpt.is_cut() { excerpt.full_bytes() } else { text.len() as u64 };
    *excerpt = Excerpt::from_parts(text, full_bytes);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::clock::StepClock;
    use crate::intake::{NewEpisode, NewNote, NewStep};
    use crate::memory::Memory;
    use crate::model::{Excerpt, NoteId, NoteKind, Scope, Timestamp};
    use crate::storage::{Durability, MemStorage, Op, Storage, WriteBatch};

    #[test]
    fn a_secret_that_is_stored_in_clear_does_not_leave() {
        let secret = format!("{}{}", "glptt-", "a1b2c3d4e5".repeat(4));
        let text = || Excerpt::cut(format!("key {secret} of the job"), 1_000);
        let storage = Arc::new(MemStorage::new());
        let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_760_000_000_000), 1_000));
        let open = || {
            let storage: Arc<dyn Storage> = storage.clone();
            Memory::builder(storage).clock(clock.clone()).open().unwrap()
        };
        let memory = open();
        let scope = Scope::new("acme/shop").unwrap();
        let id = memory.start(NewEpisode::new(scope.clone(), "Fix it")).unwrap().value;
        let step = NewStep { tool: "bash".into(), ..NewStep::default() };
        memory.log(id, vec![step]).unwrap();
        let note = memory.remember(NewNote::new(scope, NoteKind::Fact, "A fact")).unwrap().value;
        let mut note = memory.note(note.id()).unwrap();
        let mut step = memory.steps(id, 0, 1).unwrap().remove(0);
        (note.id, note.text) = (NoteId::from_bytes([7; 16]), text());
        (step.args, step.observation, step.error) = (text(), text(), Some(text()));
        let ops = vec![
            Op::InsertNote(Box::new(note.clone())),
            Op::AppendSteps { episode: id, steps: vec![step], limit: 10 },
        ];
        storage.apply(WriteBatch { ops }, Durability::Power).unwrap();
        let masked = "key [masked:gitlab-token] of the job";
        assert_eq!(memory.note(note.id).unwrap().text.as_str(), masked);
        let read = memory.read(&[note.id.into()]).unwrap();
        assert!(!format!("{read:?}").contains(&secret));
        let steps = memory.steps(id, 0, 10).unwrap();
        assert_eq!(steps[1].observation.as_str(), masked);
        assert!(!format!("{steps:?}").contains(&secret));
        assert!(!format!("{:?}", memory.handoff(id).unwrap()).contains(&secret));
    }
}
