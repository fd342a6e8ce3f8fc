//! Answers of a server to the requests of a stream: the pipeline protocol over a libsql file.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libsql::{Builder, Connection, Value as Local};
use libsql_hrana::proto::{
    Batch, BatchCond, BatchResult, BatchStreamResp, CloseStreamResp, Col, CursorEntry,
    CursorReqBody, CursorRespBody, DescribeCol, DescribeResult, DescribeStreamResp, Error,
    GetAutocommitStreamResp, PipelineReqBody, PipelineRespBody, Row, StepBeginEntry, StepEndEntry,
    StepErrorEntry, Stmt, StmtResult, StreamRequest, StreamResponse, StreamResult, Value,
};
use serde_json::Value as Json;

/// The database of a server, with the streams that its clients have open.
pub(crate) struct Database {
    path: PathBuf,
    streams: HashMap<String, Connection>,
    n_batons: u64,
}

impl Database {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), streams: HashMap::new(), n_batons: 0 }
    }

    /// Forgets all streams, as a server that is started anew does.
    pub(crate) fn forget_streams(&mut self) {
        self.streams.clear();
    }

    /// Number of streams that are open.
    pub(crate) fn n_streams(&self) -> usize {
        self.streams.len()
    }

    /// Runs statements.
    pub(crate) fn script(&mut self, sql: &str) {
        let connection = self.stream(None).unwrap();
        drop(now(connection.execute_batch(sql)).unwrap());
    }

    /// Answers a request, with its status and body.
    pub(crate) fn answer(&mut self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        match path.rsplit_once("/v3/").map_or("", |(_, call)| call) {
            "pipeline" => self.pipeline(body),
            "cursor" => self.cursor(body),
            _ => (404, br#"{"error":"no such call"}"#.to_vec()),
        }
    }

    /// The connection of a stream, taken out; a new one without a baton.
    fn stream(&mut self, baton: Option<&str>) -> Option<Connection> {
        let Some(baton) = baton else {
            let database = now(Builder::new_local(&self.path).build()).unwrap();
            let connection = database.connect().unwrap();
            connection.busy_timeout(Duration::from_secs(10)).unwrap();
            return Some(connection);
        };
        self.streams.remove(baton)
    }

    fn keep(&mut self, connection: Connection) -> String {
        self.n_batons += 1;
        let baton = format!("baton {}", self.n_batons);
        self.streams.insert(baton.clone(), connection);
        baton
    }

    fn pipeline(&mut self, body: &[u8]) -> (u16, Vec<u8>) {
        let request: PipelineReqBody = serde_json::from_slice(body).unwrap();
        let Some(connection) = self.stream(request.baton.as_deref()) else { return expired() };
        let mut is_closed = false;
        let results: Vec<StreamResult> = request
            .requests
            .into_iter()
            .map(|request| {
                is_closed |= matches!(request, StreamRequest::Close(_));
                match served(&connection, request) {
                    Ok(response) => StreamResult::Ok { response },
                    Err(error) => StreamResult::Error { error: told(&error) },
                }
            })
            .collect();
        let baton = (!is_closed).then(|| self.keep(connection));
        let answer = PipelineRespBody { baton, base_url: None, results };
        (200, serde_json::to_vec(&answer).unwrap())
    }

    fn cursor(&mut self, body: &[u8]) -> (u16, Vec<u8>) {
        let request: CursorReqBody = serde_json::from_slice(body).unwrap();
        let Some(connection) = self.stream(request.baton.as_deref()) else { return expired() };
        let result = run_batch(&connection, request.batch);
        let baton = Some(self.keep(connection));
        let mut lines = vec![serde_json::to_value(CursorRespBody { baton, base_url: None })];
        let steps = result.step_results.into_iter().zip(result.step_errors);
        for (step, (done, error)) in (0..).zip(steps) {
            if let Some(done) = done {
                let begin = StepBeginEntry { step, cols: done.cols };
                lines.push(serde_json::to_value(CursorEntry::StepBegin(begin)));
                let rows = done.rows.into_iter().map(|row| CursorEntry::Row { row });
                lines.extend(rows.map(serde_json::to_value));
                let affected_row_count = done.affected_row_count;
                let end = StepEndEntry { affected_row_count, last_insert_rowid: None };
                lines.push(serde_json::to_value(CursorEntry::StepEnd(end)));
            }
            if let Some(error) = error {
                let error = StepErrorEntry { step, error };
                lines.push(serde_json::to_value(CursorEntry::StepError(error)));
            }
        }
        let lines: Vec<String> =
            lines.into_iter().map(|line: Result<Json, _>| line.unwrap().to_string()).collect();
        (200, (lines.join("\n") + "\n").into_bytes())
    }
}

