//! Whose code a trace of the kernel runs through: the modules named in it, compared with the drivers of a cell's devices.

use kernel_log::{Splat, SplatKind, faulting_device};

use crate::finding::Blame;

mod frame;
mod party;

pub use frame::{Frame, frames};
pub use party::Party;

/// The drivers of a cell's devices.
#[derive(Debug, Clone, Default)]
pub struct Drivers {
    exporter: Option<Party>,
    importers: Vec<Party>,
}

/// The words of reports about memory that is in disorder: the kernel finds it where the memory is used or freed next, and its
/// trace names whom that hits.
const OF_VICTIMS: &[&str] = &[
    "Bad page",
    "Bad rss-counter",
    "bad page state",
    "corruption",
    "Poison overwritten",
    "Redzone overwritten",
    "Freepointer corrupt",
    "Padding overwritten",
    "Object already free",
];

/// The beginnings of functions that serve the drivers of many exporters behind a `map_dma_buf`.
const HELPERS: &[&str] =
    &["drm_gem_", "drm_prime_", "vb2_dc_dmabuf_ops_", "vb2_dma_sg_dmabuf_ops_", "vb2_vmalloc_dmabuf_ops_"];

/// Returns whether the title of a report says that memory is in disorder, and not who did it.
pub fn names_a_victim(title: &str) -> bool {
    OF_VICTIMS.iter().any(|words| title.contains(words))
}

/// Returns whether these are the lines of an IOMMU about a device, and not those of a trace.
pub fn is_of_iommu(lines: &[String]) -> bool {
    let traced = lines.iter().any(|line| frames(line).next().is_some());
    !traced && lines.iter().any(|line| faulting_device(line).is_some())
}

impl Drivers {
    /// Creates the drivers of a cell's endpoints.
    pub fn of(exporter: Option<Party>, importers: Vec<Party>) -> Self {
        Self { exporter, importers }
    }

    /// Whom a report blames, by its kind.
    pub fn blamed_for(&self, splat: &Splat) -> Blame {
        match splat.kind {
            SplatKind::IommuFault => self.blamed_by_fault(&splat.lines),
            SplatKind::DmaLimit => self.blamed_by_limit(&splat.lines),
            _ if names_a_victim(&splat.title) => Blame::Kernel,
            _ => self.blamed_by(&splat.lines),
        }
    }

    /// Whose code handed on memory that a device cannot reach. The device that the kernel names is the one that could not: it
    /// says nothing of who chose the memory, or the limit.
    pub fn blamed_by_limit(&self, lines: &[String]) -> Blame {
        self.by_code(lines).unwrap_or(Blame::Undecided)
    }

    /// Whom the first line blames that names code of one of the two sides: a trace begins where it happened. Where no line
    /// does, whose device a line names; else the kernel as a whole.
    ///
    /// Where the kernel was in a helper that exporters share, called by the dma-buf core, and only then comes code of the
    /// importer, the importer has done no more than ask: that decides nothing.
    pub fn blamed_by(&self, lines: &[String]) -> Blame {
        match self.by_code(lines) {
            Some(Blame::Undecided) => self.by_device(lines).unwrap_or(Blame::Undecided),
            Some(side) => side,
            None => self.by_device(lines).unwrap_or(Blame::Kernel),
        }
    }

    fn by_code(&self, lines: &[String]) -> Option<Blame> {
        let mut in_helper = false;
        let mut answers = false;
        let mut frames = lines.iter().flat_map(|line| frames(line));
        let by_code = frames.find_map(|frame| {
            let side = self.side_of(|party| party.has(frame));
            answers |= in_helper && frame.function.starts_with("dma_buf_");
            in_helper |= HELPERS.iter().any(|beginning| frame.function.starts_with(beginning));
            side
        });
        if by_code == Some(Blame::Importer) && answers { Some(Blame::Undecided) } else { by_code }
    }

    /// Whose device an IOMMU stopped; undecided where the lines do not name it, or name another's: an IOMMU has the device's
    /// number only, and that may be of a part of it that sysfs calls otherwise.
    pub fn blamed_by_fault(&self, lines: &[String]) -> Blame {
        self.by_device(lines).unwrap_or(Blame::Undecided)
    }

    fn by_device(&self, lines: &[String]) -> Option<Blame> {
        lines.iter().find_map(|line| self.side_of(|party| party.is_named_in(line)))
    }

