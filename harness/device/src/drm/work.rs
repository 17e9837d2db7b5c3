//! What a display does with frames: it shows one, and a writeback connector writes into another what is shown.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use drm::Device as _;
use drm::control::AtomicCommitFlags;
use spec::step::{DisplayPlane, Stream};
use uapi::sync_file::{OutFence, wait_readable};

use super::display::{self, Plan, not_asked};
use super::image::{Image, call};
use super::pipe::{Layer, Pipe, Scene};
use super::{Card, Handles, crc, debugfs};
use crate::refusal::Refusal;
use crate::work::{Buffers, Wait, Work, WorkError, WorkResult};

/// The time after which a frame is late.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time that a fence stays pending: a dozen frames, in which a display that does not wait for it shows what it must not.
const PENDING: Duration = Duration::from_millis(100);

/// A job of vkms that ends late keeps the next from being done (fixtures/findings/vkms-composer-switch.md).
const ATTEMPTS: usize = 3;

/// The image below one above the primary plane: all pixels alike.
const BELOW: u64 = 0x0040_5060_0040_5060;

/// Where it lies, in pixels from the left and the top of the display.
const PLACE: (u32, u32) = (40, 24);

/// Checks that a case asks only for what a display can do.
fn plain(asked: &Stream) -> bool {
    !asked.stop && asked.calls.is_empty() && asked.queued.is_none() && asked.capture.len() < 2
}

fn pipe(card: &Handles) -> Result<&Pipe, WorkError> {
    if let Some(pipe) = card.pipe.get() {
        return Ok(pipe);
    }
    let pipe = Pipe::find(&card.card).map_err(call("DRM_IOCTL_SET_CLIENT_CAP"))?;
    let pipe = pipe.ok_or(not_asked("no connector of this card is connected"))?;
    Ok(card.pipe.get_or_init(|| pipe))
}

/// The formats in which a work can be done.
pub fn formats(card: &Handles, asked: &Stream) -> Result<Vec<u32>, WorkError> {
    display::formats(&card.card, pipe(card)?, asked)
}

pub fn work(card: &Rc<Handles>, node: &Path, work: &Work<'_>) -> Result<WorkResult, WorkError> {
    let asked = work.asked;
    if !plain(asked) {
        return Err(not_asked("a display shows one image, and knows no queues"));
    }
    let pipe = pipe(card)?;
    let plan = Plan::of(work, &pipe.modes).ok_or(not_asked("the buffers are too small for an image as asked for"))?;
    if work.capture.imported() && !pipe.writes_back() {
        return Err(not_asked("this card has no writeback connector"));
    }
    let _master = Master::take(&card.card)?;
    let frames = plan.shown.words();
    let read = plan.shown.bytes.iter().sum();
    // Only an imported image begins after the start of its buffer.
    let moved = if work.output.imported() { plan.shown.moved(asked.offset.0) } else { plan.shown.together() };
    let shown = Image::new(card, moved, asked.modifier && !asked.output.is_empty(), work.output)?;
    let below = plan.below.map(|layout| Image::new(card, layout, false, Buffers::Own(&|_| BELOW))).transpose()?;
    let target = (pipe.writes_back() && !asked.test_only)
        .then(|| Image::new(card, plan.target, asked.modifier && !asked.capture.is_empty(), work.capture))
        .transpose()?;
    let stage = Stage { pipe, card: &card.card, shown: &shown, below: below.as_ref(), target: target.as_ref() };
    if asked.test_only {
        stage.commit(asked.plane, plan.mode, AtomicCommitFlags::TEST_ONLY, None, [None, None])?;
        return Ok(WorkResult { frames, ..WorkResult::default() });
    }
    (work.queued)();
    let on = (0..ATTEMPTS).find_map(|number| stage.show(work, plan.mode, number).transpose());
    let worked = on.unwrap_or(Err(LATE)).map(|early| {
        // Before someone else wants what vkms switches off then (fixtures/findings/vkms-composer-switch.md).
        target.iter().for_each(|target| debugfs::put_away(node, target.framebuffer));
        // A case about what is written back says nothing of what is shown.
        let folder = crc::folder(node, pipe.number).filter(|_| !asked.output.is_empty());
        let written = target.as_ref().map_or_else(|| vec![None], Image::written);
        let crc = folder.as_deref().and_then(crc::read);
        let frames = target.as_ref().map_or(frames.clone(), |target| format!("{frames} to {}", target.layout.words()));
        let used = written.first().and_then(Option::as_ref).map_or(0, |plane| plane.used);
        (work.done)(&frames, used);
        WorkResult { frames, written, read, crc, early }
    });
    let off = pipe.off(&card.card).map_err(call("DRM_IOCTL_MODE_ATOMIC"));
    let worked = worked?;
    off.map(|()| worked)
}

