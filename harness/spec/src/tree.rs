//! YAML text to a tree in which everything knows its place. The only module that calls `saphyr-parser`.
//!
//! `serde_yaml` stops at its first error; with the places, [`crate::check`] can report all of them. What a document has no
//! use for (anchors, tags, several documents in a file, keys that are not words) is refused here.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Value;

use crate::fault::{Fault, Place};

mod scalar;

pub use scalar::Scalar;

/// A value and where it begins.
#[derive(Debug, Clone)]
pub struct Node {
    /// Line and column.
    pub place: Place,
    /// The value.
    pub content: Content,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Content {
    /// One without quotes may be a number, a truth value or nothing.
    Scalar {
        /// The text of the scalar.
        text: String,
        /// Without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in their order.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub struct Key {
    /// Line and column.
    pub place: Place,
    /// The word.
    pub word: String,
}

/// Deeper than any case, and far from what a stack holds.
const DEEPEST: usize = 32;

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// A key and its value.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.entries().iter().find(|(known, _)| known.word == key).map(|(key, node)| (key, node))
    }

    /// Keys and values; none of what is not a mapping.
    pub fn entries(&self) -> &[(Key, Node)] {
        if let Content::Map(entries) = &self.content { entries } else { &[] }
    }

    /// The parts of a list; none of what is not a list.
    pub fn items(&self) -> &[Node] {
        if let Content::List(items) = &self.content { items } else { &[] }
    }

    /// Returns the value of a scalar, by the rules of `serde_yaml`.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.content {
            Content::Scalar { text, plain: true } => Some(Scalar::plain(text)),
            Content::Scalar { text, plain: false } => Some(Scalar::Text(text)),
            _ => None,
        }
    }

    /// The text of a scalar that is one.
    pub fn text(&self) -> Option<&str> {
        match self.scalar() {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The same value without places.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => entries.iter().map(|(key, node)| (key.word.clone(), node.to_json())).collect(),
            Content::Scalar { text, .. } => match self.scalar() {
                Some(Scalar::Bool(truth)) => truth.into(),
                Some(Scalar::Integer(number)) => i64::try_from(number)
                    .map(Value::from)
                    .or_else(|_| u64::try_from(number).map(Value::from))
                    .unwrap_or(Value::Null),
                Some(Scalar::Null | Scalar::Float) => Value::Null,
                _ => text.as_str().into(),
            },
        }
    }
}

/// Reads one document. Faults that leave a tree are reported with it.
pub fn parse(source: &str, faults: &mut Vec<Fault>) -> Option<Node> {
    let mut builder = Builder { open: Vec::new(), root: None, faults };
    let mut documents = 0;
    for event in Parser::new_from_str(source) {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                let place = (error.marker().line(), error.marker().col() + 1);
                let fault = Fault::new(place, format!("this is not YAML: {}", error.info()));
                builder.faults.push(fault.help(mend(error.info())));
                return None;
            }
        };
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                builder
                    .faults
                    .push(Fault::new(begin(&span), "a second document begins here").help("one file, one case"));
                break;
            }
        }
        if builder.open.len() > DEEPEST {
            builder.faults.push(Fault::new(begin(&span), format!("this is nested deeper than {DEEPEST}")));
            return None;
        }
        builder.take(event, begin(&span));
    }
    let root = builder.root;
    if root.is_none() && faults.is_empty() {
        faults.push(Fault::new((1, 1), "the file is empty").help("'prime-cts case new AREA/NAME' writes a first case"));
    }
    root
}

/// Returns the remedy for text that is not YAML.
fn mend(info: &str) -> &'static str {
    match info {
        _ if info.contains("tab") => "put spaces in front, no tabs",
        _ if info.contains("mapping values") => "text with ': ' in it needs quotes around all of it",
        _ if info.contains("flow") => "every '{' and '[' needs its '}' and ']', with ',' in between",
        _ if info.contains("block") => "what belongs together begins in the same column",
        _ => "look at the quotes, brackets and spaces in front of this place",
    }
}

fn begin(span: &Span) -> Place {
    (span.start.line(), span.start.col() + 1)
}

struct Builder<'a> {
    /// Lists and mappings that have begun; a mapping with the key whose value comes next.
    open: Vec<(Node, Option<Key>)>,
    root: Option<Node>,
    faults: &'a mut Vec<Fault>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, place: Place) {
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Alias(_) => (1, false),
            _ => (0, false),
        };
        if anchor != 0 {
            let fault = Fault::new(place, "an anchor or alias ('&', '*')");
            self.faults.push(fault.help("write the value out; text that begins with '*' or '&' needs quotes"));
        }
        if tag {
            let fault = Fault::new(place, "a tag ('!')");
            self.faults.push(fault.help("a verb is written '- map: {...}'; text that begins with '!' needs quotes"));
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                self.put(Node { place, content: Content::Scalar { text: text.into_owned(), plain } });
            }
            Event::Alias(_) => self.put(Node { place, content: Content::Scalar { text: String::new(), plain: false } }),
            Event::SequenceStart(..) => self.open.push((Node { place, content: Content::List(Vec::new()) }, None)),
            Event::MappingStart(..) => self.open.push((Node { place, content: Content::Map(Vec::new()) }, None)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((node, _)) = self.open.pop() {
                    self.put(node);
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, node: Node) {
        let Some((parent, next)) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut parent.content {
            Content::List(items) => items.push(node),
            Content::Map(entries) => match next.take() {
                None => {
                    let place = node.place;
                    let word = match node.content {
                        Content::Scalar { text, .. } => text,
                        _ => {
                            self.faults.push(Fault::new(place, "a key is one word, not a list or a mapping"));
                            String::new()
                        }
                    };
                    *next = Some(Key { place, word });
                }
                Some(key) => match entries.iter().find(|(known, _)| known.word == key.word) {
                    Some((known, _)) => {
                        let fault = Fault::new(key.place, format!("the key '{}' stands here again", key.word));
                        self.faults.push(fault.help(format!("it stands in line {} already", known.place.0)));
                    }
                    None => entries.push((key, node)),
                },
            },
            Content::Scalar { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(source: &str) -> Vec<(Place, String)> {
        let mut faults = Vec::new();
        parse(source, &mut faults);
        faults.into_iter().map(|fault| (fault.place, fault.message)).collect()
    }

    #[test]
    fn values_know_their_places() {
        let root = parse("a: 1\nb:\n  - {c: '2'}\n", &mut Vec::new()).unwrap();
        let c = root.get("b").unwrap().items()[0].entry("c").unwrap();
        assert_eq!((c.0.place, c.1.place, c.1.scalar()), ((3, 6), (3, 9), Some(Scalar::Text("2"))));
    }

    #[test]
    fn what_no_case_needs_is_refused_at_its_place() {
        assert_eq!(faults("a: &x 1\nb: *x\n").iter().map(|fault| fault.0).collect::<Vec<_>>(), [(1, 4), (2, 4)]);
        assert_eq!(faults("a: 1\n---\nb: 1\n")[0].1, "a second document begins here");
        assert_eq!(faults("a: 1\nb: 1\na: 2\n"), [((3, 1), "the key 'a' stands here again".to_owned())]);
        assert!(faults(&"[".repeat(100))[0].1.contains("nested deeper"));
        assert_eq!(faults("a: !b c\n")[0].1, "a tag ('!')");
        assert_eq!(faults("# nothing\n")[0].1, "the file is empty");
        assert!(faults("a: [b\nc: }\n")[0].1.contains("not YAML"));
    }
}
