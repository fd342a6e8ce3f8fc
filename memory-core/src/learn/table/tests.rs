//! Claims about the table; those about its indexes' answers stand with the answers.

use super::*;
use crate::learn::sample::{episode, step};
use crate::model::{Outcome, Shown, Timestamp};

fn digest(tools: &[(&str, bool)]) -> Digest {
    let steps: Vec<_> =
        tools.iter().map(|(tool, ok)| step(tool, "", *ok, "error: no such thing")).collect();
    Digest::of(&steps)
}

fn ids(runs: &[&Run]) -> Vec<EpisodeId> {
    runs.iter().map(|run| run.id).collect()
}

#[test]
fn runs_are_found_by_task_tool_and_error_newest_first() {
    let mut learned = Learned::default();
    let one = episode(1, "shop", "Fix it", Some(Outcome::Failure));
    let two = episode(2, "shop", "fix it!", Some(Outcome::Success));
    let elsewhere = episode(3, "zoo", "fix it", None);
    learned.put(&two, &digest(&[("edit", true), ("test", true)]));
    learned.put(&one, &digest(&[("edit", false), ("edit", true)]));
    learned.put(&elsewhere, &digest(&[]));
    assert_eq!(ids(&learned.runs_of_task("shop", TaskKey::of("fix it"))), [two.id, one.id]);
    assert_eq!(ids(&learned.runs_of_tool("edit")), [two.id, one.id]);
    assert_eq!(ids(&learned.runs_of_tool("test")), [two.id]);
    let error = Signature::of_error("edit", "error: no such thing");
    assert_eq!(ids(&learned.runs_of_signature(error)), [one.id]);
    assert_eq!(ids(&learned.runs_in(Some("zoo"))), [elsewhere.id]);
    assert_eq!((ids(&learned.runs_in(Some("none"))), learned.runs_in(None).len()), (vec![], 3));
    assert_eq!(learned.run(one.id).unwrap().incidents.len(), 1);
    assert_eq!(learned.run(elsewhere.id).unwrap().success(), None);
}

#[test]
fn what_an_episode_says_is_in_its_run() {
    let mut told = episode(7, "shop", "fix it", Some(Outcome::Partial));
    told.context.task_type = Some("bugfix".into());
    told.context.tags = vec!["a".into(), "b".into()];
    told.started_at = Timestamp::from_millis(-3);
    told.shown = vec![Shown { record: told.id.into(), strong: true }];
    told.closing.as_mut().unwrap().followed = vec![told.id.into()];
    let mut learned = Learned::default();
    learned.put(&told, &Digest { n_tokens: Some(5), ..digest(&[("a", true)]) });
    let run = learned.run(told.id).unwrap();
    assert_eq!((learned.name(run.task_type), learned.name(run.domain)), ("bugfix", ""));
    assert_eq!(run.tags.iter().map(|tag| learned.name(*tag)).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(learned.name_no("a"), Some(run.moves[0].tool), "one list for all kinds of name");
    assert_eq!(
        (run.success(), run.n_tokens, run.started_at),
        (Some(false), Some(5), told.started_at)
    );
    assert_eq!(
        (&*run.shown, &*run.followed),
        (&[(told.id.into(), true)][..], &[told.id.into()][..])
    );
}

#[test]
fn an_open_episode_is_no_run_and_one_opened_again_is_none_any_more() {
    let mut learned = Learned::default();
    let ended = episode(1, "shop", "fix it", Some(Outcome::Success));
    let open = Episode { closing: None, ..ended.clone() };
    learned.put(&open, &digest(&[("a", true)]));
    assert_eq!(learned.n_entries(), [0; 8]);
    learned.put(&ended, &digest(&[("a", true)]));
    learned.put(&open, &digest(&[("a", true)]));
    assert_eq!((learned.n_runs(), learned.run(ended.id)), (0, None));
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
    assert_eq!(learned.n_entries(), [0, 20, 0, 0, 0, 0, 0, 0], "only free places are left");
}
