//! Steps that the CPU does on mapped memory.

use std::path::Path;

use device::files::MapRequest;
use oracle::pages::MappingPages;
use spec::step::{Check, FileAccess, Fill, Grow, MakeWritable, Map, MapSharing, Phase, Pin, Side, Sync, SyncAccess};
use uapi::dma_buf::{SYNC_END, SYNC_READ, SYNC_WRITE};
use uapi::memory::{Access, Sharing, Window};

use super::refusal::{demanded, names};
use super::stop::Stop;
use super::world::{MappingValue, Value, World};
use event::{Blame, Oracle};

enum Of {
    Buffer(std::rc::Rc<dyn device::Buffer>, Side),
    File,
}

pub fn map(world: &mut World, step: &Map) -> Result<(), Stop> {
    let (of, size) = match world.buffer(&step.of) {
        Ok(held) => (Of::Buffer(held.buffer.clone(), held.side), held.buffer.size()),
        Err(_) => (Of::File, world.file(&step.of)?.size),
    };
    // The kernel maps whole pages, and the last one is the buffer's to its end.
    let size = size.next_multiple_of(uapi::memory::page_size() as u64);
    let offset = step.after_end.map_or(step.offset.0, |after| size + after.0);
    let len = step.length.map_or(size.saturating_sub(offset), |length| length.0) + step.beyond.0;
    let what = format!("mapping {len} bytes of '{}' from byte {offset} of {size}", step.of);
    let window = Window { offset, len: as_length(len, &what)? };
    let access = if step.access == FileAccess::ReadWrite { Access::ReadWrite } else { Access::ReadOnly };
    let sharing = if step.sharing == MapSharing::Shared { Sharing::Shared } else { Sharing::Private };
    let (answer, blame) = match of {
        Of::Buffer(buffer, side) => {
            let blame = if side == Side::Exporter { Blame::Exporter } else { Blame::Importer };
            (buffer.map(window, access), blame)
        }
        Of::File => {
            let unmappable = world.exporter.as_ref().and_then(|exporter| exporter.device.unmappable());
            if let Some(why) = unmappable {
                return Err(Stop::not_observable(
                    Oracle::Mapping,
                    why,
                    format!("a mapping of '{}' to look at", step.of),
                ));
            }
            let request = MapRequest { window, access, sharing };
            let answer = world.files().map(world.descriptor(&step.of)?, request);
            (answer.map_err(device::Refusal::of("mmap of the dma-buf")), Blame::Exporter)
        }
    };
    if let Err(refusal) = &answer
        && names(&step.satisfied_by, refusal.errno())
    {
        world.checks += 1;
        world.property(Oracle::Mapping, format!("{refusal}: no such mapping is made"));
        world.satisfied = true;
        return Ok(());
    }
    if let Some(mapping) = demanded(answer, &step.must_refuse, blame, &what)? {
        world.insert(&step.r#as, Value::Mapping(MappingValue { mapping, position: offset, blame }));
    }
    world.checks += u32::from(!step.must_refuse.is_empty());
    Ok(())
}

/// A number of bytes as this processor's calls take it. A number that is cut off would ask the kernel something else.
pub fn as_length(bytes: u64, what: &str) -> Result<usize, Stop> {
    let too_many = |_| {
        Stop::not_observable(
            Oracle::Mapping,
            format!("{bytes} bytes are more than a call of 32 bits can ask for"),
            what,
        )
    };
    usize::try_from(bytes).map_err(too_many)
}

pub fn fill(world: &mut World, step: &Fill) -> Result<(), Stop> {
    let shown = world.mapping(&step.mapping)?;
    oracle::content::fill(&shown.mapping, step.seed, shown.position);
    Ok(())
}

pub fn check(world: &mut World, step: &Check) -> Result<(), Stop> {
    let size = |name: &Option<String>| name.as_ref().map(|name| Ok(world.buffer(name)?.buffer.size())).transpose();
    let (behind, up_to) = (size(&step.behind)?, size(&step.up_to)?);
    let shown = world.mapping(&step.mapping)?;
    // Whole words of what the mapping shows of it.
    let within = |size: Option<u64>, without: usize| {
        size.map_or(without, |size| (size.saturating_sub(shown.position) as usize / 8 * 8).min(shown.mapping.len()))
    };
    let (start, end) = (within(behind, 0), within(up_to, shown.mapping.len()));
    let position = shown.position + start as u64;
    let expected = format!("the bytes that were written: the pattern of seed {} from byte {position}", step.seed);
    let answer = oracle::content::check_part(&shown.mapping, start..end.max(start), step.seed, position);
    let blame = if world.imported && shown.blame == Blame::Exporter { Blame::Undecided } else { shown.blame };
    // A part without a word was not looked at.
    world.checks += u32::from(start < end);
    answer.map(drop).map_err(|difference| Stop::fail(Oracle::Content, blame, difference.to_string(), expected))
}

pub fn grow(world: &mut World, step: &Grow) -> Result<(), Stop> {
    world.checks += 1;
    let what = format!("growing '{}' by {} bytes", step.mapping, step.by.0);
    let by = as_length(step.by.0, &what)?;
    let files = world.file_owner();
    let shown = world.mapping_mut(&step.mapping)?;
    let blame = shown.blame;
    let answer = match files {
        Some(device) => device.files().grow(&mut shown.mapping, by),
        None => shown.mapping.grow(by),
    };
    demanded(answer.map_err(device::Refusal::of("mremap")), &step.must_refuse, blame, &what).map(drop)
}

pub fn make_writable(world: &mut World, step: &MakeWritable) -> Result<(), Stop> {
    world.checks += 1;
    let shown = world.mapping(&step.mapping)?;
    let answer = shown.mapping.make_writable().map_err(device::Refusal::of("mprotect"));
    demanded(answer, &step.must_refuse, shown.blame, &format!("making '{}' writable", step.mapping)).map(drop)
}

pub fn sync(world: &mut World, step: &Sync) -> Result<(), Stop> {
    let access = match step.access {
        SyncAccess::Read => SYNC_READ,
        SyncAccess::Write => SYNC_WRITE,
        SyncAccess::ReadWrite => SYNC_READ | SYNC_WRITE,
    };
    let flags = access | if step.phase == Phase::End { SYNC_END } else { 0 };
    let answer = world.files().sync(world.descriptor(&step.file)?, flags);
    answer.map_err(|errno| {
        let seen = format!("DMA_BUF_IOCTL_SYNC with flags {flags}: {errno}");
        Stop::fail(Oracle::Sync, Blame::Exporter, seen, "the exporter makes the CPU's view coherent")
    })
}

pub fn pin(world: &mut World, step: &Pin) -> Result<(), Stop> {
    let expected = "pages that can be pinned have a struct page";
    let shown = world.mapping(&step.mapping)?;
    let pages = MappingPages::look(&shown.mapping, Path::new("/proc"))
        .map_err(|missing| Stop::not_observable(Oracle::Pages, missing.to_string(), expected))?;
    let blame = shown.blame;
    let flags = pages.vm_flags.join(" ");
    match judge_pages(&pages) {
        PageVerdict::Property(seen) => {
            world.property(Oracle::Pages, format!("{seen}; VmFlags {flags}"));
            world.checks += 1;
            Ok(())
        }
        PageVerdict::Fault(seen) => Err(Stop::fail(Oracle::Pages, blame, format!("{seen}; VmFlags {flags}"), expected)),
        PageVerdict::Unseen(seen) => {
            Err(Stop::not_observable(Oracle::Pages, format!("{seen}; VmFlags {flags}"), expected))
        }
    }
}

enum PageVerdict {
    Property(&'static str),
    Fault(&'static str),
    Unseen(&'static str),
}

fn judge_pages(pages: &MappingPages) -> PageVerdict {
    match (pages.pinnable, pages.struct_pages) {
        (Some(false), _) => PageVerdict::Property("get_user_pages refuses the mapping: its pages cannot be pinned"),
        (Some(true), Some(true)) => PageVerdict::Property("get_user_pages pins the mapping's struct pages"),
        (Some(true), Some(false)) => {
            PageVerdict::Fault("get_user_pages pinned pages of memory that has no struct page (kpageflags: NOPAGE)")
        }
        (Some(true), None) => PageVerdict::Unseen(
            "get_user_pages pins the mapping, and whether it has struct pages cannot be seen (pagemap needs root)",
        ),
        (None, _) => PageVerdict::Unseen("the kernel does not let us ask get_user_pages"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(pinnable: Option<bool>, struct_pages: Option<bool>) -> MappingPages {
        MappingPages { vm_flags: vec!["mm".into()], pinnable, struct_pages }
    }

    #[test]
    fn pinning_memory_without_struct_pages_is_a_fault() {
        assert!(matches!(judge_pages(&pages(Some(true), Some(false))), PageVerdict::Fault(_)));
    }

    #[test]
    fn what_cannot_be_seen_is_no_pass() {
        assert!(matches!(judge_pages(&pages(Some(true), None)), PageVerdict::Unseen(_)));
        assert!(matches!(judge_pages(&pages(None, Some(true))), PageVerdict::Unseen(_)));
        assert!(matches!(judge_pages(&pages(Some(false), None)), PageVerdict::Property(_)));
    }
}
