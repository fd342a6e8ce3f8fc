//! One connection to the file: statements prepared once, rows read column by column.
//!
//! libsql's local calls are async in name only: SQLite runs inside the first poll. Each is polled
//! once on the calling thread, so no runtime is needed.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libsql::params::Params;
use libsql::{Builder, OpenFlags, Statement, Value};
use memory_core::{Excerpt, StorageError};
use rustc_hash::FxHashMap;

use crate::error::{corrupt, from_libsql};

/// Prepared statements that a connection keeps. Fixed SQL needs about forty, the shapes of lists
/// some more; above this all are prepared again as they come.
const MAX_STATEMENTS: usize = 160;

/// A connection that is used by one thread at a time.
pub(crate) struct Connection {
    // Statements go before the connection that they belong to.
    statements: FxHashMap<Box<str>, Statement>,
    inner: libsql::Connection,
    path: Arc<Path>,
}

impl Connection {
    /// Opens the file, which must exist, and waits up to `busy_timeout` for SQLite's own locks.
    pub(crate) fn open(path: &Arc<Path>, busy_timeout: Duration) -> Result<Self, StorageError> {
        let error = |error| from_libsql(path, error);
        let builder = Builder::new_local(path).flags(OpenFlags::SQLITE_OPEN_READ_WRITE);
        let inner = now(builder.build()).and_then(|db| db.connect()).map_err(error)?;
        inner.busy_timeout(busy_timeout).map_err(error)?;
        let mut conn = Self { statements: FxHashMap::default(), inner, path: Arc::clone(path) };
        // Functions that a schema names may be those of an attacker who wrote the file.
        conn.script("PRAGMA trusted_schema = OFF")?;
        Ok(conn)
    }

    /// Opens a database in memory, which names the store in its errors.
    pub(crate) fn in_memory(path: &Arc<Path>) -> Result<Self, StorageError> {
        let error = |error| from_libsql(path, error);
        let inner = now(Builder::new_local(":memory:").build()).and_then(|db| db.connect());
        let inner = inner.map_err(error)?;
        Ok(Self { statements: FxHashMap::default(), inner, path: Arc::clone(path) })
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the file, to be shared.
    pub(crate) fn shared_path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Returns whether no transaction is open.
    pub(crate) fn is_autocommit(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// Returns the integer key that the last insertion made.
    pub(crate) fn last_key(&self) -> i64 {
        self.inner.last_insert_rowid()
    }

    /// Runs a statement that gives no rows and says how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, StorageError> {
        let path = Arc::clone(&self.path);
        let statement = self.statement(sql)?;
        let done = now(statement.execute(Params::Positional(values)));
        statement.reset();
        done.map(|n| n as u64).map_err(|error| from_libsql(&path, error))
    }

    /// Runs a query and reads each row.
    pub(crate) fn query<T>(
        &mut self,
        sql: &str,
        values: Vec<Value>,
        mut read: impl FnMut(&mut Row) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let path = Arc::clone(&self.path);
        let statement = Running(self.statement(sql)?);
        let error = |error| from_libsql(&path, error);
        let mut rows = now(statement.0.query(Params::Positional(values))).map_err(error)?;
        let mut answer = Vec::new();
        while let Some(row) = now(rows.next()).map_err(error)? {
            answer.push(read(&mut Row { columns: row, next: 0, path: Arc::clone(&path) })?);
        }
        Ok(answer)
    }

    /// Runs a query and reads its first row.
    pub(crate) fn first<T>(
        &mut self,
        sql: &str,
        values: Vec<Value>,
        read: impl FnOnce(&mut Row) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let path = Arc::clone(&self.path);
        let statement = Running(self.statement(sql)?);
        let error = |error| from_libsql(&path, error);
        let mut rows = now(statement.0.query(Params::Positional(values))).map_err(error)?;
        let row = now(rows.next()).map_err(error)?;
        row.map(|row| read(&mut Row { columns: row, next: 0, path: Arc::clone(&path) })).transpose()
    }

    /// Runs several queries on one state of the store.
    pub(crate) fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.execute("BEGIN", vec![])?;
        let answer = read(self);
        let ended = self.execute("ROLLBACK", vec![]);
        answer.and_then(|answer| ended.map(|_| answer))
    }

