//! A framebuffer in memory of the card's own, or in imported dma-bufs.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;

use drm::control::Device as _;
use uapi::memory::{Access, Mapping, Sharing, Window};

use super::layout::Layout;
use super::{Card, GemHandle, Handles};
use crate::buffer::Buffer;
use crate::refusal::Refusal;
use crate::work::{Buffers, Plane, WorkError};

/// `DRM_FORMAT_MOD_LINEAR`: the lines of an image lie one after the other.
pub const LINEAR: u64 = 0;

/// An image that a card can show.
pub struct Image<'a> {
    card: &'a Card,
    /// Its number among the card's framebuffers.
    pub framebuffer: u32,
    /// The layout of its bytes.
    pub layout: Layout,
    own: Vec<Mapping>,
    _memory: Vec<Rc<dyn Buffer>>,
}

/// The result of a call that the `drm` crate made.
pub fn call(call: &'static str) -> impl Fn(std::io::Error) -> WorkError {
    move |error| WorkError::Call(Refusal::of(call)(error))
}

impl<'a> Image<'a> {
    /// An image in such buffers, with its layout's name or without.
    pub fn new(card: &'a Rc<Handles>, layout: Layout, modifier: bool, buffers: Buffers<'_>) -> Result<Self, WorkError> {
        let (mut handles, mut memory, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for (number, &bytes) in layout.bytes.iter().enumerate() {
            let held = match buffers {
                Buffers::Imported(files) => import(card, files.get(number).copied())?,
                Buffers::Own(word) => {
                    let (held, mapping) = allocate(card, layout.planes[0].pitch, bytes)?;
                    mapping.write_words(|at| word(layout.place(at)));
                    own.push(mapping);
                    held
                }
            };
            handles.push(held.handle().unwrap_or_default());
            memory.push(held);
        }
        let framebuffer = add(&card.card, &layout, &handles, modifier)?;
        Ok(Self { card: &card.card, framebuffer, layout, own, _memory: memory })
    }

    /// The bytes that a device has written into it.
    pub fn written(&self) -> Vec<Option<Plane>> {
        let plane = |number: usize, &used: &u64| {
            let bytes = self.own.get(number).map_or_else(Vec::new, |own| own.read_bytes(used as usize));
            Some(Plane { used: used as u32, bytes })
        };
        self.layout.bytes.iter().enumerate().map(|(number, used)| plane(number, used)).collect()
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        if let Some(handle) = drm::control::from_u32(self.framebuffer) {
            let _ = self.card.destroy_framebuffer(handle);
        }
    }
}

fn import(card: &Rc<Handles>, file: Option<BorrowedFd<'_>>) -> Result<Rc<dyn Buffer>, WorkError> {
    let file = file.ok_or(WorkError::Call(Refusal::NotAsked("the image has more buffers than files were given")))?;
    let handle = uapi::drm::fd_to_handle(card.card.as_fd(), file.as_raw_fd());
    let refusal = Refusal::of("DRM_IOCTL_PRIME_FD_TO_HANDLE");
    let handle = handle.map_err(|errno| WorkError::Import(refusal(errno)))?;
    Ok(GemHandle::held(card, handle, 0))
}

/// A dumb buffer with lines of a given length and room for a whole image, and its bytes.
fn allocate(card: &Rc<Handles>, pitch: u32, bytes: u64) -> Result<(Rc<dyn Buffer>, Mapping), WorkError> {
    let device = card.card.as_fd();
    // Pixels of 4 bytes, as every driver has them; lines that are not whole pixels need a few more.
    let (width, height) = (pitch.div_ceil(4), u32::try_from(bytes.div_ceil(pitch.into())).unwrap_or(u32::MAX));
    let made = drm_ffi::mode::dumbbuffer::create(device, width, height, 32, 0);
    let made = made.map_err(call("DRM_IOCTL_MODE_CREATE_DUMB"))?;
    let held = GemHandle::held(card, made.handle, made.size);
    // Words are written: the last one may be but begun.
    let length = bytes.next_multiple_of(8);
    if made.size < length {
        return Err(WorkError::Call(Refusal::NotAsked("the card's own buffer is smaller than the image")));
    }
    let start = uapi::drm::map_dumb(device, made.handle);
    let start = start.map_err(|errno| WorkError::Call(Refusal::of("DRM_IOCTL_MODE_MAP_DUMB")(errno)))?;
    let window = Window { offset: start, len: length as usize };
    let mapping = Mapping::of_file(device, window, Access::ReadWrite, Sharing::Shared);
    let mapping = mapping.map_err(|errno| WorkError::Call(Refusal::of("mmap of the DRM device")(errno)))?;
    Ok((held, mapping))
}

/// Makes a framebuffer of buffers: `DRM_IOCTL_MODE_ADDFB2`.
fn add(card: &Card, layout: &Layout, buffers: &[u32], modifier: bool) -> Result<u32, WorkError> {
    let (mut handles, mut pitches, mut offsets) = ([0; 4], [0; 4], [0; 4]);
    for (number, plane) in layout.planes.iter().enumerate() {
        handles[number] = buffers[plane.buffer];
        (pitches[number], offsets[number]) = (plane.pitch, plane.offset);
    }
    let flags = if modifier { drm_ffi::drm_sys::DRM_MODE_FB_MODIFIERS } else { 0 };
    let (device, fourcc) = (card.as_fd(), layout.format.fourcc());
    let (width, height) = (layout.width, layout.height);
    let made = drm_ffi::mode::add_fb2(device, width, height, fourcc, &handles, &pitches, &offsets, &[LINEAR; 4], flags);
    Ok(made.map_err(call("DRM_IOCTL_MODE_ADDFB2"))?.fb_id)
}
