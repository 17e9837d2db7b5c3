//! Steps on fences and sync files.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use spec::step::{AttachFence, ExportSyncFile, FenceAccess, ImportSyncFile, Poll, Signal, SyncAccess};
use uapi::Errno;
use uapi::sync_file::Readiness;

use super::refusal::{demanded, unexpected};
use super::stop::Stop;
use super::world::{FenceValue, FileValue, Value, World};
use event::{Blame, Oracle};

/// A fence that is not signalled goes off by itself 10 seconds after it was made (`VGEM_FENCE_TIMEOUT`); from here on it
/// is not known whether it has.
const EXPIRED: Duration = Duration::from_secs(9);

/// The time that a file has to become ready: drivers clear fresh memory by the device itself, and its fence is pending
/// right after an allocation. A fence of a case stays pending for much longer.
const SETTLE: Duration = Duration::from_secs(1);

/// Asks again and again until the answer will do, or `SETTLE` has passed.
fn settled<T>(mut ask: impl FnMut() -> T, will_do: impl Fn(&T) -> bool) -> T {
    let end = Instant::now() + SETTLE;
    loop {
        let answer = ask();
        if will_do(&answer) || Instant::now() > end {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn wants(access: SyncAccess) -> (bool, bool) {
    (access != SyncAccess::Write, access != SyncAccess::Read)
}

/// The flags of both sync file calls.
fn flags(access: SyncAccess) -> u32 {
    let (read, write) = wants(access);
    let bits = [(read, uapi::dma_buf::SYNC_READ), (write, uapi::dma_buf::SYNC_WRITE)];
    bits.iter().filter(|(wanted, _)| *wanted).map(|(_, bit)| *bit as u32).sum()
}

pub fn poll(world: &mut World, step: &Poll) -> Result<(), Stop> {
    world.checks += 1;
    let (read, write) = wants(step.r#for);
    let expected = expected(step);
    let file = world.descriptor(&step.file)?;
    let right =
        |ready: &Readiness| !ready.error && ![(read, ready.read), (write, ready.write)].contains(&(true, !step.ready));
    let ready = settled(
        || world.files().readiness(file, read, write),
        // A file that is not ready is not asked again until it is.
        |answer| !step.ready || answer.as_ref().map_or(true, &right),
    );
    let ready = ready.map_err(|errno| Stop::suite(format!("poll: {errno}"), expected.clone()))?;
    if right(&ready) {
        return Ok(());
    }
    let seen = seen(ready);
    if !step.ready && world.fence_since.is_some_and(|since| since.elapsed() > EXPIRED) {
        let seen = format!("{seen}, and this long after the fence was made it may have been signalled by itself");
        return Err(Stop::not_observable(Oracle::Fence, seen, expected));
    }
    Err(Stop::fail(Oracle::Fence, Blame::Undecided, seen, expected))
}

fn expected(step: &Poll) -> String {
    let what = match step.r#for {
        SyncAccess::Read => "reading",
        SyncAccess::Write => "writing",
        SyncAccess::ReadWrite if step.ready => "reading and writing",
        SyncAccess::ReadWrite => "reading or writing",
    };
    format!("'{}' is {}ready for {what}", step.file, if step.ready { "" } else { "not " })
}

fn seen(ready: Readiness) -> String {
    let words = [(ready.read, "POLLIN"), (ready.write, "POLLOUT"), (ready.error, "POLLERR or POLLNVAL")];
    let told: Vec<&str> = words.iter().filter(|(told, _)| *told).map(|(_, word)| *word).collect();
    if told.is_empty() { "poll reports nothing".to_owned() } else { format!("poll reports {}", told.join(", ")) }
}

/// Kernels before 6.0, and those without CONFIG_SYNC_FILE, have no sync files of dma-bufs.
fn known<T>(call: &'static str, answer: Result<T, Errno>) -> Result<Result<T, device::Refusal>, Stop> {
    match answer {
        Err(Errno::ENOTTY) => {
            let seen = format!("{call}: ENOTTY: this kernel has no such call (6.0, CONFIG_SYNC_FILE)");
            Err(Stop::not_observable(Oracle::Fence, seen, "sync files of dma-bufs"))
        }
        answer => Ok(answer.map_err(device::Refusal::of(call))),
    }
}

pub fn export_sync_file(world: &mut World, step: &ExportSyncFile) -> Result<(), Stop> {
    let answer = world.files().export_sync_file(world.descriptor(&step.file)?, flags(step.access));
    let file: OwnedFd = known("DMA_BUF_IOCTL_EXPORT_SYNC_FILE", answer)?
        .map_err(|refusal| unexpected(&refusal, Blame::Kernel, "the kernel makes a sync file of any dma-buf"))?;
    world.insert(&step.r#as, Value::File(FileValue::new(file, 0)));
    Ok(())
}

pub fn import_sync_file(world: &mut World, step: &ImportSyncFile) -> Result<(), Stop> {
    let number = world.file(&step.sync_file)?.number;
    let answer = world.files().import_sync_file(world.descriptor(&step.file)?, flags(step.access), number);
    let answer = known("DMA_BUF_IOCTL_IMPORT_SYNC_FILE", answer)?;
    let what = format!("importing '{}' as a sync file of '{}'", step.sync_file, step.file);
    demanded(answer, &step.must_refuse, Blame::Kernel, &what)?;
    world.checks += u32::from(!step.must_refuse.is_empty());
    Ok(())
}

pub fn attach_fence(world: &mut World, step: &AttachFence) -> Result<(), Stop> {
    let held = world.buffer(&step.buffer)?;
    let fence = settled(
        || held.buffer.attach_fence(step.access == FenceAccess::Write),
        |answer| !matches!(answer, Err(refusal) if refusal.errno() == Some(Errno::EBUSY)),
    );
    let fence = fence
        .map_err(|refusal| unexpected(&refusal, Blame::Importer, "a buffer takes a fence that nothing forbids"))?;
    world.fence_since.get_or_insert(Instant::now());
    world.insert(&step.r#as, Value::Fence(FenceValue { fence }));
    Ok(())
}

pub fn signal(world: &mut World, step: &Signal) -> Result<(), Stop> {
    let expected = "the fence is signalled";
    match world.fence(&step.fence)?.fence.signal() {
        Ok(()) => Ok(()),
        Err(refusal) if refusal.errno() == Some(Errno::ETIMEDOUT) => Err(Stop::not_observable(
            Oracle::Fence,
            format!("{refusal}: it had gone off by itself, after 10 s"),
            expected,
        )),
        Err(refusal) => Err(unexpected(&refusal, Blame::Importer, expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_the_header_s() {
        assert_eq!([SyncAccess::Read, SyncAccess::Write, SyncAccess::ReadWrite].map(flags), [1, 2, 3]);
    }

    #[test]
    fn what_becomes_right_is_waited_for() {
        let mut asked = 0;
        let ask = || {
            asked += 1;
            asked
        };
        assert_eq!(settled(ask, |answer| *answer == 3), 3);
    }

    #[test]
    fn a_kernel_without_sync_files_shows_nothing() {
        let Err(Stop(finding)) = known("X", Err::<(), _>(Errno::ENOTTY)) else { panic!("ENOTTY is no answer") };
        assert_eq!(finding.verdict, spec::verdict::Verdict::NotObservable);
        assert!(matches!(known("X", Err::<(), _>(Errno::EINVAL)), Ok(Err(_))));
    }
}