    /// Runs statements one after the other, without keeping them; what they answer is dropped.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), StorageError> {
        now(self.inner.execute_batch(sql)).map(drop).map_err(|error| from_libsql(&self.path, error))
    }

    fn statement(&mut self, sql: &str) -> Result<&Statement, StorageError> {
        if !self.statements.contains_key(sql) {
            if self.statements.len() >= MAX_STATEMENTS {
                self.statements.clear();
            }
            let prepared =
                now(self.inner.prepare(sql)).map_err(|error| from_libsql(&self.path, error))?;
            self.statements.insert(sql.into(), prepared);
        }
        let missing = || StorageError::Backend("a prepared statement is gone".into());
        self.statements.get(sql).ok_or_else(missing)
    }
}

/// Resets a statement when its rows are read: one that still runs would silently ignore the values
/// that are bound next, and keep its snapshot of the store.
struct Running<'s>(&'s Statement);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.reset();
    }
}

/// One row, read from its first column on.
///
/// Texts are selected as `CAST(… AS BLOB)`: libsql cuts a text at its first NUL and panics on text
/// that is not UTF-8, which a damaged file may hold.
pub(crate) struct Row {
    columns: libsql::Row,
    next: i32,
    path: Arc<Path>,
}

impl Row {
    fn value(&mut self) -> Result<Value, StorageError> {
        let value =
            self.columns.get_value(self.next).map_err(|error| from_libsql(&self.path, error))?;
        self.next += 1;
        Ok(value)
    }

    /// Returns the error of a column, the one just read, that holds something else than the schema
    /// says.
    pub(crate) fn damaged(&self, what: &str) -> StorageError {
        corrupt(&self.path, &format!("column {} of a row holds {what}", self.next))
    }

    /// Reads an integer.
    pub(crate) fn int(&mut self) -> Result<i64, StorageError> {
        self.opt_int()?.ok_or_else(|| self.damaged("nothing where a number belongs"))
    }

    /// Reads an integer or nothing.
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StorageError> {
        match self.value()? {
            Value::Integer(n) => Ok(Some(n)),
            Value::Null => Ok(None),
            _ => Err(self.damaged("no integer")),
        }
    }

    /// Reads a count.
    pub(crate) fn u32(&mut self) -> Result<u32, StorageError> {
        u32::try_from(self.int()?).map_err(|_| self.damaged("a count out of range"))
    }

    /// Reads a number or nothing.
    pub(crate) fn opt_real(&mut self) -> Result<Option<f64>, StorageError> {
        match self.value()? {
            Value::Real(x) => Ok(Some(x)),
            Value::Null => Ok(None),
            _ => Err(self.damaged("no number")),
        }
    }

    /// Reads the 16 bytes of an id.
    pub(crate) fn id(&mut self) -> Result<[u8; 16], StorageError> {
        self.opt_id()?.ok_or_else(|| self.damaged("nothing where an id belongs"))
    }

    /// Reads the 16 bytes of an id or nothing.
    pub(crate) fn opt_id(&mut self) -> Result<Option<[u8; 16]>, StorageError> {
        match self.value()? {
            Value::Blob(bytes) => {
                bytes.try_into().map(Some).map_err(|_| self.damaged("an id of another length"))
            }
            Value::Null => Ok(None),
            _ => Err(self.damaged("no id")),
        }
    }

