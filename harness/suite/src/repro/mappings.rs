//! What is done with mapped memory, as lines of C.

use document::step::{Check, Fill, Grow, MakeWritable};

use super::Untold;
use super::names::{Value, variable};
use super::source::quoted;
use super::steps::Told;

fn mapping(told: &Told<'_>, name: &str) -> Result<(String, String), Untold> {
    match told.names.get(name) {
        Some(Value::Mapping { bytes, place }) => Ok((bytes.clone(), place.clone())),
        _ => Err(Untold::Step(format!("'{name}', which is no mapping here"))),
    }
}

pub fn fill(told: &mut Told<'_>, step: &Fill) -> Result<(), Untold> {
    let (bytes, place) = mapping(told, &step.mapping)?;
    told.source.need("fill");
    told.source.line(format!("fill({}, {bytes}, {place}, {});", variable(&step.mapping), step.seed));
    Ok(())
}

pub fn check(told: &mut Told<'_>, step: &Check) -> Result<(), Untold> {
    if step.up_to.is_some() || step.behind.is_some() {
        return Err(Untold::Step("a check of a part of a mapping".into()));
    }
    let (bytes, place) = mapping(told, &step.mapping)?;
    told.source.need("check");
    let what = quoted(&format!("the mapping called {} shows what was written", step.mapping));
    told.source.line(format!("check({}, {bytes}, {place}, {}, {what});", variable(&step.mapping), step.seed));
    Ok(())
}

pub fn grow(told: &mut Told<'_>, step: &Grow) -> Result<(), Untold> {
    let (bytes, _) = mapping(told, &step.mapping)?;
    let call = format!("(long)mremap({}, {bytes}, {bytes} + {}, 0)", variable(&step.mapping), step.by.0);
    told.demanded(&call, &step.must_refuse, "a longer mapping");
    Ok(())
}

pub fn make_writable(told: &mut Told<'_>, step: &MakeWritable) -> Result<(), Untold> {
    let (bytes, _) = mapping(told, &step.mapping)?;
    let call = format!("mprotect({}, {bytes}, PROT_READ | PROT_WRITE)", variable(&step.mapping));
    told.demanded(&call, &step.must_refuse, "mprotect");
    Ok(())
}
