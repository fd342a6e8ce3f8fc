//! Schemas of answers, from the structs that are serialised.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Returns the schema of `T` as it is written: one object without references, with every field.
///
/// A field that may be left out is not required; null is never written where a field may be
/// missing, so its type is told without it. `format` and the like are dropped, because validators
/// warn of the unsigned ones.
pub(crate) fn answer_schema<T: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    trim(&mut schema);
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// Keys of a schema that are kept.
const KEPT: [&str; 5] = ["type", "description", "properties", "required", "items"];

fn trim(schema: &mut Value) {
    // Of an optional object: that object, or null.
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = choices.as_mut_slice() {
            *schema = only.take();
        }
    }
    let Value::Object(schema) = schema else { return };
    if let Some(kind @ Value::Array(_)) = schema.get_mut("type") {
        let named = kind.as_array().into_iter().flatten().find(|kind| **kind != "null");
        *kind = named.cloned().unwrap_or_default();
    }
    schema.retain(|key, _| KEPT.contains(&key.as_str()));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(trim);
    }
    if let Some(items) = schema.get_mut("items") {
        trim(items);
    }
}
