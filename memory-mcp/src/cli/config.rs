//! `config`: lists every setting with its value and the origin of that.

use serde_json::json;

use super::output::{Failure, Output};
use crate::config::{Origin, Settings};
use crate::scope;

/// Runs the command.
pub(crate) fn run(settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut rows = settings.rows();
    let own = scope::own(settings)?;
    for row in &mut rows {
        if row.key == "scope" && row.origin == Origin::Default {
            row.value = own.to_string();
        }
    }
    if output.is_json() {
        let value = |row: &crate::config::Row| {
            json!({
                "key": row.key,
                "value": row.value,
                "origin": row.origin.to_string(),
                "about": row.about,
            })
        };
        let settings_file = &settings.file;
        let rows: Vec<_> = rows.iter().map(value).collect();
        return output.value(&json!({ "file": settings_file, "settings": rows }));
    }
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            vec![row.key.to_owned(), row.value, row.origin.to_string(), row.about.to_owned()]
        })
        .collect();
    output.table(&["KEY", "VALUE", "FROM", "MEANING"], &cells)?;
    match &settings.file {
        Some(file) if file.exists() => output.line(&format!("\nsettings file: {}", file.display())),
        Some(file) => output.line(&format!("\nsettings file: {} (does not exist)", file.display())),
        None => Ok(()),
    }
}
