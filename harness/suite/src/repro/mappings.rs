//! What is done with mapped memory, as lines of C.

use document::step::{Check, FileAccess, Fill, Grow, MakeWritable, Map, MapSharing, Side};

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

pub fn map(told: &mut Told<'_>, step: &Map) -> Result<(), Untold> {
    told.source.need("size");
    told.source.header("sys/mman.h");
    let of = variable(&step.of);
    let (file, base) = match told.names.get(&step.of).cloned() {
        Some(Value::Buffer { by_exporter, .. }) => {
            told.side(if by_exporter { Side::Exporter } else { Side::Importer })?.mapping(&mut told.source, &of)?
        }
        _ => (of, "0".to_owned()),
    };
    let place = match step.after_end {
        Some(after) => format!("size + {}", after.0),
        None => step.offset.0.to_string(),
    };
    let bytes = match (step.length, step.offset.0) {
        (Some(length), _) => (length.0 + step.beyond.0).to_string(),
        (None, 0) if step.beyond.0 == 0 => "size".to_owned(),
        (None, offset) => format!("size - {offset} + {}", step.beyond.0),
    };
    let offset = if base == "0" { place.clone() } else { format!("{base} + {place}") };
    let access = if step.access == FileAccess::ReadWrite { "PROT_READ | PROT_WRITE" } else { "PROT_READ" };
    let sharing = if step.sharing == MapSharing::Shared { "MAP_SHARED" } else { "MAP_PRIVATE" };
    let arguments = format!("NULL, {bytes}, {access}, {sharing}, {file}, {offset}");
    let call = if step.offset.0.is_multiple_of(4096) {
        format!("mmap({arguments})")
    } else {
        // The C library refuses such an offset itself.
        told.source.header("sys/syscall.h");
        told.source.header("unistd.h");
        format!("syscall(SYS_mmap, {arguments})")
    };
    if !step.must_refuse.is_empty() {
        told.demanded(&format!("(long){call}"), &step.must_refuse, "the mapping");
        return Ok(());
    }
    let to = told.names.assign("void *", &step.r#as, Value::Mapping { bytes, place });
    if step.satisfied_by.is_empty() {
        told.source.need("must");
        told.source.line(format!("{to} = (void *)KEPT({call});"));
        return Ok(());
    }
    told.source.header("errno.h");
    told.source.header("err.h");
    told.source.line(format!("{to} = {call};"));
    let allowed: Vec<String> = step.satisfied_by.iter().map(|errno| format!("errno == {errno}")).collect();
    told.source.line(format!("if ({} == MAP_FAILED)", variable(&step.r#as)));
    told.source.line(format!("\terr({} ? 0 : 1, \"the mapping\");", allowed.join(" || ")));
    Ok(())
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
