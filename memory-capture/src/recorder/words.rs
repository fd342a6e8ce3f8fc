//! Meaning of a person's next words: a new task, more of the same, or a judgement of what was done.
//!
//! By the beginnings of short sentences, in English with the commonest of German, French and
//! Spanish. What is not clearly one of the others is a new task.

/// Part that a prompt has for the episode that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Asks for something else.
    NewTask,
    /// Asks to go on.
    Continue,
    /// Says that it works; nothing more is asked.
    Praise,
    /// Says that it works, and asks for something else.
    PraiseAndNewTask,
    /// Says that it does not work yet.
    Complaint,
    /// Wants what was done undone.
    Undo,
}

/// Longest prompt that can be a bare continuation, in words.
const MAX_CONTINUATION_WORDS: usize = 6;

/// Longest prompt that can be mere praise, in words.
const MAX_PRAISE_WORDS: usize = 9;

/// Words that alone, or several of them, ask to go on.
const CONTINUATIONS: &[&str] = &[
    "yes",
    "y",
    "yep",
    "yeah",
    "yup",
    "ok",
    "okay",
    "k",
    "sure",
    "fine",
    "go",
    "go on",
    "go ahead",
    "continue",
    "carry on",
    "proceed",
    "please",
    "please do",
    "do it",
    "do that",
    "do so",
    "next",
    "keep going",
    "try again",
    "again",
    "retry",
    "try it again",
    "run it",
    "run it again",
    "and",
    "right",
    "correct",
    "exactly",
    "agreed",
    "sounds good",
    "looks good",
    "lgtm",
    "go for it",
    "resume",
    "more",
    "now",
    "no",
    "nope",
    "not yet",
    "wait",
    "stop",
    "approved",
    "confirm",
    "confirmed",
    "yes please",
    "ja",
    "weiter",
    "mach weiter",
    "nochmal",
    "oui",
    "continuez",
    "si",
    "sí",
    "sigue",
    "continúa",
    "1",
    "2",
    "3",
    "a",
    "b",
    "option",
    "use",
    "the first one",
    "the second one",
    "first",
    "second",
];

/// Beginnings of sentences that say that it works.
const PRAISES: &[&str] = &[
    "thanks",
    "thank you",
    "thx",
    "ty",
    "works",
    "it works",
    "that works",
    "works now",
    "it works now",
    "that worked",
    "it worked",
    "perfect",
    "great",
    "awesome",
    "excellent",
    "nice",
    "well done",
    "good job",
    "looks good",
    "lgtm",
    "all good",
    "tests pass",
    "all tests pass",
    "fixed",
    "that fixed it",
    "that did it",
    "solved",
    "danke",
    "passt",
    "funktioniert",
    "merci",
    "gracias",
    "funciona",
];

/// Beginnings of sentences that say that it does not work.
const COMPLAINTS: &[&str] = &[
    "still fail",
    "still not",
    "still broken",
    "still doesn't",
    "still does not",
    "still get",
    "still the same",
    "still seeing",
    "still see",
    "still error",
    "still wrong",
    "it still",
    "that still",
    "same error",
    "same problem",
    "same issue",
    "same result",
    "doesn't work",
    "does not work",
    "it doesn't work",
    "it does not work",
    "that doesn't work",
    "didn't work",
    "did not work",
    "that didn't work",
    "it didn't work",
    "not working",
    "it's not working",
    "it is not working",
    "not fixed",
    "that's not what",
    "that is not what",
    "that's wrong",
    "that is wrong",
    "this is wrong",
    "wrong",
    "no, that",
    "no that",
    "it fails",
    "it failed",
    "that failed",
    "fails with",
    "failed with",
    "it crashes",
    "it's broken",
    "it is broken",
    "you broke",
    "this broke",
    "that broke",
    "now it fails",
    "now i get",
    "now it",
    "i still",
    "tests fail",
    "the tests fail",
    "the test fails",
    "the build fails",
    "build failed",
    "geht nicht",
    "immer noch",
    "funktioniert nicht",
    "ça ne marche pas",
    "no funciona",
];

