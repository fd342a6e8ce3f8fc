//! Puts the newer of two notes first where it contradicts or amends the older, and marks both.
//!
//! In: the hits of one answer, with their records. Out: the same hits, some in another order. Only
//! pairs within the answer are looked at, by the comparison that is used when a text is remembered,
//! so that nothing more is stored.

use super::hit::Hit;
use crate::dedup::{Amendment, Comparison, Statement};
use crate::model::{Note, NoteKind, Record};

/// Most hits that are compared: the comparisons grow with the square, and further down an answer
/// the order matters to nobody.
const MAX_COMPARED: usize = 20;

/// Least score of a newer note that extends an older one without saying so, as a share of the older
/// one's: below it the question is about the older one.
const MIN_SHARE_OF_SCORE: f64 = 0.9;

/// A hit whose record is a note that can be compared.
struct Compared {
    place: usize,
    statement: Statement,
}

/// Orders and marks the hits of one answer.
///
/// A hit that moves up takes the score of the one that it is put before, as scores fall from hit to
/// hit; the difference is its term `newer`. Cost: some microseconds for each pair of notes that
/// share most of their words.
pub(super) fn order_and_mark(hits: &mut Vec<Hit>) {
    let mut compared: Vec<Compared> = Vec::new();
    for (place, hit) in hits.iter().enumerate().take(MAX_COMPARED) {
        if let Some(note) = comparable(hit) {
            let statement = Statement::read(note.text.as_str());
            compared.extend(statement.map(|statement| Compared { place, statement }));
        }
    }
    if compared.len() < 2 {
        return;
    }
    mark(hits, &compared);
    // The order by statements, each moved before the first one that it amends.
    let mut order: Vec<&Compared> = Vec::with_capacity(compared.len());
    for later in &compared {
        let first = order.iter().position(|earlier| is_amended(hits, earlier, later));
        order.insert(first.unwrap_or(order.len()), later);
    }
    let is_moved = order.iter().zip(&compared).any(|(now, before)| now.place != before.place);
    if is_moved {
        reorder(hits, &compared, &order);
    }
}

/// Marks each two notes that contradict each other.
fn mark(hits: &mut [Hit], compared: &[Compared]) {
    let mut pairs = Vec::new();
    for (n, one) in compared.iter().enumerate() {
        for other in compared.iter().skip(n + 1) {
            if in_one_scope(hits, one, other)
                && one.statement.compare(&other.statement) == Comparison::Contradiction
            {
                pairs.push((one.place, other.place));
                pairs.push((other.place, one.place));
            }
        }
    }
    for (place, other) in pairs {
        let id = hits.get(other).and_then(comparable).map(|note| note.id);
        if let (Some(hit), Some(id)) = (hits.get_mut(place), id) {
            hit.contradicts.push(id);
        }
    }
}

/// Tells whether the note further down is newer than the one above it and stands in its place.
fn is_amended(hits: &[Hit], above: &Compared, below: &Compared) -> bool {
    let note = |compared: &Compared| hits.get(compared.place).and_then(comparable);
    let (Some(old), Some(new)) = (note(above), note(below)) else { return false };
    let age = |note: &Note| (note.occurred_at, note.recorded_at, note.id);
    if old.scope != new.scope || age(old) >= age(new) {
        return false;
    }
    match below.statement.amendment(&above.statement) {
        Some(Amendment::Told) => true,
        Some(Amendment::Silent) => {
            let score = |compared: &Compared| hits.get(compared.place).map_or(0.0, |hit| hit.score);
            score(below) >= MIN_SHARE_OF_SCORE * score(above)
        }
        None => false,
    }
}

fn in_one_scope(hits: &[Hit], one: &Compared, other: &Compared) -> bool {
    let note = |compared: &Compared| hits.get(compared.place).and_then(comparable);
    note(one).zip(note(other)).is_some_and(|(one, other)| one.scope == other.scope)
}

/// Puts the compared hits into their new order, at the places that they had before.
fn reorder(hits: &mut Vec<Hit>, compared: &[Compared], order: &[&Compared]) {
    let mut taken: Vec<Option<Hit>> = hits.drain(..).map(Some).collect();
    let n_hits = taken.len();
    let mut sources: Vec<usize> = (0..n_hits).collect();
    for (place, from) in compared.iter().zip(order) {
        if let Some(source) = sources.get_mut(place.place) {
            *source = from.place;
        }
    }
    let scores: Vec<f64> = taken.iter().flatten().map(|hit| hit.score).collect();
    for (source, score) in sources.into_iter().zip(scores) {
        let Some(mut hit) = taken.get_mut(source).and_then(Option::take) else { continue };
        if score.total_cmp(&hit.score).is_ne() {
            hit.terms.push(("newer", score - hit.score));
            hit.score = score;
        }
        hits.push(hit);
    }
    debug_assert_eq!(hits.len(), n_hits, "every hit keeps a place");
}

/// Returns the note of a hit, if it stands for itself.
fn comparable(hit: &Hit) -> Option<&Note> {
    let Record::Note(note) = &hit.record else { return None };
    let is_part = matches!(note.kind, NoteKind::Turn | NoteKind::Checkpoint);
    (!is_part).then_some(&**note)
}
