//! Time that the calling thread has worked, as far as the system tells it.

use std::time::Instant;

/// A stretch of work of one thread, from its start.
#[derive(Debug)]
pub struct CpuClock {
    worked_ns: Option<u64>,
    wall: Instant,
}

impl CpuClock {
    /// Starts a measurement in the calling thread.
    #[must_use]
    pub fn start() -> Self {
        Self { worked_ns: worked_ns(), wall: Instant::now() }
    }

    /// Returns the microseconds that the thread has worked since the start; where the system does
    /// not tell them, those that passed.
    #[must_use]
    pub fn elapsed_us(&self) -> f64 {
        let worked = self.worked_ns.zip(worked_ns()).map(|(from, to)| to.saturating_sub(from));
        worked.map_or_else(|| self.wall.elapsed().as_secs_f64() * 1e6, |ns| ns as f64 / 1e3)
    }
}

fn worked_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
