//! Machines that exchange records through a place in memory all end equal.

use std::sync::Arc;

use memory_core::{MemStorage, Storage};
use memory_testkit::exchange::MemCarrier;
use memory_testkit::machines::{Faults, World};

fn stores(n: usize) -> Vec<Arc<dyn Storage>> {
    (0..n).map(|_| Arc::new(MemStorage::new()) as Arc<dyn Storage>).collect()
}

/// A history in which machines write, exchange at random and fail; then they come to rest.
fn run(seed: u64, n_machines: usize, n_rounds: usize, faults: Faults) -> World {
    let place = MemCarrier::new();
    let mut world = World::new(stores(n_machines), seed);
    world.run(n_rounds, faults, || place.clone());
    world
}

#[test]
fn machines_that_exchange_in_any_order_end_equal() {
    for seed in 0..60 {
        println!("seed {seed}");
        run(seed, 2 + usize::try_from(seed % 4).unwrap(), 25, Faults::default()).check();
    }
}

#[test]
fn machines_whose_exchanges_fail_halfway_end_equal() {
    for seed in 1_000..1_080 {
        println!("seed {seed}");
        let faults = Faults { failed: 20, repeated: 30 };
        run(seed, 2 + usize::try_from(seed % 4).unwrap(), 40, faults).check();
    }
}

#[test]
fn ten_thousand_writes_on_five_machines_with_a_tenth_of_calls_failing_end_equal() {
    let world = run(7, 5, 2_600, Faults { failed: 10, repeated: 10 });
    assert!(world.n_writes() >= 10_000, "{}", world.n_writes());
    world.check();
}
