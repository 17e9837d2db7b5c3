//! What a display does with frames: it shows one, and a writeback connector writes into another what is shown.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use document::case::{Ability, Pixels};
use document::step::Stream;
use drm::Device as _;
use drm::control::Device as _;
use uapi::Errno;
use uapi::memory::{Access, Mapping, Sharing, Window};
use uapi::sync_file::OutFence;

use super::pipe::{Pipe, SIZE};
use super::{Card, GemHandle, Handles, crc};
use crate::buffer::{Buffer, Refusal};
use crate::work::{Buffers, Plane, Undone, Work, Worked};

/// `DRM_FORMAT_XRGB8888`: every display has it.
const FORMAT: u32 = u32::from_le_bytes(*b"XR24");

/// From line to line, in bytes.
const PITCH: u32 = SIZE * 4;

/// Of an image, in bytes.
const BYTES: u64 = PITCH as u64 * SIZE as u64;

/// After so long a frame is late.
const PATIENCE: Duration = Duration::from_secs(1);

/// A job of vkms that ends late keeps the next from being done (fixtures/findings/vkms-composer-switch.md).
const ATTEMPTS: usize = 3;

/// What a card's displays can do, and tell of it.
pub fn abilities(card: &Card, node: &Path) -> Vec<Ability> {
    let Ok(Some(pipe)) = Pipe::find(card) else { return Vec::new() };
    let tells = pipe.writes_back() || crc::folder(node, pipe.number).is_some();
    [(Ability::ScanOut, tells), (Ability::WriteBack, pipe.writes_back())]
        .into_iter()
        .filter_map(|(ability, can)| can.then_some(ability))
        .collect()
}

fn call(call: &'static str) -> impl Fn(std::io::Error) -> Undone {
    move |error| {
        let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
        Undone::Call(Refusal::Kernel { call, errno })
    }
}

fn not_asked(why: &'static str) -> Undone {
    Undone::Call(Refusal::NotAsked(why))
}

/// Whether a case asks for nothing but what a display can do.
fn plain(asked: &Stream) -> bool {
    let rgb = asked.pixels.is_none_or(|pixels| pixels == Pixels::Rgb);
    rgb && !asked.odd && !asked.padded && !asked.stop && asked.calls.is_empty() && asked.offset.0 == 0
}

pub fn work(card: &Rc<Handles>, node: &Path, work: &Work<'_>) -> Result<Worked, Undone> {
    if !plain(work.asked) || work.files != 1 || work.capture_room.min(work.output_room) < BYTES {
        return Err(not_asked("a display shows one image of 128x128 pixels here"));
    }
    let pipe = Pipe::find(&card.card).map_err(call("DRM_IOCTL_SET_CLIENT_CAP"))?;
    let pipe = pipe.ok_or(not_asked("no connector of this card is connected"))?;
    if work.capture.imported() && !pipe.writes_back() {
        return Err(not_asked("this card has no writeback connector"));
    }
    let _master = Master::take(&card.card)?;
    let shown = Image::new(card, work.output)?;
    let target = if pipe.writes_back() { Some(Image::new(card, work.capture)?) } else { None };
    let on = (0..ATTEMPTS).find_map(|number| show(&pipe, card, &shown, target.as_ref(), number).transpose());
    let worked = on.unwrap_or(Ok(())).map(|()| {
        // A case about what is written back says nothing of what is shown.
        let asks = !work.asked.output.is_empty();
        let folder = crc::folder(node, pipe.number).filter(|_| asks);
        let plane = target.as_ref().map(|target| Plane { used: BYTES as u32, bytes: target.bytes() });
        let crc = folder.as_deref().and_then(crc::read);
        let frames = format!("{SIZE}x{SIZE} XR24");
        (work.done)(&frames, if target.is_some() { BYTES as u32 } else { 0 });
        Worked { frames, written: vec![plane], read: BYTES, crc }
    });
    let off = pipe.off(&card.card).map_err(call("DRM_IOCTL_MODE_ATOMIC"));
    let worked = worked?;
    off.map(|()| worked)
}

