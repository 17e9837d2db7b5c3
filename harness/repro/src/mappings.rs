//! What is done with mapped memory, as lines of C.

use spec::step::{Check, FileAccess, Fill, Grow, MakeWritable, Map, MapSharing, Side};

use super::emitter::Emitter;
use super::names::{Value, variable};
use super::source::quoted;
use super::unsupported::Unsupported;

fn mapping(emitter: &Emitter<'_>, name: &str) -> Result<(String, String), Unsupported> {
    match emitter.names.get(name) {
        Some(Value::Mapping { bytes, place }) => Ok((bytes.clone(), place.clone())),
        _ => Err(Unsupported::Step(format!("'{name}', which is no mapping here"))),
    }
}

pub fn map(emitter: &mut Emitter<'_>, step: &Map) -> Result<(), Unsupported> {
    emitter.source.need("size");
    emitter.source.header("sys/mman.h");
    let of = variable(&step.of);
    let (file, base) = match emitter.names.get(&step.of).cloned() {
        Some(Value::Buffer { by_exporter, .. }) => emitter
            .side(if by_exporter { Side::Exporter } else { Side::Importer })?
            .mapping(&mut emitter.source, &of)?,
        _ => (of, "0".to_owned()),
    };
    // A device may refuse to say where a buffer is mapped, which is a refusal of the mapping.
    let tried = base.strip_prefix("drm_offset(").filter(|_| !step.satisfied_by.is_empty()).map(str::to_owned);
    let start = format!("start_of_{}", variable(&step.r#as));
    let base = if tried.is_some() { start.clone() } else { base };
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
        emitter.source.header("sys/syscall.h");
        emitter.source.header("unistd.h");
        format!("syscall(SYS_mmap, {arguments})")
    };
    if !step.must_refuse.is_empty() {
        emitter.demanded(&format!("(long){call}"), &step.must_refuse, "the mapping");
        return Ok(());
    }
    let to = emitter.names.assign("void *", &step.r#as, Value::Mapping { bytes, place });
    if step.satisfied_by.is_empty() {
        emitter.source.need("must");
        emitter.source.line(format!("{to} = (void *)KEPT({call});"));
        return Ok(());
    }
    emitter.source.header("errno.h");
    emitter.source.header("err.h");
    match tried {
        Some(arguments) => {
            emitter.source.need("drm_try_offset");
            emitter.source.line(format!("off_t {start} = drm_try_offset({arguments};"));
            emitter.source.line(format!("{to} = {start} == -1 ? MAP_FAILED : {call};"));
        }
        None => emitter.source.line(format!("{to} = {call};")),
    }
    let allowed: Vec<String> = step.satisfied_by.iter().map(|errno| format!("errno == {errno}")).collect();
    emitter.source.line(format!("if ({} == MAP_FAILED)", variable(&step.r#as)));
    emitter.source.line(format!("\terr({} ? 0 : 1, \"the mapping\");", allowed.join(" || ")));
    Ok(())
}

pub fn fill(emitter: &mut Emitter<'_>, step: &Fill) -> Result<(), Unsupported> {
    let (bytes, place) = mapping(emitter, &step.mapping)?;
    emitter.source.need("fill");
    emitter.source.line(format!("fill({}, {bytes}, {place}, {});", variable(&step.mapping), step.seed));
    Ok(())
}

pub fn check(emitter: &mut Emitter<'_>, step: &Check) -> Result<(), Unsupported> {
    if step.up_to.is_some() || step.behind.is_some() {
        return Err(Unsupported::Step("a check of a part of a mapping".into()));
    }
    let (bytes, place) = mapping(emitter, &step.mapping)?;
    emitter.source.need("check");
    let what = quoted(&format!("the mapping called {} shows what was written", step.mapping));
    emitter.source.line(format!("check({}, {bytes}, {place}, {}, {what});", variable(&step.mapping), step.seed));
    Ok(())
}

pub fn grow(emitter: &mut Emitter<'_>, step: &Grow) -> Result<(), Unsupported> {
    let (bytes, _) = mapping(emitter, &step.mapping)?;
    let call = format!("(long)mremap({}, {bytes}, {bytes} + {}, 0)", variable(&step.mapping), step.by.0);
    emitter.demanded(&call, &step.must_refuse, "a longer mapping");
    Ok(())
}

pub fn make_writable(emitter: &mut Emitter<'_>, step: &MakeWritable) -> Result<(), Unsupported> {
    let (bytes, _) = mapping(emitter, &step.mapping)?;
    let call = format!("mprotect({}, {bytes}, PROT_READ | PROT_WRITE)", variable(&step.mapping));
    emitter.demanded(&call, &step.must_refuse, "mprotect");
    Ok(())
}
