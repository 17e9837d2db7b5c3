//! Probes of our own in tracefs: a trace instance, its events, and taking both away again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::NotAvailable;

pub(crate) const GROUP: &str = "prime_cts";
pub(crate) const EVENT: &str = "export_";
pub(crate) const TOUCH: &str = "touch_";
pub(crate) const TABLE: &str = "table_";
pub(crate) const FRAME: &str = "frame_";
pub(crate) const DMA: &str = "dma_";
const EVENTS: [&str; 5] = [EVENT, TOUCH, TABLE, FRAME, DMA];
const INSTANCE: &str = "prime-cts-";

/// The end of the line of a mark.
pub(crate) const MARK: &str = ": prime-cts begins";

pub(crate) const REMEDY: &str = "run as root with `mount -t tracefs nodev /sys/kernel/tracing`, on a kernel with \
                      CONFIG_KPROBE_EVENTS=y and without lockdown=confidentiality";

/// A trace instance, so that no one else's tracing is disturbed, and the events of its probes. Dropped, both go, in the
/// process that made it.
#[derive(Debug)]
pub(crate) struct Instance {
    tracefs: PathBuf,
    path: PathBuf,
    number: String,
    events: Vec<String>,
    owner: u32,
    marker: Option<File>,
}

pub(crate) fn machine() -> String {
    uapi::process::kernel().map(|(_, machine)| machine).unwrap_or_default()
}

/// `uname -m` of kernels with 64-bit pointers. A 32-bit program on arm64 sees `armv8l`.
pub(crate) fn is_64_bit(machine: &str) -> bool {
    machine.contains("64") || matches!(machine, "s390x" | "armv8l")
}

impl Instance {
    /// Makes an instance, after removing what processes left that are gone.
    pub(crate) fn make(tracefs: &Path) -> Result<Self, NotAvailable> {
        remove_leftovers(tracefs);
        let owner = std::process::id();
        let instances = tracefs.join("instances");
        let (number, path) = make_instance(&instances, owner)
            .map_err(|error| NotAvailable::from_io("make a trace instance", &instances, REMEDY, &error))?;
        Ok(Self {
            tracefs: tracefs.into(),
            path,
            number: format!("{owner}_{number}"),
            events: Vec::new(),
            owner,
            marker: None,
        })
    }

    /// Process and number, for the names of events.
    pub(crate) fn number(&self) -> &str {
        &self.number
    }

    pub(crate) fn commands(&self) -> PathBuf {
        self.tracefs.join("kprobe_events")
    }

    /// Defines an event of ours by a command to `kprobe_events`.
    pub(crate) fn define(&mut self, event: &str, command: &str) -> io::Result<()> {
        self.command(command)?;
        self.events.push(event.to_owned());
        Ok(())
    }

    /// Appended, for writing from the start removes everyone's probes.
    fn command(&self, command: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.commands())?;
        file.write_all(format!("{command}\n").as_bytes())
    }

    /// Switches the events on and opens the pipe; the size is that of each processor's buffer, in KiB.
    pub(crate) fn open(&mut self, size: &str) -> Result<File, NotAvailable> {
        let _ = set(&self.path.join("buffer_size_kb"), size);
        // The events of several processors come in the order of their times: by one clock. Without it nothing is marked.
        if set(&self.path.join("trace_clock"), "mono").is_ok() {
            self.marker = OpenOptions::new().write(true).open(self.path.join("trace_marker")).ok();
        }
        for event in &self.events {
            let enable = self.enable(event);
            set(&enable, "1").map_err(|error| NotAvailable::from_io("switch the probe on", &enable, REMEDY, &error))?;
        }
        let path = self.path.join("trace_pipe");
        let pipe = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path);
        pipe.map_err(|error| NotAvailable::from_io("read the trace", &path, REMEDY, &error))
    }

    /// Marks the place between what was seen until now and what comes.
    ///
    /// Reference: `trace_marker` in `Documentation/trace/ftrace.rst`.
    pub(crate) fn mark(&mut self) -> io::Result<()> {
        let marker = self.marker.as_mut().ok_or(io::ErrorKind::NotFound)?;
        // `tracing_mark_write: prime-cts begins`.
        marker.write_all(MARK.trim_start_matches(": ").as_bytes())
    }

    fn enable(&self, event: &str) -> PathBuf {
        self.path.join("events").join(GROUP).join(event).join("enable")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A forked child must not take away what its parent still uses.
        if self.owner != std::process::id() {
            return;
        }
        // The instance is busy as long as a file of it is open, and an event as long as an instance has it switched on.
        self.marker = None;
        for event in &self.events {
            let _ = set(&self.enable(event), "0");
        }
        let _ = std::fs::remove_dir(&self.path);
        for event in &self.events {
            let _ = self.command(&format!("-:{GROUP}/{event}"));
        }
    }
}

fn make_instance(instances: &Path, owner: u32) -> io::Result<(u32, PathBuf)> {
    let mut number = 0;
    loop {
        let path = instances.join(format!("{INSTANCE}{owner}-{number}"));
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 64 => number += 1,
            made => return made.map(|()| (number, path)),
        }
    }
}

/// Writes to a file that is there; in tracefs none is made.
fn set(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// Removes what processes left that are gone.
fn remove_leftovers(tracefs: &Path) {
    for name in names(&tracefs.join("instances")).filter(|name| is_left(name, INSTANCE)) {
        let instance = tracefs.join("instances").join(name);
        for event in names(&instance.join("events").join(GROUP)).filter(|name| is_left_event(name)) {
            let _ = set(&instance.join("events").join(GROUP).join(event).join("enable"), "0");
        }
        let _ = std::fs::remove_dir(instance);
    }
    for event in names(&tracefs.join("events").join(GROUP)).filter(|name| is_left_event(name)) {
        if let Ok(mut file) = OpenOptions::new().append(true).open(tracefs.join("kprobe_events")) {
            let _ = file.write_all(format!("-:{GROUP}/{event}\n").as_bytes());
        }
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

fn is_left_event(name: &str) -> bool {
    EVENTS.into_iter().any(|prefix| is_left(name, prefix))
}

/// Returns whether a name of ours carries the number of a process that is gone.
fn is_left(name: &str, prefix: &str) -> bool {
    let proc = Path::new("/proc");
    let pid = name.strip_prefix(prefix).and_then(|rest| rest.split(['-', '_']).next());
    let pid = pid.filter(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()));
    pid.is_some_and(|pid| proc.join("self").exists() && !proc.join(pid).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_process_that_is_gone_are_removed() {
        let root = tempfile::tempdir().unwrap();
        // Above the highest number that a process can have.
        let gone = ["instances/prime-cts-99999999-0", "events/prime_cts/export_99999999_0"];
        let kept = ["instances/somebody-else", "instances/prime-cts-x", "events/prime_cts/export_1_0"];
        for folder in gone.into_iter().chain(kept) {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::fs::write(root.path().join("kprobe_events"), "").unwrap();
        remove_leftovers(root.path());
        let text = std::fs::read_to_string(root.path().join("kprobe_events")).unwrap();
        assert_eq!(text, "-:prime_cts/export_99999999_0\n");
        assert!(!root.path().join(gone[0]).exists());
        assert!(kept.iter().all(|folder| root.path().join(folder).exists()));
    }

    #[test]
    fn the_size_of_a_pointer_by_machine() {
        assert!(["x86_64", "aarch64", "riscv64", "armv8l", "ppc64le"].into_iter().all(is_64_bit));
        assert!(!["armv7l", "i686", "riscv32"].into_iter().any(is_64_bit));
    }
}
