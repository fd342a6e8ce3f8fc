//! `feedback`: says whether what was recalled helped.

use memory_core::RecordId;
use memory_core::learning::{Judged, Worth};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool};
use crate::error::CallError;
use crate::wire::{Ids, Opaque, arguments, put};

pub(super) struct Feedback;

arguments! {
    /// What `feedback` takes.
    pub(super) struct Args {
        ids: Ids = "Of what was shown",
        helpful: bool = "",
    }
}

/// What `feedback` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counted {
    #[schemars(with = "Vec<Opaque>")]
    judged: Vec<JudgedAnswer>,
}

/// One record: the chance that it helps, before and after.
#[derive(Debug, Serialize)]
struct JudgedAnswer {
    id: String,
    before: f64,
    after: f64,
    n_helpful: u32,
    n_unhelpful: u32,
    #[serde(skip)]
    worth: Worth,
}

impl Tool for Feedback {
    const NAME: &'static str = "feedback";
    const ABOUT: &'static str = "Call when a recalled note or episode helped, or misled: better ones \
        come first next time.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Counted;

    fn run(call: &Call<'_>, args: Args) -> Result<Counted, CallError> {
        let ids = args.ids.0.iter().map(|id| call.record_id("ids", id));
        let ids = ids.collect::<Result<Vec<RecordId>, _>>()?;
        let judged = call.memory.judge(&ids, args.helpful)?;
        Ok(Counted { judged: judged.iter().map(JudgedAnswer::new).collect() })
    }
}

impl JudgedAnswer {
    fn new(judged: &Judged) -> Self {
        let Judged { id, before, after } = judged;
        Self {
            id: id.to_string(),
            before: rounded(before.mean),
            after: rounded(after.mean),
            n_helpful: after.feedback.n_helpful,
            n_unhelpful: after.feedback.n_unhelpful,
            worth: *after,
        }
    }
}

fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

impl Answer for Counted {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = String::from("counted");
        for JudgedAnswer { id, before, after, n_helpful, n_unhelpful, worth } in &self.judged {
            put(
                &mut out,
                format_args!(
                    "\n{id}: helps with probability {after} (was {before}; 80 % interval {}–{}), called \
                     helpful {n_helpful} and unhelpful {n_unhelpful} time(s)",
                    rounded(worth.lower),
                    rounded(worth.upper)
                ),
            );
            if worth.n_followed > 0 {
                put(
                    &mut out,
                    format_args!(
                        ", followed by {} episode(s) of which {} succeeded",
                        worth.n_followed, worth.n_succeeded
                    ),
                );
            }
            if let Some(effect) = worth.effect {
                let points = |share: f64| format!("{:+.0}", share * 100.0);
                put(
                    &mut out,
                    format_args!(
                        "; following it is associated with {} points of success ({} to {}), adjusted for \
                         {}, {} episodes",
                        points(effect.difference),
                        points(effect.interval.0),
                        points(effect.interval.1),
                        effect.within,
                        effect.n
                    ),
                );
            }
        }
        out
    }
}
