//! Reading the values of settings, from texts and from the settings file.

use std::ffi::OsString;
use std::path::PathBuf;

/// A value as it was given.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    /// Of a flag or a variable.
    Text(OsString),
    /// Of the settings file.
    Toml(toml::Value),
}

/// A path, as it was given.
pub(super) fn file(raw: Raw) -> Result<PathBuf, String> {
    match raw {
        Raw::Text(path) => Ok(PathBuf::from(path)),
        Raw::Toml(value) => text(&Raw::Toml(value)).map(PathBuf::from),
    }
}

/// A text.
pub(super) fn text(raw: &Raw) -> Result<String, String> {
    match raw {
        Raw::Text(text) => match text.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err("is not valid UTF-8".to_owned()),
        },
        Raw::Toml(toml::Value::String(text)) => Ok(text.clone()),
        Raw::Toml(other) => Err(format!("must be a text in quotes, not {}", named(other))),
    }
}

/// On or off, in the words that people use for it.
pub(super) fn is_on(raw: &Raw) -> Result<bool, String> {
    if let Raw::Toml(toml::Value::Boolean(value)) = raw {
        return Ok(*value);
    }
    match text(raw)?.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        other => Err(format!("must be on or off, not `{other}`")),
    }
}

/// A whole number; `u64` or `usize`, as the field has it.
pub(super) fn count<N: TryFrom<u64>>(raw: &Raw) -> Result<N, String> {
    let value = match raw {
        Raw::Text(_) => {
            let text = text(raw)?;
            let digits = text.replace('_', "");
            digits.parse().map_err(|_| format!("must be a whole number, not `{text}`"))?
        }
        Raw::Toml(toml::Value::Integer(value)) => {
            u64::try_from(*value).map_err(|_| format!("must not be negative, but is {value}"))?
        }
        Raw::Toml(other) => return Err(format!("must be a whole number, not {}", named(other))),
    };
    N::try_from(value).map_err(|_| format!("{value} is too large"))
}

/// True or false.
pub(super) fn boolean(raw: &Raw) -> Result<bool, String> {
    if let Raw::Toml(toml::Value::Boolean(value)) = raw {
        return Ok(*value);
    }
    match text(raw).unwrap_or_default().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A number.
pub(super) fn number(raw: &Raw) -> Result<f64, String> {
    match raw {
        Raw::Text(_) => {
            let text = text(raw)?;
            text.parse().map_err(|_| format!("must be a number, not `{text}`"))
        }
        Raw::Toml(toml::Value::Float(value)) => Ok(*value),
        Raw::Toml(value @ toml::Value::Integer(_)) => {
            count::<u32>(&Raw::Toml(value.clone())).map(f64::from)
        }
        Raw::Toml(other) => Err(format!("must be a number, not {}", named(other))),
    }
}

/// Returns the type of a value of the settings file, with its article.
fn named(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::String(_) => "a text",
        toml::Value::Integer(_) => "a whole number",
        toml::Value::Float(_) => "a number with a fraction",
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    }
}

/// A list of texts; as one text they have commas between them.
pub(super) fn texts(raw: &Raw) -> Result<Vec<String>, String> {
    match raw {
        Raw::Toml(toml::Value::Array(values)) => {
            values.iter().map(|value| text(&Raw::Toml(value.clone()))).collect()
        }
        raw => Ok(text(raw)?.split(',').map(|text| text.trim().to_owned()).collect()),
    }
}
