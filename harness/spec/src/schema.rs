//! The JSON Schema of a case: what an editor completes by, what [`crate::check`] checks by, and what the documentation is
//! written from. A test makes it from the types; the program has the text that was committed, which is smaller than what
//! makes it.

use serde_json::Value;

/// The first line of every case: an editor finds the schema by it.
pub const EDITOR_LINE: &str = "# yaml-language-server: $schema=../schema.json";

/// The schema as it is committed, a link to `cases/schema.json`.
pub const COMMITTED: &str = include_str!("../schema.json");

/// The schema of a case.
pub fn schema() -> Value {
    serde_json::from_str(COMMITTED).expect("a test has written it")
}

/// A verb, as the schema has it.
pub struct Verb<'a> {
    /// The verb.
    pub name: &'a str,
    /// Its description.
    pub meaning: &'a str,
    /// The schema of its keys.
    pub part: &'a Value,
}

/// Every verb, in the order of the types.
pub fn verbs(schema: &Value) -> Vec<Verb<'_>> {
    let choices = schema.pointer("/$defs/Step/oneOf").and_then(Value::as_array);
    let choices = choices.into_iter().flatten();
    choices
        .filter_map(|choice| {
            let (name, part) = choice["properties"].as_object()?.iter().next()?;
            let meaning = choice["description"].as_str().unwrap_or_default();
            Some(Verb { name, meaning, part: resolve(schema, part) })
        })
        .collect()
}

/// Resolves a reference.
pub fn resolve<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    let target = part["$ref"].as_str().and_then(|path| schema.pointer(path.trim_start_matches('#')));
    target.map_or(part, |target| resolve(schema, target))
}

/// The keys of a part: those that must be there in the order of the types, then the others.
pub fn keys(part: &Value) -> Vec<&str> {
    let required: Vec<&str> = part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = part["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let others: Vec<&str> = all.filter(|key| !required.contains(key)).collect();
    [required, others].concat()
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::case::Case;

    fn of_the_types() -> String {
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Case>();
        serde_json::to_string_pretty(schema.as_value()).unwrap() + "\n"
    }

    /// `PRIME_CTS_BLESS=1 cargo test` writes it again; what is built after that has it.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cases/schema.json");
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            std::fs::write(path, of_the_types()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            of_the_types() == committed,
            "cases/schema.json is stale: run PRIME_CTS_BLESS=1 cargo test -p prime-cts-spec"
        );
    }

    #[test]
    fn a_step_is_an_object_with_one_key_and_a_meaning() {
        let schema = schema();
        let verbs = schema.pointer("/$defs/Step/oneOf").and_then(Value::as_array).unwrap();
        for verb in verbs {
            let properties = verb["properties"].as_object().unwrap();
            assert_eq!((properties.len(), &verb["additionalProperties"]), (1, &Value::Bool(false)), "{verb}");
            assert!(verb["description"].is_string(), "{verb}");
        }
        assert!(verbs.len() >= 20);
    }

    #[test]
    fn every_key_has_a_meaning() {
        let schema = schema();
        let parts = schema["$defs"].as_object().unwrap().iter().filter(|(name, _)| *name != "Step");
        for (name, part) in parts.chain([(&"Case".to_owned(), &schema)]) {
            for (key, property) in part["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}.{key}");
            }
        }
    }
}
