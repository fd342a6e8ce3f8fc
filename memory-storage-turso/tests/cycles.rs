//! A store that is opened and closed again and again leaves nothing behind.

use memory_storage_turso::{Options, TursoStorage};

#[test]
fn a_hundred_cycles_of_opening_and_closing_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    memory_testkit::cycles::check(|| TursoStorage::open(&path, &Options::default()).unwrap());
}
