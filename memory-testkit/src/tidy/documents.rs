//! Rules about documents, and about what they must mention.

use super::source::code_only;

/// Most lines of a decision record or roadmap.
const MAX_PLAN_LINES: usize = 60;

/// Most lines of `AGENTS.md`.
const MAX_AGENTS_LINES: usize = 80;

/// Files in `plans/` that are too long, or not named `NNNN-sentence-title.md` with a number of their
/// own; the roadmap is the one exception to the name.
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

/// Whether `AGENTS.md` is too long to be read at every start.
#[must_use]
pub fn long_agents_file(text: &str) -> Vec<String> {
    let n_lines = text.lines().count();
    let is_long = n_lines > MAX_AGENTS_LINES;
    is_long
        .then(|| format!("AGENTS.md: {n_lines} lines, at most {MAX_AGENTS_LINES}"))
        .into_iter()
        .collect()
}

/// Whether a table of `readme` has a row that begins with `name`.
fn has_row(readme: &str, name: &str) -> bool {
    let cell = format!("`{name}`");
    readme.lines().any(|line| {
        let first = line.trim_start().strip_prefix('|').and_then(|row| row.split('|').next());
        first.is_some_and(|first| first.trim() == cell)
    })
}

/// Tools, one per file beside `mod.rs`, that the README's table does not list.
#[must_use]
pub fn undocumented_tools<'a>(paths: impl Iterator<Item = &'a str>, readme: &str) -> Vec<String> {
    let tool = |path: &'a str| {
        let file = path.strip_prefix("memory-mcp/src/tools/")?;
        file.strip_suffix(".rs").filter(|name| *name != "mod" && !name.contains('/'))
    };
    let missing = paths.filter_map(tool).filter(|name| !has_row(readme, name));
    missing.map(|name| format!("README.md: no row for the tool `{name}`")).collect()
}

/// The public fields of `pub struct Config`.
#[must_use]
pub fn config_fields(source: &str) -> Vec<String> {
    let code = code_only(source);
    let Some((_, body)) = code.split_once("pub struct Config {") else { return Vec::new() };
    let body = body.split_once('}').map_or(body, |(body, _)| body);
    let field = |line: &str| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0.to_owned());
    body.lines().filter_map(field).collect()
}

/// Fields of the configuration that the README's table does not list.
#[must_use]
pub fn undocumented_fields(fields: &[String], readme: &str) -> Vec<String> {
    let missing = fields.iter().filter(|field| !has_row(readme, field));
    missing.map(|field| format!("README.md: no row for the setting `{field}`")).collect()
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
        let told = misnamed_plans(files.into_iter());
        let paths: Vec<&str> = told.iter().filter_map(|t| t.split_once(':')).map(|t| t.0).collect();
        let expected: Vec<&str> = files.iter().skip(3).map(|(path, _)| *path).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_long_agents_file_is_found() {
        assert_eq!(long_agents_file(&"\n".repeat(80)), Vec::<String>::new());
        assert_eq!(long_agents_file(&"\n".repeat(81)).len(), 1);
    }

    #[test]
    fn a_tool_without_a_row_is_found() {
        let readme =
            "uses `recall` and `forget`\n\n| tool | what |\n|---|---|\n| `recall` | finds |\n";
        let paths = ["mod", "recall", "forget"].map(|t| format!("memory-mcp/src/tools/{t}.rs"));
        let paths =
            paths.iter().map(String::as_str).chain(["memory-mcp/src/tools/recall/tests.rs"]);
        let told = undocumented_tools(paths, readme);
        assert_eq!(told, ["README.md: no row for the tool `forget`"]);
    }

    #[test]
    fn a_setting_without_a_row_is_found() {
        let source = "/// `pub ghost: u8`\npub struct Config {\n    /// One.\n    pub one: usize,\n    pub two: f64,\n}\npub struct Other {\n    pub three: u8,\n}\n";
        let fields = config_fields(source);
        assert_eq!(fields, ["one", "two"]);
        let told = undocumented_fields(&fields, "|`one`| 1 |\n| two | 2 |");
        assert_eq!(told, ["README.md: no row for the setting `two`"]);
    }
}
