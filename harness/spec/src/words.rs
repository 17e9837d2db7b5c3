//! A step in words: as it is written, without what it says by default, and what its verb does.

use serde_json::Value;

use crate::check::LISTS;
use crate::schema;
use crate::step::Step;

/// A step as text.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// `map: {of: file, as: part, offset: 8KiB}`.
    pub written: String,
    /// The description of the verb.
    pub meaning: String,
    /// The steps within it.
    pub inner: Vec<Words>,
}

/// Steps in words.
pub fn of_steps(steps: &[Step]) -> Vec<Words> {
    let schema = schema::schema();
    steps.iter().map(|step| of_step(step, &schema)).collect()
}

fn of_step(step: &Step, schema: &Value) -> Words {
    let verb = schema::verbs(schema).into_iter().find(|verb| verb.name == step.verb());
    let value = serde_json::to_value(step).unwrap_or_default();
    let value = &value[step.verb()];
    let mut written = format!("{}: ", step.verb());
    match (value, &verb) {
        (Value::Object(fields), Some(verb)) => {
            let said = |key: &&str| {
                let default = &verb.part["properties"][*key]["default"];
                !LISTS.contains(key) && !fields.get(*key).is_none_or(|value| value.is_null() || value == default)
            };
            let fields = schema::keys(verb.part).into_iter().filter(said);
            let fields: Vec<String> = fields.map(|key| format!("{key}: {}", plain(&value[key]))).collect();
            written += &format!("{{{}}}", fields.join(", "));
        }
        _ => written += &plain(value),
    }
    let meaning = verb.map_or_else(String::new, |verb| verb.meaning.to_owned());
    Words { written, meaning, inner: step.inner().concat().iter().map(|step| of_step(step, schema)).collect() }
}

/// A value as a case has it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_as_it_was_written_without_defaults() {
        let written = serde_json::json!({"map": {"of": "file", "as": "part", "offset": "8KiB", "sharing": "shared"}});
        let steps: Vec<Step> =
            vec![serde_json::from_value(written).unwrap(), Step::Release(crate::step::Release("part".into()))];
        let words = of_steps(&steps);
        assert_eq!(words[0].written, "map: {of: file, as: part, offset: 8KiB}");
        assert!(words[0].meaning.starts_with("The CPU maps"), "{}", words[0].meaning);
        assert_eq!(words[1].written, "release: part");
    }
}
