//! Plain tables.

/// Lays out rows under headings: the first column to the left, the others to the right.
#[must_use]
pub fn layout(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width_of).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(i, (cell, width))| {
            if i == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut lines = vec![line(headings.to_vec()), line(rule.iter().map(String::as_str).collect())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// Returns a row as a JSON object with the headings as keys; cells that are numbers become numbers.
#[must_use]
pub fn object(headings: &[&str], row: &[String]) -> serde_json::Value {
    let value = |cell: &String| {
        let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map_or_else(|| cell.as_str().into(), serde_json::Value::from)
    };
    let fields = headings.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), value(cell)));
    serde_json::Value::Object(fields.collect())
}

/// A share with three decimals and without the leading zero; `-` for none.
#[must_use]
pub fn share(value: Option<f64>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| {
            let text = format!("{value:.3}");
            text.strip_prefix('0').map_or(text.clone(), ToOwned::to_owned)
        },
    )
}

/// A figure of any size in four digits or so.
#[must_use]
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "1.5".to_owned()], vec!["long".into(), "12".into()]];
        assert_eq!(layout(&["x", "y"], &rows), "x       y\n----  ---\na     1.5\nlong   12");
    }

    #[test]
    fn a_row_becomes_an_object_with_its_numbers() {
        let row = ["tau".to_owned(), ".311".to_owned(), "-".to_owned()];
        let expected = serde_json::json!({"set": "tau", "right": 0.311, "wrong": "-"});
        assert_eq!(object(&["set", "right", "wrong"], &row), expected);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!([share(Some(0.5)), share(Some(1.0)), share(None)], [".500", "1.000", "-"]);
        assert_eq!([number(0.123), number(12.34), number(1234.5)], ["0.12", "12.3", "1234"]);
    }
}
