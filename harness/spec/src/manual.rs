//! `cases/REFERENCE.md`: every key and verb of a case, generated from the schema, which is generated from the types.

use serde_json::Value;

use crate::schema::{self, resolve};
use crate::words::plain;

/// The beginning of the file.
const INTRO: &str = "\
# The language of cases

[README.md](README.md) is the tutorial. This page is generated from the program's types:
`PRIME_CTS_BLESS=1 cargo test -p prime-cts-spec` writes it.
";

/// The file. An example is a whole case, by the verb that it is about.
pub fn text(example: impl Fn(&str) -> Option<String>) -> String {
    let schema = schema::schema();
    let verbs = schema::verbs(&schema);
    let mut text = INTRO.to_owned();
    text += "\n## The keys of a case\n\n";
    text += &part(&schema, &schema);
    text += "\n### Selectors\n\n";
    let selector = resolve(&schema, &schema["$defs"]["Selector"]);
    text += &wrapped(&format!("{} An endpoint has to be matched by every key that is there.", described(selector)));
    text += "\n\n";
    text += &part(&schema, selector);
    text += "\n### Sizes, times, patterns, errnos\n\n";
    for name in ["Bytes", "Time", "Glob", "Errno"] {
        text += &format!("- {}\n", wrapped(described(&schema["$defs"][name])).replace('\n', "\n  "));
    }
    let list: Vec<String> = verbs.iter().map(|verb| format!("[{0}](#{0})", verb.name)).collect();
    text += &format!("\n## The verbs\n\n{}\n", wrapped(&list.join(", ")));
    for verb in &verbs {
        text += &format!("\n### {}\n\n{}\n\n", verb.name, wrapped(&verb.meaning.replace('\n', " ")));
        text += &match verb.part["properties"].as_object() {
            Some(_) => part(&schema, verb.part),
            None => format!("Written as `{}: NAME`.\n", verb.name),
        };
        if let Some(example) = example(verb.name) {
            text += &format!("\n```yaml\n{example}```\n");
        }
    }
    text
}

/// The keys of a part as a table, and the words that they can be.
fn part(schema: &Value, part: &Value) -> String {
    let mut table = "| key | value | default | meaning |\n|---|---|---|---|\n".to_owned();
    let mut words = String::new();
    let required: Vec<&str> = part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for key in schema::keys(part) {
        let property = &part["properties"][key];
        let default = match &property["default"] {
            _ if required.contains(&key) => "**required**".to_owned(),
            Value::Null | Value::Object(_) => String::new(),
            Value::Array(items) if items.is_empty() => String::new(),
            value => format!("`{}`", plain(value)),
        };
        let meaning = described(property).replace('\n', " ");
        table += &format!("| `{key}` | {} | {default} | {meaning} |\n", value(schema, property));
        let meanings = choices(schema, property);
        if meanings.iter().any(|(_, meaning)| !meaning.is_empty()) {
            let meanings = meanings.iter().map(|(word, meaning)| item(word, meaning));
            words += &format!("- `{key}`\n{}", meanings.collect::<String>());
        }
    }
    if words.is_empty() { table } else { format!("{table}\n{words}") }
}

/// A word with its meaning, as an item of a list within a list.
fn item(word: &str, meaning: &str) -> String {
    let text = wrapped(&format!("`{word}`: {meaning}").replace('\n', " "));
    format!("  - {}\n", text.replace('\n', "\n    "))
}

fn described(part: &Value) -> &str {
    part["description"].as_str().unwrap_or_default()
}

/// The words that a value can be, with their meanings.
fn choices<'a>(schema: &'a Value, part: &'a Value) -> Vec<(&'a str, &'a str)> {
    let part = resolve(schema, part);
    let part = if part["type"] == "array" { resolve(schema, &part["items"]) } else { part };
    part["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|choice| Some((choice["const"].as_str()?, described(choice))))
        .collect()
}

/// Describes a value in a few words.
fn value(schema: &Value, property: &Value) -> String {
    if let Some(choices) = property["anyOf"].as_array() {
        return choices
            .iter()
            .find(|choice| choice["type"] != "null")
            .map_or(String::new(), |some| value(schema, some));
    }
    match property["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some("Bytes") => return "size".into(),
        Some("Time") => return "time".into(),
        Some("Glob") => return "pattern".into(),
        Some("Errno") => return "errno".into(),
        Some("Step") => return "step".into(),
        Some("Selector") => return "[selector](#selectors)".into(),
        _ => {}
    }
    let words = choices(schema, property);
    if !words.is_empty() && property["type"] != "array" {
        return words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    let types = match &property["type"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        one => one.as_str(),
    };
    match types {
        Some("array") if words.is_empty() => format!("list of {}s", value(schema, &property["items"])),
        Some("array") => "list of words".into(),
        Some("boolean") => "`true`, `false`".into(),
        Some("integer") => "whole number".into(),
        _ => "text".into(),
    }
}

/// Words on lines of at most 100 columns.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("one from the start");
        // Room for the indentation of an item.
        if line.len() + word.len() > 95 {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

    fn example(verb: &str) -> Option<String> {
        std::fs::read_to_string(Path::new(EXAMPLES).join(format!("{verb}.yaml"))).ok()
    }

    /// `PRIME_CTS_BLESS=1 cargo test` regenerates it.
    #[test]
    fn the_committed_manual_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cases/REFERENCE.md");
        let now = text(example);
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(now == committed, "cases/REFERENCE.md is stale: run PRIME_CTS_BLESS=1 cargo test -p prime-cts-spec");
    }

    #[test]
    fn every_verb_has_an_example_that_is_sound_and_uses_it() {
        let schema = schema::schema();
        for verb in schema::verbs(&schema).iter().map(|verb| verb.name) {
            let text = example(verb).unwrap_or_else(|| panic!("write harness/spec/examples/{verb}.yaml"));
            assert!(text.contains(&format!("- {verb}: ")) || text.contains(&format!("- {verb}:\n")), "{verb}");
            let checked = crate::case::Case::parse(Path::new(&format!("examples/{verb}.yaml")), &text);
            assert!(checked.is_ok(), "{}", checked.unwrap_err()[0]);
        }
        let files = std::fs::read_dir(EXAMPLES).unwrap().count();
        assert_eq!(files, schema::verbs(&schema).len(), "an example of no verb");
    }
}
