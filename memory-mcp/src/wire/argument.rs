//! What a tool takes: declared once, read leniently, refused precisely.
//!
//! Models and clients send numbers as strings, lists as one string and `null` for what they leave out;
//! all of that is taken. What cannot be meant is refused with the path of the field, what was expected
//! and what was got, because the reader is a model that corrects its call from that text alone.

use std::fmt;

use rmcp::model::JsonObject;
use serde_json::Value;

/// What is wrong with the arguments of a call.
#[derive(Debug)]
pub(crate) struct BadArgument(pub(crate) String);

/// Where in the arguments a value stands; prints as `steps[0].tool`.
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
    /// The error for a value of the wrong type.
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

/// One field of a tool's arguments.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: fn() -> Value,
}

/// A set of fields that is read from a JSON object.
pub(crate) trait Arguments: Sized {
    /// The fields, required ones first.
    const FIELDS: &'static [Field];

    /// Reads the fields, refusing unknown ones.
    fn read(raw: JsonObject, at: &Place<'_>) -> Result<Self, BadArgument>;
}

/// The value of one field.
pub(crate) trait Argument: Sized {
    /// Whether the call is refused without it.
    const REQUIRED: bool = false;

    /// Its JSON schema.
    fn schema() -> Value;

    /// What it is when it is not given.
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
                $crate::wire::refuse_unknown(&raw, Self::FIELDS, at)?;
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

/// Refuses fields that are not declared, naming the nearest one that is.
pub(crate) fn refuse_unknown(
    raw: &JsonObject,
    fields: &[Field],
    at: &Place<'_>,
) -> Result<(), BadArgument> {
    let Some(unknown) = raw.keys().find(|key| fields.iter().all(|field| field.name != **key))
    else {
        return Ok(());
    };
    let place = if matches!(at, Place::Root) { String::new() } else { format!(" in {at}") };
    let shown = unknown.get(..unknown.floor_char_boundary(80)).unwrap_or_default();
    let nearest = fields.iter().map(|field| (distance(unknown, field.name), field.name)).min();
    let hint = match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => {
            format!("; did you mean `{name}`?")
        }
        _ => {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            format!("; known fields: {}", names.join(", "))
        }
    };
    Err(BadArgument(format!("unknown field `{shown}`{place}{hint}")))
}

/// Levenshtein distance in characters; a case difference is half-forgiven by comparing in lower case.
///
/// Cost: the product of the lengths; `given` is looked at up to 64 characters.
fn distance(given: &str, name: &str) -> usize {
    let given = given.chars().take(64).flat_map(char::to_lowercase);
    let name: Vec<char> = name.chars().collect();
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (i, c) in given.enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (n, above) in name.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(*n != c);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// The schema of an object with these fields.
pub(crate) fn object_schema(fields: &[Field]) -> JsonObject {
    let mut properties = JsonObject::new();
    for field in fields {
        let mut schema = (field.schema)();
        if !field.about.is_empty()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("description".to_owned(), field.about.into());
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
