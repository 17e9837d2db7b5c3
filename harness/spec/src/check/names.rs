//! Whether every name is made before it is used, made once, and used as what it is.

use std::collections::BTreeMap;

use super::steps::Written;
use crate::fault::{Fault, Place};
use crate::nearest::nearest;
use crate::step::{Release, Sort, Step};

/// The facts of a name.
#[derive(Clone)]
struct Made {
    /// The sort of its value; unknown if a faulty step makes it.
    sort: Option<Sort>,
    place: Place,
    released: Option<Place>,
    /// A snapshot that counts no dma-buf's references.
    without_file: bool,
}

/// Checks all steps, those of forks included.
pub fn check(steps: &[Written<'_>], faults: &mut Vec<Fault>) {
    within(steps, &mut BTreeMap::new(), faults);
}

fn within(steps: &[Written<'_>], known: &mut BTreeMap<String, Made>, faults: &mut Vec<Fault>) {
    for written in steps {
        for (name, sorts) in written.step.as_ref().or(written.outline.as_ref()).map_or_else(Vec::new, Step::uses) {
            faults.extend(used(&written.verb.word, name, sorts, written.place_of_use(name), known));
        }
        let Some(step) = &written.step else {
            // What it would have made is taken for anything, so that one fault is reported once.
            if let Some(name) = written.node.get("as").and_then(|node| node.text()) {
                let made = Made { sort: None, place: written.node.place, released: None, without_file: false };
                known.insert(name.to_owned(), made);
            }
            written.inner.iter().for_each(|inner| within(inner, &mut known.clone(), faults));
            continue;
        };
        if let Step::Balance(balance) = step
            && (balance.gone || balance.file.is_some())
            && let Some(made) = known.get(&balance.since).filter(|made| made.without_file)
        {
            let key = if balance.gone { "gone" } else { "file" };
            let place = written.node.entry(key).map_or(written.verb.place, |(key, _)| key.place);
            let fault =
                Fault::new(place, format!("'{key}' asks for what the snapshot '{}' has not counted", balance.since));
            faults.push(fault.help(format!("give the snapshot in line {} the key 'file'", made.place.0)));
        }
        if let Step::Release(Release(name)) = step
            && let Some(made) = known.get_mut(name)
        {
            made.released = Some(written.node.place);
        }
        for inner in &written.inner {
            let mut known = if step.fresh() { BTreeMap::new() } else { known.clone() };
            if let Some((name, sort)) = step.gives() {
                let made = Made { sort: Some(sort), place: written.node.place, released: None, without_file: false };
                known.insert(name.to_owned(), made);
            }
            within(inner, &mut known, faults);
            for (name, sorts) in step.takes() {
                faults.extend(used(&written.verb.word, name, sorts, written.place_of_use(name), &known));
            }
        }
        if let Some((name, sort)) = step.makes() {
            let place = written.node.get("as").map_or(written.verb.place, |node| node.place);
            let without_file = matches!(step, Step::Snapshot(step) if step.file.is_none());
            let made = Made { sort: Some(sort), place, released: None, without_file };
            if let Some(before) = known.insert(name.to_owned(), made).filter(|made| made.released.is_none()) {
                let help =
                    format!("line {} made it first: choose another name, or release it in between", before.place.0);
                faults.push(Fault::new(place, format!("'{name}' is made twice")).help(help));
            }
        }
    }
}

/// Returns the fault of a use of a name.
fn used(verb: &str, name: &str, sorts: &[Sort], place: Place, known: &BTreeMap<String, Made>) -> Option<Fault> {
    let Some(made) = known.get(name) else {
        let fitting = |made: &Made| made.released.is_none() && made.sort.is_none_or(|sort| sorts.contains(&sort));
        let names: Vec<&str> = known.iter().filter(|(_, made)| fitting(made)).map(|(name, _)| name.as_str()).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None if names.is_empty() => format!("nothing before this is {}", Sort::list(sorts)),
            None => format!("what it can take here: {}", names.join(", ")),
        };
        return Some(Fault::new(place, format!("no step before this '{verb}' made '{name}'")).help(help));
    };
    if let Some(released) = made.released {
        let message = format!("'{verb}' uses '{name}', which is released");
        return Some(Fault::new(place, message).help(format!("line {} released it", released.0)));
    }
    let sort = made.sort.filter(|sort| !sorts.contains(sort))?;
    let message = format!("'{name}' is {}; '{verb}' takes {}", Sort::list(&[sort]), Sort::list(sorts));
    Some(Fault::new(place, message).help(format!("line {} made '{name}'", made.place.0)))
}
