//! Types of the fields of arguments, each with the forms in which it is taken.
//!
//! Input: a JSON value. Output: a value of the type, or the text of a refusal. Used by the
//! arguments of the tools.

use memory_core::learning::PatternKind;
use memory_core::prediction::{AnalysisKind, Metric};
use memory_core::{HitKind, NoteKind, Outcome, RelationKind, Strength};
use serde_json::{Value, json};

use super::argument::{Argument, Arguments, BadArgument, Place, object_schema};

fn required<T>(at: &Place<'_>) -> Result<T, BadArgument> {
    Err(BadArgument(format!("{at} is required")))
}

impl Argument for String {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        required(at)
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(at.expected("a string", &other)),
        }
    }
}

/// A value that is `None` when it is not given, or given as an empty string.
impl<T: Argument> Argument for Option<T> {
    fn schema() -> Value {
        T::schema()
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(None)
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        match &value {
            Value::String(text) if text.trim().is_empty() => Ok(None),
            _ => T::read(value, at).map(Some),
        }
    }
}

impl Argument for u64 {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "integer"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        required(at)
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const WHAT: &str = "a whole number of at least 0";
        let read = match &value {
            Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
            }
            _ => None,
        };
        read.ok_or_else(|| at.expected(WHAT, &value))
    }
}

/// A number without a fraction, as JavaScript sends them, in the range where that is exact.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked just before"
)]
fn whole(number: f64) -> Option<u64> {
    let exact = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    exact.then_some(number as u64)
}

impl Argument for bool {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "boolean"})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required: true or false")))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        match &value {
            Value::Bool(value) => Ok(*value),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            other => Err(at.expected("true or false", other)),
        }
    }
}

/// A value of any JSON type, kept as JSON text; a string is taken as it is.
#[derive(Debug, Default)]
pub(crate) struct JsonText(pub(crate) String);

impl Argument for JsonText {
    /// A string: several providers refuse an object whose properties are not listed.
    fn schema() -> Value {
        json!({"type": "string"})
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self::default())
    }

    fn read(value: Value, _: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self(match value {
            Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

/// Returns the items of a list: an array, the same as JSON text in a string, or one string that
/// `one` takes apart.
fn list(
    value: Value,
    at: &Place<'_>,
    what: &str,
    one: impl FnOnce(String) -> Vec<Value>,
) -> Result<Vec<Value>, BadArgument> {
    match value {
        Value::Array(items) => Ok(items),
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::String(text) if text.trim_start().starts_with('[') => {
            Ok(serde_json::from_str(&text).unwrap_or_else(|_| one(text)))
        }
        Value::String(text) => Ok(one(text)),
        // One item without the list around it.
        number @ Value::Number(_) => Ok(vec![number]),
        other => Err(at.expected(what, &other)),
    }
}

fn at_commas(text: &str) -> Vec<Value> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

fn read_items<T: Argument>(items: Vec<Value>, at: &Place<'_>) -> Result<Vec<T>, BadArgument> {
    let items = items.into_iter().enumerate().filter(|(_, item)| !item.is_null());
    items.map(|(idx, item)| T::read(item, &Place::Item(at, idx))).collect()
}

/// Short labels: an array, or one string with commas between them.
#[derive(Debug, Default)]
pub(crate) struct Labels(pub(crate) Vec<String>);

impl Argument for Labels {
    fn schema() -> Value {
        json!({"type": "array", "items": {"type": "string"}})
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self::default())
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        let items = list(value, at, "an array of strings", |text| at_commas(&text))?;
        read_items(items, at).map(Self)
    }
}

/// Short labels, without which the call is refused.
#[derive(Debug)]
pub(crate) struct Ids(pub(crate) Vec<String>);

impl Argument for Ids {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        Labels::schema()
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        required(at)
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        Labels::read(value, at).map(|Labels(ids)| Self(ids))
    }
}

/// Whole texts: an array, or one string that is one text, commas included.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Argument for Texts {
    fn schema() -> Value {
        Labels::schema()
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self::default())
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        let items = list(value, at, "an array of strings", |text| vec![text.into()])?;
        read_items(items, at).map(Self)
    }
}

