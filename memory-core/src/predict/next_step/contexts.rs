//! Contexts of a step: the last few moves before it.

use crate::learn::Move;

/// Most moves of a context.
pub(super) const MAX_ORDER: usize = 4;

/// Number of contexts of a step: none, the last tool, then one to four moves of which the last says
/// how it went.
pub(super) const N_CONTEXTS: usize = MAX_ORDER + 2;

/// Tool that stands before the first step.
const START: u64 = u64::MAX;

/// Returns the names of the contexts after a list of moves, from short to long; `None` for those
/// that are longer than the list with its start.
///
/// The way a move went is part of a context for the last move alone: an error changes what comes
/// next, and contexts with all errors in them come again too seldom.
pub(super) fn contexts(moves: &[Move]) -> [Option<u64>; N_CONTEXTS] {
    let mut names = [None; N_CONTEXTS];
    let last = moves.last();
    let tool = |step: Option<&Move>| step.map_or(START, |step| u64::from(step.tool));
    let ok = is_ok(moves);
    let [none, plain, rest @ ..] = &mut names;
    *none = Some(mix(0, 1));
    *plain = Some(mix(mix(0, 2), tool(last)));
    let mut name = mix(mix(0, 3), u64::from(ok));
    for (back, slot) in rest.iter_mut().enumerate() {
        if back > moves.len() {
            break;
        }
        name = mix(name, tool(moves.iter().rev().nth(back)));
        *slot = Some(name);
    }
    names
}

/// Returns whether the last move was ok; true where there is none.
pub(super) fn is_ok(moves: &[Move]) -> bool {
    moves.last().is_none_or(|step| step.ok)
}

/// Returns how many contexts of one move, two and so on two lists of moves share, the start counted
/// as a move: what [`contexts`] would say by their names.
pub(super) fn n_alike(a: &[Move], b: &[Move]) -> usize {
    let tool = |moves: &[Move], back: usize| {
        let at = moves.len().checked_sub(back + 1);
        at.and_then(|at| moves.get(at)).map(|step| step.tool)
    };
    let is_alike = |back: &usize| *back <= a.len().min(b.len()) && tool(a, *back) == tool(b, *back);
    (0..MAX_ORDER).take_while(is_alike).count()
}

/// Returns the name of a sequence with one part more. Each step is a bijection (`SplitMix64`).
pub(super) const fn mix(name: u64, part: u64) -> u64 {
    let mut hash = name.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ part;
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
