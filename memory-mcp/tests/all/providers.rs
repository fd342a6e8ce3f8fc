//! Search by meaning with vectors of a provider: one on the loopback, one that is gone, one that
//! hangs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use memory_testkit::stdio::{Client, Server};
use serde_json::{Value, json};

use super::{server, text};

const KEY: &str = "sk-walrus-1f0c";

/// Longer than any of it takes, on a machine that does something else as well.
const IN_TIME: Duration = Duration::from_mins(1);

/// A server that is to ask the provider at that address.
fn asking(address: &str) -> Server {
    asking_for(address, "concepts")
}

/// The same, for vectors of that model.
fn asking_for(address: &str, model: &str) -> Server {
    let url = format!("embedder_url=http://{address}/v1");
    let model = format!("embedder_model={model}");
    ["embedder=openai", &url, &model, "embedder_dimension=4"]
        .iter()
        .fold(server(), |server, setting| server.arg("--set").arg(setting))
        .env("MEMORY_MCP_EMBEDDER_KEY", KEY)
        .env("MEMORY_MCP_LOG_LEVEL", "trace")
}

/// Function that writes the vector of a text as a provider does.
type Written = fn(&str) -> String;

/// The vector of a text: one direction for each thing that it is about.
fn vector(text: &str) -> String {
    let about = |words: [&str; 2]| {
        let found = words.iter().any(|word| text.contains(word));
        f32::from(u8::from(found))
    };
    let cat = about(["feline", "cat"]);
    json!([cat, about(["deploy", "release"]), about(["colour", "paint"]), 0.1]).to_string()
}

/// Answers one request as `OpenAI` does; one without the key is refused.
fn answer(stream: TcpStream, written: Written) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut known) = (0, false);
    loop {
        let mut line = String::new();
        let n_read = reader.read_line(&mut line)?;
        let line = line.trim_end();
        if n_read == 0 || line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => known = value == format!("Bearer {KEY}"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body).unwrap();
    let texts = request["input"].as_array().unwrap().iter().enumerate();
    // By hand, as what is written may be no JSON.
    let item =
        |(index, input)| format!("{{\"index\": {index}, \"embedding\": {}}}", written(text(input)));
    let answer = format!("{{\"data\": [{}]}}", texts.map(item).collect::<Vec<_>>().join(","));
    let status = if known { "200 OK" } else { "401 Unauthorized" };
    let length = answer.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all((head + &answer).as_bytes())
}

/// Starts a provider, which ends with the test's process; gives its address.
fn provider() -> String {
    provider_of(vector)
}

/// The same, with vectors written so.
fn provider_of(written: Written) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A server that was killed in the middle of a request is no failure.
            thread::spawn(move || stream.and_then(|stream| answer(stream, written)));
        }
    });
    address
}

fn remember(client: &Client) {
    for fact in [
        "The feline sat upon the rug",
        "We deploy on Tuesdays from the main branch",
        "The colour of the button is green",
    ] {
        _ = client.call("remember", &json!({"text": fact})).expect_ok();
    }
}

fn n_pending(client: &Client) -> u64 {
    client.call("status", &json!({})).expect_ok()["n_pending"].as_u64().unwrap()
}

/// The key is in no line of the log, however much is logged.
fn assert_discreet(client: &Client) {
    let said = client.stderr();
    assert!(!said.contains("walrus"), "{said}");
}

#[test]
fn vectors_of_a_provider_find_by_meaning() {
    let client = asking(&provider()).start();
    remember(&client);
    let begin = Instant::now();
    while n_pending(&client) > 0 {
        assert!(begin.elapsed() < IN_TIME, "{}", client.stderr());
    }
    let found = client.call("recall", &json!({"query": "cat carpet"})).expect_ok();
    assert_eq!(text(&found["hits"][0]["text"]), "The feline sat upon the rug", "{found}");
    assert!(found.get("degraded").is_none(), "{found}");
    let health = client.call("status", &json!({"verbose": true})).expect_ok();
    assert_eq!((&health["model"], &health["n_vectors"]), (&json!("openai/concepts/4"), &json!(3)));
    assert_discreet(&client);
    assert!(client.close_stdin_and_wait(IN_TIME).success());
}

#[test]
fn a_provider_that_is_gone_leaves_search_by_words() {
    // Nobody listens where somebody just did.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let client = asking(&address).start();
    remember(&client);
    for _ in 0..3 {
        let found = client.call("recall", &json!({"query": "colour of the button"})).expect_ok();
        assert_eq!(text(&found["hits"][0]["text"]), "The colour of the button is green", "{found}");
        let degraded = text(&found["degraded"]);
        assert!(degraded.contains("openai") && degraded.contains("not available"), "{found}");
    }
    assert_eq!(n_pending(&client), 3, "the texts wait for the provider");
    assert_discreet(&client);
}

#[test]
fn a_provider_that_never_answers_delays_neither_start_nor_acknowledgement_nor_end() {
    // Connections are made by the system, and nobody ever takes them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let begin = Instant::now();
    let client = asking(&silent.local_addr().unwrap().to_string()).start();
    remember(&client);
    // One attempt takes 10 s, a query gives up after 3 s.
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    let found = client.call("recall", &json!({"query": "colour of the button"})).expect_ok();
    assert_eq!(text(&found["hits"][0]["text"]), "The colour of the button is green", "{found}");
    assert!(found["degraded"].is_string(), "{found}");
    assert!(client.close_stdin_and_wait(Duration::from_secs(5)).success());
}

#[test]
fn vectors_that_are_none_are_refused_and_the_texts_are_found_by_words() {
    let bad: [Written; 5] = [
        |_| "[NaN, 0, 0, 1]".into(),
        |_| "[null, 0, 0, 1]".into(),
        |_| "[1e999, 0, 0, 1]".into(),
        |_| "[1, 0, 0]".into(),
        |_| "[]".into(),
    ];
    for written in bad {
        let client = asking(&provider_of(written)).start();
        remember(&client);
        let query = json!({"query": "colour of the button"});
        let found = client.call("recall", &query).expect_ok();
        assert_eq!(text(&found["hits"][0]["text"]), "The colour of the button is green", "{found}");
        assert!(found["degraded"].is_string(), "{}: {found}", written(""));
        assert_eq!(n_pending(&client), 3, "{}: no vector was taken", written(""));
        assert_discreet(&client);
    }
}

#[test]
fn another_model_makes_vectors_of_its_own_for_all_that_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("memory.db");
    let address = provider();
    for model in ["concepts", "later"] {
        let client = asking_for(&address, model).arg("--store").arg(&store).start();
        if model == "concepts" {
            remember(&client);
        }
        let begin = Instant::now();
        while n_pending(&client) > 0 {
            assert!(begin.elapsed() < IN_TIME, "{}", client.stderr());
        }
        let health = client.call("status", &json!({"verbose": true})).expect_ok();
        assert_eq!(health["model"], json!(format!("openai/{model}/4")));
        let found =
            client.call("recall", &json!({"query": "cat carpet", "scope": "*"})).expect_ok();
        assert_eq!(text(&found["hits"][0]["text"]), "The feline sat upon the rug", "{found}");
        assert!(client.close_stdin_and_wait(IN_TIME).success());
    }
}
