//! Machines with stores in files exchange records and end equal, with failing writes and a wire
//! that is cut.

use std::sync::Arc;

use memory_core::Storage;
use memory_storage_redb::{Options, RedbStorage};
use memory_testkit::exchange::MemCarrier;
use memory_testkit::machines::{Faults, World};

#[test]
fn machines_with_stores_in_files_end_equal() {
    let dir = tempfile::tempdir().unwrap();
    let open = |n: usize| -> Arc<dyn Storage> {
        let path = dir.path().join(format!("{n}.redb"));
        Arc::new(RedbStorage::open(&path, &Options::default()).unwrap())
    };
    let mut world = World::new((0..2).map(open).collect(), 5);
    let place = MemCarrier::new();
    world.run(25, Faults { failed: 10, repeated: 20 }, || place.clone());
    world.check();
}
