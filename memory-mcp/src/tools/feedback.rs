//! Tool `feedback`: rates recalled records as helpful or not.

use memory_core::RecordId;
use memory_core::learning::{Association, FeedbackResult, Helpfulness};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Ids, arguments, put};

pub(super) struct Feedback;

arguments! {
    /// Arguments of `feedback`.
    pub(super) struct Args {
        ids: Ids = "",
        helpful: bool = "",
    }
}

/// Answer of `feedback`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counted {
    judged: Vec<RatedRecord>,
}

/// A record with the chance that it helps, before and after the rating.
#[derive(Debug, Serialize, JsonSchema)]
struct RatedRecord {
    id: String,
    before: f64,
    after: f64,
    n_helpful: u32,
    n_unhelpful: u32,
    #[serde(skip)]
    helpfulness: Helpfulness,
}

impl Tool for Feedback {
    const NAME: &'static str = "feedback";
    const TITLE: &'static str = "Feedback";
    const SEARCH_HINT: &'static str = "rate memory";
    const ABOUT: &'static str = "Call when a recalled record helped or misled.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Counted;

    fn run(call: &Call<'_>, args: Args) -> Result<Counted, CallError> {
        let ids = args.ids.0.iter().map(|id| call.record_id("ids", id));
        let ids = ids.collect::<Result<Vec<RecordId>, _>>()?;
        let rated = call.memory.feedback(&ids, args.helpful)?;
        Ok(Counted { judged: rated.iter().map(RatedRecord::new).collect() })
    }
}

impl RatedRecord {
    fn new(rated: &FeedbackResult) -> Self {
        let FeedbackResult { id, before, after } = rated;
        Self {
            id: id.to_string(),
            before: rounded(before.chance.mean),
            after: rounded(after.chance.mean),
            n_helpful: after.feedback.n_helpful,
            n_unhelpful: after.feedback.n_unhelpful,
            helpfulness: *after,
        }
    }
}

fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

impl Answer for Counted {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = String::from("counted");
        self.judged.iter().for_each(|rated| rated.render(&mut out));
        out
    }
}

impl RatedRecord {
    fn render(&self, out: &mut String) {
        let Self { id, before, after, n_helpful, n_unhelpful, helpfulness } = self;
        let [lower, upper] = [helpfulness.chance.lower, helpfulness.chance.upper].map(rounded);
        put(out, format_args!("\n{id}: helps with probability {after} (was {before}; "));
        put(out, format_args!("80 % interval {lower}–{upper}), called helpful {n_helpful} "));
        put(out, format_args!("and unhelpful {n_unhelpful} time(s)"));
        let Helpfulness { n_followed, n_succeeded, effect, .. } = helpfulness;
        if *n_followed > 0 {
            put(out, format_args!(", followed by {n_followed} episode(s)"));
            put(out, format_args!(" of which {n_succeeded} succeeded"));
        }
        if let Some(Association { difference, interval: (lower, upper), within, n, .. }) = effect {
            let [difference, lower, upper] = [*difference, *lower, *upper].map(points);
            put(out, format_args!("; following it is associated with {difference} points"));
            put(out, format_args!(" of success ({lower} to {upper}), adjusted for {within}, "));
            put(out, format_args!("{n} episodes"));
        }
    }
}

fn points(share: f64) -> String {
    format!("{:+.0}", share * 100.0)
}
