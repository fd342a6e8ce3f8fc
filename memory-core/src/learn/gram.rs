//! Short sequences of moves that follow each other directly.

use super::Move;

/// Lengths of the sequences that are kept.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 2..=5;

/// Moves at each end of a long run that sequences are taken from: the work for a run is bounded.
pub(super) const N_END_MOVES: usize = 250;

/// Names a sequence of moves within one table: a hash of them.
///
/// A million sequences share a name by chance once in thirty million tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Gram(u64);

impl Gram {
    const NONE: Self = Self(0);

    /// The sequence with one more move. Each step is a bijection (those of `SplitMix64`).
    const fn then(self, step: Move) -> Self {
        let code = (step.tool as u64) << 1 | step.ok as u64;
        let mut hash = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ code;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(hash ^ (hash >> 31))
    }

    /// The name of a sequence.
    pub(super) fn of(moves: &[Move]) -> Self {
        moves.iter().fold(Self::NONE, |gram, step| gram.then(*step))
    }

    /// The moves of this sequence, where a run has it.
    pub(super) fn find(self, moves: &[Move]) -> Option<&[Move]> {
        LENGTHS.flat_map(|length| moves.windows(length)).find(|window| Self::of(window) == self)
    }
}

/// The parts of a run that sequences are taken from: all of it, or the first and the last 250 moves of one
/// of more than 500.
pub(super) fn parts(moves: &[Move]) -> [&[Move]; 2] {
    let rest = moves.get(N_END_MOVES..).unwrap_or_default();
    match rest.len().checked_sub(N_END_MOVES) {
        None | Some(0) => [moves, &[]],
        Some(n_left_out) => [
            moves.get(..N_END_MOVES).unwrap_or_default(),
            rest.get(n_left_out..).unwrap_or_default(),
        ],
    }
}

/// Gives each sequence of 2 to 5 moves within a run to `take`; one that occurs several times, several
/// times. Of a run of more than 500 moves only the first and last 250 count.
pub(super) fn grams(moves: &[Move], mut take: impl FnMut(Gram)) {
    for part in parts(moves) {
        for at in 0..part.len() {
            let mut gram = Gram::NONE;
            let next = part.get(at..).unwrap_or_default();
            for (n, step) in (1..=*LENGTHS.end()).zip(next) {
                gram = gram.then(*step);
                if n >= *LENGTHS.start() {
                    take(gram);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(n: u32) -> Vec<Move> {
        (0..n).map(|tool| Move { tool, ok: tool % 2 == 0 }).collect()
    }

    fn all(moves: &[Move]) -> Vec<Gram> {
        let mut found = Vec::new();
        grams(moves, |gram| found.push(gram));
        found.sort_unstable();
        found
    }

    fn windows(moves: &[Move]) -> Vec<Gram> {
        let windows = LENGTHS.flat_map(|length| moves.windows(length));
        let mut expected: Vec<Gram> = windows.map(Gram::of).collect();
        expected.sort_unstable();
        expected
    }

    #[test]
    fn sequences_are_the_windows_of_two_to_five_moves() {
        for n in [0, 1, 2, 5, 9, 250, 251, 500] {
            assert_eq!(all(&moves(n)), windows(&moves(n)), "{n}");
        }
    }

    #[test]
    fn of_a_long_run_the_ends_count() {
        for n in [501, 5_000] {
            let moves = moves(n);
            let mut expected =
                [windows(&moves[..250]), windows(&moves[moves.len() - 250..])].concat();
            expected.sort_unstable();
            assert_eq!(all(&moves), expected);
        }
    }

    #[test]
    fn sequences_have_names_of_their_own_and_are_found_by_them() {
        let moves = moves(500);
        let mut names = all(&moves);
        let n = names.len();
        names.dedup();
        assert_eq!(names.len(), n);
        assert_eq!(Gram::of(&moves[3..7]).find(&moves), Some(&moves[3..7]));
        assert_eq!(Gram::of(&moves[3..9]).find(&moves), None, "longer than any that is kept");
        let other = Move { tool: moves[3].tool, ok: !moves[3].ok };
        assert_ne!(Gram::of(&[moves[3], other]), Gram::of(&[other, moves[3]]));
    }
}
