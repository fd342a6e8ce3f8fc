//! Rules about documents, and about what they must mention.

use super::lexing::code_only;

/// Most lines of a decision record or roadmap.
const MAX_PLAN_LINES: usize = 60;

/// Finds files in `plans/` that are too long, or not named `NNNN-sentence-title.md` with a number
/// of their own; the roadmap is the one exception to the name.
#[must_use]
pub fn misnamed_plans<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    let mut numbers: Vec<&str> = Vec::new();
    for (path, text) in files {
        let Some(name) = path.strip_prefix("plans/") else { continue };
        let n_lines = text.lines().count();
        if n_lines > MAX_PLAN_LINES {
            found.push(format!("{path}: {n_lines} lines, at most {MAX_PLAN_LINES}"));
        }
        if name == "ROADMAP.md" {
            continue;
        }
        let Some(number) = plan_number(name) else {
            found.push(format!("{path}: the name is not of the form `0001-why-so.md`"));
            continue;
        };
        if numbers.contains(&number) {
            found.push(format!("{path}: the number {number} is taken"));
        }
        numbers.push(number);
    }
    found
}

fn plan_number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |word: &str| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !word.is_empty() && word.bytes().all(is_plain)
    };
    (is_number && title.split('-').all(is_word)).then_some(number)
}

/// Finds a document of more than `max_lines` lines; it names the document by `path`.
#[must_use]
pub fn long_document(path: &str, text: &str, max_lines: usize) -> Vec<String> {
    let n_lines = text.lines().count();
    let is_long = n_lines > max_lines;
    is_long.then(|| format!("{path}: {n_lines} lines, at most {max_lines}")).into_iter().collect()
}

/// True if a table of `document` has a row that begins with `name`.
fn has_row(document: &str, name: &str) -> bool {
    let cell = format!("`{name}`");
    document.lines().any(|line| {
        let first = line.trim_start().strip_prefix('|').and_then(|row| row.split('|').next());
        first.is_some_and(|first| first.trim() == cell)
    })
}

/// Finds tools, one per file beside `mod.rs`, that no table of the README lists.
#[must_use]
pub fn undocumented_tools<'a>(paths: impl Iterator<Item = &'a str>, readme: &str) -> Vec<String> {
    let tool = |path: &'a str| {
        let file = path.strip_prefix("memory-mcp/src/tools/")?;
        file.strip_suffix(".rs").filter(|name| *name != "mod" && !name.contains('/'))
    };
    let missing = paths.filter_map(tool).filter(|name| !has_row(readme, name));
    missing.map(|name| format!("README.md: no row for the tool `{name}`")).collect()
}

/// Names of the public fields of `pub struct Config`.
#[must_use]
pub fn config_fields(source: &str) -> Vec<String> {
    let code = code_only(source);
    let Some((_, body)) = code.split_once("pub struct Config {") else { return Vec::new() };
    let body = body.split_once('}').map_or(body, |(body, _)| body);
    let field = |line: &str| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0.to_owned());
    body.lines().filter_map(field).collect()
}

/// Finds fields of the configuration that no table of the document at `path` lists.
#[must_use]
pub fn undocumented_fields(fields: &[String], path: &str, document: &str) -> Vec<String> {
    let missing = fields.iter().filter(|field| !has_row(document, field));
    missing.map(|field| format!("{path}: no row for the setting `{field}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_have_a_number_of_their_own_and_fit_a_screen() {
        let long = "\n".repeat(61);
        let files = [
            ("plans/0001-why-one-write-batch.md", "# Why?"),
            ("plans/ROADMAP.md", ""),
            ("src/plans.md", ""),
            ("plans/0001-why-again.md", ""),
            ("plans/12-why.md", ""),
            ("plans/0002_why.md", ""),
            ("plans/0003-.md", ""),
            ("plans/0004-Why.md", ""),
            ("plans/0005-why.md", &long),
        ];
        let found = misnamed_plans(files.into_iter());
        let paths = found.iter().filter_map(|finding| finding.split_once(':'));
        let paths: Vec<&str> = paths.map(|(path, _)| path).collect();
        let expected: Vec<&str> = files.iter().skip(3).map(|(path, _)| *path).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_long_document_is_found() {
        assert_eq!(long_document("A.md", &"\n".repeat(80), 80), Vec::<String>::new());
        assert_eq!(long_document("A.md", &"\n".repeat(81), 80), ["A.md: 81 lines, at most 80"]);
    }

    #[test]
    fn a_tool_without_a_row_is_found() {
        let readme =
            "uses `recall` and `forget`\n\n| tool | what |\n|---|---|\n| `recall` | finds |\n";
        let paths = ["mod", "recall", "forget"].map(|t| format!("memory-mcp/src/tools/{t}.rs"));
        let paths =
            paths.iter().map(String::as_str).chain(["memory-mcp/src/tools/recall/tests.rs"]);
        let found = undocumented_tools(paths, readme);
        assert_eq!(found, ["README.md: no row for the tool `forget`"]);
    }

    #[test]
    fn a_setting_without_a_row_is_found() {
        let source = "/// `pub ghost: u8`\npub struct Config {\n    /// One.\n    pub one: usize,\n\
            pub two: f64,\n}\npub struct Other {\n    pub three: u8,\n}\n";
        let fields = config_fields(source);
        assert_eq!(fields, ["one", "two"]);
        let found = undocumented_fields(&fields, "a.md", "|`one`| 1 |\n| two | 2 |");
        assert_eq!(found, ["a.md: no row for the setting `two`"]);
    }
}
