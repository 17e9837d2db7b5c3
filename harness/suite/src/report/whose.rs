//! Whose fault a finding is, and on what evidence.

use crate::event::{Blame, CellEnd, Finding};

/// Who is to blame, by name, and why.
pub fn text(finding: &Finding, cell: &CellEnd) -> String {
    let key = |key: &Option<String>| key.clone().unwrap_or_else(|| "?".into());
    let who = match finding.blame {
        Blame::Exporter => format!("the exporter, {}", key(&cell.exporter)),
        Blame::Importer => format!("the importer, {}", key(&cell.importer)),
        Blame::Undecided => "the exporter, the importer or the core".into(),
        Blame::Kernel => "the kernel".into(),
        Blame::Suite => return "prime-cts itself".into(),
        Blame::Nobody => return "nobody's".into(),
    };
    format!("{who}: {}", evidence(finding, cell.importer.is_some()))
}

/// Why that one.
fn evidence(finding: &Finding, imported: bool) -> &'static str {
    match (finding.blame, finding.oracle.as_str()) {
        (Blame::Exporter | Blame::Importer, "kernel-log") => {
            "of the functions in the kernel's trace, its are the first that belong to a device of this cell"
        }
        (Blame::Exporter, "sg_table") => "it makes the sg_tables, one for each attachment",
        (Blame::Exporter, _) if !imported => "no other device took part",
        (Blame::Exporter, "content") => "no importer had the buffer yet",
        (Blame::Exporter, "sync") => "DMA_BUF_IOCTL_SYNC calls its begin_cpu_access and end_cpu_access",
        (Blame::Exporter, "file") => "it makes the dma-buf and its file",
        (Blame::Exporter, _) => "the call is answered by its driver",
        (Blame::Importer, "pages") => "it was seen taking struct pages, by a probe or on a decoy",
        (Blame::Importer, "balance") => "its import is all that lies between the two counts",
        (Blame::Importer, "content") => "what was looked at is its own view of the buffer",
        (Blame::Importer, "identity") => "the handle is its own",
        (Blame::Importer, _) => "the call is answered by its driver",
        (Blame::Kernel, "kernel-log") => "no driver of this cell is named in its trace",
        (Blame::Kernel, "taint") => "its taint came up while the cell ran",
        (Blame::Kernel, "process") => "SIGKILL does not end a process that hangs in a call of its",
        (Blame::Kernel, _) => "the core answers this call before it asks a driver",
        _ => "the evidence does not decide",
    }
}

#[cfg(test)]
mod tests {
    use document::verdict::{Outcome, Verdict};

    use super::*;
    use crate::report::sample;

    fn told(id: &str, oracle: &str, blame: Blame) -> String {
        let cell = sample::cell(id, Verdict::Fail, Outcome::Regression);
        text(&Finding { oracle: oracle.into(), blame, ..cell.findings[0].clone() }, &cell)
    }

    #[test]
    fn who_is_named_is_named_with_the_evidence() {
        let alone = told("mapping.at-offset.drm-a", "content", Blame::Exporter);
        assert_eq!(alone, "the exporter, drm-a: no other device took part");
        let pair = |oracle: &str, blame| told("leaks.import.drm-a.drm-b", oracle, blame);
        assert!(pair("kernel-log", Blame::Importer).starts_with("the importer, drm-b: of the functions in the"));
        assert!(pair("pages", Blame::Importer).contains("taking struct pages"));
        assert!(pair("content", Blame::Undecided).ends_with("or the core: the evidence does not decide"));
        assert_eq!(pair("suite", Blame::Suite), "prime-cts itself");
    }

    #[test]
    fn with_an_importer_in_the_cell_the_exporter_is_not_blamed_for_being_alone() {
        for oracle in ["content", "sync", "file", "sg_table", "refusal", "kernel-log"] {
            assert!(!told("leaks.import.drm-a.drm-b", oracle, Blame::Exporter).contains("no other device"), "{oracle}");
        }
    }
}
