//! A source that gives the same frames each time, as far as the driver has controls for it, and is set back to what it was.
//!
//! Controls are known by their names: a driver's own ones have no numbers in a header. What a driver has not is left out;
//! whether its frames are the same is looked at afterwards.

use std::os::fd::BorrowedFd;

use uapi::v4l2::{self, Control, Format, Interval, QueueType};

/// Controls and what they are set to, as far as they go that far: no counters in the picture, lines that differ from
/// each other, no waiting.
const CONTROLS: &[(&str, i32)] = &[
    // vivid and vimc: "None".
    ("OSD Text Mode", 2),
    ("Show Information", 2),
    // Of both: "100% Color Squares", so that pages of a frame differ; the others keep their first pattern.
    ("Test Pattern", 4),
    // vim2m: the time that it sleeps over each frame.
    ("Transaction Time (msec)", 1),
];

/// Shorter than any camera has: the driver takes the shortest that it has.
const SHORTEST: Interval = Interval { numerator: 1, denominator: 1000 };

/// The controls that a node had before. Set again when dropped.
pub struct Still<'a> {
    device: BorrowedFd<'a>,
    queue: Option<QueueType>,
    input: Option<i32>,
    format: Option<Format>,
    interval: Option<Interval>,
    controls: Vec<(u32, i32)>,
}

impl<'a> Still<'a> {
    /// Makes a node's source as still and as fast as it can be.
    pub fn make(device: BorrowedFd<'a>, queue: QueueType) -> Self {
        let mut still = Self::controls(device);
        still.queue = Some(queue);
        still.input = v4l2::input(device).ok();
        still.format = v4l2::format(device, queue).ok();
        still.interval = v4l2::interval(device, queue).ok().filter(|_| !queue.output());
        still
    }

    /// Makes a subdevice as still as it can be.
    pub fn controls(device: BorrowedFd<'a>) -> Self {
        let mut still = Self { device, queue: None, input: None, format: None, interval: None, controls: Vec::new() };
        for control in v4l2::controls(device) {
            still.set(&control);
        }
        still
    }

    fn set(&mut self, control: &Control) {
        let Some((_, value)) = CONTROLS.iter().find(|(name, _)| *name == control.name) else { return };
        let Ok(before) = v4l2::control(self.device, control.id) else { return };
        let fits = (control.minimum..=control.maximum).contains(value);
        if fits && before != *value && v4l2::set_control(self.device, control.id, *value).is_ok() {
            self.controls.push((control.id, before));
        }
    }

    /// Asks for frames as fast as they come. The format must be set: it may set the time between frames again.
    pub fn hurry(&self) {
        if let (Some(queue), Some(_)) = (self.queue, self.interval) {
            // What is not hurried takes longer, and is right nevertheless.
            let _ = v4l2::set_interval(self.device, queue, SHORTEST);
        }
    }
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        for (id, before) in self.controls.iter().rev() {
            let _ = v4l2::set_control(self.device, *id, *before);
        }
        if let Some(input) = self.input.filter(|input| v4l2::input(self.device) != Ok(*input)) {
            let _ = v4l2::set_input(self.device, input);
        }
        let Some(queue) = self.queue else { return };
        if let Some(format) = &self.format {
            let _ = v4l2::set_format(self.device, queue, format);
        }
        if let Some(interval) = self.interval {
            let _ = v4l2::set_interval(self.device, queue, interval);
        }
    }
}
