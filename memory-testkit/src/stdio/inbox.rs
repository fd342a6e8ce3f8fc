//! What has come from the server and nobody has asked for yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::BufRead;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

#[derive(Default)]
struct Letters {
    expected: BTreeSet<String>,
    replies: BTreeMap<String, Value>,
    orphans: VecDeque<Value>,
    notifications: Vec<Value>,
    violation: Option<String>,
    may_be_cut: bool,
    has_ended: bool,
}

/// What has become of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Arrival {
    Reply(Value),
    /// The server ended without a reply.
    Never,
    /// There was none before the deadline.
    Late,
}

/// Sorts the lines of the server's stdout; those who wait are woken at each.
#[derive(Default)]
pub(super) struct Inbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
}

impl Inbox {
    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads lines until the server closes its stdout; `answer` sends a line back.
    pub(super) fn fill(&self, mut stdout: impl BufRead, answer: impl Fn(&str)) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let n_bytes = stdout.read_until(b'\n', &mut line).unwrap_or(0);
            if n_bytes == 0 {
                break;
            }
            let is_whole = line.last() == Some(&b'\n');
            let mut letters = self.letters();
            if (is_whole || !letters.may_be_cut)
                && let Some(reply) = letters.sort(&line)
            {
                drop(letters);
                answer(&reply.to_string());
            }
            self.arrived.notify_all();
        }
        self.letters().has_ended = true;
        self.arrived.notify_all();
    }

    pub(super) fn expect(&self, id: &str) {
        self.letters().expected.insert(id.to_owned());
    }

    pub(super) fn forgive_cut_line(&self) {
        self.letters().may_be_cut = true;
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.letters().violation.clone()
    }

    pub(super) fn notifications(&self) -> Vec<Value> {
        self.letters().notifications.clone()
    }

    /// What has become of the request `id`.
    pub(super) fn reply(&self, id: &str, deadline: Instant) -> Arrival {
        let arrival = self.until(deadline, |letters| match letters.replies.remove(id) {
            Some(reply) => Some(Arrival::Reply(reply)),
            None => letters.has_ended.then_some(Arrival::Never),
        });
        arrival.unwrap_or(Arrival::Late)
    }

    pub(super) fn orphan(&self, deadline: Instant) -> Option<Value> {
        self.until(deadline, |letters| letters.orphans.pop_front())
    }

    /// Whether the server closed its stdout in time.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        self.until(deadline, |letters| letters.has_ended.then_some(())).is_some()
    }

    fn until<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut Letters) -> Option<T>,
    ) -> Option<T> {
        let mut letters = self.letters();
        loop {
            if let Some(found) = look(&mut letters) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let woken = self.arrived.wait_timeout(letters, left);
            letters = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Letters {
    /// Puts a line where it belongs; gives the answer to a request of the server's.
    fn sort(&mut self, line: &[u8]) -> Option<Value> {
        match parse(line) {
            Err(reason) => self.violate(line, reason),
            Ok(Letter::Notification(letter)) => self.notifications.push(letter),
            Ok(Letter::Request(request)) => return Some(answer(&request)),
            Ok(Letter::Reply(reply)) => match &reply["id"] {
                Value::Null => self.orphans.push_back(reply),
                id => {
                    let id = id.to_string();
                    if self.expected.remove(&id) {
                        self.replies.insert(id, reply);
                    } else {
                        self.violate(line, "a reply that nobody waits for, or a second one");
                    }
                }
            },
        }
        None
    }

    /// Keeps the first violation; those after it are mostly its consequences.
    fn violate(&mut self, line: &[u8], reason: &str) {
        let line: String = String::from_utf8_lossy(line).chars().take(500).collect();
        self.violation.get_or_insert_with(|| format!("{reason}: {line:?}"));
    }
}

#[derive(Debug, PartialEq)]
enum Letter {
    Reply(Value),
    Request(Value),
    Notification(Value),
}

/// Reads one line of JSON-RPC 2.0.
fn parse(line: &[u8]) -> Result<Letter, &'static str> {
    if line.last() != Some(&b'\n') {
        return Err("a line without end");
    }
    let letter: Value = serde_json::from_slice(line).ok().ok_or("not JSON")?;
    let Some(fields) = letter.as_object() else { return Err("not an object") };
    if letter["jsonrpc"] != "2.0" {
        return Err("`jsonrpc` is not \"2.0\"");
    }
    let has = |name: &str| fields.contains_key(name);
    match (has("method"), has("id"), has("result"), has("error")) {
        (true, true, false, false) => Ok(Letter::Request(letter)),
        (true, false, false, false) => Ok(Letter::Notification(letter)),
        (false, true, true, false) => Ok(Letter::Reply(letter)),
        // An error may lack the id of a request that could not be read.
        (false, _, false, true)
            if letter["error"]["code"].is_i64() && letter["error"]["message"].is_string() =>
        {
            Ok(Letter::Reply(letter))
        }
        _ => Err("neither request, notification nor reply"),
    }
}

/// The client offers nothing, so all it can answer is a ping.
fn answer(request: &Value) -> Value {
    let mut answer = json!({"jsonrpc": "2.0", "id": request["id"]});
    if request["method"] == "ping" {
        answer["result"] = json!({});
    } else {
        answer["error"] = json!({"code": -32601, "message": "the client offers nothing"});
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn filled(expected: &[&str], stdout: &str) -> Inbox {
        let inbox = Inbox::default();
        for id in expected {
            inbox.expect(id);
        }
        inbox.fill(stdout.as_bytes(), |_| {});
        inbox
    }

    #[test]
    fn replies_are_told_apart_by_their_id() {
        let inbox = filled(
            &["1", "2"],
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n",
        );
        let now = Instant::now();
        let reply = |id: u64, result: Value| {
            Arrival::Reply(json!({"jsonrpc": "2.0", "id": id, "result": result}))
        };
        assert_eq!(inbox.reply("1", now), reply(1, json!(7)));
        assert_eq!(inbox.reply("2", now), reply(2, json!({})));
        assert_eq!(inbox.reply("3", now), Arrival::Never, "the server has ended");
        assert_eq!(inbox.violation(), None);
    }

    #[test]
    fn what_is_not_json_rpc_is_a_violation() {
        for bad in [
            "starting up\n",
            "\n",
            "[]\n",
            "{\"id\":1,\"result\":{}}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":1}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"no\"}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n",
        ] {
            assert!(filled(&["1"], bad).violation().is_some(), "{bad}");
        }
        let twice = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n".repeat(2);
        assert!(filled(&["1"], &twice).violation().is_some(), "a second reply");
    }

    #[test]
    fn an_error_without_id_or_with_none_is_an_orphan() {
        let error = "\"error\":{\"code\":-32600,\"message\":\"no request\"}}\n";
        for begin in ["{\"jsonrpc\":\"2.0\",", "{\"jsonrpc\":\"2.0\",\"id\":null,"] {
            let inbox = filled(&["1"], &format!("{begin}{error}"));
            assert_eq!(inbox.violation(), None);
            assert_eq!(inbox.orphan(Instant::now()).unwrap()["error"]["code"], -32600);
            assert_eq!(inbox.reply("1", Instant::now()), Arrival::Never);
        }
        let result = filled(&[], "{\"jsonrpc\":\"2.0\",\"result\":{}}\n");
        assert!(result.violation().is_some(), "a result is always somebody's");
    }

    #[test]
    fn a_late_reply_is_told_from_one_that_cannot_come() {
        let inbox = Inbox::default();
        inbox.expect("1");
        assert_eq!(inbox.reply("1", Instant::now() + Duration::from_millis(5)), Arrival::Late);
    }

    #[test]
    fn a_ping_of_the_server_is_answered() {
        let inbox = Inbox::default();
        let sent = Mutex::new(Vec::new());
        let ping = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n";
        inbox.fill(ping.as_bytes(), |line| sent.lock().unwrap().push(line.to_owned()));
        assert_eq!(*sent.lock().unwrap(), [r#"{"id":"a","jsonrpc":"2.0","result":{}}"#]);
    }
}
