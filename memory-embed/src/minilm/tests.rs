use super::*;
use crate::kernels::supported;

const TEXTS: [&str; 7] = [
    "The build fails because the linker cannot find libssl.",
    "",
    "ok",
    "How do I undo the last commit without losing my changes?",
    "日本語 🚀 naïve façade",
    "fn parse(bytes: &[u8]) -> Result<Header, ParseError> { todo!() }",
    "git rebase --onto main feature~3 feature",
];

fn on(kernels: &'static Kernels) -> MiniLm {
    MiniLm::with_kernels(ModelFile::compiled_in(), kernels).unwrap()
}

fn embed(model: &MiniLm, texts: &[&str]) -> Vec<Vec<f32>> {
    model.embed(Role::Document, texts).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A text of about `words` wordpieces that changes its subject on the way.
fn long_text(words: usize) -> String {
    let subjects = ["linker error", "database pool", "unit test", "git branch", "cache"];
    let chosen = (0..words / 2).map(|at| subjects[at / 40 % subjects.len()]);
    chosen.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let texts: Vec<&str> =
        include_str!("../../tests/golden/texts.txt").lines().chain(TEXTS).collect();
    let plain = embed(&on(supported().last().unwrap()), &texts);
    for kernels in supported() {
        let found = embed(&on(kernels), &texts);
        assert_eq!(found, plain, "{}", kernels.name);
    }
}

#[test]
fn a_vector_does_not_depend_on_the_batch_it_is_computed_in_nor_on_threads() {
    let model = MiniLm::embedded().unwrap();
    let long = long_text(700);
    let texts: Vec<&str> = TEXTS.iter().copied().cycle().take(40).chain([long.as_str()]).collect();
    let alone: Vec<Vec<f32>> = texts.iter().flat_map(|text| embed(&model, &[text])).collect();
    assert_eq!(embed(&model, &texts), alone);
    for threads in 2..5 {
        let model = MiniLm::embedded().unwrap().with_threads(threads.try_into().unwrap());
        assert_eq!(embed(&model, &texts), alone);
    }
}

#[test]
fn vectors_are_of_unit_length_and_finite_for_any_text() {
    let model = MiniLm::embedded().unwrap();
    let marks = "\u{301}".repeat(300);
    let nul = "\0\u{1}\u{fffd}";
    let huge = "x".repeat(100_000);
    for vector in embed(&model, &[&marks, nul, &huge, &long_text(3_000), "", " \n "]) {
        assert_eq!(vector.len(), model.dimension());
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_text_within_both_windows_has_the_same_vector_in_both_roles() {
    let model = MiniLm::embedded().unwrap();
    assert_eq!(
        model.embed(Role::Query, &TEXTS).unwrap(),
        model.embed(Role::Document, &TEXTS).unwrap()
    );
}

#[test]
fn the_first_window_of_a_text_makes_its_vector_and_nothing_behind_it_does() {
    let model = MiniLm::embedded().unwrap();
    for (role, window) in [(Role::Document, 254), (Role::Query, 62)] {
        for (pieces, expected) in [(window - 9, true), (window - 1, true), (window, false)] {
            let texts = ["elephant", "compiler"].map(|end| "cache ".repeat(pieces) + end);
            let vectors = model.embed(role, &[&texts[0], &texts[1]]).unwrap();
            assert_eq!(vectors[0] != vectors[1], expected, "{role:?}, {pieces} pieces before");
        }
    }
}

#[test]
fn the_id_names_the_window_of_texts_and_not_that_of_queries() {
    let id = |text, query| {
        let model = MiniLm::embedded().unwrap().with_windows(Windows { text, query });
        model.id().to_owned()
    };
    assert_eq!(MiniLm::embedded().unwrap().id(), "all-MiniLM-L6-v2/int8-1/first-254");
    assert_eq!(id(254, 254), id(254, 126));
    assert_ne!(id(254, 126), id(126, 126));
}

#[test]
fn related_texts_are_nearer_than_unrelated_ones() {
    let model = MiniLm::embedded().unwrap();
    let vectors = embed(
        &model,
        &[
            "the database connection pool is exhausted",
            "no free connections are left in the SQL pool",
            "my cat likes to sleep in the sun",
        ],
    );
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.4);
}

#[test]
fn more_texts_than_the_limit_are_refused_and_none_is_no_work() {
    let model = MiniLm::embedded().unwrap();
    let refused = model.embed(Role::Query, &vec!["x"; model.batch_limit() + 1]);
    let limit = model.batch_limit();
    let Err(EmbedError::TooManyTexts { got, limit: named }) = refused else { panic!("too many") };
    assert_eq!((got, named), (limit + 1, limit));
    assert_eq!(embed(&model, &[]), Vec::<Vec<f32>>::new());
}

#[test]
fn passes_hold_every_text_once_and_stay_within_their_size() {
    let texts: Vec<Vec<u32>> = (0..200).map(|number| vec![7; 2 + number * 37 % 250]).collect();
    let order: Vec<usize> = (0..texts.len()).collect();
    let passes = split_into_passes(&order, &texts);
    assert_eq!(passes.concat(), order);
    for pass in passes {
        let tokens: usize = pass.iter().map(|&index| texts[index].len()).sum();
        assert!(tokens <= PASS_TOKENS || pass.len() == 1);
    }
    assert!(split_into_passes(&[], &texts).is_empty());
}
