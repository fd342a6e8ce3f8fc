//! N-grams of moves: sequences of 2 to 5 moves that follow each other directly.

use super::run::Move;

/// Lengths of the sequences that are indexed.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=5;

/// Number of moves at each end of a long run that sequences are taken from: it bounds the work for
/// one run.
const N_END_MOVES: usize = 250;

/// Name of a sequence of moves within one table: a 64-bit hash of them.
///
/// Two of a million sequences collide in one of thirty million tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NGram(u64);

impl NGram {
    const EMPTY: Self = Self(0);

    /// Returns the sequence with one more move. Each step is a bijection (`SplitMix64`).
    const fn then(self, step: Move) -> Self {
        let code = (step.tool as u64) << 1 | step.ok as u64;
        let mut hash = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ code;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(hash ^ (hash >> 31))
    }

    /// Returns the name of a sequence.
    pub(crate) fn of(moves: &[Move]) -> Self {
        moves.iter().fold(Self::EMPTY, |ngram, step| ngram.then(*step))
    }

    /// Finds the moves of this sequence in a run that has it.
    pub(crate) fn find(self, moves: &[Move]) -> Option<&[Move]> {
        LENGTHS.flat_map(|length| moves.windows(length)).find(|window| Self::of(window) == self)
    }
}

/// Returns the parts of a run that sequences are taken from: the whole run, or the first and the
/// last 250 moves of one of more than 500.
pub(crate) fn indexed_parts(moves: &[Move]) -> [&[Move]; 2] {
    if moves.len() <= 2 * N_END_MOVES {
        return [moves, &[]];
    }
    let (head, rest) = moves.split_at(N_END_MOVES);
    [head, rest.split_at(rest.len() - N_END_MOVES).1]
}

/// Passes each sequence of 2 to 5 moves within the indexed parts of a run to `take`, once for every
/// occurrence.
pub(super) fn for_each_ngram(moves: &[Move], mut take: impl FnMut(NGram)) {
    for part in indexed_parts(moves) {
        for at in 0..part.len() {
            let mut ngram = NGram::EMPTY;
            for (n, step) in (1..=*LENGTHS.end()).zip(part.split_at(at).1) {
                ngram = ngram.then(*step);
                if n >= *LENGTHS.start() {
                    take(ngram);
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

    fn all(moves: &[Move]) -> Vec<NGram> {
        let mut found = Vec::new();
        for_each_ngram(moves, |ngram| found.push(ngram));
        found.sort_unstable();
        found
    }

    fn windows(moves: &[Move]) -> Vec<NGram> {
        let windows = LENGTHS.flat_map(|length| moves.windows(length));
        let mut expected: Vec<NGram> = windows.map(NGram::of).collect();
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
    fn the_ends_of_a_long_run_are_indexed() {
        for n in [501, 5_000] {
            let moves = moves(n);
            let mut expected =
                [windows(&moves[..250]), windows(&moves[moves.len() - 250..])].concat();
            expected.sort_unstable();
            assert_eq!(all(&moves), expected);
        }
    }

    #[test]
    fn sequences_have_distinct_names_and_are_found_by_them() {
        let moves = moves(500);
        let mut names = all(&moves);
        let n = names.len();
        names.dedup();
        assert_eq!(names.len(), n);
        assert_eq!(NGram::of(&moves[3..7]).find(&moves), Some(&moves[3..7]));
        assert_eq!(NGram::of(&moves[3..9]).find(&moves), None, "longer than any that is indexed");
        let other = Move { tool: moves[3].tool, ok: !moves[3].ok };
        assert_ne!(NGram::of(&[moves[3], other]), NGram::of(&[other, moves[3]]));
    }
}
