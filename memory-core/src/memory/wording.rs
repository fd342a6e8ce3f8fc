//! Cures in words.

use crate::learn::recovery::Cure;

/// What to do, in words: "use `grep` first, then retry with another `path`".
pub(super) fn cure(cure: &Cure, tool: &str) -> String {
    let quoted = |names: &[Box<str>], between: &str| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
    };
    let changed = match cure.changed.as_slice() {
        [] => String::new(),
        names => format!(" with another {}", quoted(names, " and ")),
    };
    match (cure.via.as_slice(), &cure.instead) {
        ([], None) if cure.changed.is_empty() => format!("retry `{tool}` unchanged"),
        ([], None) => format!("retry `{tool}`{changed}"),
        (via, None) => format!("use {} first, then retry `{tool}`{changed}", quoted(via, " and ")),
        ([], Some(instead)) => format!("use `{instead}` instead"),
        (via, Some(instead)) => {
            format!("use {} and then `{instead}` instead", quoted(via, " and "))
        }
    }
}

/// A weighted count as a whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of attempts; clamped to the range"
)]
pub(super) fn whole(count: f64) -> u32 {
    count.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::evidence::Posterior;

    fn told(via: &[&str], instead: Option<&str>, changed: &[&str]) -> String {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        let found = Cure {
            via: names(via),
            instead: instead.map(Into::into),
            changed: names(changed),
            posterior: Posterior::new(5.0, 4.0, 0.8),
            n_dead_ends: 1,
            evidence: Vec::new(),
        };
        cure(&found, "edit")
    }

    #[test]
    fn each_kind_of_cure_reads_as_an_instruction() {
        assert_eq!(told(&[], None, &[]), "retry `edit` unchanged");
        assert_eq!(told(&[], None, &["old", "path"]), "retry `edit` with another `old` and `path`");
        assert_eq!(
            told(&["read"], None, &["old"]),
            "use `read` first, then retry `edit` with another `old`"
        );
        assert_eq!(told(&[], Some("write"), &[]), "use `write` instead");
        assert_eq!(
            told(&["ls", "read"], Some("write"), &[]),
            "use `ls` and `read` and then `write` instead"
        );
    }

    #[test]
    fn weighted_counts_are_rounded_into_range() {
        assert_eq!([whole(2.6), whole(-1.0), whole(f64::NAN)], [3, 0, 0]);
        assert_eq!(whole(1e18), u32::MAX);
    }
}
