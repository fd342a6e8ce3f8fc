//! The suite of carriers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use memory_core::Timestamp;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};
use memory_storage_turso::{RemoteCarrier, RemoteOptions};

use crate::server::Server;
use crate::sqld::Sqld;

enum Place {
    Ours(Server),
    Real(Sqld),
}

impl Place {
    fn start(dir: &Path) -> Self {
        match Sqld::program() {
            Some(program) => Self::Real(Sqld::start(&program, dir)),
            None => Self::Ours(Server::start(dir)),
        }
    }

    fn address(&self) -> &str {
        match self {
            Self::Ours(server) => server.address(),
            Self::Real(sqld) => sqld.address(),
        }
    }
}

/// Servers that some handle uses, by the directory of their data.
static PLACES: LazyLock<Mutex<BTreeMap<PathBuf, Weak<Place>>>> = LazyLock::new(Mutex::default);

/// A carrier with its server, which ends with the last handle.
struct Handle {
    carrier: RemoteCarrier,
    _place: Arc<Place>,
}

fn open(dir: &Path) -> Handle {
    let mut places = PLACES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = places.get(dir).and_then(Weak::upgrade);
    let place = place.unwrap_or_else(|| Arc::new(Place::start(dir)));
    places.insert(dir.to_owned(), Arc::downgrade(&place));
    // Requests small enough that the large push of the suite takes several.
    let options = RemoteOptions { request_bytes: 2 << 20, ..RemoteOptions::default() };
    let carrier = RemoteCarrier::open(place.address(), options).unwrap();
    Handle { carrier, _place: place }
}

impl Carrier for Handle {
    fn address(&self) -> &str {
        self.carrier.address()
    }

    fn largest_entry(&self) -> usize {
        self.carrier.largest_entry()
    }

    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError> {
        self.carrier.push(entries)
    }

    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError> {
        self.carrier.pull(own, scopes, after, limit_bytes)
    }

    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError> {
        self.carrier.now()
    }
}

memory_testkit::carrier_conformance!(open);
