//! Messages from the server that nobody has asked for yet.
//!
//! A reader thread fills the [`Inbox`] with the lines of the server's stdout; those who wait for a
//! reply, a notification or the end are woken at each line.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::BufRead;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

#[derive(Default)]
struct Messages {
    expected: BTreeSet<String>,
    replies: BTreeMap<String, (Value, Instant)>,
    orphans: VecDeque<Value>,
    notifications: Vec<Value>,
    violation: Option<String>,
    may_be_cut: bool,
    has_ended: bool,
}

/// State of a request at the end of the wait for it.
#[derive(Debug, PartialEq)]
pub(super) enum Arrival {
    /// The reply, and when its line was complete.
    Reply(Value, Instant),
    /// The server ended without a reply.
    Never,
    /// There was none before the deadline.
    Late,
}

/// Sorted lines of the server's stdout.
#[derive(Default)]
pub(super) struct Inbox {
    messages: Mutex<Messages>,
    arrived: Condvar,
}

impl Inbox {
    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
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
            let arrived_at = Instant::now();
            let is_whole = line.last() == Some(&b'\n');
            let mut messages = self.messages();
            if (is_whole || !messages.may_be_cut)
                && let Some(reply) = messages.sort(&line, arrived_at)
            {
                drop(messages);
                answer(&reply.to_string());
            }
            self.arrived.notify_all();
        }
        self.messages().has_ended = true;
        self.arrived.notify_all();
    }

    pub(super) fn expect(&self, id: &str) {
        self.messages().expected.insert(id.to_owned());
    }

    pub(super) fn forgive_cut_line(&self) {
        self.messages().may_be_cut = true;
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.messages().violation.clone()
    }

    pub(super) fn notifications(&self) -> Vec<Value> {
        self.messages().notifications.clone()
    }

    /// Waits for the reply to the request `id`.
    pub(super) fn reply(&self, id: &str, deadline: Instant) -> Arrival {
        let arrival = self.until(deadline, |messages| match messages.replies.remove(id) {
            Some((reply, at)) => Some(Arrival::Reply(reply, at)),
            None => messages.has_ended.then_some(Arrival::Never),
        });
        arrival.unwrap_or(Arrival::Late)
    }

    pub(super) fn orphan(&self, deadline: Instant) -> Option<Value> {
        self.until(deadline, |messages| messages.orphans.pop_front())
    }

    /// Waits until the server closes its stdout; false if it does not in time.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        self.until(deadline, |messages| messages.has_ended.then_some(())).is_some()
    }

    fn until<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut Messages) -> Option<T>,
    ) -> Option<T> {
        let mut messages = self.messages();
        loop {
            if let Some(found) = look(&mut messages) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let woken = self.arrived.wait_timeout(messages, left);
            messages = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Messages {
    /// Sorts in a line; returns the answer to it if it is a request of the server.
    fn sort(&mut self, line: &[u8], arrived_at: Instant) -> Option<Value> {
        match parse(line) {
            Err(reason) => self.violate(line, reason),
            Ok(Message::Notification(message)) => self.notifications.push(message),
            Ok(Message::Request(request)) => return Some(answer(&request)),
            Ok(Message::Reply(reply)) => match &reply["id"] {
                Value::Null => self.orphans.push_back(reply),
                id => {
                    let id = id.to_string();
                    if self.expected.remove(&id) {
                        self.replies.insert(id, (reply, arrived_at));
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
enum Message {
    Reply(Value),
    Request(Value),
    Notification(Value),
}

/// Reads one line of JSON-RPC 2.0.
fn parse(line: &[u8]) -> Result<Message, &'static str> {
    if line.last() != Some(&b'\n') {
        return Err("a line without end");
    }
    let message: Value = serde_json::from_slice(line).ok().ok_or("not JSON")?;
    let Some(fields) = message.as_object() else { return Err("not an object") };
    if message["jsonrpc"] != "2.0" {
        return Err("`jsonrpc` is not \"2.0\"");
    }
    let has = |name: &str| fields.contains_key(name);
    match (has("method"), has("id"), has("result"), has("error")) {
        (true, true, false, false) => Ok(Message::Request(message)),
        (true, false, false, false) => Ok(Message::Notification(message)),
        (false, true, true, false) => Ok(Message::Reply(message)),
        // An error may lack the id of a request that could not be read.
        (false, _, false, true)
            if message["error"]["code"].is_i64() && message["error"]["message"].is_string() =>
        {
            Ok(Message::Reply(message))
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
        let begin = Instant::now();
        let inbox = filled(
            &["1", "2"],
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\
             {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n",
        );
        let now = Instant::now();
        for (id, result) in [("1", json!(7)), ("2", json!({}))] {
            let Arrival::Reply(reply, at) = inbox.reply(id, now) else { panic!("no reply: {id}") };
            assert_eq!(reply["result"], result);
            assert!((begin..=now).contains(&at), "the reply is stamped when it arrives");
        }
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