/// Objects with fields of their own; at least the list must be given.
#[derive(Debug)]
pub(crate) struct Items<T>(pub(crate) Vec<T>);

impl<T: Arguments> Argument for Items<T> {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "array", "items": object_schema(T::FIELDS, false)})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        required(at)
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        const WHAT: &str = "an array of objects";
        let items = match value {
            Value::Object(one) => vec![Value::Object(one)],
            other => list(other, at, WHAT, |text| {
                vec![serde_json::from_str(&text).unwrap_or(Value::String(text))]
            })?,
        };
        let read = |(idx, item)| match item {
            Value::Object(raw) => T::read(raw, &Place::Item(at, idx)),
            other => Err(Place::Item(at, idx).expected("an object", &other)),
        };
        items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// A value out of a fixed list of names.
pub(crate) trait Choice: Copy + 'static {
    /// Returns the names, in the order in which they are listed.
    fn names() -> Vec<&'static str>;

    /// Returns the value of a name.
    fn from_name(name: &str) -> Option<Self>;
}

/// Enums of the engine that know their names.
macro_rules! choices {
    ($($name:ident)+) => {$(
        impl Choice for $name {
            fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.name()).collect()
            }

            fn from_name(name: &str) -> Option<Self> {
                Self::from_name(name)
            }
        }
    )+};
}
choices!(AnalysisKind Metric Outcome PatternKind RelationKind);

/// The kinds that a text is remembered as; checkpoints are kept of episodes.
impl Choice for NoteKind {
    fn names() -> Vec<&'static str> {
        let told = Self::ALL.iter().filter(|kind| **kind != Self::Checkpoint);
        told.map(|kind| kind.name()).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|kind| *kind != Self::Checkpoint)
    }
}

impl Choice for Strength {
    fn names() -> Vec<&'static str> {
        [Self::Any, Self::Weak, Self::Strong].map(Self::name).to_vec()
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Any, Self::Weak, Self::Strong].into_iter().find(|value| value.name() == name)
    }
}

/// One value out of a fixed list; case and outer white space do not matter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct One<T>(pub(crate) T);

impl<T: Choice> Argument for One<T> {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        json!({"type": "string", "enum": T::names()})
    }

    fn absent(at: &Place<'_>) -> Result<Self, BadArgument> {
        Err(BadArgument(format!("{at} is required: one of {}", T::names().join(", "))))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        let name = value.as_str().map(|name| name.trim().to_ascii_lowercase());
        let read = name.and_then(|name| T::from_name(&name)).map(Self);
        read.ok_or_else(|| at.expected(&format!("one of {}", T::names().join(", ")), &value))
    }
}

/// Several values out of a fixed list.
#[derive(Debug)]
pub(crate) struct Several<T>(pub(crate) Vec<T>);

impl<T: Choice> Argument for Several<T> {
    fn schema() -> Value {
        json!({"type": "array", "items": One::<T>::schema()})
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self(Vec::new()))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        let items = list(value, at, "an array of names", |text| at_commas(&text))?;
        let items: Vec<One<T>> = read_items(items, at)?;
        Ok(Self(items.into_iter().map(|One(value)| value).collect()))
    }
}

/// A kind of record, as tools name it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Episode,
    /// A note of any kind.
    AnyNote,
    Note(NoteKind),
}

impl Kind {
    /// Returns the kinds of hit that are meant.
    pub(crate) fn hit_kinds(self) -> Vec<HitKind> {
        match self {
            Self::Episode => vec![HitKind::Episode],
            Self::AnyNote => NoteKind::ALL.iter().copied().map(HitKind::Note).collect(),
            Self::Note(kind) => vec![HitKind::Note(kind)],
        }
    }
}

impl Choice for Kind {
    fn names() -> Vec<&'static str> {
        let notes = NoteKind::ALL.iter().map(|kind| kind.name());
        ["episode", "note"].into_iter().chain(notes).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "episode" => Some(Self::Episode),
            "note" => Some(Self::AnyNote),
            name => NoteKind::from_name(name).map(Self::Note),
        }
    }
}
