//! Whose fault a finding is, and on what evidence.

use event::{Blame, CellEnd, Finding, Oracle};

/// Returns who is to blame, by name, and why.
pub fn text(finding: &Finding, cell: &CellEnd) -> String {
    // One cell cannot tell a driver from the helper or the core that it shares with others; a trace or a probe can.
    let shared = if names_code(&finding.oracle) { "" } else { ", or what it shares with others" };
    let key = |key: &Option<String>| format!("{}{shared}", key.as_deref().unwrap_or("?"));
    let who = match finding.blame {
        Blame::Exporter => format!("the exporter, {}", key(&cell.exporter)),
        Blame::Importer => format!("the importer, {}", key(&cell.importer)),
        Blame::Undecided => "the exporter, the importer or the core".into(),
        Blame::Kernel => "the kernel".into(),
        Blame::Suite => return "prime-cts itself".into(),
        Blame::Nobody => return "no one's".into(),
    };
    let evidence = if is_by_iommu(finding) { BY_IOMMU } else { evidence(finding, cell.importer.is_some()) };
    format!("{who}: {evidence}")
}

/// Returns whether an oracle sees code run, and not only what comes of it.
fn names_code(oracle: &Oracle) -> bool {
    matches!(oracle, Oracle::KernelLog | Oracle::Machine | Oracle::Pages)
}

/// Returns whether an IOMMU named the device of the side that is blamed.
fn is_by_iommu(finding: &Finding) -> bool {
    let is_side = matches!(finding.blame, Blame::Exporter | Blame::Importer);
    is_side && finding.oracle == Oracle::KernelLog && event::blame::is_of_iommu(&finding.lines)
}

/// Returns the evidence. A new oracle does not compile without its sentences.
fn evidence(finding: &Finding, imported: bool) -> &'static str {
    match finding.blame {
        Blame::Exporter => of_exporter(&finding.oracle, imported),
        Blame::Importer => of_importer(&finding.oracle),
        Blame::Kernel => of_kernel(&finding.oracle),
        Blame::Undecided | Blame::Suite | Blame::Nobody => UNDECIDED,
    }
}

const UNDECIDED: &str = "the evidence does not decide";
const IN_TRACE: &str = "of the functions in the kernel's trace, its are the first that belong to a device of this cell";
const BY_IOMMU: &str = "its device used memory outside of its mappings, and the IOMMU stopped it";
const BY_DRIVER: &str = "the call is answered by its driver";
const BY_CORE: &str = "the core answers this call before it asks a driver";

fn of_exporter(oracle: &Oracle, imported: bool) -> &'static str {
    use Oracle::*;
    match oracle {
        KernelLog | Machine => IN_TRACE,
        SgTable => "it makes the sg_tables, one for each attachment",
        Dma => "probes in the kernel saw its map_dma_buf, unmap_dma_buf or CPU access do it",
        _ if !imported => "no other device took part",
        Content => "no importer had the buffer yet",
        Sync => "DMA_BUF_IOCTL_SYNC calls its begin_cpu_access and end_cpu_access",
        File => "it makes the dma-buf and its file",
        Balance | Device | Display | Fence | Frames | Identity | Mapping | Pages | Process | Refusal | Requirement
        | Setup | Taint => BY_DRIVER,
        Suite | Other(_) => UNDECIDED,
    }
}

fn of_importer(oracle: &Oracle) -> &'static str {
    use Oracle::*;
    match oracle {
        KernelLog | Machine => IN_TRACE,
        Dma => "probes in the kernel saw it use its attachment so",
        Pages => "it was seen taking struct pages, by a probe or on a decoy",
        Balance => "its import is all that lies between the two counts",
        Content => "what was looked at is its own view of the buffer",
        Identity => "the handle is its own",
        Device | Display | Fence | File | Frames | Mapping | Process | Refusal | Requirement | Setup | SgTable
        | Sync | Taint => BY_DRIVER,
        Suite | Other(_) => UNDECIDED,
    }
}

fn of_kernel(oracle: &Oracle) -> &'static str {
    use Oracle::*;
    match oracle {
        KernelLog | Machine => "no driver of this cell is named in its trace",
        Taint => "its taint came up while the cell ran",
        Process => "SIGKILL does not end a process that hangs in a call of its",
        Balance | Content | Device | Display | Dma | Fence | File | Frames | Identity | Mapping | Pages | Refusal
        | Requirement | Setup | SgTable | Sync => BY_CORE,
        Suite | Other(_) => UNDECIDED,
    }
}

#[cfg(test)]
mod tests {
    use spec::verdict::{Outcome, Verdict};

    use super::*;
    use event::sample;

    fn told(id: &str, oracle: Oracle, blame: Blame) -> String {
        let cell = sample::cell(id, Verdict::Fail, Outcome::Regression);
        text(&Finding { oracle, blame, ..cell.findings[0].clone() }, &cell)
    }

    #[test]
    fn who_is_named_is_named_with_the_evidence() {
        let alone = told("mapping.at-offset.drm-a", Oracle::Content, Blame::Exporter);
        assert_eq!(alone, "the exporter, drm-a, or what it shares with others: no other device took part");
        let pair = |oracle: Oracle, blame| told("leaks.import.drm-a.drm-b", oracle, blame);
        assert!(pair(Oracle::KernelLog, Blame::Importer).starts_with("the importer, drm-b: of the functions in the"));
        assert!(pair(Oracle::Pages, Blame::Importer).contains("taking struct pages"));
        assert!(pair(Oracle::Content, Blame::Undecided).ends_with("or the core: the evidence does not decide"));
        assert_eq!(pair(Oracle::Suite, Blame::Suite), "prime-cts itself");
        let cell = sample::cell("leaks.import.drm-a.drm-b", Verdict::Fail, Outcome::Regression);
        let fault = "DMAR: [DMA Read NO_PASID] Request device [00:05.0] fault addr 0x1 [fault reason 0x06] x";
        let (oracle, blame, lines) = (Oracle::KernelLog, Blame::Importer, vec![fault.to_owned()]);
        let stopped = text(&Finding { oracle, blame, lines, ..cell.findings[0].clone() }, &cell);
        assert!(stopped.starts_with("the importer, drm-b: its device used memory outside"), "{stopped}");
    }

    #[test]
    fn with_an_importer_in_the_cell_the_exporter_is_not_blamed_for_being_alone() {
        for oracle in [Oracle::Content, Oracle::Sync, Oracle::File, Oracle::SgTable, Oracle::Refusal, Oracle::KernelLog]
        {
            assert!(
                !told("leaks.import.drm-a.drm-b", oracle.clone(), Blame::Exporter).contains("no other device"),
                "{oracle}"
            );
        }
    }
}
