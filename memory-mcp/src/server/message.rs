//! Reads one line of JSON-RPC: bytes become a message that can be served, or the error that answers
//! it.
//!
//! Input: a line as a client sent it. Output: [`Parsed`]. Used by the transport. Holds no state:
//! the order of messages, the handshake and ids in use are the transport's.
//!
//! The protocol's library drops what it cannot parse, and takes a known method with wrong params
//! for an unknown method. Clients wait forever for the first and report the second as a fault of
//! the server. Here every request whose id can be read gets an answer.

use std::borrow::Cow;

use rmcp::model::{
    CallToolRequest, ClientNotification, ClientRequest, CompleteRequest, DiscoverRequest,
    GetPromptRequest, InitializeRequest, JsonRpcMessage, ListPromptsRequest,
    ListResourceTemplatesRequest, ListResourcesRequest, ListToolsRequest, PingRequest,
    ReadResourceRequest, RequestId, SubscriptionsListenRequest,
};
use rmcp::service::{RoleServer, RxJsonRpcMessage};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::skim::{Skim, repaired};
use crate::wire::echoed;

/// Code of an error: the line is not JSON.
const PARSE_ERROR: i32 = -32700;
/// Code of an error: the JSON is not a request.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// Code of an error: nothing of that name is served.
const METHOD_NOT_FOUND: i32 = -32601;
/// Code of an error: the method is served, and not with these params.
const INVALID_PARAMS: i32 = -32602;

/// Longest detail of an error that is passed on, in bytes.
const MAX_DETAIL_BYTES: usize = 200;

/// Content of one line.
#[derive(Debug)]
pub(super) enum Parsed {
    /// White space.
    Nothing,
    /// One message.
    Single(Incoming),
    /// A batch: messages that are to be read one by one by [`single`].
    Batch(Vec<Value>),
}

/// One message.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message for the protocol's library.
    Message(Box<RxJsonRpcMessage<RoleServer>>),
    /// A request, or what was meant to be one, with the error that answers it.
    Refused(Refusal),
    /// A notification or a response that nothing is to be done about.
    Ignored,
}

/// The error that answers a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// The request's id; null where it cannot be read.
    pub(super) id: Value,
    /// The code that JSON-RPC has for this kind of error.
    pub(super) code: i32,
    /// The reason, for whoever wrote the client.
    pub(super) message: Cow<'static, str>,
}

impl Refusal {
    /// Returns the error for something that is no request.
    pub(super) fn invalid(id: Value, message: impl Into<Cow<'static, str>>) -> Self {
        Self { id, code: INVALID_REQUEST, message: message.into() }
    }

    /// Returns the answer as JSON-RPC.
    pub(super) fn to_json(&self) -> String {
        let error = json!({"code": self.code, "message": self.message});
        json!({"jsonrpc": "2.0", "id": self.id, "error": error}).to_string()
    }
}

/// Reads a line.
///
/// Bytes that are not UTF-8 and escapes of half a surrogate pair are taken as U+FFFD: what is lost
/// is a character of a text, and not the request.
pub(super) fn parse(line: &[u8]) -> Parsed {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Parsed::Nothing;
    }
    let text = String::from_utf8_lossy(line);
    let parsed = serde_json::from_str(&text).or_else(|error| {
        let repaired = repaired(&text);
        if repaired == text { Err(error) } else { serde_json::from_str(&repaired) }
    });
    match parsed {
        Ok(Value::Array(items)) => Parsed::Batch(items),
        Ok(value) => Parsed::Single(single(value)),
        Err(error) => {
            let id = Skim::of(text.as_bytes()).request_id();
            let message = format!("the line cannot be read as JSON: {error}; nothing was done");
            Parsed::Single(Incoming::Refused(Refusal {
                id,
                code: PARSE_ERROR,
                message: message.into(),
            }))
        }
    }
}

/// Reads one message.
pub(super) fn single(value: Value) -> Incoming {
    let Value::Object(mut object) = value else {
        return invalid(Value::Null, "a message is a JSON object");
    };
    let has = |name: &str| object.contains_key(name);
    let (has_method, is_answer) = (has("method"), has("result") || has("error"));
    if !has_method && is_answer {
        // A response that cannot be read is none that anybody waits for.
        let message = serde_json::from_value(Value::Object(object));
        return message.map_or(Incoming::Ignored, |read| Incoming::Message(Box::new(read)));
    }
    let given_id = object.remove("id");
    let Ok(id) = given_id.clone().map(serde_json::from_value::<RequestId>).transpose() else {
        // Whatever it is, it is sent back, but for what no client can have meant as an id.
        let id = given_id.filter(Value::is_number).unwrap_or_default();
        return invalid(id, "the id of a request is a string or a whole number of 64 bits");
    };
    let id_value = given_id.unwrap_or_default();
    let is_version_2 = object.get("jsonrpc").and_then(Value::as_str) == Some("2.0");
    // A notification is answered by nothing, so there is nobody to tell.
    if !is_version_2 && (id.is_some() || !has_method) {
        return invalid(id_value, "a message has \"jsonrpc\": \"2.0\"");
    }
    if has_method && is_answer {
        return invalid(id_value, "a message is a request or an answer, not both");
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return invalid(id_value, "a request has a method, which is a string");
    };
    // Null is absent.
    let params = object.remove("params").filter(|params| !params.is_null());
    match id {
        None => notification(&method, params),
        Some(id) => match request(&method, params) {
            Ok(request) => Incoming::Message(Box::new(JsonRpcMessage::request(request, id))),
            Err((code, message)) => {
                Incoming::Refused(Refusal { id: id_value, code, message: message.into() })
            }
        },
    }
}