    /// Reads bytes.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, StorageError> {
        self.opt_blob()?.ok_or_else(|| self.damaged("nothing where bytes belong"))
    }

    /// Reads bytes or nothing.
    pub(crate) fn opt_blob(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        match self.value()? {
            Value::Blob(bytes) => Ok(Some(bytes)),
            Value::Null => Ok(None),
            _ => Err(self.damaged("no bytes")),
        }
    }

    /// Reads a text that was selected as bytes.
    pub(crate) fn text(&mut self) -> Result<String, StorageError> {
        self.opt_text()?.ok_or_else(|| self.damaged("nothing where a text belongs"))
    }

    /// Reads a text that SQLite itself made.
    #[cfg(test)]
    pub(crate) fn plain_text(&mut self) -> Result<String, StorageError> {
        match self.value()? {
            Value::Text(text) => Ok(text),
            _ => Err(self.damaged("no text")),
        }
    }

    /// Reads a text that was selected as bytes, or nothing.
    ///
    /// Bytes that are no UTF-8 become U+FFFD: one damaged text does not keep the others from being
    /// read. The check of the store names it.
    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StorageError> {
        match self.value()? {
            Value::Blob(bytes) => Ok(Some(String::from_utf8(bytes).unwrap_or_else(|error| {
                tracing::debug!(column = self.next, "a stored text is not UTF-8");
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }))),
            Value::Null => Ok(None),
            _ => Err(self.damaged("no text")),
        }
    }

    /// Reads a short text that was selected as bytes, or nothing.
    pub(crate) fn opt_label(&mut self) -> Result<Option<Box<str>>, StorageError> {
        Ok(self.opt_text()?.map(String::into_boxed_str))
    }

    /// Reads two columns: a kept text, and the length of its original where that is another.
    pub(crate) fn opt_excerpt(&mut self) -> Result<Option<Excerpt>, StorageError> {
        let (text, full_bytes) = (self.opt_text()?, self.opt_int()?);
        Ok(text.map(|text| {
            let full_bytes = full_bytes.map_or(text.len() as u64, i64::cast_unsigned);
            Excerpt::from_parts(text, full_bytes)
        }))
    }

    /// Reads two columns: a kept text, and the length of its original where that is another.
    pub(crate) fn excerpt(&mut self) -> Result<Excerpt, StorageError> {
        self.opt_excerpt()?.ok_or_else(|| self.damaged("nothing where a text belongs"))
    }

    /// Reads a list of labels that was selected as bytes.
    pub(crate) fn labels(&mut self) -> Result<Vec<Box<str>>, StorageError> {
        let Some(json) = self.opt_text()? else { return Ok(Vec::new()) };
        let labels: Vec<String> =
            serde_json::from_str(&json).map_err(|_| self.damaged("no list of labels"))?;
        Ok(labels.into_iter().map(String::into_boxed_str).collect())
    }
}

/// Returns the column of a value that may be missing.
pub(crate) fn opt<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::Null, Into::into)
}

/// Returns the column of a short text that may be missing.
pub(crate) fn label(text: Option<&str>) -> Value {
    opt(text.map(str::to_owned))
}

/// Returns the two columns of a kept text.
pub(crate) fn excerpt(text: Option<&Excerpt>) -> [Value; 2] {
    let full_bytes = text.filter(|text| text.is_cut()).map(|text| text.full_bytes().cast_signed());
    [label(text.map(Excerpt::as_str)), opt(full_bytes)]
}

/// Returns the column of a list of labels, as JSON; an empty one takes no space.
pub(crate) fn labels(labels: &[Box<str>]) -> Result<Value, StorageError> {
    if labels.is_empty() {
        return Ok(Value::Null);
    }
    let texts: Vec<&str> = labels.iter().map(|text| &**text).collect();
    let json = serde_json::to_string(&texts).map_err(|e| StorageError::Backend(Box::new(e)))?;
    Ok(Value::Text(json))
}

/// Runs a local call of libsql, which finishes at its first poll.
fn now<T>(call: impl Future<Output = libsql::Result<T>>) -> libsql::Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(libsql::Error::Misuse("a local call did not finish at once".into())),
    }
}
