//! The steps of a case as far as they can be read, each with the part of the tree that it was written as.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::schema::Verb;
use crate::step::Step;
use crate::tree::{Key, Node};

/// The keys whose values are steps.
pub const LISTS: [&str; 2] = ["steps", "against"];

/// A step that begins as one.
pub struct Written<'a> {
    /// The verb.
    pub verb: &'a Key,
    /// The arguments of the step.
    pub node: &'a Node,
    /// The step, if it has no fault.
    pub step: Option<Step>,
    /// For a faulty step, as much as says which names it uses.
    pub outline: Option<Step>,
    /// Its own lists of steps: those of a fork.
    pub inner: Vec<Vec<Written<'a>>>,
}

/// Returns whether every item of a list of steps could be read.
pub fn readable(steps: Option<&Node>, written: &[Written<'_>]) -> bool {
    let whole = |written: &Written<'_>| {
        let mut lists = LISTS.iter().filter_map(|key| written.node.get(key)).zip(&written.inner);
        written.step.is_some() && lists.all(|(list, inner)| readable(Some(list), inner))
    };
    steps.map_or(0, |steps| steps.items().len()) == written.len() && written.iter().all(whole)
}

/// Reads a list of steps. What is not a mapping of one verb is left out; its shape has been complained about.
pub fn read<'a>(steps: Option<&'a Node>, verbs: &[Verb<'_>]) -> Vec<Written<'a>> {
    let written = |item: &'a Node| {
        let (verb, node) = item.entries().first()?;
        let whole = item.to_json();
        let step = Step::deserialize(&whole).ok();
        let outline = if step.is_some() { None } else { outline(&verb.word, &whole, verbs) };
        Some(Written { verb, node, step, outline, inner: lists(node, verbs) })
    };
    steps.map_or(&[][..], Node::items).iter().filter_map(written).collect()
}

fn lists<'a>(node: &'a Node, verbs: &[Verb<'_>]) -> Vec<Vec<Written<'a>>> {
    LISTS.iter().filter_map(|key| node.get(key)).map(|list| read(Some(list), verbs)).collect()
}

/// A faulty step with only its required keys.
fn outline(verb: &str, whole: &Value, verbs: &[Verb<'_>]) -> Option<Step> {
    let part = verbs.iter().find(|known| known.name == verb)?.part;
    let required = part["required"].as_array()?.iter().filter_map(Value::as_str);
    let kept: Map<String, Value> = required.map(|key| (key.to_owned(), whole[verb][key].clone())).collect();
    let step: Map<String, Value> = [(verb.to_owned(), Value::Object(kept))].into_iter().collect();
    Step::deserialize(&Value::Object(step)).ok()
}

impl Written<'_> {
    /// Where a name that the step uses, not one that it makes, is written.
    pub fn place_of_use(&self, name: &str) -> (usize, usize) {
        place(self.node, name).unwrap_or(self.verb.place)
    }
}

fn place(node: &Node, name: &str) -> Option<(usize, usize)> {
    if node.text() == Some(name) {
        return Some(node.place);
    }
    let values = node
        .entries()
        .iter()
        .filter(|(key, _)| key.word != "as" && !LISTS.contains(&key.word.as_str()))
        .map(|(_, node)| node);
    values.chain(node.items()).find_map(|node| place(node, name))
}