fn invalid(id: Value, message: &'static str) -> Incoming {
    Incoming::Refused(Refusal::invalid(id, message))
}

/// Reads a notification; one that is not known is no error.
fn notification(method: &str, params: Option<Value>) -> Incoming {
    let known = matches!(
        method,
        "notifications/initialized"
            | "notifications/cancelled"
            | "notifications/progress"
            | "notifications/roots/list_changed"
    );
    match read::<ClientNotification>(method, params) {
        Ok(read) if known => Incoming::Message(Box::new(JsonRpcMessage::notification(read))),
        _ => Incoming::Ignored,
    }
}

/// Reads a request, or says by code and sentence why it is refused.
fn request(method: &str, params: Option<Value>) -> Result<ClientRequest, (i32, String)> {
    let checked = |params: Option<Value>| match params {
        Some(Value::Array(_)) => Err(wrong("params are an object here, not an array")),
        Some(params) if !params.is_object() => Err(wrong("params are an object")),
        params => Ok(params),
    };
    match method {
        "ping" => typed::<PingRequest, _>(method, checked(params)?),
        "initialize" => typed::<InitializeRequest, _>(method, checked(params)?),
        "server/discover" => typed::<DiscoverRequest, _>(method, checked(params)?),
        "subscriptions/listen" => typed::<SubscriptionsListenRequest, _>(method, checked(params)?),
        "tools/list" => typed::<ListToolsRequest, _>(method, page(checked(params)?)?),
        "prompts/list" => typed::<ListPromptsRequest, _>(method, page(checked(params)?)?),
        "prompts/get" => typed::<GetPromptRequest, _>(method, Some(named(checked(params)?)?)),
        "resources/list" => typed::<ListResourcesRequest, _>(method, page(checked(params)?)?),
        "resources/templates/list" => {
            typed::<ListResourceTemplatesRequest, _>(method, page(checked(params)?)?)
        }
        "resources/read" => typed::<ReadResourceRequest, _>(method, Some(given(checked(params)?)?)),
        "completion/complete" => {
            typed::<CompleteRequest, _>(method, Some(given(checked(params)?)?))
        }
        "tools/call" => typed::<CallToolRequest, _>(method, Some(call(checked(params)?)?)),
        _ => Err((
            METHOD_NOT_FOUND,
            format!(
                "method `{}` is not served: this server declares tools, prompts, resources and \
                 completions",
                echoed(method)
            ),
        )),
    }
}

/// Checks the params of a listing: the library would take a wrong cursor for none.
fn page(params: Option<Value>) -> Result<Option<Value>, (i32, String)> {
    match params.as_ref().and_then(|params| params.get("cursor")) {
        None | Some(Value::Null | Value::String(_)) => Ok(params),
        Some(_) => Err(wrong("params.cursor is a string")),
    }
}

/// Checks the params of a tool call: the library would not say what is wrong with them.
fn call(params: Option<Value>) -> Result<Value, (i32, String)> {
    let Some(Value::Object(mut params)) = params else {
        return Err(wrong("tools/call has params: {\"name\": …, \"arguments\": {…}}"));
    };
    match params.get("name") {
        Some(Value::String(_)) => {}
        None | Some(Value::Null) => return Err(wrong("params.name is required: that of a tool")),
        Some(_) => return Err(wrong("params.name is a string: the name of a tool")),
    }
    let arguments = match params.remove("arguments") {
        None | Some(Value::Null) => None,
        Some(Value::Object(arguments)) => Some(arguments),
        // Several clients send the object as a text that holds it.
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(object_in(&text)?),
        Some(_) => return Err(wrong("params.arguments is an object")),
    };
    if let Some(arguments) = arguments {
        params.insert("arguments".to_owned(), arguments.into());
    }
    Ok(Value::Object(params))
}

/// Checks that there are params: the library would take a request without them for an unknown one.
fn given(params: Option<Value>) -> Result<Value, (i32, String)> {
    params.filter(Value::is_object).ok_or_else(|| wrong("params are required"))
}

/// Checks the params of a prompt, whose arguments are texts.
fn named(params: Option<Value>) -> Result<Value, (i32, String)> {
    let params = given(params)?;
    match params.get("name") {
        Some(Value::String(_)) => Ok(params),
        _ => Err(wrong("params.name is required: that of a prompt")),
    }
}

fn object_in(text: &str) -> Result<Map<String, Value>, (i32, String)> {
    let read = serde_json::from_str(text);
    read.map_err(|_| wrong("params.arguments is an object, and this text does not hold one"))
}

fn wrong(what: &str) -> (i32, String) {
    (INVALID_PARAMS, what.to_owned())
}

/// Reads a request of one type.
fn typed<T, R>(method: &str, params: Option<Value>) -> Result<R, (i32, String)>
where
    T: DeserializeOwned + Into<R>,
{
    read::<T>(method, params).map(Into::into).map_err(|error| {
        let detail = error.to_string();
        let detail = detail.get(..detail.floor_char_boundary(MAX_DETAIL_BYTES)).unwrap_or_default();
        (INVALID_PARAMS, format!("params of {method}: {detail}"))
    })
}

fn read<T: DeserializeOwned>(method: &str, params: Option<Value>) -> serde_json::Result<T> {
    let mut object = Map::new();
    object.insert("method".to_owned(), method.into());
    object.extend(params.map(|params| ("params".to_owned(), params)));
    serde_json::from_value(Value::Object(object))
}

#[cfg(test)]
mod tests;
