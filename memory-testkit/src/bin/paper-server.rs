//! A server of the same shape as memory-mcp, as small as it can be, to try the harnesses on: they
//! must pass it when it is honest, and find it out when it is not.
//!
//! Its store is one file of JSON lines that several processes append to under a lock. The variable
//! `PAPER_FAULT` makes it dishonest; see [`Fault`].

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Seek, SeekFrom, Write, stdin, stdout};

use serde_json::{Value, json};

/// A way to break a promise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Acknowledges what it has not written yet.
    Forgetful,
    /// Writes half of every tenth batch of steps and never answers it.
    Torn,
    /// Never reads what other processes have written.
    Blind,
    /// Writes to stdout what is not JSON-RPC.
    Noisy,
    /// Does not end when its stdin is closed.
    Stubborn,
    /// Answers no tool call.
    Mute,
}

struct Server {
    fault: Fault,
    file: File,
    read_to: u64,
    unwritten: Vec<Value>,
    n_batches: u64,
    episodes: BTreeMap<String, (Value, Vec<Value>)>,
    notes: BTreeMap<String, String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let fault = match std::env::var("PAPER_FAULT").as_deref() {
        Ok("forgetful") => Fault::Forgetful,
        Ok("torn") => Fault::Torn,
        Ok("blind") => Fault::Blind,
        Ok("noisy") => Fault::Noisy,
        Ok("stubborn") => Fault::Stubborn,
        Ok("mute") => Fault::Mute,
        _ => Fault::None,
    };
    let path = std::env::args().nth(1).ok_or("the path of the store is required")?;
    let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut server = Server {
        fault,
        file,
        read_to: 0,
        unwritten: Vec::new(),
        n_batches: 0,
        episodes: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    // Under the lock: reading cuts off an unfinished line, which must not be one that is being
    // written.
    server.file.lock()?;
    server.read_on()?;
    server.file.unlock()?;
    for line in stdin().lock().lines() {
        if let Some(reply) = server.answer(&line?)? {
            let mut stdout = stdout().lock();
            stdout.write_all(format!("{reply}\n").as_bytes())?;
            stdout.flush()?;
        }
    }
    if fault == Fault::Stubborn {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

/// Answer to a request, if there is one.
type Answer = Result<Option<Value>, Box<dyn Error>>;

/// A text in a record or a call.
fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is no text"))
}

impl Server {
    fn answer(&mut self, line: &str) -> Answer {
        let Ok(request) = serde_json::from_str::<Value>(line) else {
            let error = json!({"code": -32700, "message": "not JSON"});
            return Ok(Some(json!({"jsonrpc": "2.0", "id": null, "error": error})));
        };
        let Some(id) = request.get("id").cloned() else { return Ok(None) };
        let result = match request["method"].as_str() {
            Some("initialize") => json!({"serverInfo": {"name": "paper"}}),
            Some("tools/call") => {
                if self.fault == Fault::Noisy {
                    stdout().write_all(b"calling a tool\n")?;
                }
                let args = &request["params"]["arguments"];
                let name = request["params"]["name"].as_str().unwrap_or_default();
                let Some(structured) = self.call(name, args)? else { return Ok(None) };
                let text =
                    structured["error"].as_str().map_or(structured.to_string(), str::to_owned);
                json!({
                    "isError": structured.get("error").is_some(),
                    "content": [{"type": "text", "text": text}],
                    "structuredContent": structured,
                })
            }
            _ => {
                let error = json!({"code": -32601, "message": "no such method"});
                return Ok(Some(json!({"jsonrpc": "2.0", "id": id, "error": error})));
            }
        };
        Ok(Some(json!({"jsonrpc": "2.0", "id": id, "result": result})))
    }

    /// Nothing is answered when the fault says so.
    fn call(&mut self, tool: &str, args: &Value) -> Answer {
        if self.fault == Fault::Mute {
            return Ok(None);
        }
        self.file.lock()?;
        if self.fault != Fault::Blind {
            self.read_on()?;
        }
        let answer = match tool {
            "start_episode" | "remember" | "log_steps" | "complete_episode" => {
                self.write(tool, args)?
            }
            "get_episode" => Some(self.get_episode(args)?),
            "recall" => Some(self.recall(args["query"].as_str().unwrap_or_default())),
            _ => Some(json!({"error": format!("no tool {tool}")})),
        };
        self.file.unlock()?;
        Ok(answer)
    }

    fn write(&mut self, tool: &str, args: &Value) -> Answer {
        let id = format!("{}-{}-{}", std::process::id(), self.read_to, self.unwritten.len());
        let mut record = json!({"tool": tool, "args": args, "id": id});
        if let Some(episode) = args["episode_id"].as_str()
            && !self.episodes.contains_key(episode)
        {
            return Ok(Some(json!({"error": format!("no episode {episode} is stored")})));
        }
        self.n_batches += u64::from(tool == "log_steps");
        let is_torn =
            self.fault == Fault::Torn && tool == "log_steps" && self.n_batches.is_multiple_of(10);
        let steps = record["args"]["steps"].as_array_mut();
        if let Some(steps) = steps.filter(|steps| is_torn && steps.len() > 1) {
            steps.truncate(1);
        }
        if self.fault == Fault::Forgetful {
            self.apply(&record)?;
            self.unwritten.push(record);
            if self.unwritten.len() == 12 {
                for record in std::mem::take(&mut self.unwritten) {
                    self.read_to += self.append(&record)?;
                }
            }
        } else {
            self.append(&record)?;
            self.read_on()?;
        }
        let n_steps = args["episode_id"].as_str().map(|id| self.episodes[id].1.len());
        let answer = json!({"episode_id": id, "note_id": id, "n_steps": n_steps});
        Ok((!is_torn).then_some(answer))
    }

    /// Gives the number of bytes.
    fn append(&mut self, record: &Value) -> Result<u64, std::io::Error> {
        let line = format!("{record}\n");
        self.file.write_all(line.as_bytes())?;
        Ok(line.len() as u64)
    }

    /// Takes in what has been written since the last time, by whichever process.
    fn read_on(&mut self) -> Result<(), Box<dyn Error>> {
        let mut more = Vec::new();
        self.file.seek(SeekFrom::Start(self.read_to))?;
        self.file.read_to_end(&mut more)?;
        for line in more.split_inclusive(|byte| *byte == b'\n') {
            // A line without end was cut by a kill: its call was not acknowledged.
            let Ok(record) = serde_json::from_slice(line) else { break };
            self.read_to += line.len() as u64;
            self.apply(&record)?;
        }
        if self.fault != Fault::Blind {
            self.file.set_len(self.read_to)?;
        }
        Ok(())
    }

    fn apply(&mut self, record: &Value) -> Result<(), Box<dyn Error>> {
        let (args, id) = (&record["args"], text(&record["id"])?.to_owned());
        let episode = args["episode_id"].as_str().and_then(|id| self.episodes.get_mut(id));
        match (text(&record["tool"])?, episode) {
            ("start_episode", _) => {
                let episode = json!({"task": args["task"], "status": "open"});
                self.episodes.entry(id).or_insert((episode, Vec::new()));
            }
            ("remember", _) => _ = self.notes.insert(id, text(&args["text"])?.to_owned()),
            ("complete_episode", Some((episode, _))) => episode["status"] = json!("completed"),
            ("log_steps", Some((_, steps))) => {
                for step in args["steps"].as_array().ok_or("steps are no array")? {
                    let mut step = step.clone();
                    step["idx"] = json!(steps.len());
                    steps.push(step);
                }
            }
            (tool, _) => return Err(format!("{tool} in the store").into()),
        }
        Ok(())
    }

    fn get_episode(&self, args: &Value) -> Result<Value, Box<dyn Error>> {
        let Some((episode, steps)) = self.episodes.get(text(&args["episode_id"])?) else {
            return Ok(json!({"error": "no such episode"}));
        };
        let count = |name| {
            usize::try_from(args[name].as_u64().ok_or("no count")?).map_err(Box::<dyn Error>::from)
        };
        let (from, limit) = (count("from_step")?, count("limit")?);
        let page: Vec<&Value> = steps.iter().skip(from).take(limit).collect();
        let mut episode = episode.clone();
        episode["n_steps"] = json!(steps.len());
        episode["steps"] = json!(page);
        Ok(episode)
    }

    fn recall(&self, query: &str) -> Value {
        let found = self.notes.iter().filter(|(_, text)| text.contains(query));
        let hits: Vec<Value> = found.map(|(id, text)| json!({"id": id, "text": text})).collect();
        json!({"hits": hits})
    }
}
