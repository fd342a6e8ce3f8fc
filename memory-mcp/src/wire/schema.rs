//! Schemas of answers, from the structs that are serialised.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of `T` as it is written: one object without references.
///
/// Titles and descriptions are dropped, because every client loads all schemas into every context
/// window and the names say enough; `format` is dropped because validators warn of the unsigned ones.
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
    for key in ["title", "description", "format", "minimum", "maximum", "default"] {
        schema.remove(key);
    }
    // A field that may be missing is left out, never null.
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            trim(inner);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(trim);
    }
}
