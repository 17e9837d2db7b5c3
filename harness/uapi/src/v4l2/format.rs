//! What the frames of a queue are made of.

use super::*;

mod ioctl {
    #![allow(missing_docs)]
    use v4l::v4l_sys as sys;
    nix::ioctl_readwrite!(enum_fmt, b'V', 2, sys::v4l2_fmtdesc);
    nix::ioctl_readwrite!(g_fmt, b'V', 4, sys::v4l2_format);
    nix::ioctl_readwrite!(s_fmt, b'V', 5, sys::v4l2_format);
    nix::ioctl_readwrite!(try_fmt, b'V', 64, sys::v4l2_format);
}

/// A frame's format. `sizes` has one entry for each buffer of a frame, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `V4L2_PIX_FMT_*`.
    pub fourcc: u32,
    /// Bytes of each buffer of a frame.
    pub sizes: Vec<u32>,
    /// Bytes from line to line (bytesperline) in each buffer of a frame; of a wish, 0 or nothing asks for no padding.
    pub strides: Vec<u32>,
}

/// A pixel format that a queue offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// `V4L2_PIX_FMT_*`.
    pub fourcc: u32,
    /// True if it is a stream of a codec (`V4L2_FMT_FLAG_COMPRESSED`), and not pixels.
    pub compressed: bool,
}

/// The pixel formats of a queue, as VIDIOC_ENUM_FMT lists them.
pub fn formats(device: BorrowedFd<'_>, queue: QueueType) -> Vec<Offered> {
    formats_of_code(device, queue, 0)
}

/// The pixel formats that a queue makes of a `MEDIA_BUS_FMT_*`; all for 0, or where the driver knows no media controller.
pub fn formats_of_code(device: BorrowedFd<'_>, queue: QueueType, code: u32) -> Vec<Offered> {
    let one = |index| {
        let mut entry = sys::v4l2_fmtdesc { index, type_: queue as u32, ..zeroed() };
        entry.mbus_code = code;
        // SAFETY: the number carries the size of the struct, which outlives the call.
        let answer = retry(|| unsafe { ioctl::enum_fmt(device.as_raw_fd(), &mut entry) });
        answer.ok().map(|_| Offered { fourcc: entry.pixelformat, compressed: entry.flags & COMPRESSED != 0 })
    };
    (0..).map_while(one).collect()
}

/// `V4L2_FMT_FLAG_COMPRESSED`.
const COMPRESSED: u32 = 1;

/// The queue's format: VIDIOC_G_FMT.
///
/// # Errors
/// EINVAL for a queue that the device lacks.
pub fn format(device: BorrowedFd<'_>, queue: QueueType) -> Result<Format, Errno> {
    let mut raw = sys::v4l2_format { type_: queue as u32, ..zeroed() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::g_fmt(device.as_raw_fd(), &mut raw) })?;
    Ok(decode(queue, &raw))
}

/// The format nearest to a wish, without setting it: VIDIOC_TRY_FMT.
///
/// # Errors
/// EINVAL for a pixel format that the driver does not replace by another, ENOTTY where the driver does not try.
pub fn try_format(device: BorrowedFd<'_>, queue: QueueType, wish: &Format) -> Result<Format, Errno> {
    let mut raw = encode(queue, wish);
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::try_fmt(device.as_raw_fd(), &mut raw) })?;
    Ok(decode(queue, &raw))
}

/// Sets the format nearest to a wish and returns it: VIDIOC_S_FMT.
///
/// # Errors
/// EBUSY while the queue has buffers.
pub fn set_format(device: BorrowedFd<'_>, queue: QueueType, wish: &Format) -> Result<Format, Errno> {
    let mut raw = encode(queue, wish);
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::s_fmt(device.as_raw_fd(), &mut raw) })?;
    Ok(decode(queue, &raw))
}

pub(super) fn encode(queue: QueueType, wish: &Format) -> sys::v4l2_format {
    let mut raw = sys::v4l2_format { type_: queue as u32, ..zeroed() };
    if queue.multi_planar() {
        let mut pixels = zeroed::<sys::v4l2_pix_format_mplane>();
        pixels.width = wish.width;
        pixels.height = wish.height;
        pixels.pixelformat = wish.fourcc;
        pixels.num_planes = wish.sizes.len() as u8;
        let mut planes = pixels.plane_fmt;
        for (plane, &size) in planes.iter_mut().zip(&wish.sizes) {
            plane.sizeimage = size;
        }
        for (plane, &stride) in planes.iter_mut().zip(&wish.strides) {
            plane.bytesperline = stride;
        }
        pixels.plane_fmt = planes;
        raw.fmt.pix_mp = pixels;
    } else {
        let mut pixels = zeroed::<sys::v4l2_pix_format>();
        pixels.width = wish.width;
        pixels.height = wish.height;
        pixels.pixelformat = wish.fourcc;
        pixels.sizeimage = wish.sizes.first().copied().unwrap_or(0);
        pixels.bytesperline = wish.strides.first().copied().unwrap_or(0);
        raw.fmt.pix = pixels;
    }
    raw
}

fn decode(queue: QueueType, raw: &sys::v4l2_format) -> Format {
    if queue.multi_planar() {
        // SAFETY: for a multi-planar type the union holds pix_mp, all of whose bytes were written.
        let pixels = unsafe { raw.fmt.pix_mp };
        let planes = pixels.plane_fmt;
        let planes = || planes.iter().take(usize::from(pixels.num_planes));
        let sizes = planes().map(|plane| plane.sizeimage).collect();
        let strides = planes().map(|plane| plane.bytesperline).collect();
        Format { width: pixels.width, height: pixels.height, fourcc: pixels.pixelformat, sizes, strides }
    } else {
        // SAFETY: for a single-planar type the union holds pix, all of whose bytes were written.
        let pixels = unsafe { raw.fmt.pix };
        let (sizes, strides) = (vec![pixels.sizeimage], vec![pixels.bytesperline]);
        Format { width: pixels.width, height: pixels.height, fourcc: pixels.pixelformat, sizes, strides }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_survives_the_way_to_the_kernel_s_struct_and_back() {
        for queue in [QueueType::Capture, QueueType::OutputMultiPlanar] {
            let format =
                Format { width: 320, height: 180, fourcc: 0x5659_5559, sizes: vec![115_200], strides: vec![640] };
            assert_eq!(decode(queue, &encode(queue, &format)), format);
        }
        let planes = Format { width: 64, height: 64, fourcc: 1, sizes: vec![4096, 2048], strides: vec![64, 32] };
        assert_eq!(decode(QueueType::CaptureMultiPlanar, &encode(QueueType::CaptureMultiPlanar, &planes)), planes);
    }
}
