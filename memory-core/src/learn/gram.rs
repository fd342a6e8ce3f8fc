//! Short sequences of moves that follow each other directly.

use super::Move;

/// Shortest and longest sequence that is kept.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 2..=MAX_LENGTH;

const MAX_LENGTH: usize = 5;

/// Moves at each end of a long run that sequences are taken from: the work for a run is bounded.
pub(super) const N_END_MOVES: usize = 250;

/// Two to five moves that follow each other directly; what is not used is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Gram([u32; MAX_LENGTH]);

/// Stands for a move; never 0.
const fn code(step: Move) -> u32 {
    (step.tool.saturating_add(1)) << 1 | step.ok as u32
}

impl Gram {
    /// The moves, in their order.
    pub(super) fn moves(&self) -> impl Iterator<Item = Move> {
        let used = self.0.into_iter().take_while(|code| *code != 0);
        used.map(|code| Move { tool: (code >> 1) - 1, ok: code & 1 == 1 })
    }

    /// How many moves it has.
    pub(super) fn len(&self) -> usize {
        self.0.iter().take_while(|code| **code != 0).count()
    }

    /// The sequences without its last and without its first move; `None` for one of two moves.
    pub(super) fn shorter(&self) -> Option<[Self; 2]> {
        let len = self.len();
        if len <= *LENGTHS.start() {
            return None;
        }
        let (mut without_last, mut without_first) = (*self, *self);
        without_last.0.iter_mut().skip(len - 1).for_each(|code| *code = 0);
        without_first.0.rotate_left(1);
        without_first.0.iter_mut().skip(len - 1).for_each(|code| *code = 0);
        Some([without_last, without_first])
    }
}

/// Gives each sequence of 2 to 5 moves within a run to `take`; one that occurs several times, several
/// times. Of a run of more than 500 moves only the first and last 250 count.
pub(super) fn grams(moves: &[Move], mut take: impl FnMut(Gram)) {
    let Some((head, rest)) = moves.split_at_checked(N_END_MOVES) else {
        return windows(moves, &mut take);
    };
    match rest.len().checked_sub(N_END_MOVES).and_then(|n| rest.get(n..)) {
        Some(tail) if tail.len() < rest.len() => {
            windows(head, &mut take);
            windows(tail, &mut take);
        }
        _ => windows(moves, &mut take),
    }
}

fn windows(moves: &[Move], take: &mut impl FnMut(Gram)) {
    for at in 0..moves.len() {
        let mut gram = Gram([0; MAX_LENGTH]);
        for n in 0..MAX_LENGTH {
            let (Some(step), Some(place)) = (moves.get(at + n), gram.0.get_mut(n)) else { break };
            *place = code(*step);
            if n + 1 >= *LENGTHS.start() {
                take(gram);
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

    fn all(moves: &[Move]) -> Vec<Vec<Move>> {
        let mut found = Vec::new();
        grams(moves, |gram| found.push(gram.moves().collect()));
        found.sort_unstable();
        found
    }

    #[test]
    fn sequences_are_the_windows_of_two_to_five_moves() {
        for n in [0, 1, 2, 5, 9, 250, 251, 500] {
            let moves = moves(n);
            let windows = LENGTHS.flat_map(|length| moves.windows(length));
            let mut expected: Vec<Vec<Move>> = windows.map(<[Move]>::to_vec).collect();
            expected.sort_unstable();
            assert_eq!(all(&moves), expected, "{n}");
        }
    }

    #[test]
    fn of_a_long_run_the_ends_count() {
        let moves = moves(5_000);
        let (head, tail) = (&moves[..250], &moves[4_750..]);
        let mut expected = [all(head), all(tail)].concat();
        expected.sort_unstable();
        assert_eq!(all(&moves), expected);
    }

    #[test]
    fn a_sequence_without_an_end_is_one_move_shorter() {
        grams(&moves(3), |gram| {
            let shorter = gram.shorter();
            assert_eq!(shorter.is_some(), gram.len() == 3);
            let Some([head, tail]) = shorter else { return };
            let of = |gram: Gram| gram.moves().collect::<Vec<_>>();
            assert_eq!((of(head), of(tail)), (moves(3)[..2].to_vec(), moves(3)[1..].to_vec()));
        });
    }
}
