//! What can be known of a case's meaning without a board: whether it can have cells, and whether it checks anything.

use std::path::Path;

use super::part;
use super::steps::{Written, readable};
use crate::case::{Kind, segment};
use crate::fault::{Fault, Place};
use crate::quantity::Time;
use crate::step::Side;
use crate::tree::{Content, Node};

/// Checks everything that concerns more than one step.
pub fn check(path: &Path, root: &Node, steps: &[Written<'_>], faults: &mut Vec<Fault>) {
    name(path, root, faults);
    for key in ["rule", "why", "reference"] {
        if let Some(node) = root.get(key).filter(|node| node.text().is_some_and(|text| text.trim().is_empty())) {
            faults.push(
                Fault::new(node.place, format!("'{key}' is empty"))
                    .help("a report shows it to whoever has to fix the driver"),
            );
        }
    }
    if let Some(node) =
        root.get("deadline").filter(|node| node.text().and_then(Time::parse).is_some_and(|time| time.0.is_zero()))
    {
        faults.push(Fault::new(node.place, "'deadline' must be greater than zero").help("20s is the default"));
    }
    let cells = root.get("cells").and_then(Node::text).unwrap_or("");
    sides(cells, steps, faults);
    senseless(steps, faults);
    if let Some((key, _)) = root.entry("second-importers").filter(|_| cells != "chain") {
        let fault = Fault::new(key.place, format!("'second-importers' selects nothing: 'cells: {cells}' has none"));
        faults.push(fault.help("leave it out, or write 'cells: chain'"));
    }
    if let Some((key, observed)) = root.entry("observed-by") {
        observed_by(cells, key.place, observed, faults);
    }
    for (role, key) in [("exporter", "exporters"), ("importer", "importers"), ("importer", "second-importers")] {
        if let Some((place, selector)) = root.entry(key).map(|(key, node)| (key.place, node)) {
            if key != "second-importers" && !["", "pair", "pair-of-sorts", "chain", role].contains(&cells) {
                let fault = Fault::new(place, format!("'{key}' selects nothing: 'cells: {cells}' has no {role}"));
                faults.push(fault.help(format!("leave '{key}' out, or write 'cells: pair'")));
            }
            selects(role, selector, faults);
        }
    }
    if let Some((steps_key, list)) = root.entry("steps")
        && matches!(list.content, Content::List(_))
        && readable(Some(list), steps)
        && !checks(steps)
    {
        let fault = Fault::new(steps_key.place, "this case checks nothing: it would pass whatever the kernel does");
        faults.push(fault.help("add a step that checks, such as check, size, same-file or balance, or 'must-refuse'"));
    }
}

/// Checks that cells without an exporter have an importer to be named by.
fn observed_by(cells: &str, place: Place, observed: &Node, faults: &mut Vec<Fault>) {
    if let Some((key, _)) = observed.entry("exporter").filter(|_| !["", "pair"].contains(&cells)) {
        let fault = Fault::new(key.place, format!("'cells: {cells}' cannot do without its exporter"));
        faults.push(fault.help("write 'cells: pair', or leave 'exporter' out"));
    }
    let nothing =
        observed.get("exporter").is_none() && observed.get("oracles").is_none_or(|list| list.items().is_empty());
    if nothing {
        let fault = Fault::new(place, "'observed-by' names nothing that observes");
        faults.push(fault.help("add 'exporter', the key of an endpoint, or 'oracles', as prime-cts doctor names them"));
    }
}

fn name(path: &Path, root: &Node, faults: &mut Vec<Fault>) {
    let (stem, area) = (part(path.file_stem()), part(path.parent().and_then(Path::file_name)));
    let place = root.get("name").map_or((1, 1), |node| node.place);
    let charset = "a-z, 0-9, '-' and '_' are allowed: it becomes part of a cell id";
    if let Some(name) = root.get("name").and_then(Node::text) {
        if name != stem {
            let fault = Fault::new(
                place,
                format!("the case is called '{name}' here, but its file '{}'", part(path.file_name())),
            );
            faults.push(fault.help(format!("write 'name: {stem}', or rename the file to {name}.yaml")));
        }
        if !segment(name) {
            faults.push(Fault::new(place, format!("'{name}' cannot be a case's name")).help(charset));
        }
    }
    if !segment(&area) {
        let fault = Fault::new(place, format!("'{area}', the file's folder, cannot be an area's name"));
        faults.push(fault.help(if area.is_empty() {
            "a case lies in a folder, as in mapping/whole.yaml"
        } else {
            charset
        }));
    }
}

/// Steps that need a device which the cells do not have.
fn sides(cells: &str, steps: &[Written<'_>], faults: &mut Vec<Fault>) {
    for written in steps {
        let needs = written.step.as_ref().and_then(|step| step.needs());
        let place = written.node.get("by").map_or(written.verb.place, |node| node.place);
        match (cells, needs) {
            ("exporter", Some(Side::Importer)) => {
                let fault = Fault::new(
                    place,
                    format!("'{}' needs an importer, and 'cells: exporter' has none", written.verb.word),
                );
                faults.push(fault.help("write 'cells: pair'; or 'by: exporter', if the exporter is to do it"));
            }
            ("importer", Some(Side::Exporter)) => {
                let fault = Fault::new(
                    place,
                    format!("'{}' needs an exporter, and 'cells: importer' has none", written.verb.word),
                );
                faults.push(fault.help("write 'cells: pair'"));
            }
            (cells, Some(Side::SecondImporter)) if cells != "chain" && !cells.is_empty() => {
                let fault = Fault::new(
                    place,
                    format!("'{}' needs a second importer, and 'cells: {cells}' has none", written.verb.word),
                );
                faults.push(fault.help("write 'cells: chain'"));
            }
            _ => {}
        }
        written.inner.iter().for_each(|inner| sides(cells, inner, faults));
    }
}

/// Steps whose keys do not go together.
fn senseless(steps: &[Written<'_>], faults: &mut Vec<Fault>) {
    for written in steps {
        if let Some((key, fault, help)) = written.step.as_ref().and_then(|step| step.senseless()) {
            let place = written.node.entry(key).map_or(written.verb.place, |(key, _)| key.place);
            faults.push(Fault::new(place, fault).help(help));
        }
        written.inner.iter().for_each(|inner| senseless(inner, faults));
    }
}

/// Selectors that can match nothing.
fn selects(role: &str, selector: &Node, faults: &mut Vec<Fault>) {
    let listed = selector.get("kind").map_or(&[][..], Node::items);
    let kinds: Vec<Kind> = listed.iter().filter_map(|node| serde_json::from_value(node.to_json()).ok()).collect();
    if role == "importer"
        && !kinds.is_empty()
        && kinds.len() == listed.len()
        && kinds.iter().all(|kind| !kind.imports())
    {
        let place = selector.entry("kind").map_or(selector.place, |(key, _)| key.place);
        let words = |imports: bool| {
            let kinds = Kind::ALL.iter().filter(|kind| kind.imports() == imports && **kind != Kind::Mock);
            kinds.map(|kind| kind.key_prefix().trim_end_matches('-')).collect::<Vec<_>>().join(", ")
        };
        let fault = Fault::new(place, format!("these importers are none: {} export only", words(false)));
        faults.push(fault.help(format!("{} import; without 'kind' all of them are taken", words(true))));
    }
    let wanted = if kinds.is_empty() { Kind::ALL } else { &kinds[..] };
    for (key, glob) in ["key", "driver"]
        .iter()
        .flat_map(|key| selector.get(key).map_or(&[][..], Node::items).iter().map(move |glob| (*key, glob)))
    {
        let Some(text) = glob.text() else { continue };
        faults.extend(matches_nothing(key, text, wanted, glob.place));
    }
}

fn matches_nothing(key: &str, glob: &str, kinds: &[Kind], place: Place) -> Option<Fault> {
    let nothing = |why: &str| Some(Fault::new(place, format!("'{glob}' matches nothing: {why}")));
    if glob.trim().is_empty() {
        return Some(nothing("it is empty")?.help(format!("leave '{key}' out to take every one")));
    }
    if key == "driver" {
        return None;
    }
    if let Some(strange) = glob.chars().find(|&c| c != '*' && !segment(&c.to_string())) {
        let fault = nothing(&format!("no key holds '{strange}'"))?;
        return Some(fault.help("keys hold a-z, 0-9, '-' and '_'; 'prime-cts list' shows those of a board"));
    }
    let begin = glob.split('*').next().unwrap_or("");
    let fits = |kind: &Kind| {
        let prefix = kind.key_prefix();
        prefix.starts_with(begin) && glob.contains('*') || begin.starts_with(prefix)
    };
    if kinds.iter().any(fits) {
        return None;
    }
    let prefixes: Vec<&str> = kinds.iter().filter(|kind| **kind != Kind::Mock).map(|kind| kind.key_prefix()).collect();
    Some(
        nothing("no key of the kinds selected begins so")?
            .help(format!("their keys begin with {}", prefixes.join(", "))),
    )
}

fn checks(steps: &[Written<'_>]) -> bool {
    steps.iter().any(|written| {
        written.step.as_ref().is_some_and(|step| step.checks()) || written.inner.iter().any(|inner| checks(inner))
    })
}
