//! The difference of two texts, line by line, for people.

/// Lines that are shown around a change.
const CONTEXT: usize = 2;

/// Longest run of changed lines that is compared line by line; longer ones are shown as replaced.
const MAX_COMPARED: usize = 2_000;

/// Returns the changed lines with a sign before each and a little around them; nothing where
/// nothing differs.
pub(super) fn diff(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let lines = compare(&a, &b);
    let is_near = |at: usize| {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines.len()));
        lines.get(from..to).is_some_and(|near| near.iter().any(|(sign, _)| *sign != ' '))
    };
    let mut text = String::new();
    let mut is_gap = false;
    for (at, (sign, line)) in lines.iter().enumerate() {
        if !is_near(at) {
            is_gap = true;
            continue;
        }
        if is_gap && !text.is_empty() {
            text.push_str("  …\n");
        }
        is_gap = false;
        text.push(*sign);
        text.push(' ');
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Pairs each line with `-`, `+` or a blank, by the longest common subsequence.
fn compare<'t>(a: &[&'t str], b: &[&'t str]) -> Vec<(char, &'t str)> {
    let n_head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a_rest, b_rest) = (a.get(n_head..).unwrap_or(&[]), b.get(n_head..).unwrap_or(&[]));
    let n_tail = a_rest.iter().rev().zip(b_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let a_mid = a_rest.get(..a_rest.len() - n_tail).unwrap_or(&[]);
    let b_mid = b_rest.get(..b_rest.len() - n_tail).unwrap_or(&[]);
    let mut lines: Vec<(char, &str)> = a.iter().take(n_head).map(|line| (' ', *line)).collect();
    lines.extend(compare_middle(a_mid, b_mid));
    lines.extend(a.iter().skip(a.len() - n_tail).map(|line| (' ', *line)));
    lines
}

fn compare_middle<'t>(a: &[&'t str], b: &[&'t str]) -> Vec<(char, &'t str)> {
    let width = b.len() + 1;
    // Length of the longest common subsequence of what follows each pair of positions.
    let mut common = vec![
        0_u32;
        if a.len() * b.len() <= MAX_COMPARED * MAX_COMPARED {
            (a.len() + 1) * width
        } else {
            0
        }
    ];
    let at = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, line) in a.iter().enumerate().rev() {
        for (j, other) in b.iter().enumerate().rev() {
            let longest = if line == other {
                at(&common, i + 1, j + 1) + 1
            } else {
                at(&common, i + 1, j).max(at(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = longest;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while let (Some(line), Some(other)) = (a.get(i), b.get(j)) {
        if line == other {
            lines.push((' ', *line));
            (i, j) = (i + 1, j + 1);
        } else if at(&common, i + 1, j) >= at(&common, i, j + 1) {
            lines.push(('-', *line));
            i += 1;
        } else {
            lines.push(('+', *other));
            j += 1;
        }
    }
    lines.extend(a.iter().skip(i).map(|line| ('-', *line)));
    lines.extend(b.iter().skip(j).map(|line| ('+', *line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_a_little_around_them() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let after = "a\nB\nc\nd\ne\nf\ng\nh\ni\nnew\nj\n";
        assert_eq!(diff(before, after), "  a\n- b\n+ B\n  c\n  d\n  …\n  h\n  i\n+ new\n  j\n");
        assert_eq!(diff(before, before), "");
        assert_eq!(diff("", "x\n"), "+ x\n");
        assert_eq!(diff("x\n", ""), "- x\n");
    }

    proptest::proptest! {
        #[test]
        fn both_texts_can_be_read_from_the_comparison(a in "[ab\n]{0,30}", b in "[ab\n]{0,30}") {
            let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
            let lines = compare(&a, &b);
            let side = |sign| -> Vec<&str> {
                lines.iter().filter(|(s, _)| [' ', sign].contains(s)).map(|(_, l)| *l).collect()
            };
            proptest::prop_assert_eq!(side('-'), a);
            proptest::prop_assert_eq!(side('+'), b);
        }
    }
}
