//! Keys and values against the schema: what is unknown, missing, of the wrong type or none of the words allowed.
//!
//! Knows the part of JSON Schema that is made from our types, so that a new verb or key needs nothing here.

use serde_json::Value;

use super::number;
use crate::errno;
use crate::fault::{Fault, Place, shortened};
use crate::nearest::nearest;
use crate::tree::{Content, Node, Scalar};

/// Checks a whole document against the schema of a case.
pub fn check(root: &Node, schema: &Value, faults: &mut Vec<Fault>) {
    let at = At { name: "the case", place: root.place };
    Shape { root: schema, faults }.value(root, schema, at);
}

/// The place that is checked, for messages.
#[derive(Clone, Copy)]
struct At<'a> {
    /// The key that leads there.
    name: &'a str,
    /// Where the key stands: what is missing is missing there.
    place: Place,
}

struct Shape<'a> {
    root: &'a Value,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Shape<'a> {
    fn value(&mut self, node: &Node, schema: &'a Value, at: At<'_>) {
        let schema = crate::schema::resolve(self.root, schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            // `Option<T>`.
            let some = choices.iter().find(|choice| choice["type"] != "null");
            return match some {
                Some(some) if node.scalar() != Some(Scalar::Null) => self.value(node, some, at),
                _ => {}
            };
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            return self.choice(node, choices, at);
        }
        if let Some(words) = schema["enum"].as_array() {
            return self.word(node, &words.iter().filter_map(Value::as_str).collect::<Vec<_>>(), at);
        }
        if !self.typed(node, schema, at) {
            return;
        }
        match &node.content {
            Content::Map(_) => self.map(node, schema, at),
            Content::List(items) => {
                for item in items {
                    self.value(item, &schema["items"], At { place: item.place, ..at });
                }
            }
            Content::Scalar { .. } => self.faults.extend(number::check(node, schema)),
        }
    }

    /// Returns whether a value is of a type that the schema allows.
    fn typed(&mut self, node: &Node, schema: &Value, at: At<'_>) -> bool {
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        let (is, shown) = match (&node.content, node.scalar()) {
            (Content::Map(_), _) => ("object", "not a mapping".to_owned()),
            (Content::List(_), _) => ("array", "not a list".to_owned()),
            (_, Some(Scalar::Null) | None) => ("null", "but there is nothing".to_owned()),
            (Content::Scalar { text, .. }, Some(scalar)) => match scalar {
                Scalar::Bool(_) => ("boolean", format!("not the truth value '{text}'")),
                Scalar::Integer(_) => ("integer", format!("not the number {text}")),
                Scalar::Float => ("number", format!("not the number {text}")),
                _ => ("string", format!("not the text '{}'", shortened(text))),
            },
        };
        // A time without a unit, a size that is not a whole number: what is meant is reported where units are known.
        let quantity =
            matches!(schema["format"].as_str(), Some("time-with-unit" | "bytes")) && matches!(is, "integer" | "number");
        if types.contains(&is) || quantity {
            return true;
        }
        let words: Vec<&str> =
            types.iter().filter(|wanted| **wanted != "null").map(|wanted| type_word(wanted)).collect();
        let place = if is == "null" { at.place } else { node.place };
        let fault = Fault::new(place, format!("'{}' takes {}, {shown}", at.name, words.join(" or ")));
        let help = match (types.first().copied(), is) {
            (Some("string"), "integer" | "number" | "boolean") if schema["format"].is_null() => {
                Some("put it in quotes if it is meant as text".to_owned())
            }
            (Some("array"), "string" | "integer") => Some("put it in brackets: [...]".to_owned()),
            (Some("boolean"), _) => Some("'true' or 'false'".to_owned()),
            (Some("object"), _) => Some(self.keys(schema)),
            _ => schema["description"].as_str().map(str::to_owned),
        };
        self.faults.push(Fault { help, ..fault });
        false
    }

    fn map(&mut self, node: &Node, schema: &'a Value, at: At<'_>) {
        let known = schema["properties"].as_object();
        for (key, value) in node.entries() {
            match known.and_then(|known| known.get(&key.word)) {
                Some(schema) => self.value(value, schema, At { name: &key.word, place: key.place }),
                None => {
                    let near = nearest(&key.word, known.into_iter().flatten().map(|(name, _)| name.as_str()));
                    let help = near.map_or_else(|| self.keys(schema), |near| format!("did you mean '{near}'?"));
                    let message = format!("'{}' is not a key of {}", shortened(&key.word), named(at.name));
                    self.faults.push(Fault::new(key.place, message).help(help));
                }
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if node.get(name).is_none() {
                let meaning = schema["properties"][name]["description"].as_str().unwrap_or_default();
                let fault = Fault::new(at.place, format!("{} lacks the key '{name}'", named(at.name)));
                self.faults.push(fault.help(format!("{name}: {meaning}")));
            }
        }
    }

    fn keys(&self, schema: &Value) -> String {
        let known: Vec<&str> =
            schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        format!("its keys: {}", known.join(", "))
    }

    /// One of several words, or of several mappings with a key each.
    fn choice(&mut self, node: &Node, choices: &'a [Value], at: At<'_>) {
        let words: Vec<&str> = choices
            .iter()
            .flat_map(|choice| {
                choice["const"]
                    .as_str()
                    .into_iter()
                    .chain(choice["enum"].as_array().into_iter().flatten().filter_map(Value::as_str))
            })
            .collect();
        let verbs: Vec<(&str, &Value)> = choices
            .iter()
            .filter_map(|choice| choice["properties"].as_object()?.iter().next())
            .map(|(verb, schema)| (verb.as_str(), schema))
            .collect();
        match (&node.content, verbs.is_empty()) {
            (Content::Map(_), false) => self.verb(node, &verbs, at),
            (Content::Scalar { .. }, _) if !words.is_empty() => self.word(node, &words, at),
            (_, true) => self.word(node, &words, at),
            _ => {
                let text = node.text().unwrap_or_default();
                let fault = Fault::new(node.place, "a step is a verb with its keys");
                let known = verbs.iter().any(|(verb, _)| *verb == text);
                self.faults.push(fault.help(format!("write '- {}: {{...}}'", if known { text } else { "map" })));
            }
        }
    }

    fn verb(&mut self, node: &Node, verbs: &[(&str, &'a Value)], _: At<'_>) {
        let Some((key, value)) = node.entries().first() else {
            return self.faults.push(Fault::new(node.place, "an empty step").help("a step is a verb with its keys"));
        };
        if let Some((second, _)) = node.entries().get(1) {
            let fault =
                Fault::new(second.place, format!("'{}' stands in the same step as '{}'", second.word, key.word));
            let verb = verbs.iter().any(|(verb, _)| *verb == second.word);
            self.faults.push(fault.help(if verb {
                "each step is a list item of its own, with its own '-'"
            } else {
                "the keys of a verb go in braces, or below it with more space in front"
            }));
        }
        match verbs.iter().find(|(verb, _)| *verb == key.word) {
            Some((verb, schema)) => self.value(value, schema, At { name: verb, place: key.place }),
            None => {
                let names = verbs.iter().map(|(verb, _)| *verb);
                let help = match nearest(&key.word, names.clone()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the verbs: {}", names.collect::<Vec<_>>().join(", ")),
                };
                self.faults
                    .push(Fault::new(key.place, format!("no verb is called '{}'", shortened(&key.word))).help(help));
            }
        }
    }

    fn word(&mut self, node: &Node, words: &[&str], at: At<'_>) {
        let written = match &node.content {
            Content::Scalar { text, .. } => text.as_str(),
            _ => "",
        };
        if node.text().is_some_and(|text| words.contains(&text)) {
            return;
        }
        let message = match &node.content {
            Content::Scalar { .. } => format!("invalid value '{}' for '{}'", shortened(written), at.name),
            _ => format!("'{}' takes one word here", at.name),
        };
        let other_name = errno::first_name(written).filter(|name| words.contains(name));
        let help = match other_name.or_else(|| nearest(written, words.iter().copied())) {
            Some(near) => format!("did you mean '{near}'?"),
            None if words.len() > 20 => format!("a name such as {}", words[words.len() / 6]),
            None => format!("one of {}", words.join(", ")),
        };
        self.faults.push(Fault::new(node.place, message).help(help));
    }
}

fn named(name: &str) -> String {
    if name == "the case" { name.to_owned() } else { format!("'{name}'") }
}

fn type_word(name: &str) -> &'static str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "boolean" => "'true' or 'false'",
        "array" => "a list",
        "object" => "a mapping",
        _ => "a value",
    }
}
