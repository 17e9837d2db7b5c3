//! Settings of a node other than its formats: controls, the input, the time between frames.

use super::*;

mod ioctl {
    #![allow(missing_docs)]
    use v4l::v4l_sys as sys;
    nix::ioctl_readwrite!(g_parm, b'V', 21, sys::v4l2_streamparm);
    nix::ioctl_readwrite!(s_parm, b'V', 22, sys::v4l2_streamparm);
    nix::ioctl_readwrite!(g_ctrl, b'V', 27, sys::v4l2_control);
    nix::ioctl_readwrite!(s_ctrl, b'V', 28, sys::v4l2_control);
    nix::ioctl_readwrite!(queryctrl, b'V', 36, sys::v4l2_queryctrl);
    nix::ioctl_read!(g_input, b'V', 38, std::ffi::c_int);
    nix::ioctl_readwrite!(s_input, b'V', 39, std::ffi::c_int);
}

/// A control of 32 bits, and what it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its number.
    pub id: u32,
    /// The driver's name for it.
    pub name: String,
    /// The smallest value.
    pub minimum: i32,
    /// The largest value.
    pub maximum: i32,
}

/// The controls of a node, as VIDIOC_QUERYCTRL lists them. Those that are compound or of 64 bits are none of them.
pub fn controls(device: BorrowedFd<'_>) -> Vec<Control> {
    let mut after = 0;
    let next = || {
        let mut raw = sys::v4l2_queryctrl { id: after | sys::V4L2_CTRL_FLAG_NEXT_CTRL, ..zeroed() };
        // SAFETY: the number carries the size of the struct, which outlives the call.
        retry(|| unsafe { ioctl::queryctrl(device.as_raw_fd(), &mut raw) }).ok()?;
        after = raw.id;
        let text = raw.name.split(|&byte| byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(text).into_owned();
        Some(Control { id: raw.id, name, minimum: raw.minimum, maximum: raw.maximum })
    };
    std::iter::from_fn(next).collect()
}

/// A control's value: VIDIOC_G_CTRL.
///
/// # Errors
/// EINVAL for a number that is not a control's, EACCES for a class of controls.
pub fn control(device: BorrowedFd<'_>, id: u32) -> Result<i32, Errno> {
    let mut raw = sys::v4l2_control { id, value: 0 };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::g_ctrl(device.as_raw_fd(), &mut raw) })?;
    Ok(raw.value)
}

/// Sets a control: VIDIOC_S_CTRL.
///
/// # Errors
/// As [`control`]; ERANGE, EBUSY while the device streams.
pub fn set_control(device: BorrowedFd<'_>, id: u32, value: i32) -> Result<(), Errno> {
    let mut raw = sys::v4l2_control { id, value };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::s_ctrl(device.as_raw_fd(), &mut raw) }).map(drop)
}

/// The input that a node captures from: VIDIOC_G_INPUT.
///
/// # Errors
/// ENOTTY where it has no inputs.
pub fn input(device: BorrowedFd<'_>) -> Result<i32, Errno> {
    let mut input = 0;
    // SAFETY: the kernel writes one int, which outlives the call.
    retry(|| unsafe { ioctl::g_input(device.as_raw_fd(), &mut input) })?;
    Ok(input)
}

/// Chooses the input that a node captures from: VIDIOC_S_INPUT. The format changes with it.
///
/// # Errors
/// EINVAL after the last input, EBUSY while the queue has buffers.
pub fn set_input(device: BorrowedFd<'_>, input: i32) -> Result<(), Errno> {
    let mut input = input;
    // SAFETY: the kernel reads and writes one int, which outlives the call.
    retry(|| unsafe { ioctl::s_input(device.as_raw_fd(), &mut input) }).map(drop)
}

/// A time from frame to frame, in seconds: a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Above the line.
    pub numerator: u32,
    /// Below it.
    pub denominator: u32,
}

/// The time from frame to frame of a queue that captures: VIDIOC_G_PARM.
///
/// # Errors
/// ENOTTY where the driver does not report it.
pub fn interval(device: BorrowedFd<'_>, queue: QueueType) -> Result<Interval, Errno> {
    let mut raw = sys::v4l2_streamparm { type_: queue as u32, ..zeroed() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::g_parm(device.as_raw_fd(), &mut raw) })?;
    // SAFETY: every byte of the union was 0 or written by the kernel, and the member is made of integers.
    let time = unsafe { raw.parm.capture.timeperframe };
    Ok(Interval { numerator: time.numerator, denominator: time.denominator })
}

/// Asks for another time from frame to frame; the driver takes the nearest that it has: VIDIOC_S_PARM.
///
/// # Errors
/// ENOTTY where the driver has no setting for it, EBUSY while it streams.
pub fn set_interval(device: BorrowedFd<'_>, queue: QueueType, wish: Interval) -> Result<(), Errno> {
    let mut raw = sys::v4l2_streamparm { type_: queue as u32, ..zeroed() };
    raw.parm.capture.timeperframe = sys::v4l2_fract { numerator: wish.numerator, denominator: wish.denominator };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::s_parm(device.as_raw_fd(), &mut raw) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_no_v4l2_node_has_nothing_to_set() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        let file = file.as_fd();
        assert_eq!(controls(file), Vec::new());
        assert_eq!(control(file, 1), Err(Errno::ENOTTY));
        assert_eq!(set_control(file, 1, 1), Err(Errno::ENOTTY));
        assert_eq!((input(file), set_input(file, 0)), (Err(Errno::ENOTTY), Err(Errno::ENOTTY)));
        assert_eq!(interval(file, QueueType::Capture), Err(Errno::ENOTTY));
        let wish = Interval { numerator: 1, denominator: 60 };
        assert_eq!(set_interval(file, QueueType::Capture, wish), Err(Errno::ENOTTY));
    }
}
