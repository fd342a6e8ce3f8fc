//! The thread that talks with a server.
//!
//! libsql's remote calls are asynchronous: they run on a runtime of this thread, never on the one
//! of the protocol. The runtime runs between the calls too, so that a connection that the server
//! has closed meanwhile is noticed before it is used.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::client::HttpConnector;
use libsql::{Builder, Connection};
use memory_core::exchange::CarrierError;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::address::Address;
use super::failure::{Failure, Fault, NO_SERVER};

/// A call under way, which gives what it found to whoever waits for it.
type Task = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;
/// A call, to be made of a connection.
type Job = Box<dyn FnOnce(Connection) -> Task + Send>;

/// Channel by which the end of a call is told.
type End = SyncSender<Result<(), Fault>>;

/// Access to a server: one connection, one call at a time.
pub(super) struct Link {
    jobs: Option<UnboundedSender<(Job, End)>>,
    thread: Option<JoinHandle<()>>,
    address: Address,
    failure: Failure,
}

impl Link {
    /// Starts the thread; the server is not asked yet.
    pub(super) fn start(
        address: Address,
        token: Option<Box<str>>,
        limit: Duration,
    ) -> Result<Self, CarrierError> {
        let failure = Failure::new(address.shown(), token.as_deref());
        let (jobs, queue) = unbounded_channel();
        let client = Client { address: address.clone(), token, limit, connection: None };
        let away = |error: std::io::Error| failure.error(Fault::Away(error.to_string()));
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(away)?;
        let thread = std::thread::Builder::new()
            .name("memory-remote".to_owned())
            .spawn(move || {
                runtime.block_on(client.run(queue));
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
            })
            .map_err(away)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), address, failure })
    }

    /// Returns the address of the server.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the error of a fault.
    pub(super) fn error(&self, fault: Fault) -> CarrierError {
        self.failure.error(fault)
    }

    /// Makes a call, within the limit of time.
    pub(super) fn call<T, F>(
        &self,
        call: impl FnOnce(Connection) -> F + Send + 'static,
    ) -> Result<T, CarrierError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (found, answer) = sync_channel(1);
        let job: Job = Box::new(move |connection| {
            let call = call(connection);
            Box::pin(async move {
                // Whoever has stopped waiting needs no answer.
                drop(found.send(call.await?));
                Ok(())
            })
        });
        let (ended, end) = sync_channel(1);
        let stopped = || Fault::Away("the thread that talks with it has ended".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(|| self.failure.error(stopped()))?;
        let sent = jobs.send((job, ended)).map_err(|_| stopped());
        let ended = sent.and_then(|()| end.recv().map_err(|_| stopped())).and_then(|end| end);
        ended.and_then(|()| answer.recv().map_err(|_| stopped())).map_err(|f| self.failure.error(f))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if self.thread.take().map(JoinHandle::join).is_some_and(|ended| ended.is_err()) {
            tracing::error!("the thread of the remote ended before its time");
        }
    }
}

/// State of the thread.
struct Client {
    address: Address,
    token: Option<Box<str>>,
    limit: Duration,
    connection: Option<Connection>,
}

impl Client {
    async fn run(mut self, mut jobs: UnboundedReceiver<(Job, End)>) {
        while let Some((job, ended)) = jobs.recv().await {
            let end = self.serve(job).await;
            if end.is_err() {
                // The next call has a connection of its own.
                self.connection = None;
            }
            drop(ended.send(end));
        }
    }

    async fn serve(&mut self, job: Job) -> Result<(), Fault> {
        let connection = match &self.connection {
            Some(connection) => connection.clone(),
            None => self.connection.insert(self.connect().await?).clone(),
        };
        let mut task = tokio::spawn(job(connection));
        match tokio::time::timeout(self.limit, &mut task).await {
            Ok(Ok(end)) => end,
            // The client of libsql panics on answers that it does not expect.
            Ok(Err(_)) => Err(Fault::Refused(NO_SERVER.to_owned())),
            Err(_) => {
                task.abort();
                Err(Fault::Away(format!("no answer came within {:?}", self.limit)))
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        let token = self.token.as_deref().unwrap_or_default().to_owned();
        let builder = Builder::new_remote(self.address.shown().to_owned(), token);
        let database = if self.address.is_encrypted() {
            builder.build().await?
        } else {
            // Without the authorities of this machine, of which there may be none.
            builder.connector(HttpConnector::new()).build().await?
        };
        Ok(database.connect()?)
    }
}
