//! `kill -9` in mid-stream, many times on one store: what was acknowledged is there.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::facts::{EpisodeFact, NoteFact, Unsure, unique_word};
use crate::generate::{Rng, prose};
use crate::stdio::{Client, Server};

/// Lanes that write at once, each with one call in flight: when one is acknowledged and the server
/// is killed, the others' calls are somewhere between their pipe and the disk.
const N_LANES: u64 = 4;

/// A run of crashes.
#[derive(Debug, Clone)]
pub struct Crashes {
    /// The server; its arguments name the store, which lives through all rounds.
    pub server: Server,
    /// Number of kills.
    pub n_rounds: u64,
    /// Most acknowledgements before it is killed.
    pub max_acks: u64,
    /// Seed of the randomness.
    pub seed: u64,
}

/// Result of a run of crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrashReport {
    /// Kills.
    pub n_rounds: u64,
    /// Calls that were acknowledged, all of them verified.
    pub n_acks: u64,
    /// Steps in all episodes at the end.
    pub n_steps: u64,
    /// Calls in flight when the server was killed.
    pub unsure: Unsure,
}

#[derive(Default)]
struct Facts {
    episodes: Vec<EpisodeFact>,
    notes: Vec<NoteFact>,
}

impl Crashes {
    /// Writes, kills, restarts and verifies, round after round; panics at the first fact that is
    /// lost, torn or out of place.
    #[must_use]
    pub fn run(&self) -> CrashReport {
        let mut rng = Rng::with_seed(self.seed);
        let (mut facts, mut report) = (Facts::default(), CrashReport::default());
        for round in 0..self.n_rounds {
            let client = self.server.start();
            let (mut touched, n_acks) = self.write_and_kill(&client, &mut facts, round, &mut rng);
            report.n_rounds += 1;
            report.n_acks += n_acks;
            let client = self.server.start();
            report.unsure.add(touched.verify(&client));
            facts.episodes.append(&mut touched.episodes);
            facts.notes.append(&mut touched.notes);
            let status = client.close_stdin_and_wait(Duration::from_secs(10));
            assert!(status.success(), "round {round} ends well: {status}");
        }
        let unsure = facts.verify(&self.server.start());
        assert_eq!(unsure, Unsure::default(), "what was verified does not change");
        report.n_steps = facts.episodes.iter().map(|episode| episode.n_steps() as u64).sum();
        report
    }

    /// Lets all lanes write until the server is killed; what they touched, and how many calls were
    /// acknowledged.
    fn write_and_kill(
        &self,
        client: &Client,
        facts: &mut Facts,
        round: u64,
        rng: &mut Rng,
    ) -> (Facts, u64) {
        let killer = Killer {
            client,
            n_acks: AtomicU64::new(0),
            at_ack: 1 + rng.u64(..self.max_acks),
            // Long enough for other calls to be anywhere between pipe and disk.
            after: Duration::from_micros(rng.u64(..2_000)),
        };
        let mut lanes: Vec<Lane> =
            (0..N_LANES).map(|lane| Lane::new(round * N_LANES + lane, rng)).collect();
        for lane in &mut lanes {
            let open = facts.episodes.iter().position(EpisodeFact::is_open);
            if let Some(open) = open.filter(|_| rng.bool()) {
                lane.episodes.push(facts.episodes.swap_remove(open));
            }
        }
        let touched = Mutex::new(Facts::default());
        thread::scope(|scope| {
            let start = |mut lane: Lane| {
                let (killer, touched) = (&killer, &touched);
                scope.spawn(move || {
                    lane.write_until_killed(killer);
                    let mut touched = touched.lock().unwrap();
                    touched.episodes.append(&mut lane.episodes);
                    touched.notes.append(&mut lane.notes);
                })
            };
            let lanes: Vec<_> = lanes.into_iter().map(start).collect();
            // Joined one by one: the scope itself would lose the message of a lane's panic.
            for lane in lanes {
                lane.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
        let n_acks = killer.n_acks.into_inner();
        let log = client.stderr();
        assert!(n_acks >= killer.at_ack, "the server ended by itself in round {round}:\n{log}");
        (touched.into_inner().unwrap(), n_acks)
    }
}

impl Facts {
    fn verify(&mut self, client: &Client) -> Unsure {
        let mut unsure = Unsure::default();
        self.episodes.iter_mut().for_each(|episode| unsure.add(episode.verify(client)));
        self.notes.iter().for_each(|note| note.verify(client));
        unsure
    }
}

impl Unsure {
    fn add(&mut self, more: Self) {
        self.n_kept += more.n_kept;
        self.n_lost += more.n_lost;
    }
}

/// Kills the server some time after a number of acknowledgements.
struct Killer<'a> {
    client: &'a Client,
    n_acks: AtomicU64,
    at_ack: u64,
    after: Duration,
}

impl Killer<'_> {
    fn count_ack(&self) {
        if self.n_acks.fetch_add(1, Ordering::AcqRel) + 1 == self.at_ack {
            let at = Instant::now() + self.after;
            while Instant::now() < at {
                thread::yield_now();
            }
            self.client.kill9();
        }
    }
}

/// One sequence of calls.
struct Lane {
    number: u64,
    rng: Rng,
    n_words: u64,
    episodes: Vec<EpisodeFact>,
    notes: Vec<NoteFact>,
}

impl Lane {
    fn new(number: u64, rng: &mut Rng) -> Self {
        let rng = Rng::with_seed(rng.u64(..));
        Self { number, rng, n_words: 0, episodes: Vec::new(), notes: Vec::new() }
    }

    fn write_until_killed(&mut self, killer: &Killer<'_>) {
        while self.write(killer.client) {
            killer.count_ack();
        }
    }

    /// Makes one call; whether it was acknowledged.
    fn write(&mut self, client: &Client) -> bool {
        let Self { rng, .. } = self;
        let open = self.episodes.last_mut().filter(|episode| episode.is_open());
        match (rng.u64(..10), open) {
            (0..2, _) => {
                self.n_words += 1;
                let word = unique_word(self.number << 12 | self.n_words);
                let note = NoteFact::remember(client, word, rng);
                note.map(|note| self.notes.push(note)).is_some()
            }
            (2..4, Some(episode)) => episode.complete(client),
            (_, Some(episode)) => {
                let n_steps = 1 + rng.u64(..6);
                let observation = |n| format!("part {n} of it: {}", prose(rng, 1_500));
                let observations = (0..n_steps).map(observation).collect();
                episode.log(client, observations)
            }
            (_, None) => {
                let task = format!("fix {} in lane {}", prose(rng, 60), self.number);
                let started = EpisodeFact::start(client, task);
                started.map(|episode| self.episodes.push(episode)).is_some()
            }
        }
    }
}
