//! `doctor --repair`: derived files made anew, and a sound store of what is readable.

use memory_core::StorageError;

use super::{Finding, State};
use crate::config::Settings;
use crate::store::{self, StoreError};

/// Name of the finding.
const WHAT: &str = "repair";

/// Repairs what can be repaired, and says what was done.
pub(super) fn repair(settings: &Settings) -> Finding {
    if !settings.store.exists() {
        return Finding::ok(WHAT, "there is no store yet, so nothing to repair");
    }
    match is_damaged(settings) {
        Ok(false) => match store::renew(settings) {
            Ok(()) => Finding::ok(WHAT, "the store is sound; search index and catalog made anew"),
            Err(error) => failed(&error),
        },
        Ok(true) => salvage(settings),
        Err(error) => failed(&error),
    }
}

fn failed(error: &StoreError) -> Finding {
    Finding::broken(WHAT, error.to_string(), "nothing was changed; follow the message")
}

/// Returns whether the store cannot be opened because it is damaged, or its check finds something.
fn is_damaged(settings: &Settings) -> Result<bool, StoreError> {
    let store = match store::open_to_record(settings) {
        Ok(store) => store,
        Err(StoreError::Storage { source: StorageError::Corrupt { .. }, .. }) => return Ok(true),
        Err(StoreError::Engine(memory_core::Error::Storage {
            source: StorageError::Corrupt { .. },
            ..
        })) => {
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    Ok(store.memory.check().map_or(true, |findings| !findings.is_empty()))
}

fn salvage(settings: &Settings) -> Finding {
    let saved = match store::salvage(settings) {
        Ok(saved) => saved,
        Err(error) => return failed(&error),
    };
    let kept = saved.kept_as.display();
    let detail = format!(
        "the store was damaged: {} episodes and {} notes saved in a new one; the damaged one is \
         {kept}",
        saved.n_episodes, saved.n_notes
    );
    if let Err(error) = store::renew(settings) {
        return Finding::warning(WHAT, detail, format!("the search index: {error}"));
    }
    if saved.lost.is_empty() {
        return Finding::ok(WHAT, format!("{detail}; nothing that it knew of was lost"));
    }
    Finding {
        what: WHAT,
        state: State::Warning,
        detail: format!("{detail}; lost: {}", saved.lost.join("; ")),
        remedy: Some(format!(
            "a backup may have them: open it with --store BACKUP; remove {kept} when it is not \
             needed"
        )),
    }
}
