//! Exchanges in the background of a server: at its start, then again and again, less often while
//! the place is away.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use memory_core::exchange::exchange;
use memory_core::{Storage, SystemClock};

use super::{SyncError, Turn, open_carrier, terms};
use crate::config::Settings;

/// First wait after a failure; doubled by each further one.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// Longest wait after failures: from here on the place is asked as seldom as that.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// Wait before the first exchange, in which a start is over.
const START: Duration = Duration::from_secs(2);

/// The thread that exchanges, until it is dropped.
pub(crate) struct Background {
    ended: Option<mpsc::Sender<()>>,
    #[expect(dead_code, reason = "nobody waits for an exchange that hangs at the end")]
    thread: JoinHandle<()>,
}

impl Background {
    /// Starts the thread, if a place, scopes and an interval are set.
    pub(crate) fn start(settings: &Settings, storage: &Arc<dyn Storage>) -> Option<Self> {
        let interval = settings.exchange.interval_s;
        if interval == 0 || terms(settings).is_err() {
            return None;
        }
        let (ended, waiting) = mpsc::channel();
        let (settings, storage) = (settings.clone(), Arc::downgrade(storage));
        let work = move || {
            let mut wait = START;
            let mut pace = Pace::new(Duration::from_secs(interval));
            while waiting.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let Some(done) = once(&settings, &storage) else { return };
                wait = pace.after(done);
            }
        };
        let thread = std::thread::Builder::new().name("memory-sync".into()).spawn(work);
        let thread = thread.inspect_err(|error| tracing::warn!(%error, "no background exchange"));
        Some(Self { ended: Some(ended), thread: thread.ok()? })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A thread that waits ends at once; one within an exchange ends with the process, which
        // harms nothing.
        drop(self.ended.take());
    }
}

/// Exchanges once, if it is this process' turn; gives whether that went well, `None` once the store
/// is closed.
fn once(settings: &Settings, storage: &Weak<dyn Storage>) -> Option<bool> {
    let storage = storage.upgrade()?;
    let Some(_turn) = Turn::take(&settings.store) else { return Some(true) };
    let exchanged = open_carrier(settings).and_then(|mut carrier| {
        let terms = terms(settings)?;
        Ok(exchange(&*storage, &SystemClock, &terms, &mut *carrier)?)
    });
    match exchanged {
        Ok(report) => {
            tracing::debug!(?report, "exchanged records");
            Some(true)
        }
        // `status` and `doctor` tell it, too.
        Err(error @ SyncError::Storage(_)) => {
            tracing::warn!(%error, "no exchange of records");
            Some(false)
        }
        Err(error) => {
            tracing::info!(%error, "no exchange of records");
            Some(false)
        }
    }
}

/// The waits between exchanges.
struct Pace {
    interval: Duration,
    n_failures: u32,
    jitter: u64,
}

impl Pace {
    fn new(interval: Duration) -> Self {
        Self { interval, n_failures: 0, jitter: u64::from(std::process::id()) }
    }

    /// Returns the wait after an exchange: with some chance in it, so that machines that lost their
    /// server at the same time do not come back at the same time.
    fn after(&mut self, went_well: bool) -> Duration {
        self.n_failures = if went_well { 0 } else { self.n_failures.saturating_add(1) };
        let wait = match self.n_failures {
            0 => self.interval,
            n => FIRST_WAIT.saturating_mul(1 << (n - 1).min(10)).max(self.interval),
        };
        let wait = wait.min(LONGEST_WAIT.max(self.interval));
        // A step of xorshift: up to a quarter more.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let share = u32::try_from(self.jitter % 256).unwrap_or(0);
        wait + wait / 1024 * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_failures_up_to_a_bound_and_end_with_the_first_success() {
        let mut pace = Pace::new(Duration::from_mins(1));
        let seconds = |wait: Duration| wait.as_secs();
        assert!((60..=75).contains(&seconds(pace.after(true))));
        let waits: Vec<u64> = (0..12).map(|_| seconds(pace.after(false))).collect();
        assert!((60..=75).contains(&waits[0]), "never more often than usual: {waits:?}");
        assert!((160..=200).contains(&waits[4]), "{waits:?}");
        assert!(waits[8..].iter().all(|wait| (900..=1_125).contains(wait)), "{waits:?}");
        assert!((60..=75).contains(&seconds(pace.after(true))));
        let mut seldom = Pace::new(Duration::from_hours(24));
        assert!(seconds(seldom.after(false)) >= 86_400);
    }
}
