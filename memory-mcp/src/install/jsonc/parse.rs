//! From text to a tree of positions.

use super::{BadSyntax, Kind, Member, Node};

/// Deepest nesting that is read; settings are a few levels deep.
const MAX_DEPTH: usize = 128;

/// Reads a document: one value with comments, trailing commas and a byte order mark allowed.
///
/// # Errors
///
/// [`BadSyntax`] with the line and what is wrong there.
pub(in crate::install) fn parse(text: &str) -> Result<Node, BadSyntax> {
    let mut parser = Parser { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let node = parser.value(0)?;
    parser.skip_blanks()?;
    if parser.at < text.len() { Err(parser.bad("something follows the value")) } else { Ok(node) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn bad(&self, what: &'static str) -> BadSyntax {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        BadSyntax { line: before.matches('\n').count() + 1, what }
    }

    /// Passes over white space and comments.
    fn skip_blanks(&mut self) -> Result<(), BadSyntax> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or_else(|| self.bad("a comment does not end"))?;
                self.at += end + 2;
            } else if rest.starts_with([' ', '\t', '\r', '\n']) {
                self.at += 1;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, BadSyntax> {
        if depth > MAX_DEPTH {
            return Err(self.bad("nested too deep"));
        }
        self.skip_blanks()?;
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'"') => Kind::Text(self.string()?),
            Some(_) => Kind::Word(self.word()?),
            None => return Err(self.bad("a value is missing")),
        };
        Ok(Node { span: start..self.at, kind })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, BadSyntax> {
        let mut members: Vec<Member> = Vec::new();
        self.at += 1;
        loop {
            self.skip_blanks()?;
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(members);
                }
                Some(b'"') => {}
                _ => return Err(self.bad("a name in quotes or a closing brace is missing")),
            }
            let start = self.at;
            let name = self.string()?;
            if members.iter().any(|member| member.name == name) {
                return Err(self.bad("a name stands twice in one object"));
            }
            self.skip_blanks()?;
            if self.peek() != Some(b':') {
                return Err(self.bad("a colon is missing"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { name, start, value });
            self.separator(b'}', "a comma or a closing brace is missing")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, BadSyntax> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.skip_blanks()?;
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(elements);
            }
            elements.push(self.value(depth + 1)?);
            self.separator(b']', "a comma or a closing bracket is missing")?;
        }
    }

    /// Passes over the comma between items; before the end there need not be one.
    fn separator(&mut self, end: u8, missing: &'static str) -> Result<(), BadSyntax> {
        self.skip_blanks()?;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == end => Ok(()),
            _ => Err(self.bad(missing)),
        }
    }

    fn string(&mut self) -> Result<String, BadSyntax> {
        let mut is_escaped = false;
        let inside = self.rest().bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        let length = inside.ok_or_else(|| self.bad("a text does not end"))? + 2;
        let text = self.rest().get(..length).map(serde_json::from_str);
        let Some(Ok(text)) = text else { return Err(self.bad("a text is not valid")) };
        self.at += length;
        Ok(text)
    }

    fn word(&mut self) -> Result<String, BadSyntax> {
        let rest = self.rest();
        let is_end = |c: char| c.is_whitespace() || ",:]}[{/\"".contains(c);
        let word = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or_default();
        if serde_json::from_str::<serde_json::Value>(word).is_err() {
            return Err(self.bad("this is no value"));
        }
        let word = word.to_owned();
        self.at += word.len();
        Ok(word)
    }
}
