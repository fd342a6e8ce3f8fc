//! The server and the command line of memory-mcp.

mod error;
mod server;
mod tools;
mod wire;

use std::error::Error;
use std::sync::Arc;

use memory_core::{Config, MemStorage, Memory, Scope};

fn main() -> Result<(), Box<dyn Error>> {
    let memory = Memory::open(Arc::new(MemStorage::new()), Config::default())?;
    let defaults =
        server::ServeDefaults { scope: Scope::new("default")?, store: "memory".to_owned() };
    Ok(server::serve(Arc::new(memory), defaults)?)
}
