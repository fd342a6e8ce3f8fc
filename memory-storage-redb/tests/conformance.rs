//! The redb store keeps every promise of the storage trait.

use std::path::Path;

use memory_storage_redb::{Options, RedbStorage};

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(dir: &Path) -> RedbStorage {
    RedbStorage::open(&dir.join("store.redb"), &Options::default()).unwrap()
}

mod opened_once {
    memory_testkit::conformance!(super::open);
}

mod reopened {
    memory_testkit::conformance_reopened!(super::open);
}
