use super::*;

/// Embeds a text as its length, and writes down what it was asked.
#[derive(Default)]
struct Recorder {
    asked: Mutex<Vec<String>>,
    fails: bool,
}

impl Embedder for Recorder {
    fn id(&self) -> &'static str {
        "recorder"
    }

    fn dimension(&self) -> usize {
        1
    }

    fn batch_limit(&self) -> usize {
        4
    }

    fn embed(&self, _role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if self.fails {
            return Err(EmbedError::Model { what: "no model" });
        }
        self.asked.lock().unwrap().extend(texts.iter().map(ToString::to_string));
        Ok(texts.iter().map(|text| vec![f32::from(u16::try_from(text.len()).unwrap())]).collect())
    }
}

fn cached(entries: usize) -> Cached<Recorder> {
    Cached::new(Recorder::default(), NonZeroUsize::new(entries).unwrap())
}

fn asked(cached: &Cached<Recorder>) -> Vec<String> {
    std::mem::take(&mut cached.inner().asked.lock().unwrap())
}

#[test]
fn a_repeated_question_is_answered_without_the_embedder() {
    let cached = cached(8);
    let first = cached.embed(Role::Query, &["why"]).unwrap();
    assert_eq!(asked(&cached), ["why"]);
    assert_eq!(cached.embed(Role::Query, &["why"]).unwrap(), first);
    assert!(asked(&cached).is_empty());
}

#[test]
fn only_the_new_questions_of_a_call_are_computed_and_order_is_kept() {
    let cached = cached(8);
    cached.embed(Role::Query, &["bb"]).unwrap();
    asked(&cached);
    let found = cached.embed(Role::Query, &["a", "bb", "ccc"]).unwrap();
    assert_eq!(found, [[1.0], [2.0], [3.0]]);
    assert_eq!(asked(&cached), ["a", "ccc"]);
}

#[test]
fn documents_are_not_remembered() {
    let cached = cached(8);
    for _ in 0..2 {
        cached.embed(Role::Document, &["doc"]).unwrap();
        assert_eq!(asked(&cached), ["doc"]);
    }
}

#[test]
fn the_least_recently_asked_question_is_forgotten_first() {
    let cached = cached(2);
    for text in ["one", "two", "one", "three", "one", "two"] {
        cached.embed(Role::Query, &[text]).unwrap();
    }
    assert_eq!(asked(&cached), ["one", "two", "three", "two"]);
}

#[test]
fn a_very_long_question_passes_through() {
    let cached = cached(2);
    let long = "x".repeat(MAX_QUERY_BYTES + 1);
    for _ in 0..2 {
        cached.embed(Role::Query, &[&long]).unwrap();
        assert_eq!(asked(&cached).len(), 1);
    }
}

#[test]
fn a_failure_is_handed_on_and_not_remembered() {
    let failing = Recorder { fails: true, ..Recorder::default() };
    let cached = Cached::new(failing, NonZeroUsize::MIN);
    for _ in 0..2 {
        assert!(matches!(cached.embed(Role::Query, &["why"]), Err(EmbedError::Model { .. })));
    }
}

#[test]
fn more_texts_than_the_embedder_takes_are_refused_even_if_all_are_remembered() {
    let cached = cached(8);
    cached.embed(Role::Query, &["a"]).unwrap();
    let refused = cached.embed(Role::Query, &["a"; 5]);
    assert!(matches!(refused, Err(EmbedError::TooManyTexts { got: 5, limit: 4 })));
}
