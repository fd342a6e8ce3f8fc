//! Faults between a carrier and its server.

use std::time::Duration;

use memory_core::RecordId;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId};
use memory_storage_turso::{RemoteCarrier, RemoteOptions};
use memory_testkit::sample;

use crate::server::{Fault, Server};

const READER: MachineId = MachineId([0xee; 16]);
const TOKEN: &str = "s3cret-t0ken";

fn entry(n: u64, bytes: &[u8]) -> Entry {
    let record = RecordId::Note(sample::note_id(n));
    Entry { machine: MachineId([1; 16]), record, scope: "a".into(), bytes: bytes.into() }
}

fn carrier(server: &Server) -> RemoteCarrier {
    let token = Some(TOKEN.into());
    let options = RemoteOptions { token, request_bytes: 40, ..RemoteOptions::default() };
    RemoteCarrier::open(server.address(), options).unwrap()
}

fn started() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    (dir, server)
}

fn pull(
    carrier: &mut RemoteCarrier,
    after: Option<&Cursor>,
) -> Result<(Vec<Entry>, Cursor), CarrierError> {
    let pulled = carrier.pull(READER, &["a".into()], after, 1 << 20)?;
    assert!(!pulled.more || !pulled.entries.is_empty());
    Ok((pulled.entries, pulled.cursor))
}

