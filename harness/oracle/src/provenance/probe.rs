//! Placing the probe in tracefs, and taking it away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::NotAvailable;

const GROUP: &str = "prime_cts";
const EVENT: &str = "export_";
const TOUCH: &str = "touch_";
const TABLE: &str = "table_";
const FRAME: &str = "frame_";
const EVENTS: [&str; 4] = [EVENT, TOUCH, TABLE, FRAME];
const INSTANCE: &str = "prime-cts-";

const REMEDY: &str = "run as root with `mount -t tracefs nodev /sys/kernel/tracing`, on a kernel with \
                      CONFIG_KPROBE_EVENTS=y and without lockdown=confidentiality";

/// A probe and its instance; removed when dropped, in the process that placed them.
#[derive(Debug)]
pub(super) struct Probe {
    tracefs: PathBuf,
    event: String,
    instance: PathBuf,
    form: &'static str,
    watched: Vec<Watched>,
    owner: u32,
}

/// A probe other than the one on exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    /// Its event.
    pub(super) event: String,
    /// The event that it reports.
    pub(super) what: What,
}

/// The event that a probe reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The function that touches struct pages was called.
    Touch(&'static str),
    /// An attachment is to be mapped.
    Map,
    /// That call has returned.
    Mapped,
    /// An attachment returns its table.
    Unmap,
    /// Page frames are mapped without a look at their struct pages.
    Frame,
}

/// Functions that only an importer calls, and only to get at the struct pages behind an sg_table
/// (`drivers/gpu/drm/drm_prime.c`, `drivers/gpu/drm/drm_cache.c`): etnaviv, msm, omap, xen-front and vmwgfx do, and
/// mediatek until 6.12.
const TOUCHES: &[&str] = &["drm_prime_sg_to_page_array", "drm_clflush_sg"];

/// The caller of the function: the return address, on the stack or in the link register.
const CALLERS: &[&str] = &["from=$stack0:symbol", "from=%lr:symbol", ""];

/// The functions that give an attachment its table and take it, with what is fetched: of the entry `attach` and
/// `attach->dev`, of the return the table (`struct dma_buf_attachment` of `include/linux/dma-buf.h` begins with the
/// dma-buf and the device). One can be within the other, and not every kernel has the second of each.
const TABLES: &[(What, char, &[&str])] = &[
    (What::Map, 'p', &["dma_buf_map_attachment", "dma_buf_map_attachment_unlocked"]),
    (What::Mapped, 'r', &["dma_buf_map_attachment", "dma_buf_map_attachment_unlocked"]),
    (What::Unmap, 'p', &["dma_buf_unmap_attachment", "dma_buf_unmap_attachment_unlocked"]),
];

/// The arguments of an entry, by the width of a pointer.
const ATTACHMENTS_64: &[&str] = &["attachment=$arg1:x64 device=+8($arg1):x64"];
const ATTACHMENTS_32: &[&str] = &["attachment=$arg1:x32 device=+4($arg1):x32", "attachment=%r0:x32 device=+4(%r0):x32"];

/// Maps coherent memory for user space: its third argument is the first page frame (`mm/memory.c`). pagemap shows nothing
/// of such a mapping (`walk_page_test` of `mm/pagewalk.c` leaves VM_PFNMAP out).
const MAPS_FRAMES: &str = "remap_pfn_range";
const FRAMES_64: &[&str] = &["frame=$arg3:x64"];
const FRAMES_32: &[&str] = &["frame=$arg3:x32", "frame=%r2:x32"];

/// The way in which arguments are fetched: its name, and the text for `kprobe_events`.
type Form = (&'static str, &'static str);

/// By the names of the structures' fields, since 6.6 with CONFIG_DEBUG_INFO_BTF.
const NAMES: Form = (
    "by field names (BTF)",
    "name=exp_info->exp_name:string map=exp_info->ops->map_dma_buf:symbol size=exp_info->size",
);

/// By offsets: exp_name, ops and size of `struct dma_buf_export_info`, and of `struct dma_buf_ops` both places where
/// `map_dma_buf` can be; `include/linux/dma-buf.h`.
const OFFSETS_64: &[Form] = &[(
    "by offsets, 64-bit",
    "name=+0(+0($arg1)):string map=+32(+16($arg1)):symbol behind=+40(+16($arg1)):symbol size=+24($arg1):u64",
)];

/// Not every 32-bit kernel knows `$arg1`; the registers are those of arm.
const OFFSETS_32: &[Form] = &[
    (
        "by offsets, 32-bit",
        "name=+0(+0($arg1)):string map=+16(+8($arg1)):symbol behind=+20(+8($arg1)):symbol size=+12($arg1):u32",
    ),
    (
        "by offsets and registers, 32-bit",
        "name=+0(+0(%r0)):string map=+16(+8(%r0)):symbol behind=+20(+8(%r0)):symbol size=+12(%r0):u32",
    ),
];

