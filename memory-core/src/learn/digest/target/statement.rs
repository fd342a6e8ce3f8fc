//! Tables that a statement of SQL reads and changes.

/// Words after which a table is named that is read, and those after which it is changed.
const READ: [&str; 2] = ["FROM", "JOIN"];
const CHANGED: [&str; 3] = ["INTO", "UPDATE", "TABLE"];

/// Words before `INTO` where it names a table; after others a variable may follow.
const INSERTING: [&str; 5] = ["INSERT", "MERGE", "REPLACE", "IGNORE", "COPY"];

/// Words that may stand between `TABLE` and the name, or begin something that is no name.
const PASSED_OVER: [&str; 4] = ["IF", "NOT", "EXISTS", "ONLY"];
const NO_NAMES: [&str; 9] =
    ["SELECT", "SET", "VALUES", "WHERE", "LATERAL", "UNNEST", "OF", "ON", "SKIP"];

/// Longest name of a table, in bytes.
const MAX_BYTES: usize = 80;

/// Calls `found` with each table that a statement names, and whether it is changed.
pub(super) fn tables(statement: &str, mut found: impl FnMut(&str, bool)) {
    let words: Vec<&str> = words(statement);
    let is = |word: &str, list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    // Names that `WITH` gives to subqueries are no tables.
    let mut own: Vec<&str> = Vec::new();
    for pair in words.windows(3) {
        if let [name, by, "("] = pair
            && by.eq_ignore_ascii_case("AS")
        {
            own.push(name);
        }
    }
    let mut rest = words.iter().copied().peekable();
    let (mut before, mut earlier) = ("", ["", ""]);
    while let Some(word) = rest.next() {
        // `DELETE FROM` changes, `FOR UPDATE` and `EXTRACT(YEAR FROM x)` name no table.
        let is_variable = is(word, &["INTO"]) && !is(before, &INSERTING);
        let is_changed =
            is(word, &CHANGED) && !is_variable || (is(word, &READ) && is(before, &["DELETE"]));
        let is_part = earlier == ["EXTRACT", "("] || earlier == ["extract", "("];
        let is_naming =
            !is_part && ((is_changed && !is(before, &["FOR", "ON", "DO"])) || is(word, &READ));
        earlier = [earlier[1], before];
        before = word;
        if !is_naming {
            continue;
        }
        loop {
            while rest.next_if(|next| is(next, &PASSED_OVER)).is_some() {}
            let Some(name) = rest.next_if(|next| is_name(next)) else { break };
            if is(name, &NO_NAMES) || own.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                break;
            }
            before = name;
            if !is_changed && rest.peek() == Some(&"(") {
                break;
            }
            found(name, is_changed);
            // `FROM a x, b` names two tables.
            let _alias = rest.next_if(|next| is_name(next) && !is_keyword(next));
            if rest.next_if(|next| *next == ",").is_none() || is_changed {
                break;
            }
        }
    }
}

fn is_keyword(word: &str) -> bool {
    const AFTER: [&str; 20] = [
        "WHERE",
        "JOIN",
        "INNER",
        "LEFT",
        "RIGHT",
        "FULL",
        "CROSS",
        "NATURAL",
        "ON",
        "USING",
        "GROUP",
        "ORDER",
        "HAVING",
        "LIMIT",
        "UNION",
        "SET",
        "VALUES",
        "EXCEPT",
        "INTERSECT",
        "WINDOW",
    ];
    AFTER.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_name(word: &str) -> bool {
    word.len() <= MAX_BYTES
        && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
}

/// Returns the words and signs of a statement, without comments, texts in quotes and the quotes
/// around names.
fn words(statement: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let skip = |by: &str| rest.split_once(by).map_or("", |(_, after)| after);
        rest = if rest.starts_with("--") {
            skip("\n")
        } else if rest.starts_with("/*") {
            skip("*/")
        } else if first == '\'' {
            let text = rest.get(1..).unwrap_or_default();
            text.split_once('\'').map_or("", |(_, after)| after)
        } else if first.is_alphanumeric() || first == '_' {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            // Where names are in quotes, the last one is the table: `a`.`b`, a."b".
            let is_before_name = word.ends_with('.') && after.starts_with(['"', '`'])
                || after.strip_prefix(['"', '`']).is_some_and(|after| after.starts_with('.'));
            if !is_before_name {
                words.push(word);
            }
            after
        } else {
            let (sign, after) = rest.split_at(first.len_utf8());
            if matches!(sign, "," | "(" | ")" | ";") {
                words.push(sign);
            }
            after
        };
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(statement: &str) -> Vec<(String, bool)> {
        let mut all = Vec::new();
        tables(statement, |name, is_changed| all.push((name.to_owned(), is_changed)));
        all
    }

    #[test]
    fn tables_are_read_or_changed() {
        let read = |names: &[&str]| -> Vec<(String, bool)> {
            names.iter().map(|name| ((*name).to_owned(), false)).collect()
        };
        let sql = "SELECT a FROM orders o, items JOIN `shop`.users u ON o.x = u.x -- FROM no\n\
                   WHERE d = 'FROM nothing' AND EXTRACT(YEAR FROM (now())) > 1";
        assert_eq!(found(sql), read(&["orders", "items", "users"]));
        assert_eq!(found(r#"SELECT 1 FROM public."Order" o, "a"."b""#), read(&["Order", "b"]));
        assert_eq!(found("SELECT a INTO v_a FROM age(d) WHERE EXTRACT(YEAR FROM s.to) > 1"), []);
        assert_eq!(found("WITH t AS (SELECT 1 FROM base) SELECT * FROM t"), read(&["base"]));
        let changed = |name: &str| vec![(name.to_owned(), true)];
        assert_eq!(found("insert into orders (a) values (1)"), changed("orders"));
        assert_eq!(found("UPDATE public.orders SET a = 1"), changed("public.orders"));
        assert_eq!(found("DELETE FROM orders"), changed("orders"));
        assert_eq!(found("CREATE TABLE IF NOT EXISTS orders (a int)"), changed("orders"));
        assert_eq!(found("SELECT 1 FROM orders FOR UPDATE SKIP LOCKED"), read(&["orders"]));
        assert_eq!(found(""), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}") {
            tables(&text, |_, _| ());
        }
    }
}
