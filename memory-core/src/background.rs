//! Threads that work beside the requests: one handle for all of them.
//!
//! A [`Task`] owns its thread. The thread looks at its [`Signal`] to learn that it should end or
//! that there is new work; dropping the task asks it to end and waits for it, so that nothing of
//! the engine outlives the [`crate::Memory`] that started it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    woken: bool,
}

/// The messages from the owner of a [`Task`] to its thread.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

impl Signal {
    /// Returns whether the thread should end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits until the task is woken, or that long; `false` means that the thread should end.
    pub(crate) fn wait(&self, longest: Duration) -> bool {
        let idle = |state: &mut State| !state.stopped && !state.woken;
        let waited = self.changed.wait_timeout_while(self.lock(), longest, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.woken = false;
        !state.stopped
    }

    /// Waits that long, also when the task is woken; `false` means that the thread should end.
    pub(crate) fn sleep(&self, duration: Duration) -> bool {
        let goes_on = |state: &mut State| !state.stopped;
        let waited = self.changed.wait_timeout_while(self.lock(), duration, goes_on);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread of the engine. Dropping it asks the thread to end and waits until it has.
#[derive(Debug)]
pub(crate) struct Task {
    name: &'static str,
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Task {
    /// Starts a thread of that name.
    ///
    /// # Errors
    ///
    /// The system's, when it refuses another thread.
    pub(crate) fn start(
        name: &'static str,
        work: impl FnOnce(&Signal) + Send + 'static,
    ) -> io::Result<Self> {
        let signal = Arc::new(Signal::default());
        let shared = Arc::clone(&signal);
        let builder = std::thread::Builder::new().name(name.to_owned());
        let thread = builder.spawn(move || work(&shared))?;
        Ok(Self { name, signal, thread: Some(thread) })
    }

    /// Tells the thread that there is work.
    pub(crate) fn wake(&self) {
        self.signal.set(|state| state.woken = true);
    }

    /// Asks the thread to end, without waiting for it.
    pub(crate) fn stop(&self) {
        self.signal.set(|state| state.stopped = true);
    }

    /// Returns whether the thread has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until the thread has ended by itself; returns whether it ended without a panic.
    pub(crate) fn join(mut self) -> bool {
        self.wait_for_end()
    }

    fn wait_for_end(&mut self) -> bool {
        let Some(thread) = self.thread.take() else { return true };
        // The last owner of what the thread works on may be the thread itself.
        if thread.thread().id() == std::thread::current().id() {
            return true;
        }
        let ended = thread.join();
        if ended.is_err() {
            tracing::error!(thread = self.name, "a background thread panicked");
        }
        ended.is_ok()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
        self.wait_for_end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_task_works_each_time_it_is_woken_and_ends_when_it_is_dropped() {
        let (done, rounds) = mpsc::channel();
        let task = Task::start("test", move |signal| {
            while signal.wait(Duration::MAX) {
                done.send(()).unwrap();
            }
        });
        let task = task.unwrap();
        for _ in 0..3 {
            task.wake();
            rounds.recv().unwrap();
        }
        drop(task);
        // The sender went with the thread.
        assert!(rounds.recv().is_err());
    }

    #[test]
    fn what_was_asked_for_before_the_thread_waits_is_not_lost() {
        let (done, rounds) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let task = Task::start("test", move |signal| {
            gate.recv().unwrap();
            while signal.wait(Duration::MAX) {
                done.send(()).unwrap();
            }
        });
        let task = task.unwrap();
        task.wake();
        go.send(()).unwrap();
        assert!(rounds.recv().is_ok());
    }

    #[test]
    fn a_sleeping_task_ends_at_once_when_it_is_stopped() {
        let task = Task::start("test", |signal| assert!(!signal.sleep(Duration::from_hours(1))));
        task.unwrap().stop();
    }

    #[test]
    fn a_task_that_owns_its_own_handle_can_end() {
        let ended = Arc::new(AtomicUsize::new(0));
        let slot: Arc<Mutex<Option<Task>>> = Arc::default();
        let (own, count) = (Arc::clone(&slot), Arc::clone(&ended));
        let (go, gate) = mpsc::channel::<()>();
        let task = Task::start("test", move |_| {
            gate.recv().unwrap();
            drop(own);
            count.fetch_add(1, Ordering::Relaxed);
        });
        *slot.lock().unwrap() = Some(task.unwrap());
        drop(slot);
        go.send(()).unwrap();
        while ended.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
    }
}
