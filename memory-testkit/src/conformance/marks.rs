//! Marks beside the text of a record: feedback, merged texts, digests.

use memory_core::backend::{Op, Rejection};
use memory_core::{
    Closing, EpisodeId, Feedback, Note, NoteId, RecordFilter, RecordId, RecordKind, Relation,
    RelationKind, Scope, Shown, Storage,
};

use super::store::{apply, insert_episode, insert_note, read_episode, read_note, reject};
use crate::sample;

fn judge(id: impl Into<RecordId>, helpful: bool) -> Op {
    Op::Judge { id: id.into(), helpful }
}

/// Each counts once, and each is a change of its record.
pub fn judgements_are_counted(storage: &dyn Storage) {
    let (episode, note) = (sample::full_episode(1), sample::note(1));
    apply(storage, vec![insert_episode(episode.clone(), vec![]), insert_note(note.clone())]);
    let before = storage.head().unwrap().seq;
    let judged = vec![judge(episode.id, true), judge(note.id, false), judge(note.id, true)];
    apply(storage, judged);
    apply(storage, vec![judge(note.id, true)]);
    let before_it = episode.feedback;
    let counted = read_episode(storage, episode.id).unwrap().feedback;
    assert_eq!(counted, Feedback { n_helpful: before_it.n_helpful + 1, ..before_it });
    let counted = read_note(storage, note.id).unwrap().feedback;
    assert_eq!(counted, Feedback { n_helpful: 2, n_unhelpful: 1 });
    let changed = storage.changes(before, usize::MAX).unwrap();
    let changed: Vec<RecordId> = changed.iter().map(|change| change.id).collect();
    assert_eq!(changed, [RecordId::from(episode.id), note.id.into()]);
}

fn merge(note: NoteId, at: u64, tags: &[&str]) -> Op {
    let tags = tags.iter().map(|tag| Box::from(*tag)).collect();
    Op::Merge { note, at: sample::instant(at), tags }
}

/// They are found by their tag from then on, each once, and leave with the note.
pub fn labels_of_a_merged_text_are_added(storage: &dyn Storage) {
    let note = Note { tags: vec!["lamp".into()], ..sample::note(1) };
    apply(storage, vec![insert_note(note.clone())]);
    apply(storage, vec![merge(note.id, 7, &["yearly", "lamp", "brass"])]);
    apply(storage, vec![merge(note.id, 8, &["brass"])]);
    let merged = read_note(storage, note.id).unwrap();
    assert_eq!(merged.tags, ["brass".into(), "lamp".into(), Box::from("yearly")]);
    assert_eq!((merged.n_merged, merged.text), (2, note.text));
    let tagged = |tag: &str| {
        let filter = RecordFilter { tag: Some(tag.into()), ..RecordFilter::default() };
        storage.list(RecordKind::Note, &filter, None, 10).unwrap().len()
    };
    assert_eq!(["brass", "lamp", "yearly", "other"].map(tagged), [1, 1, 1, 0]);
    apply(storage, vec![Op::Remove(note.id.into())]);
    assert_eq!(["brass", "lamp", "yearly"].map(tagged), [0, 0, 0]);
}

/// The text stays as it was given first.
pub fn a_note_remembered_again_is_counted(storage: &dyn Storage) {
    let note = sample::note(1);
    apply(storage, vec![insert_note(note.clone())]);
    let before = storage.head().unwrap().seq;
    for at in [7, 5] {
        apply(storage, vec![merge(note.id, at, &[])]);
    }
    let merged = Note { n_merged: 2, merged_at: Some(sample::instant(5)), ..note };
    assert_eq!(storage.changes(before, usize::MAX).unwrap().len(), 1);
    assert_eq!(read_note(storage, merged.id), Some(merged));
}

fn set_scope(id: impl Into<RecordId>) -> Op {
    Op::SetScope { id: id.into(), scope: sample::scope("elsewhere") }
}

fn tie(episode: EpisodeId) -> Op {
    let (relations, shown, followed) = named();
    Op::Tie { episode, relations, shown, followed }
}

fn named() -> (Vec<Relation>, Vec<Shown>, Vec<RecordId>) {
    let relation = Relation { kind: RelationKind::Follows, episode: sample::episode_id(8) };
    let shown = Shown { record: sample::note_id(7).into(), strong: false };
    let followed = vec![sample::episode_id(6).into(), sample::note_id(5).into()];
    (vec![relation], vec![shown], followed)
}

