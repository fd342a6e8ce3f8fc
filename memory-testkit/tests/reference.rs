//! The reference in memory keeps every promise of the storage trait; and the wrappers of the
//! testkit (one that can fail, one that reopens) take nothing from what they wrap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use memory_core::{MemStorage, Storage};
use memory_testkit::exchange::MemCarrier;
use memory_testkit::fault::FaultStorage;

mod opened_once {
    memory_testkit::conformance!(|_dir| memory_core::MemStorage::new());
}

mod reopened {
    memory_testkit::conformance_reopened!(super::kept_in);
}

mod shared {
    memory_testkit::conformance_shared!(super::kept_in);
}

mod carrier {
    memory_testkit::carrier_conformance!(super::place_of);
}

static PLACES: LazyLock<Mutex<BTreeMap<PathBuf, MemCarrier>>> = LazyLock::new(Mutex::default);

/// The place of that directory: the same one at each call, as a folder would be.
fn place_of(dir: &Path) -> MemCarrier {
    PLACES.lock().unwrap().entry(dir.to_owned()).or_default().clone()
}

static KEPT: LazyLock<Mutex<BTreeMap<PathBuf, Arc<MemStorage>>>> = LazyLock::new(Mutex::default);

/// The store of that directory: the same one at each call, as a store on disk would be.
fn kept_in(dir: &Path) -> FaultStorage {
    let store: Arc<dyn Storage> =
        Arc::<MemStorage>::clone(KEPT.lock().unwrap().entry(dir.to_owned()).or_default());
    FaultStorage::new(store)
}
