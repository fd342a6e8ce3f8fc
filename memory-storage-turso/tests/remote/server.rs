//! A server of the pipeline protocol on the loopback interface, with faults to order.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::database::Database;

/// Fault of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It is answered with that status and body, and not served.
    Status(u16, &'static [u8]),
    /// The connection is cut before it is served.
    Cut,
    /// The connection is cut after it was served.
    AnswerLost,
    /// The connection is cut within the answer.
    HalfAnswer,
    /// The answer ends early, and is complete by what HTTP says.
    ShortAnswer,
    /// It is never answered.
    Silence,
    /// The server was started anew before it: streams are gone.
    StreamsGone,
    /// The connection is cut, and it is served when [`Server::serve_late`] says so.
    Late,
    /// It is served twice, as by a proxy that tries again.
    Twice,
}

struct Inner {
    database: Database,
    faults: VecDeque<Fault>,
    late: Vec<(String, Vec<u8>)>,
    silent: Vec<TcpStream>,
    n_requests: usize,
    token: Option<String>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Server {
    address: String,
    port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl Server {
    /// Starts a server whose database lies in that directory.
    pub(crate) fn start(dir: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Inner {
            database: Database::new(&dir.join("server.db")),
            faults: VecDeque::new(),
            late: Vec::new(),
            silent: Vec::new(),
            n_requests: 0,
            token: None,
        };
        let inner = Arc::new(Mutex::new(inner));
        let shared = Arc::downgrade(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(inner) = shared.upgrade() else { break };
                std::thread::spawn(move || serve(&stream.unwrap(), &inner));
            }
        });
        Self { address: format!("http://127.0.0.1:{port}"), port, inner }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Orders faults for the next requests, one for each.
    pub(crate) fn order(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.inner).faults.extend(faults);
    }

    /// Asks for that token from now on.
    pub(crate) fn require(&self, token: &str) {
        lock(&self.inner).token = Some(token.to_owned());
    }

    /// Serves what is late.
    pub(crate) fn serve_late(&self) -> usize {
        let mut inner = lock(&self.inner);
        let late = std::mem::take(&mut inner.late);
        for (path, body) in &late {
            inner.database.answer(path, body);
        }
        late.len()
    }

    /// Number of requests so far.
    pub(crate) fn n_requests(&self) -> usize {
        lock(&self.inner).n_requests
    }

    /// Whether all faults were used.
    pub(crate) fn has_no_orders(&self) -> bool {
        lock(&self.inner).faults.is_empty()
    }

    /// Number of streams that clients left open.
    pub(crate) fn n_streams(&self) -> usize {
        lock(&self.inner).database.n_streams()
    }

    /// Runs statements on its database.
    pub(crate) fn script(&self, sql: &str) {
        lock(&self.inner).database.script(sql);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let unused = Arc::new(Mutex::new(Inner {
            database: Database::new(Path::new("unused")),
            faults: VecDeque::new(),
            late: Vec::new(),
            silent: Vec::new(),
            n_requests: 0,
            token: None,
        }));
        // The listener ends once nobody holds what it serves.
        drop(std::mem::replace(&mut self.inner, unused));
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves the requests of a connection, one after the other.
fn serve(stream: &TcpStream, inner: &Mutex<Inner>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((path, token, body)) = read_request(&mut reader) {
        if !answer(stream, inner, &path, token.as_deref(), &body) {
            drop(stream.shutdown(Shutdown::Both));
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, Option<String>, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let (mut n_bytes, mut token) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => n_bytes = value.parse().unwrap(),
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body).ok()?;
    Some((first.split(' ').nth(1)?.to_owned(), token, body))
}

/// Serves one request; returns whether the connection goes on.
fn answer(
    mut stream: &TcpStream,
    inner: &Mutex<Inner>,
    path: &str,
    token: Option<&str>,
    body: &[u8],
) -> bool {
    let mut inner = lock(inner);
    inner.n_requests += 1;
    if inner.token.is_some() && inner.token.as_deref() != token {
        let denied = format!(r#"{{"error":"no permission for {}"}}"#, token.unwrap_or_default());
        return write(&mut stream, 401, denied.as_bytes());
    }
    let fault = inner.faults.pop_front().unwrap_or(Fault::None);
    match fault {
        Fault::Status(status, body) => return write(&mut stream, status, body),
        Fault::Cut => return false,
        Fault::Silence => {
            inner.silent.push(stream.try_clone().unwrap());
            return true;
        }
        Fault::Late => {
            inner.late.push((path.to_owned(), body.to_owned()));
            return false;
        }
        Fault::StreamsGone => inner.database.forget_streams(),
        Fault::Twice => drop(inner.database.answer(path, body)),
        Fault::None | Fault::AnswerLost | Fault::HalfAnswer | Fault::ShortAnswer => {}
    }
    let (status, body) = inner.database.answer(path, body);
    let half = body.len() / 2;
    match fault {
        Fault::AnswerLost => false,
        Fault::HalfAnswer => {
            let head = head(status, body.len());
            drop(stream.write_all(&[head.as_bytes(), &body[..half]].concat()));
            false
        }
        Fault::ShortAnswer => {
            // Whole lines, as a proxy that buffers them might give up.
            let end =
                body[..half].iter().rposition(|byte| *byte == b'\n').map_or(half, |at| at + 1);
            write(&mut stream, status, &body[..end])
        }
        _ => write(&mut stream, status, &body),
    }
}

fn head(status: u16, n_bytes: usize) -> String {
    format!("HTTP/1.1 {status} Said So\r\nContent-Length: {n_bytes}\r\n\r\n")
}

fn write(stream: &mut &TcpStream, status: u16, body: &[u8]) -> bool {
    stream.write_all(&[head(status, body.len()).as_bytes(), body].concat()).is_ok()
}
