//! A real sqld, where there is one.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time until a server takes connections.
const MAX_START: Duration = Duration::from_secs(30);

/// A server with its data in a directory; it ends when it is dropped.
pub(crate) struct Sqld {
    child: Child,
    address: String,
}

impl Sqld {
    /// The program that `MEMORY_MCP_SQLD` names.
    pub(crate) fn program() -> Option<PathBuf> {
        std::env::var_os("MEMORY_MCP_SQLD").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    pub(crate) fn start(program: &Path, dir: &Path) -> Self {
        let free = || TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let (http, grpc) = (free(), free());
        let child = Command::new(program)
            .arg("-d")
            .arg(dir.join("sqld"))
            .args(["--http-listen-addr", &http.to_string()])
            .args(["--grpc-listen-addr", &grpc.to_string()])
            .args(["--no-welcome", "--disable-metrics"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(http).is_err() {
            assert!(began.elapsed() < MAX_START, "sqld takes no connections");
            std::thread::yield_now();
        }
        Self { child, address: format!("http://{http}") }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Sqld {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
