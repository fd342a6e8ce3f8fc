//! A circuit breaker: makes no calls to a provider that keeps failing (Nygard 2007).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts failures in a row, and refuses calls for a while when there were too many.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    resting_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(threshold: u32, pause: Duration) -> Self {
        Breaker { threshold, pause, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if a call may be made now. After a pause one call is let through as a trial, and others
    /// wait for its outcome, or for another pause should it never come.
    pub(super) fn admits(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        match state.resting_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.resting_until = Some(now + self.pause);
                true
            }
            None => true,
        }
    }

    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    pub(super) fn failed(&self) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.threshold {
            state.resting_until = Some(Instant::now() + self.pause);
        }
    }
}
