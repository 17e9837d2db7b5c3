//! The probe on exports, and those beside it.

use std::io;

use nix::errno::Errno;

use crate::NotAvailable;
use crate::trace::instance::{EVENT, FRAME, GROUP, Instance, REMEDY, TABLE, TOUCH, is_64_bit, machine};

/// The probes.
#[derive(Debug)]
pub(super) struct Probe {
    event: String,
    form: &'static str,
    watched: Vec<Watched>,
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

impl Probe {
    pub(super) fn place(instance: &mut Instance, tables: bool) -> Result<Self, NotAvailable> {
        let event = format!("{EVENT}{}", instance.number());
        let mut probe = Self { event, form: "", watched: Vec::new() };
        probe.form = probe.define(instance)?;
        probe.watch_touches(instance);
        if tables {
            probe.watch_tables(instance);
        }
        probe.watch_frames(instance);
        Ok(probe)
    }

    /// Probes the functions that touch struct pages, as far as this kernel has them: without DRM there are none.
    fn watch_touches(&mut self, instance: &mut Instance) {
        for function in TOUCHES {
            let event = self.beside(TOUCH, function);
            let forms = CALLERS.iter().map(|caller| format!("p:{GROUP}/{event} {function} {caller}"));
            if forms.into_iter().any(|command| instance.define(&event, command.trim_end()).is_ok()) {
                self.watched.push(Watched { event, what: What::Touch(function) });
            }
        }
    }

    /// Probes the functions that map and unmap, where this kernel lets all of a sort be probed.
    fn watch_tables(&mut self, instance: &mut Instance) {
        let forms = if is_64_bit(&machine()) { ATTACHMENTS_64 } else { ATTACHMENTS_32 };
        for (what, kind, functions) in TABLES {
            for function in *functions {
                let event = self.beside(TABLE, &format!("{kind}_{function}"));
                let mut place = |arguments: &str| {
                    instance.define(&event, &format!("{kind}:{GROUP}/{event} {function} {arguments}"))
                };
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

    fn watch_frames(&mut self, instance: &mut Instance) {
        let forms = if is_64_bit(&machine()) { FRAMES_64 } else { FRAMES_32 };
        let event = self.beside(FRAME, MAPS_FRAMES);
        let mut place =
            |arguments: &&str| instance.define(&event, &format!("p:{GROUP}/{event} {MAPS_FRAMES} {arguments}")).is_ok();
        if forms.iter().any(&mut place) {
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
    fn define(&mut self, instance: &mut Instance) -> Result<&'static str, NotAvailable> {
        let offsets = if is_64_bit(&machine()) { OFFSETS_64 } else { OFFSETS_32 };
        let mut refused = io::Error::from_raw_os_error(Errno::EINVAL as i32);
        for (form, arguments) in std::iter::once(&NAMES).chain(offsets) {
            let command = format!("p:{GROUP}/{} dma_buf_export {arguments}", self.event);
            match instance.define(&self.event, &command) {
                Ok(()) => return Ok(form),
                Err(error) => refused = error,
            }
        }
        let path = instance.commands();
        Err(NotAvailable::from_io("place a probe on dma_buf_export", &path, REMEDY, &refused))
    }

    pub(super) fn event(&self) -> &str {
        &self.event
    }

    pub(super) fn form(&self) -> &'static str {
        self.form
    }
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
        let mut instance = Instance::make(root.path()).unwrap();
        let probe = Probe::place(&mut instance, true).unwrap();
        let event = format!("export_{}_0", std::process::id());
        assert_eq!(probe.event(), event);
        assert_eq!(std::fs::read_dir(root.path().join("instances")).unwrap().count(), 1);
        drop(instance);
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
        assert_eq!(std::fs::read_dir(root.path().join("instances")).unwrap().count(), 0);
        let text = std::fs::read_to_string(root.path().join("kprobe_events")).unwrap();
        assert!(text.starts_with("p:kprobes/other"));
    }

    #[test]
    fn two_in_one_process_do_not_meet() {
        let root = tracefs();
        let mut instances = [Instance::make(root.path()).unwrap(), Instance::make(root.path()).unwrap()];
        let [one, two] = instances.each_mut().map(|instance| Probe::place(instance, true).unwrap());
        assert_ne!(one.event(), two.event());
        assert_ne!(instances[0].number(), instances[1].number());
    }

    #[test]
    fn tables_are_probed_only_where_no_one_else_does() {
        let root = tracefs();
        let mut instance = Instance::make(root.path()).unwrap();
        Probe::place(&mut instance, false).unwrap();
        assert!(!commands(&root).iter().any(|line| line.contains("dma_buf_map_attachment")), "{:?}", commands(&root));
    }

    #[test]
    fn a_probe_that_cannot_be_switched_on_is_taken_away_again() {
        let root = tracefs();
        let mut instance = Instance::make(root.path()).unwrap();
        Probe::place(&mut instance, true).unwrap();
        let refused = instance.open("512").unwrap_err();
        assert_eq!(refused.errno, Some(Errno::ENOENT));
        drop(instance);
        assert!(commands(&root).iter().any(|line| line.starts_with("-:prime_cts/export_")));
    }
}
