//! Schemas of answers, from the structs that are serialised.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Returns the schema of `T` as it is written: one object without references.
///
/// Every client loads all schemas into every context window, so this one tells the fields that are
/// always there and that a program goes on with, and no more: what may be missing is left out as
/// well. `format` is dropped also because validators warn of the unsigned ones.
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

fn trim(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    let always = schema.remove("required").unwrap_or_default();
    let always: Vec<&str> =
        always.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    schema.retain(|key, _| matches!(key.as_str(), "type" | "properties" | "items"));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| always.contains(&name.as_str()));
        properties.values_mut().for_each(trim);
    }
    if let Some(items) = schema.get_mut("items") {
        trim(items);
    }
}

/// An object of which the schema says nothing more.
#[derive(JsonSchema)]
pub(crate) struct Opaque {}
