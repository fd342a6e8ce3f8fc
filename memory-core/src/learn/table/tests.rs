//! Claims about the table; those about answers from its indexes are with the answers.

use super::*;
use crate::learn::sample::{episode, step};
use crate::model::{Outcome, Shown};

fn digest(tools: &[(&str, bool)]) -> Digest {
    let steps: Vec<_> =
        tools.iter().map(|(tool, ok)| step(tool, "", *ok, "error: no such thing")).collect();
    Digest::of(&steps)
}

fn ids(runs: &[&Run]) -> Vec<EpisodeId> {
    runs.iter().map(|run| run.id).collect()
}

#[test]
fn runs_are_found_by_task_scope_and_error() {
    let mut learned = Learned::default();
    let one = episode(1, "shop", "Fix it", Some(Outcome::Failure));
    let two = episode(2, "shop", "fix it!", Some(Outcome::Success));
    let elsewhere = episode(3, "zoo", "fix it", None);
    learned.put(&two, &digest(&[("edit", true), ("test", true)]));
    learned.put(&one, &digest(&[("edit", false), ("edit", true)]));
    learned.put(&elsewhere, &digest(&[]));
    assert_eq!(ids(&learned.runs_of_task("shop", TaskKey::of("fix it"))), [two.id, one.id]);
    let error = Signature::of_error("edit", "error: no such thing");
    assert_eq!(ids(&learned.runs_with_error(error).collect::<Vec<_>>()), [one.id]);
    assert_eq!(ids(&learned.runs_in(Some("shop"))), [two.id, one.id], "newest first");
    assert_eq!(ids(&learned.runs_in(Some("zoo"))), [elsewhere.id]);
    assert_eq!((ids(&learned.runs_in(Some("none"))), learned.runs_in(None).len()), (vec![], 3));
    assert_eq!(learned.run(one.id).unwrap().incidents.len(), 1);
    assert_eq!(learned.run(elsewhere.id).unwrap().success(), None);
}

#[test]
fn a_run_has_the_fields_of_its_episode() {
    let mut ended = episode(7, "shop", "fix it", Some(Outcome::Partial));
    ended.context.task_type = Some("bugfix".into());
    ended.context.tags = vec!["a".into(), "b".into()];
    ended.shown = vec![Shown { record: ended.id.into(), strong: true }];
    ended.closing.as_mut().unwrap().followed = vec![ended.id.into()];
    let mut learned = Learned::default();
    learned.put(&ended, &Digest { n_tokens: Some(5), ..digest(&[("a", true)]) });
    let run = learned.run(ended.id).unwrap();
    assert_eq!((learned.name(run.task_type), learned.name(run.domain)), ("bugfix", ""));
    assert_eq!(run.tags.iter().map(|tag| learned.name(*tag)).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(learned.name_id("a"), Some(run.moves[0].tool), "one interner for all kinds of name");
    assert_eq!((run.success(), run.n_tokens), (Some(false), Some(5)));
    assert_eq!(
        (&*run.shown, &*run.followed),
        (&[(ended.id.into(), true)][..], &[ended.id.into()][..])
    );
}

#[test]
fn an_open_episode_is_no_run_and_one_that_was_reopened_is_removed() {
    let mut learned = Learned::default();
    let ended = episode(1, "shop", "fix it", Some(Outcome::Success));
    let open = Episode { closing: None, ..ended.clone() };
    learned.put(&open, &digest(&[("a", true)]));
    assert_eq!(learned.n_entries(), [0; 10]);
    learned.put(&ended, &digest(&[("a", true)]));
    learned.put(&open, &digest(&[("a", true)]));
    assert_eq!((learned.by_id.len(), learned.run(ended.id)), (0, None));
}

#[test]
fn memory_does_not_grow_with_what_is_put_again_or_removed() {
    let mut learned = Learned::default();
    let mut first = None;
    for round in 0..50_u32 {
        for n in 0..20 {
            let task = format!("task {n} {round}");
            let tools = [format!("r{round}"), format!("t{n}"), "edit".to_owned()];
            let tools: Vec<(&str, bool)> =
                tools.iter().map(|tool| (tool.as_str(), n % 3 == 0)).collect();
            let ended = episode(n, &format!("scope{round}"), &task, Some(Outcome::Success));
            learned.put(&ended, &digest(&tools));
        }
        let now = learned.n_entries();
        assert_eq!(*first.get_or_insert(now), now, "{round}");
    }
    for n in 0..20 {
        learned.remove(EpisodeId::from_bytes([n; 16]));
        learned.remove(EpisodeId::from_bytes([n; 16]));
    }
    assert_eq!(learned.n_entries(), [0, 20, 0, 0, 0, 0, 0, 0, 0, 0], "only free slots are left");
}

#[test]
fn an_inferred_outcome_counts_half_and_an_unjudged_one_nowhere() {
    let mut learned = Learned::default();
    let mut put = |n: u8, outcome, inferred: Option<&str>| {
        let mut episode = episode(n, "shop", "fix it", Some(outcome));
        let closing = episode.closing.as_mut().unwrap();
        closing.inferred = inferred.map(Into::into);
        closing.reward = Some(1.0);
        learned.put(&episode, &digest(&[]));
    };
    put(1, Outcome::Success, None);
    put(2, Outcome::Success, Some("the tests are green"));
    put(3, Outcome::Failure, Some("a red test is left"));
    put(4, Outcome::Unjudged, None);
    put(5, Outcome::Unjudged, Some("nothing tells"));
    let counts = OutcomeCounts::of(learned.runs_unordered(Some("shop")));
    assert_eq!((counts.n, counts.credit, counts.successes), (2.0, 1.5, 1.5));
    let trials = learned.runs_unordered(None).filter_map(|run| run.trial(true));
    assert!((trials.map(|trial| trial.weight).sum::<f64>() - 2.0).abs() < 1e-12);
    assert_eq!(learned.runs_in(Some("shop")).len(), 5, "all of them are runs");
}
