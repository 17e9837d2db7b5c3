//! The lines of the kernel's log that announce trouble.

use crate::kind::SplatKind;

mod beginning;
mod die;
pub mod iommu;
mod lockdep;
mod stuck;

pub use die::is_die;
pub use stuck::{is_broken_off, is_stuck};

/// The speaker, where the message does not show the kind.
const SPEAKERS: &[&str] = &["NMI watchdog: ", "watchdog: ", "rcu: ", "traps: "];

/// Returns what a line announces, if anything. `in_report`: whether the line above cut a report off from the rest.
pub fn of(line: &str, in_report: bool) -> Option<SplatKind> {
    let line = SPEAKERS.iter().find_map(|speaker| line.strip_prefix(speaker)).unwrap_or(line);
    // One blank more than usual is found on consoles; what is set in further belongs to the line above.
    let line = line.strip_prefix(' ').filter(|rest| rest.starts_with("BUG: ")).unwrap_or(line);
    // Lockdep ran out of tables and turned itself off: a limit, not a defect.
    if line.starts_with("BUG: MAX_") {
        return None;
    }
    if lockdep::is_report(line) {
        return Some(SplatKind::Lockdep);
    }
    if let Some(kind) = beginning::of(line) {
        return Some(kind);
    }
    let found = [
        (is_die(line), SplatKind::Oops),
        (is_warning(line), SplatKind::Warning),
        (is_stuck(line), SplatKind::Hung),
        (is_dma_limit(line), SplatKind::DmaLimit),
        (iommu::is_fault(line), SplatKind::IommuFault),
        // What it says outside of a report is about itself.
        (line.starts_with("DMA-API: ") && in_report, SplatKind::DmaDebug),
        (line.starts_with("BUG ") && line.contains("ainted"), SplatKind::Corruption),
        (line.starts_with("kmemleak: ") && line.contains("new suspected memory leaks"), SplatKind::Sanitizer),
    ];
    found.into_iter().find_map(|(is, kind)| is.then_some(kind))
}

/// `WARNING: FILE:LINE at FUNCTION`, since 6.19, and `WARNING: at FILE:LINE` before 3.10; drivers' own texts have no such place
/// in them. Where the kernel names the condition (`CONFIG_DEBUG_BUGVERBOSE_DETAILED`) it stands in brackets before the file.
fn is_warning(line: &str) -> bool {
    let Some(said) = line.strip_prefix("WARNING: ") else { return false };
    let place = match said.strip_prefix("at ") {
        Some(old) => old.split(' ').next(),
        None => said.split_once(" at ").map(|(place, _)| place),
    };
    place.and_then(|place| place.rsplit_once(':')).is_some_and(|(file, number)| {
        let file = if file.starts_with('[') { file.rsplit_once("] ").map_or(file, |(_, file)| file) } else { file };
        !file.contains(' ') && number.parse::<u32>().is_ok()
    })
}

/// `swiotlb addr` is the wording of Linux since 5.10 where bounce buffers themselves lie beyond the device's reach.
fn is_dma_limit(line: &str) -> bool {
    let address = [" of DMA mask ", "DMA addr ", "swiotlb addr "].iter().any(|words| line.contains(words));
    (line.contains("overflow ") && address) || line.contains("swiotlb buffer is full")
}