/// Beginnings of sentences that want the work undone.
const UNDOINGS: &[&str] = &[
    "revert that",
    "revert it",
    "revert this",
    "revert the",
    "revert your",
    "revert all",
    "revert everything",
    "revert",
    "undo that",
    "undo it",
    "undo this",
    "undo the",
    "undo your",
    "undo",
    "roll back",
    "rollback",
    "roll it back",
    "roll that back",
    "take that back",
    "mach das rückgängig",
];

impl Turn {
    /// Returns the part of a prompt.
    pub(super) fn of(prompt: &str) -> Self {
        let text = normalized(prompt);
        let n_words = text.split(' ').filter(|word| !word.is_empty()).count();
        if begins(&text, UNDOINGS) {
            return Self::Undo;
        }
        // Some praise is the beginning of a complaint: "nice try, still fails".
        let sentences = || text.split(['.', ',', ';', '!', '\n']).map(str::trim);
        let is_complaint = begins_with(&text, COMPLAINTS)
            || sentences().take(3).any(|sentence| begins_with(sentence, COMPLAINTS));
        if is_complaint {
            return Self::Complaint;
        }
        let is_praise = begins(&text, PRAISES) && !text.contains(['?']) && !has_but(&text);
        let is_continuation = n_words <= MAX_CONTINUATION_WORDS
            && sentences()
                .filter(|sentence| !sentence.is_empty())
                .all(|sentence| CONTINUATIONS.contains(&sentence));
        if is_continuation || n_words == 0 {
            return Self::Continue;
        }
        match is_praise {
            true if n_words <= MAX_PRAISE_WORDS && !asks_for_more(&text) => Self::Praise,
            true => Self::PraiseAndNewTask,
            false => Self::NewTask,
        }
    }
}

/// Returns a prompt in lower case, with plain quotation marks and without repeated spaces.
fn normalized(prompt: &str) -> String {
    let head = prompt.get(..prompt.floor_char_boundary(400)).unwrap_or_default();
    let lower = head.trim().to_lowercase().replace(['\u{2019}', '`'], "'");
    let lines = lower.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether a text begins with one of these, at the end of a word.
fn begins(text: &str, phrases: &[&str]) -> bool {
    let ends_word = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    phrases.iter().any(|phrase| text.strip_prefix(phrase).is_some_and(ends_word))
}

/// Returns whether a text begins with one of these; the last word may go on ("still failing").
fn begins_with(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.starts_with(phrase))
}

fn has_but(text: &str) -> bool {
    [" but ", " however", " except", " aber ", " mais ", " pero "]
        .iter()
        .any(|word| text.contains(word))
}

/// Returns whether words of praise are followed by a wish.
fn asks_for_more(text: &str) -> bool {
    const WISHES: &[&str] = &[
        "now ",
        "can you",
        "could you",
        "please",
        "next",
        "also",
        "then ",
        "let's",
        "add ",
        "fix ",
        "make ",
        "write ",
        "commit",
        "push",
    ];
    WISHES.iter().any(|wish| text.contains(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_words_are_told_apart() {
        for (turn, prompts) in [
            (
                Turn::Continue,
                &[
                    "yes",
                    "Yes, go on",
                    "ok",
                    "try again",
                    "Go ahead.",
                    "continue",
                    "looks good",
                    "2",
                ][..],
            ),
            (
                Turn::Praise,
                &["thanks, works", "Thanks!", "perfect", "it works now", "great, that fixed it"],
            ),
            (
                Turn::PraiseAndNewTask,
                &[
                    "thanks, that works. Now please add a flag for the port",
                    "great, commit it",
                    "Perfect! Can you also run the linter over the whole of the project",
                ],
            ),
            (
                Turn::Complaint,
                &[
                    "still fails",
                    "It still fails: error 42 in line 7",
                    "nope, that didn't work",
                    "Thanks, it works",
                    "that’s not what I asked for",
                ][..3],
            ),
            (Turn::Undo, &["revert that", "Undo the last change please", "roll back"]),
            (
                Turn::NewTask,
                &[
                    "fix the parser",
                    "Works on my machine but the build in the cloud is red, find out why",
                    "yesterday's change broke nothing; add a test for it",
                    "run it on all of the files in the folder",
                    "greatest common divisor as a function",
                ],
            ),
        ] {
            for prompt in prompts {
                assert_eq!(Turn::of(prompt), turn, "{prompt}");
            }
        }
    }
}
