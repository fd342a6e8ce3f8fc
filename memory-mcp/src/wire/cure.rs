//! Text of what is known of an error as a model reads it: what to do, and how often it helped.

use memory_core::learning::{Cure, Demonstration, KnownError};

use super::render::{QUOTE_MARK, put, quote, title};

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
            0 => {}
            n => put(out, format_args!(" A plain retry helped {n} of {n_tried} times.")),
        }
    }
    known.cures.iter().for_each(|cure| render_cure(out, cure));
    if let Some((id, text)) = &known.lesson {
        put(out, format_args!("\nLesson (note {id}):"));
        quote(out, &title(text, 160));
    }
}

/// Most bytes of a cure with all its lines: 80 tokens.
const CURE_BYTES: usize = 320;

/// Most characters of the words that say what a cure is.
const TEXT_CHARS: usize = 120;

/// Room below which a line of a cure says nothing.
const MIN_ROOM: usize = 24;

fn render_cure(out: &mut String, cure: &Cure) {
    let Cure { text, n_tried, n_resolved, .. } = cure;
    let start = out.len();
    out.push_str("\n- ");
    if cure.is_confirmed {
        let text = upper(&title(text, TEXT_CHARS));
        put(out, format_args!("{text} helped {n_resolved} of {n_tried} times"));
    } else if *n_resolved == 1 && *n_tried == 1 {
        out.push_str("Seen once");
    } else {
        put(out, format_args!("Seen to help {n_resolved} of {n_tried} times"));
    }
    if let Some(episode) = cure.episodes().next() {
        put(out, format_args!(", last in {episode}"));
    }
    let Some(Demonstration { acts, change, passed }) = &cure.demonstration else { return };
    out.push(':');
    let passed = passed.as_ref().map(|passed| format!("then passed: {passed}"));
    for line in acts.iter().chain(change).chain(&passed) {
        let used = out.len() - start + QUOTE_MARK.len() + 1;
        let room = CURE_BYTES.saturating_sub(used);
        if room >= MIN_ROOM {
            quote(out, head(line, room));
        }
    }
}

/// Returns the beginning of a line of at most `limit` bytes.
fn head(line: &str, limit: usize) -> &str {
    line.get(..line.floor_char_boundary(limit)).unwrap_or(line)
}

/// A sentence begins with a capital.
fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