/// Records named before are not named any longer; an open episode has followed nothing yet.
pub fn what_an_episode_names_is_set_once_it_is_known(storage: &dyn Storage) {
    let (mut ended, mut open) = (sample::full_episode(1), sample::episode(2));
    apply(
        storage,
        vec![insert_episode(ended.clone(), vec![]), insert_episode(open.clone(), vec![])],
    );
    let before = storage.head().unwrap().seq;
    apply(storage, vec![tie(ended.id), tie(open.id)]);
    assert_eq!(storage.changes(before, usize::MAX).unwrap().len(), 2);
    let (relations, shown, followed) = named();
    for episode in [&mut ended, &mut open] {
        (episode.relations, episode.shown) = (relations.clone(), shown.clone());
        if let Some(closing) = &mut episode.closing {
            closing.followed.clone_from(&followed);
        }
        assert_eq!(read_episode(storage, episode.id).as_ref(), Some(&*episode));
    }
    let closing = Closing { followed: vec![], ..sample::closing(None) };
    let close = Op::Close { episode: open.id, closing: Box::new(closing.clone()) };
    apply(storage, vec![close]);
    assert_eq!(read_episode(storage, open.id).unwrap().closing, Some(closing));
}

/// The record is listed under its new scope alone, and all else of it stays.
pub fn a_record_moves_to_another_scope(storage: &dyn Storage) {
    let (mut episode, mut note) = (sample::full_episode(1), sample::note(1));
    let steps = vec![sample::step(1), sample::full_step(2)];
    apply(storage, vec![insert_episode(episode.clone(), steps), insert_note(note.clone())]);
    let before = storage.head().unwrap().seq;
    let (old, new) = (episode.scope.clone(), sample::scope("elsewhere"));
    assert_eq!(note.scope, old);
    let moved = [RecordId::from(episode.id), note.id.into()];
    apply(storage, moved.map(|id| Op::SetScope { id, scope: new.clone() }).to_vec());
    let changed = storage.changes(before, usize::MAX).unwrap();
    assert_eq!(changed.iter().map(|change| change.id).collect::<Vec<_>>(), moved);
    (episode.scope, note.scope, episode.n_steps) = (new.clone(), new.clone(), 2);
    assert_eq!(read_episode(storage, episode.id), Some(episode));
    assert_eq!(read_note(storage, note.id), Some(note));
    let counted = vec![(new.as_str().into(), 2)];
    assert_eq!(storage.stats().unwrap().scopes, counted);
    for (kind, id) in [RecordKind::Episode, RecordKind::Note].into_iter().zip(moved) {
        let listed = |scope: &Scope| {
            let filter = RecordFilter { scope: Some(scope.clone()), ..RecordFilter::default() };
            let listed = storage.list(kind, &filter, None, 10).unwrap();
            listed.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        assert_eq!((listed(&old), listed(&new)), (vec![], vec![id]));
    }
}

/// It is derived from the steps, so whoever follows the feed learns nothing of it.
pub fn a_digest_is_kept_without_a_change(storage: &dyn Storage) {
    let mut episode = sample::episode(1);
    apply(storage, vec![insert_episode(episode.clone(), vec![])]);
    let before = storage.head().unwrap().seq;
    for digest in [&[1_u8, 0, 200][..], &[], &[7; 5_000]] {
        apply(storage, vec![Op::KeepDigest { episode: episode.id, digest: digest.into() }]);
        episode.digest = Some(digest.into());
        assert_eq!(read_episode(storage, episode.id), Some(episode.clone()));
    }
    assert_eq!(storage.head().unwrap().seq, before);
    // That of an episode which was forgotten meanwhile has nowhere to be kept.
    apply(storage, vec![Op::KeepDigest { episode: sample::episode_id(9), digest: [1].into() }]);
}

/// And nothing of their batch is stored.
pub fn marks_of_unknown_records_are_rejected(storage: &dyn Storage) {
    apply(storage, vec![insert_note(sample::note(1))]);
    let (episode, note) = (sample::episode_id(1), sample::note_id(2));
    let known = || judge(sample::note_id(1), true);
    let marks = [
        (judge(episode, true), RecordId::from(episode)),
        (judge(note, false), note.into()),
        (merge(note, 1, &["new"]), note.into()),
        (tie(episode), episode.into()),
        (set_scope(episode), episode.into()),
        (set_scope(note), note.into()),
    ];
    for (mark, id) in marks {
        let digest = Op::KeepDigest { episode, digest: [1].into() };
        let ops = vec![known(), merge(sample::note_id(1), 1, &["new"])];
        let ops = ops.into_iter().chain([set_scope(sample::note_id(1)), digest, mark]).collect();
        assert_eq!(reject(storage, ops), Rejection::Missing { id });
        assert_eq!(read_note(storage, sample::note_id(1)), Some(sample::note(1)));
    }
}
