//! The reference in memory keeps every promise of the storage trait; and the wrappers of the
//! testkit (one that can fail, one that reopens) take nothing from what they wrap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use memory_core::{MemStorage, Storage};
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

static KEPT: LazyLock<Mutex<BTreeMap<PathBuf, Arc<MemStorage>>>> = LazyLock::new(Mutex::default);

/// The store of that directory: the same one at each call, as a store on disk would be.
fn kept_in(dir: &Path) -> FaultStorage {
    let store: Arc<dyn Storage> =
        Arc::<MemStorage>::clone(KEPT.lock().unwrap().entry(dir.to_owned()).or_default());
    FaultStorage::new(store)
}