fn machine() -> String {
    uapi::process::kernel().map(|(_, machine)| machine).unwrap_or_default()
}

/// `uname -m` of kernels with 64-bit pointers. A 32-bit program on arm64 sees `armv8l`.
fn is_64_bit(machine: &str) -> bool {
    machine.contains("64") || matches!(machine, "s390x" | "armv8l")
}

impl Probe {
    pub(super) fn place(tracefs: &Path) -> Result<Self, NotAvailable> {
        remove_leftovers(tracefs);
        let owner = std::process::id();
        let instances = tracefs.join("instances");
        let (number, instance) = make_instance(&instances, owner)
            .map_err(|error| NotAvailable::from_io("make a trace instance", &instances, REMEDY, &error))?;
        let event = format!("{EVENT}{owner}_{number}");
        // From here on, dropping it cleans up.
        let mut probe = Self { tracefs: tracefs.into(), event, instance, form: "", watched: Vec::new(), owner };
        probe.form = probe.define()?;
        probe.watch_touches();
        probe.watch_tables();
        probe.watch_frames();
        Ok(probe)
    }

    /// Probes the functions that touch struct pages, as far as this kernel has them: without DRM there are none.
    fn watch_touches(&mut self) {
        for function in TOUCHES {
            let event = self.beside(TOUCH, function);
            let forms = CALLERS.iter().map(|caller| format!("p:{GROUP}/{event} {function} {caller}"));
            if forms.into_iter().any(|command| self.command(command.trim_end()).is_ok()) {
                self.watched.push(Watched { event, what: What::Touch(function) });
            }
        }
    }

    /// Probes the functions that map and unmap, where this kernel lets all of a sort be probed.
    fn watch_tables(&mut self) {
        let forms = if is_64_bit(&machine()) { ATTACHMENTS_64 } else { ATTACHMENTS_32 };
        for (what, kind, functions) in TABLES {
            for function in *functions {
                let event = self.beside(TABLE, &format!("{kind}_{function}"));
                let place = |arguments: &str| self.command(&format!("{kind}:{GROUP}/{event} {function} {arguments}"));
                let placed = match what {
                    What::Mapped => place("table=$retval:x64").or_else(|_| place("table=$retval:x32")).is_ok(),
                    _ => forms.iter().any(|arguments| place(arguments).is_ok()),
                };
                if placed {
                    self.watched.push(Watched { event, what: *what });
                }
            }
        }
    }

    fn watch_frames(&mut self) {
        let forms = if is_64_bit(&machine()) { FRAMES_64 } else { FRAMES_32 };
        let event = self.beside(FRAME, MAPS_FRAMES);
        let place = |arguments: &&str| self.command(&format!("p:{GROUP}/{event} {MAPS_FRAMES} {arguments}")).is_ok();
        if forms.iter().any(place) {
            self.watched.push(Watched { event, what: What::Frame });
        }
    }

    fn beside(&self, prefix: &str, rest: &str) -> String {
        format!("{prefix}{}_{rest}", self.event.trim_start_matches(EVENT))
    }

