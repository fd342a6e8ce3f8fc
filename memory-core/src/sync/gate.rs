//! The gate that each state passes on its way out: secrets are masked once more, as rules grow and
//! a text may be older than one.

use super::state::{Live, State};
use crate::model::{Excerpt, Record, Scope};
use crate::secret::{mask, mask_name};

/// Masks secrets in all texts and names; gives their number.
pub(crate) fn pass(state: State) -> (State, usize) {
    match state {
        State::Dead(dead) => (State::Dead(dead), 0),
        State::Live(mut live) => {
            let n = mask_live(&mut live);
            (State::Live(live), n)
        }
    }
}

fn mask_live(live: &mut Live) -> usize {
    let mut n = 0;
    match &mut live.record {
        Record::Episode(episode) => {
            n += excerpt(&mut episode.task) + scope(&mut episode.scope);
            let context = &mut episode.context;
            let names = [
                &mut context.task_type,
                &mut context.language,
                &mut context.framework,
                &mut context.domain,
                &mut context.agent,
                &mut context.model,
                &mut context.session,
                &mut context.branch,
            ];
            n += names.into_iter().flatten().map(name).sum::<usize>();
            n += context.tags.iter_mut().map(name).sum::<usize>();
            if let Some(closing) = &mut episode.closing {
                n += closing.summary.as_mut().map_or(0, excerpt);
                n += closing.reflection.as_mut().map_or(0, excerpt);
                n += closing.inferred.as_mut().map_or(0, name);
                n += closing.artifacts.iter_mut().map(name).sum::<usize>();
            }
        }
        Record::Note(note) => {
            n += excerpt(&mut note.text) + scope(&mut note.scope);
            n += [&mut note.speaker, &mut note.session]
                .into_iter()
                .flatten()
                .map(name)
                .sum::<usize>();
            n += note.tags.iter_mut().map(name).sum::<usize>();
        }
    }
    for step in &mut live.steps {
        n += excerpt(&mut step.args) + excerpt(&mut step.observation) + name(&mut step.tool);
        n += step.error.as_mut().map_or(0, excerpt);
        n += step.action.as_mut().map_or(0, name);
    }
    n
}

fn excerpt(excerpt: &mut Excerpt) -> usize {
    let (masked, n) = mask(excerpt.as_str().to_owned());
    if n > 0 {
        *excerpt = Excerpt::from_parts(masked, excerpt.full_bytes());
    }
    n as usize
}

fn name(text: &mut Box<str>) -> usize {
    let (masked, n) = mask_name(text);
    if n > 0 {
        *text = masked.into();
    }
    n as usize
}

fn scope(scope: &mut Scope) -> usize {
    let (masked, n) = mask_name(scope.as_str());
    match Scope::from_stored(&masked) {
        Ok(masked) if n > 0 => {
            *scope = masked;
            n as usize
        }
        _ => 0,
    }
}
