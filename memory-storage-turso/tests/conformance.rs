//! The libsql store keeps every promise of the storage trait.

use std::path::Path;

use memory_storage_turso::{Options, TursoStorage};

fn open(dir: &Path) -> TursoStorage {
    TursoStorage::open(&dir.join("store.db"), &Options::default()).unwrap()
}

mod opened_once {
    memory_testkit::conformance!(super::open);
}

mod reopened {
    memory_testkit::conformance_reopened!(super::open);
}

mod shared {
    memory_testkit::conformance_shared!(super::open);
}
