//! Cures and patterns in words.

use crate::learn::advice::text::percent;
use crate::learn::patterns::What;
use crate::learn::recovery::Cure;
use crate::model::display_name;

/// Branches or tools that are told of one pattern.
const MAX_BRANCHES: usize = 4;

/// What to do, in words: "use `grep` first, then retry with another `path`".
pub(super) fn cure(cure: &Cure, tool: &str) -> String {
    let quoted = |names: &[Box<str>], between: &str| {
        names.iter().map(|name| named(name)).collect::<Vec<_>>().join(between)
    };
    let changed = match cure.changed.as_slice() {
        [] => String::new(),
        names => format!(" with another {}", quoted(names, " and ")),
    };
    let tool = named(tool);
    match (cure.via.as_slice(), &cure.instead) {
        ([], None) if cure.changed.is_empty() => format!("retry {tool} unchanged"),
        ([], None) => format!("retry {tool}{changed}"),
        (via, None) => format!("use {} first, then retry {tool}{changed}", quoted(via, " and ")),
        ([], Some(instead)) => format!("use {} instead", named(instead)),
        (via, Some(instead)) => {
            format!("use {} and then {} instead", quoted(via, " and "), named(instead))
        }
    }
}

/// What a pattern is, in words; `error` is the text of a recovery's error.
pub(super) fn pattern(what: &What, error: Option<&str>) -> String {
    match what {
        What::Sequence { steps, gapped } => {
            let steps: Vec<String> = steps.iter().map(|(tool, ok)| step(tool, *ok)).collect();
            steps.join(if *gapped { " … " } else { " → " })
        }
        What::Decision { after, branches, difference, .. } => {
            let total: u32 = branches.iter().map(|branch| branch.n).sum();
            let from = match after {
                None => "At the beginning".to_owned(),
                Some((tool, ok)) => format!("After {}", step(tool, *ok)),
            };
            let branches: Vec<String> = branches
                .iter()
                .take(MAX_BRANCHES)
                .map(|branch| {
                    let next = branch.tool.as_deref();
                    let next = next.map_or_else(|| "the end".to_owned(), |tool| step(tool, true));
                    let share = percent(f64::from(branch.n) / f64::from(total.max(1)));
                    let success = percent(branch.outcome.mean);
                    format!("{next} {share} ({} episodes, {success} succeed)", branch.n_runs)
                })
                .collect();
            let apart = difference.map_or_else(String::new, |difference| {
                format!("; success differs by {}", percent(difference))
            });
            format!("{from}: {}{apart}", branches.join(", "))
        }
        What::Recovery { tool, cure: found, .. } => {
            let error = error.map_or_else(String::new, |error| format!(" “{error}”"));
            format!("{} fails{error}: {}", named(tool), cure(found, tool))
        }
        What::Context(context) => {
            let tools: Vec<String> = context
                .tools
                .iter()
                .take(MAX_BRANCHES)
                .map(|(tool, here, rest)| {
                    let (here, rest) = (percent(*here), percent(*rest));
                    format!("{} in {here} (elsewhere {rest})", named(tool))
                })
                .collect();
            let typical = match tools.as_slice() {
                [] => String::new(),
                tools => format!("; typical: {}", tools.join(", ")),
            };
            format!(
                "{} {}: {} succeed, elsewhere {}{typical}",
                context.facet.name(),
                display_name(&context.value),
                percent(context.outcome.mean),
                percent(context.rest.mean)
            )
        }
    }
}

fn step(tool: &str, ok: bool) -> String {
    let tool = named(tool);
    if ok { tool } else { format!("{tool} (failed)") }
}

/// Returns a name in backticks, cut to what a name can be.
fn named(name: &str) -> String {
    format!("`{}`", display_name(name))
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
            n_tried: 5,
            n_resolved: 4,
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
}