    fn side_of(&self, is: impl Fn(&Party) -> bool) -> Option<Blame> {
        let (exports, imports) = (self.exporter.as_ref().is_some_and(&is), self.importers.iter().any(&is));
        match (exports, imports) {
            (true, true) => Some(Blame::Undecided),
            (true, false) => Some(Blame::Exporter),
            (false, true) => Some(Blame::Importer),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(driver: &str) -> Party {
        Party { driver: driver.into(), ..Party::default() }
    }

    fn blamed(lines: &[&str]) -> Blame {
        let drivers = Drivers::of(Some(party("prime_canary")), vec![party("bochs-drm")]);
        drivers.blamed_by(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_module_of_a_side_is_to_blame() {
        let warning = "WARNING: CPU: 0 PID: 21 at canary.c:9 canary_map+0x1d/0x90 [prime_canary]";
        let frame = " ? bochs_import+0x11/0x40 [bochs]";
        assert_eq!(blamed(&[warning, frame]), Blame::Exporter);
        assert_eq!(blamed(&["RIP: 0010:dma_buf_map_attachment+0x9/0x20", frame, warning]), Blame::Importer);
    }

    #[test]
    fn where_no_side_is_named_it_is_the_kernel() {
        assert_eq!(blamed(&["[   12.345678] BUG: Bad page state", "x+0x1/0x2 [drm]", "PID 1 [bochs]"]), Blame::Kernel);
        assert_eq!(blamed(&[]), Blame::Kernel);
    }

    #[test]
    fn a_module_of_both_sides_decides_nothing() {
        let drivers = Drivers::of(Some(party("vgem")), vec![party("vgem")]);
        assert_eq!(drivers.blamed_by(&["a+0x1/0x2 [vgem]".into()]), Blame::Undecided);
    }

    #[test]
    fn who_frees_a_bad_page_has_not_made_it_one() {
        assert!(names_a_victim("BUG: Bad page state in process x  pfn:1"));
        assert!(names_a_victim("list_del corruption, 0x1->next is LIST_POISON1"));
        assert!(!names_a_victim("WARNING: CPU: 0 PID: 1 at x.c:1 x+0x1/0x2 [x]"));
    }

    #[test]
    fn a_module_of_another_name_is_known_by_sysfs_and_what_is_built_in_by_its_functions() {
        let tegra = Party { module: Some("tegra_drm".into()), ..party("tegra") };
        let drivers = Drivers::of(Some(tegra), vec![party("vgem")]);
        let blamed = |line: &str| drivers.blamed_by(&[line.to_owned()]);
        assert_eq!(blamed(" tegra_bo_map+0x1/0x2 [tegra_drm]"), Blame::Exporter);
        assert_eq!(blamed(" vgem_gem_fault+0x1/0x2"), Blame::Importer);
        assert_eq!(blamed(" tegra_bo_map+0x1/0x2"), Blame::Kernel, "it is in a module, and this is not");
        assert_eq!(blamed(" drm_gem_map_dma_buf+0x1/0x2 [drm]"), Blame::Kernel);
    }

    #[test]
    fn a_line_about_a_device_is_of_its_side() {
        let of = |topology: &str| Party { topology: topology.into(), ..party("x") };
        let drivers = Drivers::of(Some(of("pci0000:00/0000:00:02.0")), vec![of("platform/vivid.0#1")]);
        let blamed = |line: &str| drivers.blamed_by(&[line.to_owned()]);
        assert_eq!(blamed("vivid vivid.0: x (sz: 4096 bytes)"), Blame::Importer);
        assert_eq!(blamed("bochs-drm 0000:00:02.0: y 0x1+1 of z"), Blame::Exporter);
        assert_eq!(blamed("DMA-API: vivid vivid.0: mapping sg segment longer than it claims"), Blame::Importer);
        assert_eq!(blamed("pci 0000:00:03.0: x"), Blame::Kernel);
    }

    #[test]
    fn the_device_that_cannot_reach_the_memory_has_not_chosen_it() {
        let of = |topology: &str, driver: &str| Party { topology: topology.into(), ..party(driver) };
        let drivers = Drivers::of(Some(of("platform/1.display", "pl111")), vec![of("platform/vgem", "vgem")]);
        let lines = |more: &[&str]| {
            let first = "platform vgem: DMA addr 0x4c000000+65536 overflow (mask ffffffff, bus limit 0).";
            [&[first], more].concat().iter().map(|line| (*line).to_owned()).collect()
        };
        let of = |more: &[&str]| {
            drivers.blamed_for(&Splat { kind: SplatKind::DmaLimit, title: String::new(), lines: lines(more) })
        };
        assert_eq!(of(&[]), Blame::Undecided);
        assert_eq!(of(&[" dma_map_sgtable from drm_gem_map_dma_buf+0x58/0xc4"]), Blame::Undecided);
        assert_eq!(of(&[" dma_map_sgtable+0x1/0x2", " pl111_map+0x1/0x2"]), Blame::Exporter);
        assert_eq!(of(&[" dma_map_sgtable+0x1/0x2", " vgem_map+0x1/0x2"]), Blame::Importer);
    }

    #[test]
    fn who_asked_a_helper_that_failed_is_not_to_blame() {
        let helper = "RIP: 0010:drm_gem_map_dma_buf+0x9/0x20 [drm]";
        let core = " dma_buf_map_attachment+0x9/0x20";
        let importer = " bochs_import+0x11/0x40 [bochs]";
        assert_eq!(blamed(&[helper, core, importer]), Blame::Undecided);
        assert_eq!(blamed(&[core, importer]), Blame::Importer);
        assert_eq!(blamed(&[" drm_gem_prime_import+0x9/0x20 [drm]", importer, core]), Blame::Importer);
    }

    #[test]
    fn the_device_that_an_iommu_stopped_is_its_side_s_and_another_is_no_one_s() {
        let of = |topology: &str| Party { topology: topology.into(), ..party("x") };
        let drivers = Drivers::of(Some(of("pci0000:00/0000:00:02.0")), vec![of("platform/1100000.codec")]);
        let blamed = |line: &str| drivers.blamed_by_fault(&[line.to_owned()]);
        let intel = |device: &str| {
            format!("DMAR: [DMA Write NO_PASID] Request device [{device}] fault addr 0x1 [fault reason 0x05] not set")
        };
        assert_eq!(blamed(&intel("00:02.0")), Blame::Exporter);
        assert_eq!(blamed(&intel("00:03.0")), Blame::Undecided);
        let exynos = "exynos-sysmmu 1200000.sysmmu: 1100000.codec: [READ] PAGE FAULT occurred at 0x20";
        assert_eq!(blamed(exynos), Blame::Importer);
        assert_eq!(blamed("rk_iommu ff900000.iommu: Page fault at 0x1000 of type write"), Blame::Undecided);
    }
}