fn expired() -> (u16, Vec<u8>) {
    (400, br#"{"error":"The stream has expired: invalid baton"}"#.to_vec())
}

fn told(error: &libsql::Error) -> Error {
    Error { message: format!("SQLite error: {error}"), code: "SQLITE_UNKNOWN".to_owned() }
}

fn served(connection: &Connection, request: StreamRequest) -> libsql::Result<StreamResponse> {
    Ok(match request {
        StreamRequest::Close(_) => StreamResponse::Close(CloseStreamResp {}),
        StreamRequest::Batch(request) => {
            let result = run_batch(connection, request.batch);
            StreamResponse::Batch(BatchStreamResp { result })
        }
        StreamRequest::Describe(request) => {
            let statement = now(connection.prepare(&request.sql.unwrap()))?;
            let col = |column: libsql::Column<'_>| DescribeCol {
                name: column.name().to_owned(),
                decltype: None,
            };
            let cols = statement.columns().into_iter().map(col).collect();
            let result =
                DescribeResult { params: vec![], cols, is_explain: false, is_readonly: false };
            StreamResponse::Describe(DescribeStreamResp { result })
        }
        StreamRequest::GetAutocommit(_) => {
            let is_autocommit = connection.is_autocommit();
            StreamResponse::GetAutocommit(GetAutocommitStreamResp { is_autocommit })
        }
        other => panic!("the carrier does not ask for {other:?}"),
    })
}

fn run_batch(connection: &Connection, batch: Batch) -> BatchResult {
    let mut done = BatchResult::default();
    for step in batch.steps {
        let is_due = step.condition.is_none_or(|condition| holds(connection, &done, &condition));
        let (result, error) = match is_due.then(|| run(connection, &step.stmt)) {
            None => (None, None),
            Some(Ok(result)) => (Some(result), None),
            Some(Err(error)) => (None, Some(told(&error))),
        };
        done.step_results.push(result);
        done.step_errors.push(error);
    }
    done
}

fn holds(connection: &Connection, done: &BatchResult, condition: &BatchCond) -> bool {
    let at = |step: u32| usize::try_from(step).unwrap();
    match condition {
        BatchCond::None => true,
        BatchCond::Ok { step } => done.step_results[at(*step)].is_some(),
        BatchCond::Error { step } => done.step_errors[at(*step)].is_some(),
        BatchCond::Not { cond } => !holds(connection, done, cond),
        BatchCond::And(list) => list.conds.iter().all(|cond| holds(connection, done, cond)),
        BatchCond::Or(list) => list.conds.iter().any(|cond| holds(connection, done, cond)),
        BatchCond::IsAutocommit {} => connection.is_autocommit(),
    }
}

fn run(connection: &Connection, stmt: &Stmt) -> libsql::Result<StmtResult> {
    let local = |value: &Value| match value {
        Value::None | Value::Null => Local::Null,
        Value::Integer { value } => Local::Integer(*value),
        Value::Float { value } => Local::Real(*value),
        Value::Text { value } => Local::Text(value.to_string()),
        Value::Blob { value } => Local::Blob(value.to_vec()),
    };
    let values: Vec<Local> = stmt.args.iter().map(local).collect();
    let statement = now(connection.prepare(stmt.sql.as_deref().unwrap()))?;
    let n_columns = statement.column_count();
    let mut result = StmtResult {
        cols: vec![Col { name: None, decltype: None }; n_columns],
        rows: vec![],
        affected_row_count: 0,
        last_insert_rowid: None,
        replication_index: None,
        rows_read: 0,
        rows_written: 0,
        query_duration_ms: 0.0,
    };
    if n_columns == 0 {
        result.affected_row_count = now(statement.execute(values))? as u64;
        result.last_insert_rowid = Some(connection.last_insert_rowid());
        return Ok(result);
    }
    let mut rows = now(statement.query(values))?;
    while let Some(row) = now(rows.next())? {
        let value = |column: usize| Ok(remote(row.get_value(i32::try_from(column).unwrap())?));
        let values = (0..n_columns).map(value).collect::<libsql::Result<Vec<Value>>>()?;
        result.rows.push(Row { values });
    }
    Ok(result)
}

fn remote(value: Local) -> Value {
    match value {
        Local::Null => Value::Null,
        Local::Integer(value) => Value::Integer { value },
        Local::Real(value) => Value::Float { value },
        Local::Text(value) => Value::Text { value: value.into() },
        Local::Blob(value) => Value::Blob { value: value.into() },
    }
}

/// Runs a local call of libsql, which finishes at its first poll.
fn now<T>(call: impl Future<Output = libsql::Result<T>>) -> libsql::Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a local call did not finish at once"),
    }
}
