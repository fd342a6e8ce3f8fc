//! Text of what is known of an error as a model reads it: what to do, and how often it helped.

use memory_core::learning::{Cure, Demonstration, KnownError};

use super::render::{put, quote, title};

/// Appends what is known of an error, after words that say which: "Step 3 (`bash`): ".
pub(crate) fn render_known_error(out: &mut String, known: &KnownError) {
    let KnownError { n_seen, n_episodes, n_resolved, .. } = known;
    if *n_seen == 0 {
        out.push_str("this error is new, others like it are known.");
    } else if known.differs.is_none() {
        put(out, format_args!("this error came {n_seen} time(s) in {n_episodes} episode(s)"));
        put(out, format_args!(", resolved {n_resolved} time(s)."));
        if known.from_class {
            out.push_str(" Others of its class were cured:");
        }
    } else {
        put(out, format_args!("one like it came {n_seen} time(s), resolved {n_resolved}."));
        if let Some((there, here)) = known.differs.as_ref().filter(|(there, _)| !there.is_empty()) {
            quote(out, &format!("there {there}, here {here}"));
        }
    }
    if known.cures.is_empty() {
        let n_tried = known.n_retried;
        match known.n_retries_resolved {
            0 if n_tried > 0 => put(out, format_args!(" A plain retry never helped ({n_tried}).")),
            0 => out.push_str(" No cure is known."),
            n => put(out, format_args!(" A plain retry helped {n} of {n_tried} times.")),
        }
    }
    known.cures.iter().for_each(|cure| render_cure(out, cure, known.retry_rate));
    if let Some((id, text)) = &known.lesson {
        put(out, format_args!("\nLesson (note {id}):"));
        quote(out, &title(text, 160));
    }
}

fn render_cure(out: &mut String, cure: &Cure, retry_rate: f64) {
    let Cure { text, n_tried, n_resolved, .. } = cure;
    out.push_str("\n- ");
    let retry = 100.0 * retry_rate;
    if cure.is_confirmed {
        put(out, format_args!("{} helped {n_resolved} of {n_tried} times", upper(text)));
        put(out, format_args!(" (a plain retry {retry:.0} %)"));
    } else if *n_resolved == 1 && *n_tried == 1 {
        out.push_str("Seen once");
    } else {
        put(out, format_args!("Seen to help {n_resolved} of {n_tried} times"));
    }
    if let Some(episode) = cure.episodes().next() {
        put(out, format_args!(", last in {episode}"));
    }
    if let Some(Demonstration { acts, change, passed }) = &cure.demonstration {
        out.push(':');
        acts.iter().chain(change).for_each(|line| quote(out, line));
        if let Some(passed) = passed {
            quote(out, &format!("then passed: {passed}"));
        }
    }
}

/// A sentence begins with a capital.
fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
