//! Changes of the text at the positions of a tree.

use std::ops::Range;

use super::{Json, Kind, Node, quoted};

/// Indentation where the document shows none.
const INDENT: &str = "  ";

/// Returns the text with a member (with its name) or an element added at the end of a container.
pub(in crate::install) fn insert(
    text: &str,
    container: &Node,
    name: Option<&str>,
    value: &Json,
) -> String {
    let unit = indent_unit(text);
    let base = indentation_at(text, container.span.start);
    let inner = format!("{base}{unit}");
    let mut item = value.pretty(&unit, &inner);
    if let Some(name) = name {
        item = format!("{}: {item}", quoted(name));
    }
    let close = container.span.end.saturating_sub(1);
    let is_one_line = !text.get(container.span.clone()).unwrap_or_default().contains('\n');
    let mut text = text.to_owned();
    if let (true, Some(last)) = (is_one_line, container.items().last()) {
        let name = name.map(|name| format!("{}: ", quoted(name))).unwrap_or_default();
        // Behind the comma of the last item, if it has one.
        let at = comma_after(&text, last.end, close).map_or(last.end, |at| at + 1);
        let comma = if at == last.end { ", " } else { " " };
        splice(&mut text, at..at, &format!("{comma}{name}{}", value.one_line()));
    } else if let Some(last) = container.items().last() {
        let comma = comma_after(&text, last.end, close);
        // A comment behind the last item, on its line, is about that item.
        let after = behind_comment(&text, comma.map_or(last.end, |at| at + 1), close);
        let end = if comma.is_some() { "," } else { "" };
        splice(&mut text, after..after, &format!("\n{inner}{item}{end}"));
        if comma.is_none() {
            splice(&mut text, last.end..last.end, ",");
        }
    } else {
        let content = text.get(..close).map_or(close, |before| before.trim_end().len());
        splice(&mut text, content..close, &format!("\n{inner}{item}\n{base}"));
    }
    text
}

/// Returns the text with another value in the place of this one.
pub(in crate::install) fn replace(text: &str, node: &Node, value: &Json) -> String {
    let base = indentation_at(text, node.span.start);
    let mut text = text.to_owned();
    let pretty = value.pretty(&indent_unit(&text), &base);
    splice(&mut text, node.span.clone(), &pretty);
    text
}

/// Returns the text without the item at this position of a container, and without its comma.
pub(in crate::install) fn remove(text: &str, container: &Node, position: usize) -> String {
    let items = container.items();
    let Some(item) = items.get(position).cloned() else { return text.to_owned() };
    let close = container.span.end.saturating_sub(1);
    let mut text = text.to_owned();
    let before = position.checked_sub(1).and_then(|before| items.get(before));
    // Without a comma behind it, the one before it goes: the item before is the last one now.
    let lead = before.and_then(|before| comma_after(&text, before.end, item.start));
    if let Some(comma) = comma_after(&text, item.end, close) {
        cut(&mut text, item.start..comma + 1);
    } else if let Some(comma) = lead {
        if text.get(comma + 1..item.start).is_some_and(|between| between.trim().is_empty()) {
            splice(&mut text, comma..item.end, "");
        } else {
            cut(&mut text, item);
            splice(&mut text, comma..comma + 1, "");
        }
    } else {
        cut(&mut text, item);
    }
    if items.len() == 1 {
        collapse(&mut text, container);
    }
    text
}

/// Makes an emptied container `{}` again if only white space is left in it.
fn collapse(text: &mut String, container: &Node) {
    let open = container.span.start + 1;
    let rest = text.get(open..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    let closing = if matches!(container.kind, Kind::Object(_)) { '}' } else { ']' };
    if rest.trim_start().starts_with(closing) {
        splice(text, open..open + blank, "");
    }
}

/// Removes a span, and the lines that are blank without it.
fn cut(text: &mut String, span: Range<usize>) {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let lead = before.len() - before.trim_end_matches([' ', '\t']).len();
    let trail = after.len() - after.trim_start_matches([' ', '\t', '\r']).len();
    let at_line_start = before.trim_end_matches([' ', '\t']).ends_with('\n');
    let at_line_end = after.get(trail..).is_some_and(|rest| rest.starts_with('\n'));
    let span = if at_line_start && at_line_end {
        span.start - lead..span.end + trail + 1
    } else {
        span.start..span.end + if at_line_end { 0 } else { trail.min(1) }
    };
    splice(text, span, "");
}

/// Replaces a span; new lines end as those of the text do.
fn splice(text: &mut String, span: Range<usize>, with: &str) {
    let with = if text.contains("\r\n") { with.replace('\n', "\r\n") } else { with.to_owned() };
    text.replace_range(span, &with);
}

/// Returns the position of the comma between an item's end and `limit`, outside of comments.
fn comma_after(text: &str, from: usize, limit: usize) -> Option<usize> {
    let mut at = from;
    while at < limit {
        let rest = text.get(at..limit)?;
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if rest.starts_with(',') {
            return Some(at);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

/// Returns the end of a comment that follows on the same line, else the position itself.
fn behind_comment(text: &str, from: usize, limit: usize) -> usize {
    let rest = text.get(from..limit).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let comment = rest.get(blank..).unwrap_or_default();
    let length = if comment.starts_with("//") {
        comment.find(['\r', '\n']).unwrap_or(comment.len())
    } else if comment.starts_with("/*") {
        comment.find("*/").map_or(0, |end| end + 2)
    } else {
        return from;
    };
    from + blank + length
}

/// Returns the white space at the start of the line of a position.
fn indentation_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| [' ', '\t'].contains(c)).collect()
}

/// Returns what the document indents with: the white space of its first indented line.
fn indent_unit(text: &str) -> String {
    let indented =
        |line: &str| -> String { line.chars().take_while(|c| [' ', '\t'].contains(c)).collect() };
    let units = text.lines().filter(|line| !line.trim().is_empty()).map(indented);
    units.into_iter().find(|unit| !unit.is_empty()).unwrap_or_else(|| INDENT.to_owned())
}
