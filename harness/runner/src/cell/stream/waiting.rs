//! A fence that a device has to wait for before it reads: until it is signalled, the imported buffers hold other bytes.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use device::Refusal;
use device::WorkResult;
use device::files::Pending;
use spec::step::StreamWait;
use uapi::dma_buf::{SYNC_END, SYNC_WRITE};

use super::view::View;
use crate::cell::stop::Stop;
use crate::cell::world::World;
use event::{Blame, Oracle};

const EXPECTED: &str = "the device waits for the fence before it reads, and is done after it";

pub struct Waiting<'a> {
    world: &'a World,
    output: &'a [View],
    how: StreamWait,
    pending: Pending,
    /// The result of signalling it, once it was signalled.
    signalled: RefCell<Option<Result<(), Refusal>>>,
}

impl<'a> Waiting<'a> {
    /// Makes a fence, and begins to write the imported buffers.
    pub fn begin(world: &'a World, how: StreamWait, output: &'a [View]) -> Result<Self, Stop> {
        let pending = world.files().make_fence();
        let pending = pending.map_err(|why| Stop::not_observable(Oracle::Fence, why, EXPECTED))?;
        for shown in output {
            // While the buffer has the fence, this would wait for it.
            shown.sync(world, SYNC_WRITE)?;
            if how == StreamWait::OnBuffer {
                let number = pending.file.as_raw_fd();
                let answer = world.files().import_sync_file(shown.file(), SYNC_WRITE as u32, number);
                answer.map_err(|errno| {
                    let seen = format!("DMA_BUF_IOCTL_IMPORT_SYNC_FILE: {errno}");
                    Stop::not_observable(Oracle::Fence, seen, "the buffer gets the fence (6.0, CONFIG_SYNC_FILE)")
                })?;
            }
        }
        Ok(Self { world, output, how, pending, signalled: RefCell::new(None) })
    }

    /// The way in which the device learns of the fence.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        (self.how == StreamWait::InFence).then(|| self.pending.file.as_fd())
    }

    /// Writes the imported buffers, and signals the fence.
    pub fn end(&self, word: impl Fn(usize, u64) -> u64) -> Result<(), Refusal> {
        for (number, shown) in self.output.iter().enumerate() {
            shown.write(|at| word(number, at));
            // One that cannot be made coherent was reported when it was filled.
            let _ = shown.sync(self.world, SYNC_WRITE | SYNC_END);
        }
        let answer = self.pending.fence.signal();
        self.signalled.replace(Some(answer.clone()));
        answer
    }

    /// Returns whether the fence was pending as long as it had to be. After this it is not.
    pub fn over(&self) -> Result<(), Stop> {
        let signalled = self.signalled.borrow().clone();
        match signalled {
            // The device said no before.
            None => {
                let _ = self.pending.fence.signal();
                Ok(())
            }
            // vgem's goes off by itself after 10 s, and its signal says so (ETIMEDOUT).
            Some(Err(refusal)) => {
                Err(Stop::not_observable(Oracle::Fence, refusal.to_string(), "the fence is signalled"))
            }
            Some(Ok(())) => Ok(()),
        }
    }
}

/// Returns whether the device was done before its time.
pub fn judge_early(done: &WorkResult) -> Result<(), Stop> {
    done.early.map_or(Ok(()), |what| {
        let seen = format!("{what} was signalled while the fence was pending that the device has to wait for");
        Err(Stop::fail(Oracle::Fence, Blame::Importer, seen, EXPECTED))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_done_early_fails() {
        assert!(judge_early(&WorkResult::default()).is_ok());
        let early = WorkResult { early: Some("the CRTC's fence"), ..WorkResult::default() };
        let stop = judge_early(&early).err().unwrap();
        assert_eq!(stop.0.verdict, spec::verdict::Verdict::Fail);
        assert!(stop.0.seen.starts_with("the CRTC's fence was signalled"));
    }
}