/// Tries until it is done; all failures on the way must be passing ones.
fn done<T>(mut attempt: impl FnMut() -> Result<T, CarrierError>) -> T {
    for _ in 0..3 {
        match attempt() {
            Ok(done) => return done,
            Err(CarrierError::Away { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    attempt().unwrap()
}

/// Pushes small and large, a record anew, and a pull.
fn exchange(carrier: &mut RemoteCarrier) -> Vec<Entry> {
    done(|| carrier.push(&[entry(1, b"old"), entry(2, b"two")]));
    done(|| carrier.push(&[entry(1, b"new"), entry(3, &[3; 30]), entry(4, &[4; 30])]));
    let (mut entries, mut after) = (Vec::new(), None);
    while entries.len() < 4 {
        let (page, cursor) = done(|| pull(carrier, after.as_ref()));
        assert!(!page.is_empty(), "{entries:?}");
        entries.extend(page);
        after = Some(cursor);
    }
    entries
}

#[test]
fn no_call_leaves_a_stream_open_at_the_server() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    exchange(&mut carrier);
    assert!(carrier.now().unwrap().is_some());
    assert_eq!(server.n_streams(), 0);
}

#[test]
fn after_any_fault_of_any_request_trying_again_makes_it_good() {
    let (_dir, server) = started();
    let wanted = exchange(&mut carrier(&server));
    let n_requests = server.n_requests();
    assert!(n_requests > 10, "{n_requests}");
    let faults = [
        Fault::Status(503, b"<html>come back later</html>"),
        Fault::Status(429, b"{}"),
        Fault::Cut,
        Fault::AnswerLost,
        Fault::HalfAnswer,
        Fault::ShortAnswer,
        Fault::StreamsGone,
        Fault::Late,
        Fault::Twice,
    ];
    for fault in faults {
        for n_before in 0..n_requests {
            let (_dir, server) = started();
            server.order(std::iter::repeat_n(Fault::None, n_before).chain([fault]));
            assert_eq!(exchange(&mut carrier(&server)), wanted, "{fault:?} after {n_before}");
            assert!(server.has_no_orders(), "{fault:?} after {n_before}");
            server.serve_late();
            let (entries, _) = pull(&mut carrier(&server), None).unwrap();
            assert_eq!(entries[..], wanted[..entries.len()], "late: {fault:?} after {n_before}");
        }
    }
}

#[test]
fn a_push_that_arrives_after_a_newer_one_changes_nothing() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    carrier.push(&[entry(1, b"first")]).unwrap();
    server.order([Fault::Late]);
    let lost = carrier.push(&[entry(1, b"older")]).unwrap_err();
    assert!(matches!(lost, CarrierError::Away { .. }), "{lost}");
    carrier.push(&[entry(1, b"newer")]).unwrap();
    assert_eq!(server.serve_late(), 1);
    assert_eq!(pull(&mut carrier, None).unwrap().0, [entry(1, b"newer")]);
}

#[test]
fn two_handles_of_one_machine_both_push() {
    let (_dir, server) = started();
    let (mut first, mut second) = (carrier(&server), carrier(&server));
    for n in 0..3 {
        first.push(&[entry(n, b"first")]).unwrap();
        second.push(&[entry(n + 10, b"second"), entry(n + 20, &[0; 60])]).unwrap();
    }
    let mut held = 0;
    let mut after = None;
    while held < 9 {
        let (page, cursor) = pull(&mut first, after.as_ref()).unwrap();
        assert!(!page.is_empty(), "{held}");
        held += page.len();
        after = Some(cursor);
    }
}

#[test]
fn a_server_that_never_answers_is_away_and_the_next_call_is_made_anew() {
    let (_dir, server) = started();
    let call_limit = Duration::from_millis(50);
    let options = RemoteOptions { call_limit, ..RemoteOptions::default() };
    let mut carrier = RemoteCarrier::open(server.address(), options).unwrap();
    server.order([Fault::Silence]);
    let error = carrier.now().unwrap_err();
    assert!(matches!(error, CarrierError::Away { .. }), "{error}");
    assert!(error.to_string().contains("no answer came within 50ms"), "{error}");
    assert!(done(|| carrier.now()).is_some());
}

#[test]
fn a_server_that_is_not_there_is_away() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    drop(server);
    let error = carrier.push(&[entry(1, b"x")]).unwrap_err();
    assert!(matches!(error, CarrierError::Away { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[test]
fn what_will_not_pass_is_refused_and_says_what_helps() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    for (status, body, says) in [
        (403, &b"{\"error\":\"forbidden\"}"[..], "MEMORY_MCP_REMOTE_TOKEN"),
        (404, b"namespace does not exist", "no database under this address"),
        (413, b"", "larger than the server takes"),
        (301, b"", "points to another place"),
        (200, b"<html>welcome</html>", "check the address"),
        (200, b"{\"results\":[]}", "check the address"),
        (400, b"what?", "what?"),
        (500, &[0xff, 0xfe], "check the address"),
    ] {
        server.order([Fault::Status(status, body)]);
        let error = carrier.now().unwrap_err();
        assert!(matches!(error, CarrierError::Refused { .. }), "{status}: {error}");
        assert!(error.to_string().contains(says), "{status}: {error}");
    }
    assert!(carrier.now().unwrap().is_some());
}

#[test]
fn no_message_has_the_token_in_it() {
    let (_dir, server) = started();
    server.require("another");
    let error = carrier(&server).push(&[entry(1, b"x")]).unwrap_err();
    assert!(matches!(error, CarrierError::Refused { .. }), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
    let options = RemoteOptions { token: Some(TOKEN.into()), ..RemoteOptions::default() };
    let carrier = RemoteCarrier::open(server.address(), options.clone()).unwrap();
    let shown = format!("{options:?} {carrier:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
    server.require(TOKEN);
    let mut carrier = self::carrier(&server);
    carrier.push(&[entry(1, b"x")]).unwrap();
    let reason = b"Bearer s3cret-t0ken is over its quota";
    server.order([Fault::Status(402, reason)]);
    let shown = carrier.now().unwrap_err().to_string();
    assert!(shown.contains("over its quota") && !shown.contains(TOKEN), "{shown}");
}

#[test]
fn tables_of_a_newer_format_are_refused() {
    let (_dir, server) = started();
    let mut old = carrier(&server);
    old.push(&[entry(1, b"x")]).unwrap();
    server.script("UPDATE memory_mcp_place SET value = 2 WHERE key = 'format'");
    let refused = [
        pull(&mut old, None).map(drop),
        old.push(&[entry(2, b"x")]),
        pull(&mut carrier(&server), None).map(drop),
        carrier(&server).push(&[entry(2, b"x")]),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, CarrierError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("update memory-mcp"), "{error}");
    }
}

#[test]
fn of_a_server_that_was_set_up_anew_a_reader_begins_from_the_beginning() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    carrier.push(&[entry(1, b"x"), entry(2, b"x")]).unwrap();
    let (_, cursor) = pull(&mut carrier, None).unwrap();
    server.script("DROP TABLE memory_mcp_entries; DROP TABLE memory_mcp_place");
    done(|| carrier.push(&[entry(3, b"x"), entry(4, b"x"), entry(5, b"x")]));
    let (entries, cursor) = pull(&mut carrier, Some(&cursor)).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(pull(&mut carrier, Some(&cursor)).unwrap().0, []);
}

#[test]
fn what_cannot_be_read_is_named() {
    let (_dir, server) = started();
    let mut carrier = carrier(&server);
    carrier.push(&[entry(1, b"x")]).unwrap();
    server.script("UPDATE memory_mcp_entries SET bytes = 7");
    let error = pull(&mut carrier, None).unwrap_err();
    assert!(matches!(error, CarrierError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("bytes are an integer"), "{error}");
    let foreign = Cursor([1, 2, 3].into());
    let error = pull(&mut carrier, Some(&foreign)).unwrap_err();
    assert!(matches!(error, CarrierError::Refused { .. }), "{error}");
}
