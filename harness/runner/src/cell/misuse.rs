//! Steps that are wrong on purpose: what the kernel says to them is the rule.

use spec::step::{FileMisuse, Misuse, MisuseFile, Side, SyncFlags};

use super::refusal::{demanded, names};
use super::stop::Stop;
use super::world::World;
use event::{Blame, Oracle};

pub fn misuse(world: &mut World, step: &Misuse) -> Result<(), Stop> {
    let opened = world.side(step.of)?;
    let answer = opened.device.misuse(step.how);
    let blame = if step.of == Side::Exporter { Blame::Exporter } else { Blame::Importer };
    let what = format!("'{}' of {}", word(step.how), opened.endpoint.key);
    demanded(answer, &step.must_refuse, blame, &what)?;
    world.checks += 1;
    Ok(())
}

pub fn misuse_file(world: &mut World, step: &MisuseFile) -> Result<(), Stop> {
    let answer = world.files().misuse(world.descriptor(&step.file)?, step.how);
    let answer = match answer {
        Err(uapi::Errno::ENOTTY) if of_sync_files(step.how) => {
            Err(device::Refusal::NotAsked("this kernel has no sync files of dma-bufs (6.0, CONFIG_SYNC_FILE)"))
        }
        answer => answer.map_err(device::Refusal::of("the call")),
    };
    demanded(answer, &step.must_refuse, Blame::Kernel, &format!("'{}' of a dma-buf", word(step.how)))?;
    world.checks += 1;
    Ok(())
}

fn of_sync_files(how: FileMisuse) -> bool {
    word(how).contains("sync-file")
}

/// Returns the word that a case has for it.
pub fn word(how: impl serde::Serialize) -> String {
    serde_json::to_value(how).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub fn sync_flags(world: &mut World, step: &SyncFlags) -> Result<(), Stop> {
    let answer = world.files().sync(world.descriptor(&step.file)?, step.flags);
    let answer = answer.map_err(device::Refusal::of("DMA_BUF_IOCTL_SYNC"));
    if let Err(refusal) = &answer
        && names(&step.may_refuse, refusal.errno())
    {
        world.checks += 1;
        world.property(Oracle::Sync, format!("flags {:#x}: {refusal}", step.flags));
        return Ok(());
    }
    demanded(answer, &step.must_refuse, Blame::Exporter, &format!("DMA_BUF_IOCTL_SYNC with flags {:#x}", step.flags))?;
    world.checks += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misuse_is_called_as_the_case_calls_it() {
        assert_eq!(word(spec::step::DeviceMisuse::MemoryPastEnd), "memory-past-end");
        assert!(of_sync_files(FileMisuse::ImportSyncFileClosed) && !of_sync_files(FileMisuse::SyncNull));
    }
}
