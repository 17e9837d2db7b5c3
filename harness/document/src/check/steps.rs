//! The steps of a case as far as they can be read, each beside the part of the tree that it was written as.

use serde::Deserialize;

use crate::step::Step;
use crate::tree::{Key, Node};

/// A step that begins as one.
pub struct Written<'a> {
    /// The verb.
    pub verb: &'a Key,
    /// What it is done with.
    pub node: &'a Node,
    /// The step, if it has no fault.
    pub step: Option<Step>,
    /// Its own steps: those of a fork.
    pub inner: Vec<Written<'a>>,
}

/// Reads a list of steps. What is no mapping of one verb is left out; its shape has been complained about.
pub fn read(steps: Option<&Node>) -> Vec<Written<'_>> {
    let written =
        |item: &'_ Node| item.entries().first().map(|(verb, node)| (verb.place, verb.word.clone(), node.place));
    let items = steps.map_or(&[][..], Node::items);
    items
        .iter()
        .filter(|item| written(item).is_some())
        .map(|item| {
            let (verb, node) = &item.entries()[0];
            let step = Step::deserialize(item.to_json()).ok();
            Written { verb, node, step, inner: read(node.get("steps")) }
        })
        .collect()
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
    let values = node.entries().iter().filter(|(key, _)| key.word != "as" && key.word != "steps").map(|(_, node)| node);
    values.chain(node.items()).find_map(|node| place(node, name))
}
