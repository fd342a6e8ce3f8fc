use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// Behaviour of the server for one request.
enum Reply {
    /// Answer with this status, extra header lines and body.
    Send(u16, &'static str, String),
    /// Announce more than is sent, and close.
    Cut,
    /// Say nothing for this long.
    Sleep(Duration),
}

fn ok(body: &str) -> Reply {
    Reply::Send(200, "", body.to_owned())
}

fn status(status: u16) -> Reply {
    Reply::Send(status, "", "{}".to_owned())
}

/// A server on the loopback that gives each connection one reply, and then is gone. Requests arrive
/// in the receiver.
fn server(replies: Vec<Reply>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for (reply, stream) in replies.into_iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            // The test may have seen enough and be gone.
            if sender.send(read_request(&mut stream)).is_err() {
                return;
            }
            let text = match reply {
                Reply::Send(status, headers, body) => format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\
                     Connection: close\r\n{headers}\r\n{body}",
                    body.len()
                ),
                Reply::Cut => "HTTP/1.1 200 X\r\nContent-Length: 999\r\n\r\n{\"data\":".to_owned(),
                Reply::Sleep(time) => {
                    std::thread::sleep(time);
                    String::new()
                }
            };
            stream.write_all(text.as_bytes()).ok();
        }
    });
    (address, receiver)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if count == 0 || length.is_some_and(|length| body.len() >= length.parse().unwrap()) {
            return String::from_utf8(request).unwrap();
        }
        assert!(length.is_some(), "a request of announced length");
    }
}

fn remote(provider: Provider, address: &str) -> Remote {
    Remote::new(RemoteConfig {
        key: Some("secret".to_owned()),
        first_pause: Duration::from_millis(4),
        attempt_limit: Duration::from_millis(800),
        ..RemoteConfig::new(provider, address, "model-x", 2)
    })
}

const ONE: &str = r#"{"data":[{"index":0,"embedding":[3,4]}]}"#;

fn embed(remote: &Remote) -> Result<Vec<Vec<f32>>, EmbedError> {
    remote.embed(Role::Query, &["why"])
}

#[test]
fn every_provider_is_asked_in_its_shape_and_its_answer_understood() {
    let listed =
        r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],"model":"m"}"#;
    let plain = r#"{"embeddings":[[3,4],[0,2]]}"#;
    let floats = r#"{"embeddings":{"float":[[3,4],[0,2]]}}"#;
    for (provider, path, answer, contains) in [
        (Provider::OpenAi, "/embeddings", listed, r#""input":["why"," "]"#),
        (Provider::Mistral, "/embeddings", listed, r#""model":"model-x""#),
        (Provider::Voyage, "/embeddings", listed, r#""input_type":"query""#),
        (Provider::Ollama, "/api/embed", plain, r#""input":["why"," "]"#),
        (Provider::Cohere, "/embed", floats, r#""input_type":"search_query""#),
    ] {
        let (address, requests) = server(vec![ok(answer)]);
        let found = remote(provider, &address).embed(Role::Query, &["why", ""]).unwrap();
        assert_eq!(found, [[0.6, 0.8], [0.0, 1.0]]);
        let request = requests.recv().unwrap();
        assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{request}");
        assert!(request.to_lowercase().contains("authorization: bearer secret"), "{request}");
        assert!(request.contains(contains), "{request}");
    }
}

#[test]
fn passing_failures_are_tried_again() {
    let wait = Reply::Send(429, "Retry-After: 0\r\n", String::new());
    let (address, requests) = server(vec![wait, status(500), Reply::Cut, ok(ONE)]);
    assert_eq!(embed(&remote(Provider::OpenAi, &address)).unwrap(), [[0.6, 0.8]]);
    assert_eq!(requests.iter().count(), 4);
}

#[test]
fn a_provider_that_keeps_failing_is_unavailable_after_the_attempts_allowed() {
    let (address, requests) = server((0..4).map(|_| status(503)).collect());
    let error = embed(&remote(Provider::OpenAi, &address)).unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable { source: Some(_), .. }), "{error:?}");
    assert_eq!(requests.iter().count(), 4);
}

#[test]
fn a_silent_provider_is_given_up_within_the_limits() {
    let (address, _requests) = server(vec![Reply::Sleep(Duration::from_secs(3))]);
    let mut config = remote(Provider::OpenAi, &address).config;
    (config.attempt_limit, config.attempts) = (Duration::from_millis(200), 1);
    let start = Instant::now();
    let error = embed(&Remote::new(config)).unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_long_retry_after_is_not_waited_for() {
    for header in ["Retry-After: 3600\r\n", "Retry-After: 18446744073709551615\r\n"] {
        let (address, _requests) = server(vec![Reply::Send(429, header, String::new())]);
        let start = Instant::now();
        assert!(embed(&remote(Provider::OpenAi, &address)).is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn refusals_and_redirects_are_not_repeated() {
    for code in [400, 401, 404, 301] {
        let (address, requests) = server(vec![status(code)]);
        let error = embed(&remote(Provider::OpenAi, &address)).unwrap_err();
        assert!(matches!(error, EmbedError::Refused { status, .. } if status == code), "{error:?}");
        assert_eq!(requests.iter().count(), 1);
    }
}

#[test]
fn answers_that_are_not_the_vectors_asked_for_are_refused() {
    for body in [
        "",
        "<html>",
        r#"{"data":[]}"#,
        r#"{"data":[{"index":0,"embedding":[1,2,3]}]}"#,
        r#"{"data":[{"index":1,"embedding":[1,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[NaN,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[null,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1e39,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[0,0]}]}"#,
    ] {
        let (address, _requests) = server(vec![ok(body)]);
        let error = embed(&remote(Provider::OpenAi, &address)).unwrap_err();
        assert!(matches!(error, EmbedError::BadAnswer { .. }), "{body}: {error:?}");
    }
}

#[test]
fn a_failing_provider_is_left_alone_for_a_while_and_then_tried_once() {
    let (address, requests) = server(vec![status(500), status(500), ok(ONE), ok(ONE)]);
    let mut config = remote(Provider::OpenAi, &address).config;
    (config.attempts, config.failures_to_pause) = (1, 2);
    config.pause = Duration::from_millis(300);
    let remote = Remote::new(config);
    assert!(embed(&remote).is_err());
    assert!(embed(&remote).is_err());
    let error = embed(&remote).unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable { source: None, .. }), "{error:?}");
    assert_eq!(requests.try_iter().count(), 2);
    std::thread::sleep(Duration::from_millis(320));
    assert!(embed(&remote).is_ok());
    assert!(embed(&remote).is_ok());
}

#[test]
fn the_key_is_not_printed() {
    let remote = remote(Provider::OpenAi, "http://127.0.0.1:1");
    assert!(!format!("{remote:?} {:?}", embed(&remote)).contains("secret"));
}

#[test]
fn more_texts_than_a_request_takes_are_refused_and_none_is_no_request() {
    let remote = remote(Provider::Cohere, "http://127.0.0.1:1");
    let error = remote.embed(Role::Document, &["x"; 97]).unwrap_err();
    assert!(matches!(error, EmbedError::TooManyTexts { got: 97, limit: 96 }));
    assert!(remote.embed(Role::Document, &[]).unwrap().is_empty());
}