/// A display with the images for it.
struct Stage<'a> {
    pipe: &'a Pipe,
    card: &'a Card,
    shown: &'a Image<'a>,
    below: Option<&'a Image<'a>>,
    target: Option<&'a Image<'a>>,
}

impl Stage<'_> {
    fn commit(
        &self,
        plane: DisplayPlane,
        mode: drm::control::Mode,
        flags: AtomicCommitFlags,
        wait: Option<BorrowedFd<'_>>,
        fences: [Option<&OutFence>; 2],
    ) -> Result<(), WorkError> {
        let layer = |sort, image: &Image<'_>, place, fence| {
            let size = (image.layout.width, image.layout.height);
            let plane = self.pipe.plane(sort).ok_or(not_asked("this display has no such plane"))?;
            Ok::<_, WorkError>(Layer { plane, framebuffer: image.framebuffer, place, size, fence })
        };
        let place = if self.below.is_some() { PLACE } else { (0, 0) };
        let fence = wait.map(|file| file.as_raw_fd());
        let below = self.below.map(|image| layer(DisplayPlane::Primary, image, (0, 0), None)).transpose()?;
        let layers: Vec<_> = below.into_iter().chain([layer(plane, self.shown, place, fence)?]).collect();
        let [written, shown] = fences.map(|fence| fence.map(OutFence::value));
        let target = self.target.map(|target| (target.framebuffer, written.unwrap_or(0)));
        let scene = Scene { layers: &layers, mode, target, fence: shown, flags };
        self.pipe.show(self.card, &scene).map_err(call("DRM_IOCTL_MODE_ATOMIC"))
    }

    /// Shows an image until what is shown was written. Tells what was done while a fence was pending; nothing where it
    /// took too long, and may be tried again.
    fn show(&self, work: &Work<'_>, mode: drm::control::Mode, attempt: usize) -> Result<Option<Early>, WorkError> {
        let (written, shown) = (OutFence::default(), OutFence::default());
        // In another attempt it is signalled.
        let wait = work.wait.filter(|_| attempt == 0);
        let flags = if wait.is_some() { AtomicCommitFlags::NONBLOCK } else { AtomicCommitFlags::empty() };
        let file = wait.and_then(|wait| wait.file);
        self.commit(work.asked.plane, mode, flags, file, [Some(&written), wait.map(|_| &shown)])?;
        let (written, shown) = (written.take(), shown.take());
        let fences = [("the writeback's fence", written.as_ref()), ("the CRTC's fence", shown.as_ref())];
        let early = match wait {
            Some(wait) => waited(wait, &fences.map(|(name, fence)| (name, fence.map(AsFd::as_fd))))?,
            None => None,
        };
        if wait.is_some() && shown.is_none() {
            return Err(not_asked("the display makes no fence of its own (OUT_FENCE_PTR)"));
        }
        let done = |fence: Option<&OwnedFd>| {
            let answer = fence.map_or(Ok(true), |fence| wait_readable(fence.as_fd(), PATIENCE));
            answer.map_err(|errno| WorkError::Call(Refusal::of("poll")(errno)))
        };
        match (early, done(shown.as_ref())?) {
            (Some(_), _) => Ok(Some(early)),
            (None, false) => Err(LATE),
            (None, true) if done(written.as_ref())? => Ok(Some(None)),
            (None, true) if attempt + 1 < ATTEMPTS => Ok(None),
            (None, true) => Err(LATE),
        }
    }
}

const LATE: WorkError = WorkError::Late { frame: 1, of: 1, seconds: PATIENCE.as_secs() };

/// Work that was done before the fence was signalled.
type Early = Option<&'static str>;

/// Looks for what is done while a fence is pending, then lets it be signalled.
fn waited(wait: &Wait<'_>, fences: &[(&'static str, Option<BorrowedFd<'_>>)]) -> Result<Early, WorkError> {
    let mut early = None;
    // The last one is the longest to come.
    for (number, (name, fence)) in fences.iter().rev().enumerate() {
        let Some(fence) = fence else { continue };
        let time = if number == 0 { PENDING } else { Duration::ZERO };
        if wait_readable(*fence, time).map_err(|errno| WorkError::Call(Refusal::of("poll")(errno)))? {
            early = Some(*name);
        }
    }
    (wait.signal)().map_err(WorkError::Call)?;
    Ok(early)
}

/// Being DRM master, for as long as it lasts.
struct Master<'a>(&'a Card);

impl<'a> Master<'a> {
    fn take(card: &'a Card) -> Result<Self, WorkError> {
        card.acquire_master_lock().map_err(call("DRM_IOCTL_SET_MASTER"))?;
        Ok(Self(card))
    }
}

impl Drop for Master<'_> {
    fn drop(&mut self) {
        let _ = self.0.release_master_lock();
    }
}
