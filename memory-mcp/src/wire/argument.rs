//! Arguments of a tool: declared once, read leniently, refused precisely.
//!
//! Input: the JSON object of a call. Output: a struct, or the text of a refusal. Used by every
//! tool. Models and clients send numbers as strings, lists as one string and `null` for what they
//! leave out; all of that is taken. What cannot be meant is refused with the path of the field,
//! what was expected and what was got, because the reader is a model that corrects its call from
//! that text alone.

use std::fmt;

use rmcp::model::JsonObject;
use serde_json::Value;

use super::alias::{is_clients, meant};
use super::render::echoed;

/// Text that says what is wrong with the arguments of a call.
#[derive(Debug)]
pub(crate) struct BadArgument(pub(crate) String);

/// Place of a value within the arguments; prints as `steps[0].tool`.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the arguments"),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, idx) => write!(f, "{parent}[{idx}]"),
        }
    }
}

impl Place<'_> {
    /// Returns the error for a value of the wrong type.
    pub(crate) fn expected(&self, what: &str, got: &Value) -> BadArgument {
        BadArgument(format!("{self}: expected {what}, got {}", Got(got)))
    }
}

/// Prints a value's type, and the value itself when it is short.
struct Got<'a>(&'a Value);

impl fmt::Display for Got<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "the boolean {value}"),
            Value::Number(value) => write!(f, "the number {value}"),
            Value::String(text) if text.len() <= 60 => write!(f, "the string {text:?}"),
            Value::String(text) => write!(f, "a string of {} bytes", text.len()),
            Value::Array(items) => write!(f, "an array of {} items", items.len()),
            Value::Object(_) => f.write_str("an object"),
        }
    }
}

/// Beginning of what is said about a field that only programs use.
const PROGRAMS: &str = "For programs. ";

/// One field of a tool's arguments.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Meaning, where the name does not say it. A field for programs begins with [`PROGRAMS`]: it
    /// is always taken, and listed only where programs are served.
    pub(crate) about: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: fn() -> Value,
}

/// A set of fields that is read from a JSON object.
pub(crate) trait Arguments: Sized {
    /// The fields, required ones first.
    const FIELDS: &'static [Field];

    /// Reads the fields; refuses those that nobody can have meant.
    fn read(raw: JsonObject, at: &Place<'_>) -> Result<Self, BadArgument>;
}

/// Type of one field.
pub(crate) trait Argument: Sized {
    /// Set for a field without which the call is refused.
    const REQUIRED: bool = false;

    /// Returns its JSON schema.
    fn schema() -> Value;

    /// Returns its value when it is not given.
    fn absent(at: &Place<'_>) -> Result<Self, BadArgument>;

    /// Reads it from a value that is not null.
    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument>;

    /// Reads it from what was sent, if anything; null counts as nothing.
    fn take(value: Option<Value>, at: &Place<'_>) -> Result<Self, BadArgument> {
        match value {
            None | Some(Value::Null) => Self::absent(at),
            Some(value) => Self::read(value, at),
        }
    }
}

/// Declares the arguments of a tool: struct, schema and reader from one list of fields.
macro_rules! arguments {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($field:ident: $type:ty = $about:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $name { $($field: $type,)* }

        impl $crate::wire::Arguments for $name {
            const FIELDS: &'static [$crate::wire::Field] = &[$($crate::wire::Field {
                name: stringify!($field),
                about: $about,
                required: <$type as $crate::wire::Argument>::REQUIRED,
                schema: <$type as $crate::wire::Argument>::schema,
            },)*];

            fn read(
                mut raw: rmcp::model::JsonObject,
                at: &$crate::wire::Place<'_>,
            ) -> Result<Self, $crate::wire::BadArgument> {
                raw = $crate::wire::own_fields(raw, Self::FIELDS, at)?;
                Ok(Self {
                    $($field: $crate::wire::Argument::take(
                        raw.remove(stringify!($field)),
                        &$crate::wire::Place::Field(at, stringify!($field)),
                    )?,)*
                })
            }
        }
    };
}
pub(crate) use arguments;

/// Returns the declared fields, with those that were given under another name.
///
/// Fields that clients add are left out. Any other one is refused, with the nearest that is
/// declared.
pub(crate) fn own_fields(
    raw: JsonObject,
    fields: &[Field],
    at: &Place<'_>,
) -> Result<JsonObject, BadArgument> {
    let mut own = JsonObject::new();
    let mut renamed: Vec<(String, &'static str, Value)> = Vec::new();
    for (name, value) in raw {
        if fields.iter().any(|field| field.name == name) {
            own.insert(name, value);
        } else if let Some(field) = meant(&name, fields.iter().map(|field| field.name)) {
            renamed.push((name, field, value));
        } else if !is_clients(&name) {
            return Err(unknown(&name, fields, at));
        }
    }
    for (name, field, value) in renamed.into_iter().filter(|(.., value)| !value.is_null()) {
        let field_at = Place::Field(at, field);
        match own.insert(field.to_owned(), value) {
            None | Some(Value::Null) => {}
            Some(_) => {
                let name = echoed(&name);
                return Err(BadArgument(format!(
                    "{field_at} is given twice, also as `{name}`: give it once"
                )));
            }
        }
    }
    Ok(own)
}

/// Returns the error for a field that is not declared, with the nearest one that is.
fn unknown(name: &str, fields: &[Field], at: &Place<'_>) -> BadArgument {
    let place = if matches!(at, Place::Root) { String::new() } else { format!(" in {at}") };
    let shown = echoed(name);
    let given = shown.to_lowercase();
    let distance = |field: &Field| (strsim::osa_distance(&given, field.name), field.name);
    let nearest = fields.iter().map(distance).min();
    let hint = match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => {
            format!("; did you mean `{name}`?")
        }
        _ => {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            format!("; known fields: {}", names.join(", "))
        }
    };
    BadArgument(format!("unknown field `{shown}`{place}{hint}"))
}

/// Returns the schema of an object with these fields, those for programs only where they are asked
/// for: every client loads all schemas into every context window.
pub(crate) fn object_schema(fields: &[Field], for_programs: bool) -> JsonObject {
    let mut properties = JsonObject::new();
    for field in fields {
        let programs = field.about.strip_prefix(PROGRAMS);
        if programs.is_some() && !for_programs {
            continue;
        }
        let about = programs.unwrap_or(field.about);
        let mut schema = (field.schema)();
        if !about.is_empty()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("description".to_owned(), about.into());
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

#[cfg(test)]
mod tests;
