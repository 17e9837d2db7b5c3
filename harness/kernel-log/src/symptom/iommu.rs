//! The messages of IOMMUs about a device that used memory outside of its mappings (`drivers/iommu`).
//!
//! Each driver has words of its own, and each line begins with that driver's name, so that a text of another driver that has
//! the same words is none. Faults of interrupts (`[INTR-REMAP]`) are left out: they come of firmware, and no buffer has a part.

/// `[DMA Read NO_PASID] Request device [02:00.0] fault addr 0x1000 [fault reason 0x06] ...` of Intel's.
const INTEL: &[&str] = &["DMAR: [DMA ", "DMAR:[DMA "];

/// The word of AMD's before `IO_PAGE_FAULT` and its other events.
const AMD: &str = "AMD-Vi: Event logged [";

/// The drivers that speak by `dev_err`, each by the beginning of its name, with words of which one is in a fault.
const SPEAKERS: &[(&str, &[&str])] = &[
    ("arm-smmu-v3", &[" client: ", " received"]),
    (
        "arm-smmu",
        &[
            "Unhandled context fault: ",
            "Unexpected global fault, this could be serious",
            "Blocked unknown Stream ID 0x",
        ],
    ),
    ("qcom_iommu", &["Unhandled context fault: "]),
    ("qcom-iommu", &["Unhandled context fault: "]),
    ("rk_iommu", &["Page fault at ", "Page fault while iommu not attached to domain"]),
    ("virtio_iommu", &["page fault from EP ", "domain fault from EP ", "unknown fault from EP "]),
    ("exynos-sysmmu", &[" FAULT occurred at "]),
    ("ipmmu-vmsa", &["Unhandled fault: status ", "Multiple TLB hits @", "Page Table Walk Abort @"]),
    ("mtk-iommu", &["fault type="]),
    ("mtk_iommu", &["fault type="]),
    ("sun50i-iommu", &["Page fault for "]),
    ("apple-dart", &["translation fault: status:"]),
    ("riscv,iommu", &[" iotval: "]),
    ("riscv-iommu", &[" iotval: "]),
    ("omap-iommu", &[" errs:0x"]),
    ("tegra-mc", &["Invalid SMMU page"]),
];

/// Returns whether a line is an IOMMU's about a device that went outside of its mappings.
pub fn is_fault(line: &str) -> bool {
    is_of_intel(line) || line.contains(AMD) || is_spoken(line)
}

fn is_of_intel(line: &str) -> bool {
    INTEL.iter().any(|beginning| line.starts_with(beginning)) && line.contains("] Request device [")
}

fn is_spoken(line: &str) -> bool {
    let Some((speaker, said)) = line.split_once(": ") else { return false };
    let Some((driver, _)) = speaker.split_once(' ') else { return false };
    let words = SPEAKERS.iter().find(|(name, _)| driver.starts_with(name)).map(|(_, words)| *words);
    // The Arm one logs other things as well: a fault of its is an event.
    let is_event = !driver.starts_with("arm-smmu-v3") || said.starts_with("event");
    is_event && words.is_some_and(|words| words.iter().any(|words| said.contains(words)))
}

/// Returns whether a line goes on with what the line of a fault began: its speaker's next one.
pub fn goes_on(fault: &str, line: &str) -> bool {
    speaker(fault).is_some_and(|speaker| line.starts_with(speaker)) || line.contains(" callbacks suppressed")
}

fn speaker(line: &str) -> Option<&str> {
    let end = line.find("AMD-Vi: ").map(|at| at + "AMD-Vi: ".len()).or_else(|| line.find(':').map(|at| at + 1))?;
    // A device on PCI has colons of its own.
    let end = if line[..end].ends_with("AMD-Vi: ") { end } else { line.find(": ").unwrap_or(end) };
    Some(&line[..end])
}

/// Returns the device that the line of a fault names, not the IOMMU that writes it: `02:00.0`, `0000:02:00.0`,
/// `14450000.mixer`. Nothing where the line is no such line, or has a number only that is not a device's name.
pub fn faulting_device(line: &str) -> Option<&str> {
    if !is_fault(line) {
        return None;
    }
    let between = |before: &str, after: &[char]| {
        let rest = line.split_once(before)?.1;
        Some(rest.split(after).next().unwrap_or(rest))
    };
    let device = if is_of_intel(line) {
        between("] Request device [", &[']'])
    } else if line.contains(AMD) {
        between(" device=", &[' ', ']']).or_else(|| line.split_once(": AMD-Vi: ")?.0.rsplit(' ').next())
    } else if line.starts_with("arm-smmu-v3") {
        between(" client: ", &[' '])
    } else if line.starts_with("exynos-sysmmu") {
        between(": ", &[' ']).and_then(|master| master.strip_suffix(':'))
    } else {
        None
    };
    device.filter(|device| device.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_the_one_that_is_stopped() {
        for (line, device) in [
            (
                "DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x7f [fault reason 0x05] x",
                Some("03:00.0"),
            ),
            (
                "r8169 0000:04:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000c address=0x9]",
                Some("0000:04:00.0"),
            ),
            ("AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:05:00.1 domain=0x1 address=0x9]", Some("0000:05:00.1")),
            ("arm-smmu-v3 9050000.iommu: event: F_TRANSLATION client: 0000:00:02.0 sid: 0x10 x", Some("0000:00:02.0")),
            ("arm-smmu-v3 9050000.iommu: event: C_BAD_STREAMID client: (unassigned sid) sid: 0x1 x", None),
            ("exynos-sysmmu 1200000.sysmmu: 1100000.codec: [WRITE] PAGE FAULT occurred at 0x20", Some("1100000.codec")),
            ("rk_iommu ff900000.iommu: Page fault at 0x1000 of type write", None),
            ("vivid vivid.0: Request device [03:00.0]", None),
        ] {
            assert_eq!(faulting_device(line), device, "{line}");
        }
    }

    #[test]
    fn what_else_an_iommu_says_is_no_fault() {
        for line in [
            "DMAR: [INTR-REMAP] Request device [f0:1f.0] fault index 0x0 [fault reason 0x22] x",
            "DMAR: IOMMU enabled",
            "DMAR: dmar0: reg_base_addr fed90000 ver 1:0 cap 0 ecap 0",
            "AMD-Vi: Interrupt remapping enabled",
            "arm-smmu-v3 9050000.iommu: option mask 0x0",
            "arm-smmu-v3 9050000.iommu: allocated 65536 entries for evtq",
            "arm-smmu 5000000.iommu: \t(IDR0.CTTW overridden by FW configuration)",
            "virtio_iommu virtio0: page mask: 0xfffffffffffff000",
            "some-driver 1.x: Page fault at 0x10 of type read",
        ] {
            assert!(!is_fault(line), "{line}");
        }
    }

    #[test]
    fn the_lines_behind_are_of_the_same_speaker() {
        let smmu = "arm-smmu 5000000.iommu: Unhandled context fault: fsr=0x402, iova=0x1, fsynr=0x1, cb=3";
        assert!(goes_on(smmu, "arm-smmu 5000000.iommu: FSR    = 00000402 [Format=2 TF], SID=0x880"));
        assert!(!goes_on(smmu, "vivid vivid.0: x"));
        let amd = "xhci_hcd 0000:02:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x1]";
        assert!(!goes_on(amd, "xhci_hcd 0000:02:00.0: WARN x"));
    }
}