    /// The functions that are probed in addition to exports.
    pub(super) fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// Writes the first form that this kernel takes.
    fn define(&self) -> Result<&'static str, NotAvailable> {
        let offsets = if is_64_bit(&machine()) { OFFSETS_64 } else { OFFSETS_32 };
        let mut refused = io::Error::from_raw_os_error(Errno::EINVAL as i32);
        for (form, arguments) in std::iter::once(&NAMES).chain(offsets) {
            match self.command(&format!("p:{GROUP}/{} dma_buf_export {arguments}", self.event)) {
                Ok(()) => return Ok(form),
                Err(error) => refused = error,
            }
        }
        let path = self.tracefs.join("kprobe_events");
        Err(NotAvailable::from_io("place a probe on dma_buf_export", &path, REMEDY, &refused))
    }

    /// One command to `kprobe_events`; appended, for writing from the start removes everyone's probes.
    fn command(&self, command: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.tracefs.join("kprobe_events"))?;
        file.write_all(format!("{command}\n").as_bytes())
    }

    /// Switches the event on in the instance and opens its pipe.
    pub(super) fn open(&self) -> Result<File, NotAvailable> {
        // Small, for memory is taken for every processor; a few thousand exports fit.
        let _ = set(&self.instance.join("buffer_size_kb"), "512");
        for event in self.events() {
            let enable = self.enable(&event);
            set(&enable, "1").map_err(|error| NotAvailable::from_io("switch the probe on", &enable, REMEDY, &error))?;
        }
        let path = self.instance.join("trace_pipe");
        let pipe = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path);
        pipe.map_err(|error| NotAvailable::from_io("read the trace", &path, REMEDY, &error))
    }

    pub(super) fn event(&self) -> &str {
        &self.event
    }

    pub(super) fn form(&self) -> &'static str {
        self.form
    }

    fn events(&self) -> Vec<String> {
        std::iter::once(self.event.clone()).chain(self.watched.iter().map(|watched| watched.event.clone())).collect()
    }

    fn enable(&self, event: &str) -> PathBuf {
        self.instance.join("events").join(GROUP).join(event).join("enable")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // A forked child must not take away what its parent still uses.
        if self.owner != std::process::id() {
            return;
        }
        // An event is busy as long as an instance has it switched on.
        for event in self.events() {
            let _ = set(&self.enable(&event), "0");
        }
        let _ = std::fs::remove_dir(&self.instance);
        for event in self.events() {
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

    /// Folders and ordinary files in the places of tracefs; commands are only collected.
    fn tracefs() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("instances")).unwrap();
        std::fs::write(root.path().join("kprobe_events"), "p:kprobes/other do_sys_open\n").unwrap();
        root
    }

    fn commands(root: &tempfile::TempDir) -> Vec<String> {
        let text = std::fs::read_to_string(root.path().join("kprobe_events")).unwrap();
        text.lines().skip(1).map(Into::into).collect()
    }

    #[test]
    fn what_is_placed_is_taken_away_and_others_are_left_alone() {
        let root = tracefs();
        let probe = Probe::place(root.path()).unwrap();
        let event = format!("export_{}_0", std::process::id());
        assert_eq!(probe.event(), event);
        assert_eq!(names(&root.path().join("instances")).count(), 1);
        drop(probe);
        let commands = commands(&root);
        assert!(
            commands[0].starts_with(&format!("p:prime_cts/{event} dma_buf_export name=exp_info->")),
            "{commands:?}"
        );
        let (placed, taken): (Vec<&str>, Vec<&str>) =
            commands.iter().map(|line| line.split(' ').next().unwrap()).partition(|line| !line.starts_with("-:"));
        let tables: usize = TABLES.iter().map(|(_, _, functions)| functions.len()).sum();
        assert_eq!(placed.len(), 2 + TOUCHES.len() + tables, "{commands:?}");
        let taken: Vec<_> = taken.iter().map(|line| &line[1..]).collect();
        assert_eq!(taken, placed.iter().map(|line| &line[1..]).collect::<Vec<_>>());
        assert_eq!(names(&root.path().join("instances")).count(), 0);
        let text = std::fs::read_to_string(root.path().join("kprobe_events")).unwrap();
        assert!(text.starts_with("p:kprobes/other"));
    }

    #[test]
    fn two_in_one_process_do_not_meet() {
        let root = tracefs();
        let (one, two) = (Probe::place(root.path()).unwrap(), Probe::place(root.path()).unwrap());
        assert_ne!(one.event(), two.event());
        assert_ne!(one.instance, two.instance);
    }

    #[test]
    fn a_probe_that_cannot_be_switched_on_is_taken_away_again() {
        let root = tracefs();
        let probe = Probe::place(root.path()).unwrap();
        let refused = probe.open().unwrap_err();
        assert_eq!(refused.errno, Some(Errno::ENOENT));
        drop(probe);
        assert!(commands(&root).iter().any(|line| line.starts_with("-:prime_cts/export_")));
    }

    #[test]
    fn leftovers_of_a_process_that_is_gone_are_removed() {
        let root = tracefs();
        // Above the highest number that a process can have.
        let gone = ["instances/prime-cts-99999999-0", "events/prime_cts/export_99999999_0"];
        let kept = ["instances/somebody-else", "instances/prime-cts-x", "events/prime_cts/export_1_0"];
        for folder in gone.into_iter().chain(kept) {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        remove_leftovers(root.path());
        assert_eq!(commands(&root), ["-:prime_cts/export_99999999_0"]);
        assert!(!root.path().join(gone[0]).exists());
        assert!(kept.iter().all(|folder| root.path().join(folder).exists()));
    }

    #[test]
    fn the_size_of_a_pointer_by_machine() {
        assert!(["x86_64", "aarch64", "riscv64", "armv8l", "ppc64le"].into_iter().all(is_64_bit));
        assert!(!["armv7l", "i686", "riscv32"].into_iter().any(is_64_bit));
    }
}
