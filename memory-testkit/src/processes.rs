//! Several servers on one store at once, as several windows of an editor have them.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::facts::{EpisodeFact, NoteFact, log_steps, read_episode, unique_word};
use crate::generate::{Rng, prose};
use crate::stdio::Server;

/// A run of several processes on one store.
#[derive(Debug, Clone)]
pub struct Processes {
    /// The server; its arguments name the store that all share.
    pub server: Server,
    /// Processes that write.
    pub n_writers: u64,
    /// Processes that look for what was written.
    pub n_readers: u64,
    /// Time for which they write.
    pub duration: Duration,
    /// Time after which the other processes must find an acknowledged write.
    pub visible_within: Duration,
    /// Seed of the randomness.
    pub seed: u64,
}

impl Processes {
    /// Four writers and two readers for `duration`; a write is visible within a second.
    #[must_use]
    pub const fn new(server: Server, duration: Duration) -> Self {
        let visible_within = Duration::from_secs(1);
        Self { server, n_writers: 4, n_readers: 2, duration, visible_within, seed: 1 }
    }
}

/// Result of a run of several processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessReport {
    /// Calls that wrote, all acknowledged and verified.
    pub n_writes: u64,
    /// Calls that read while others wrote.
    pub n_reads: u64,
    /// Writes of which the time until they were visible was taken.
    pub n_timed: u64,
    /// The longest time from the acknowledgement of a write until another process had found it. The
    /// time of the search itself is part of it.
    pub max_delay: Duration,
}

/// A note, and when it was acknowledged.
type SentNote = (NoteFact, Instant);

/// Writes of one writer.
struct Written {
    n_writes: u64,
    episodes: Vec<EpisodeFact>,
    notes: Vec<NoteFact>,
    /// Counts that the steps of the shared episode were acknowledged with.
    shared_counts: Vec<usize>,
}

impl Processes {
    /// Writes, reads, and verifies at the end; panics at the first error, loss or delay.
    #[must_use]
    pub fn run(&self) -> ProcessReport {
        let shared = EpisodeFact::start(&self.server.start(), "shared by all windows".to_owned());
        let shared = shared.expect("the server does not end by itself");
        let until = Instant::now() + self.duration;
        let (senders, receivers): (Vec<Sender<SentNote>>, Vec<Receiver<SentNote>>) =
            (0..self.n_readers).map(|_| channel()).unzip();
        let (written, mut report) = thread::scope(|scope| {
            let mut writers = Vec::new();
            for number in 0..self.n_writers {
                let (senders, shared) = (senders.clone(), shared.id());
                writers.push(scope.spawn(move || self.write(number, shared, &senders, until)));
            }
            // The readers end when the last writer has hung up.
            drop(senders);
            let shared = shared.id();
            let start = |receiver| scope.spawn(move || self.read(shared, &receiver));
            let readers: Vec<_> = receivers.into_iter().map(start).collect();
            let written: Vec<Written> = writers.into_iter().map(|writer| joined(writer)).collect();
            let mut report = ProcessReport::default();
            for reader in readers {
                report.add(joined(reader));
            }
            (written, report)
        });
        report.n_writes = written.iter().map(|written| written.n_writes).sum();
        self.verify(shared.id(), written);
        report
    }

    fn write(
        &self,
        number: u64,
        shared: &str,
        senders: &[Sender<SentNote>],
        until: Instant,
    ) -> Written {
        let client = self.server.start();
        let mut rng = Rng::with_seed(self.seed << 8 | number);
        let mut written =
            Written { n_writes: 0, episodes: vec![], notes: vec![], shared_counts: vec![] };
        while Instant::now() < until {
            let word = unique_word(number << 20 | written.n_writes);
            let note = NoteFact::remember(&client, word, &mut rng).expect("the server lives");
            for sender in senders {
                // A reader that has failed no longer listens; its own message says why.
                _ = sender.send((note.clone(), Instant::now()));
            }
            written.notes.push(note);
            let observation = || vec![format!("by writer {number}")];
            let count = log_steps(&client, shared, &observation()).expect("the server lives");
            written.shared_counts.push(count);
            let task = format!("fix {}", prose(&mut rng, 80));
            let mut episode = EpisodeFact::start(&client, task).expect("the server lives");
            for n in 0..3 {
                let steps = (0..=n).map(|_| prose(&mut rng, 1_500)).collect();
                assert!(episode.log(&client, steps), "the server lives");
            }
            assert!(episode.complete(&client), "the server lives");
            written.episodes.push(episode);
            written.n_writes += 7;
        }
        let status = client.close_stdin_and_wait(Duration::from_secs(10));
        assert!(status.success(), "writer {number} ends well: {status}");
        written
    }

    /// Looks for the newest note that was sent to it until it is found, over and over.
    fn read(&self, shared: &str, notes: &Receiver<SentNote>) -> ProcessReport {
        let client = self.server.start();
        let mut report = ProcessReport::default();
        let mut n_shared = 0;
        loop {
            // Waits for a note, then takes the newest: an older one would count the time it waited
            // here. All are looked for in the end.
            let first = match notes.recv_timeout(self.visible_within) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return report,
            };
            let (note, acknowledged_at) = notes.try_iter().last().unwrap_or(first);
            loop {
                let is_found = note.is_found(&client);
                report.n_reads += 1;
                let delay = acknowledged_at.elapsed();
                assert!(delay <= self.visible_within, "{note:?} after {delay:?}: {is_found}");
                if is_found {
                    report.n_timed += 1;
                    report.max_delay = report.max_delay.max(delay);
                    break;
                }
            }
            let (_, steps) = read_episode(&client, shared);
            report.n_reads += 1;
            assert!(steps.len() >= n_shared, "{} steps after {n_shared}", steps.len());
            n_shared = steps.len();
        }
    }

    /// Everything is there, as a process sees it that was not there before.
    fn verify(&self, shared: &str, written: Vec<Written>) {
        let client = self.server.start();
        let counts: Vec<usize> =
            written.iter().flat_map(|written| written.shared_counts.iter().copied()).collect();
        let distinct: BTreeSet<usize> = counts.iter().copied().collect();
        assert_eq!(distinct.len(), counts.len(), "no two steps have the same number");
        let (_, steps) = read_episode(&client, shared);
        assert_eq!(steps.len(), counts.len(), "no step of the shared episode is lost");
        for (number, mut written) in written.into_iter().enumerate() {
            let own = format!("by writer {number}");
            let n_own = steps.iter().filter(|step| step["observation"] == *own).count();
            assert_eq!(n_own, written.shared_counts.len(), "steps of writer {number}");
            written.episodes.iter_mut().for_each(|episode| _ = episode.verify(&client));
            written.notes.iter().for_each(|note| note.verify(&client));
        }
    }
}

/// Joins a thread; its panic goes on here, with its message.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

impl ProcessReport {
    fn add(&mut self, more: Self) {
        self.n_writes += more.n_writes;
        self.n_reads += more.n_reads;
        self.n_timed += more.n_timed;
        self.max_delay = self.max_delay.max(more.max_delay);
    }
}