/// Shows an image until what is shown was written. Nothing where that took too long, and it may be tried again.
fn show(
    pipe: &Pipe,
    card: &Handles,
    shown: &Image<'_>,
    target: Option<&Image<'_>>,
    attempt: usize,
) -> Result<Option<()>, Undone> {
    let fence = OutFence::default();
    let written = target.map(|target| (target.framebuffer, fence.value()));
    pipe.show(&card.card, shown.framebuffer, written).map_err(call("DRM_IOCTL_MODE_ATOMIC"))?;
    let Some(fence) = fence.take() else { return Ok(Some(())) };
    let answer = uapi::sync_file::wait_readable(fence.as_fd(), PATIENCE);
    match answer.map_err(|errno| Undone::Call(Refusal::of("poll")(errno)))? {
        true => Ok(Some(())),
        false if attempt + 1 < ATTEMPTS => Ok(None),
        false => Err(Undone::Late { frame: 1, of: 1, seconds: PATIENCE.as_secs() }),
    }
}

/// Being DRM master, for as long as it lasts.
struct Master<'a>(&'a Card);

impl<'a> Master<'a> {
    fn take(card: &'a Card) -> Result<Self, Undone> {
        card.acquire_master_lock().map_err(call("DRM_IOCTL_SET_MASTER"))?;
        Ok(Self(card))
    }
}

impl Drop for Master<'_> {
    fn drop(&mut self) {
        let _ = self.0.release_master_lock();
    }
}

/// A framebuffer in memory of the card's own, or in an imported dma-buf.
struct Image<'a> {
    card: &'a Card,
    framebuffer: u32,
    own: Option<Mapping>,
    _memory: Rc<dyn Buffer>,
}

impl<'a> Image<'a> {
    fn new(card: &'a Rc<Handles>, buffers: Buffers<'_>) -> Result<Self, Undone> {
        let device = card.card.as_fd();
        let (handle, size, own) = match buffers {
            Buffers::Imported(files) => {
                let file = files.first().ok_or(not_asked("no file was given"))?;
                let handle = uapi::drm::fd_to_handle(device, file.as_raw_fd());
                let refusal = Refusal::of("DRM_IOCTL_PRIME_FD_TO_HANDLE");
                (handle.map_err(|errno| Undone::Import(refusal(errno)))?, BYTES, None)
            }
            Buffers::Own(word) => {
                let made = drm_ffi::mode::dumbbuffer::create(device, SIZE, SIZE, 32, 0);
                let made = made.map_err(call("DRM_IOCTL_MODE_CREATE_DUMB"))?;
                if made.pitch != PITCH {
                    let _ = uapi::drm::close_handle(device, made.handle);
                    return Err(not_asked("the card's own images have lines with padding"));
                }
                (made.handle, made.size, Some(word))
            }
        };
        let memory = GemHandle::held(card, handle, size);
        let own = own.map(|word| {
            let start = uapi::drm::map_dumb(device, handle);
            let start = start.map_err(|errno| Undone::Call(Refusal::of("DRM_IOCTL_MODE_MAP_DUMB")(errno)))?;
            let window = Window { offset: start, len: BYTES as usize };
            let mapping = Mapping::of_file(device, window, Access::ReadWrite, Sharing::Shared);
            let mapping = mapping.map_err(|errno| Undone::Call(Refusal::of("mmap of the DRM device")(errno)))?;
            mapping.write_words(word);
            Ok(mapping)
        });
        let own = own.transpose()?;
        let (handles, pitches) = ([handle, 0, 0, 0], [PITCH, 0, 0, 0]);
        let made = drm_ffi::mode::add_fb2(device, SIZE, SIZE, FORMAT, &handles, &pitches, &[0; 4], &[0; 4], 0);
        let made = made.map_err(call("DRM_IOCTL_MODE_ADDFB2"))?;
        Ok(Self { card: &card.card, framebuffer: made.fb_id, own, _memory: memory })
    }

    fn bytes(&self) -> Vec<u8> {
        self.own.as_ref().map_or_else(Vec::new, |own| own.read_bytes(BYTES as usize))
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        if let Some(handle) = drm::control::from_u32(self.framebuffer) {
            let _ = self.card.destroy_framebuffer(handle);
        }
    }
}
