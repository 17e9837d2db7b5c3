//! Which failures are known faults of the kernel: those that a finding of `fixtures/findings` explains.
//!
//! A cell that failed is known only if each of its findings that is a failure is one of these faults: in these cells, with
//! these drivers, in these kernels, with these words. A second failure that no finding explains makes it a new one.

use std::collections::BTreeMap;

use spec::finding::{CellFacts, EndpointFacts, FindingPage, KnownFault};
use spec::registry::{Registry, Version};

use crate::finding::Finding;
use crate::stream::EndpointFound;

/// The known faults, on one board.
#[derive(Debug, Clone, Default)]
pub struct KnownFaults {
    pages: Vec<FindingPage>,
    /// Nothing where the release is not one of Linux: no fault is known of it.
    kernel: Option<Version>,
    endpoints: BTreeMap<String, EndpointFacts>,
}

/// The explanation of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The names of the findings.
    pub names: Vec<String>,
    /// Which faults they are, in a sentence.
    pub reason: String,
    /// True if one of the faults shows only now and then.
    pub sometimes: bool,
    /// True if all of them show in whatever case two endpoints meet.
    pub of_pairs: bool,
}

impl KnownFaults {
    /// Returns the known faults of a kernel, by its release, with these endpoints.
    pub fn on(pages: Vec<FindingPage>, registry: Option<&Registry>, release: &str, found: &[EndpointFound]) -> Self {
        let kernel = Version::of_release(release).ok();
        let facts = |endpoint: &EndpointFound| {
            let back_end = registry.zip(kernel.as_ref()).filter(|_| ["drm", "gbm"].contains(&&*endpoint.kind));
            let back_end = back_end.and_then(|(registry, kernel)| registry.back_end(&endpoint.driver, kernel));
            EndpointFacts {
                driver: endpoint.driver.clone(),
                map_dma_buf: endpoint.map_dma_buf.as_ref().and_then(|through| through.symbol.clone()),
                back_end: back_end.map(|row| row.symbol.clone()),
            }
        };
        let endpoints = found.iter().map(|endpoint| (endpoint.key.clone(), facts(endpoint))).collect();
        Self { pages, kernel, endpoints }
    }

    /// Explains the failures of a cell: all of them, or none.
    pub fn explain(&self, id: &str, findings: &[Finding]) -> Option<Explained> {
        let cell = self.cell(id)?;
        let of_cell: Vec<_> = self.faults().filter(|(_, fault)| fault.concerns(&cell)).collect();
        let broken = findings.iter().filter(|finding| finding.verdict.broken());
        let is = |finding: &Finding| {
            of_cell.iter().find(|(_, fault)| fault.is(finding.verdict, &finding.seen, &finding.lines))
        };
        let mut faults: Vec<&(&FindingPage, &KnownFault)> = broken.map(is).collect::<Option<_>>()?;
        faults.sort_by_key(|(page, _)| &page.name);
        faults.dedup_by_key(|(page, _)| &page.name);
        let reasons: Vec<String> = faults.iter().map(|(page, fault)| reason(page, fault)).collect();
        (!faults.is_empty()).then(|| Explained {
            names: faults.iter().map(|(page, _)| page.name.clone()).collect(),
            reason: reasons.join("; "),
            sometimes: faults.iter().any(|(_, fault)| fault.sometimes),
            of_pairs: faults.iter().all(|(_, fault)| fault.is_of_pairs()),
        })
    }

    /// The fault that a cell should have shown and did not, of those that are said to show on this board: the name of the
    /// finding stands there in vain.
    pub fn not_shown(&self, expected: &[String], id: &str) -> Option<Explained> {
        let cell = self.cell(id)?;
        let expected = self.faults().filter(|(page, _)| expected.contains(&page.name));
        let (page, fault) = expected.into_iter().find(|(page, fault)| {
            // Of a kernel that has none of its faults the finding says nothing: the entry is stale for all of them.
            let stale = !page.faults.iter().any(|fault| fault.kernels.have(cell.kernel));
            fault.is_of(&cell) && (stale || fault.kernels.have(cell.kernel))
        })?;
        let (names, reason) = (vec![page.name.clone()], reason(page, fault));
        Some(Explained { names, reason, sometimes: fault.sometimes, of_pairs: fault.is_of_pairs() })
    }

    /// Returns whether a cell damages the kernel where it shows a fault, and runs after all others.
    pub fn is_last(&self, id: &str) -> bool {
        let last = |cell: CellFacts<'_>| self.faults().any(|(_, fault)| fault.last && fault.concerns(&cell));
        self.cell(id).is_some_and(last)
    }

    fn faults(&self) -> impl Iterator<Item = (&FindingPage, &KnownFault)> {
        self.pages.iter().flat_map(|page| page.faults.iter().map(move |fault| (page, fault)))
    }

    fn cell<'a>(&'a self, id: &'a str) -> Option<CellFacts<'a>> {
        let endpoints = id.split('.').skip(2).map(|key| self.endpoints.get(key)).collect();
        Some(CellFacts { id, endpoints, kernel: self.kernel.as_ref()? })
    }
}

fn reason(page: &FindingPage, fault: &KnownFault) -> String {
    format!("known fault {} (kernels {}): {}", page.name, fault.kernels, fault.cause.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Blame, Oracle};
    use crate::stream::MapDmaBuf;
    use spec::verdict::Verdict;
    use std::path::Path;

    const PAGE: &str = "---
title: A title
status: not-sent
faults:
  - cells: [mapping.at-offset.*]
    exporter: {back_end: [drm_gem_shmem_object_get_sg_table]}
    kernels: {since: \"5.10\", until: \"7.3\"}
    verdict: [fail]
    seen: [of offset 0]
    cause: it counts from the wrong page
  - cells: [leaks.import.*.*]
    importer: {map_dma_buf: [vb2_dc_dmabuf_ops_map]}
    kernels: {since: \"6.12\", until: \"6.12\"}
    verdict: [fail]
    seen: [references to the dma-buf]
    cause: it keeps one
    sometimes: true
  - cells: [mapping.private.*]
    exporter: {drivers: [vgem]}
    kernels: {since: \"6.12\", until: \"7.3\"}
    verdict: [crash]
    seen: [Bad page state]
    cause: it frees a page
    last: true
---
# A title
";

    fn known(release: &str) -> KnownFaults {
        let page = |name: &str| FindingPage::parse(Path::new(name), PAGE).unwrap();
        let registry = catalogue::registry::embedded().unwrap();
        let endpoint = |key: &str, kind: &str, driver: &str, symbol: &str| EndpointFound {
            key: key.into(),
            kind: kind.into(),
            driver: driver.into(),
            map_dma_buf: Some(MapDmaBuf { symbol: Some(symbol.into()), exp_name: "x".into(), observed: true }),
            ..EndpointFound::default()
        };
        let found = [
            endpoint("drm-vgem", "drm", "vgem", "drm_gem_map_dma_buf"),
            endpoint("drm-bochs-drm", "drm", "bochs-drm", "drm_gem_map_dma_buf"),
            endpoint("v4l2-vivid-cap0", "v4l2", "vivid", "vb2_vmalloc_dmabuf_ops_map"),
            endpoint("v4l2-vivid-cap1", "v4l2", "vivid", "vb2_dc_dmabuf_ops_map"),
        ];
        KnownFaults::on(vec![page("a.md")], Some(&registry), release, &found)
    }

    fn finding(verdict: Verdict, seen: &str) -> Finding {
        Finding::new(Oracle::Content, verdict, Blame::Exporter, seen, "the pattern")
    }

    fn explained(release: &str, id: &str, seen: &[&str]) -> Option<Vec<String>> {
        let findings: Vec<Finding> = seen.iter().map(|seen| finding(Verdict::Fail, seen)).collect();
        known(release).explain(id, &findings).map(|explained| explained.names)
    }

    const SEEN: &str = "the bytes of offset 0 (page 0 where page 2 belongs)";

    #[test]
    fn a_failure_is_known_by_its_cell_back_end_kernel_and_words() {
        let known = |release, id| explained(release, id, &[SEEN]);
        assert_eq!(known("6.12.117+deb12-amd64", "mapping.at-offset.drm-vgem"), Some(vec!["a".into()]));
        assert_eq!(known("7.3.4", "mapping.at-offset.drm-bochs-drm"), Some(vec!["a".into()]));
        assert_eq!(known("6.12.117", "mapping.at-offset.drm-bochs-drm"), None, "another back end in this kernel");
        assert_eq!(known("6.12.117", "mapping.at-offset.v4l2-vivid-cap0"), None, "another driver");
        assert_eq!(known("6.12.117", "mapping.at-offset.drm-new"), None, "an endpoint that was not found");
        assert_eq!(known("6.12.117", "mapping.whole.drm-vgem"), None, "another cell");
        assert_eq!(known("7.4.1", "mapping.at-offset.drm-vgem"), None, "another kernel");
        assert_eq!(known("unheard", "mapping.at-offset.drm-vgem"), None, "a kernel without a version");
    }

    #[test]
    fn every_failure_of_a_cell_has_to_be_explained() {
        let of = |seen: &[&str]| explained("6.12.117", "mapping.at-offset.drm-vgem", seen);
        assert!(of(&[SEEN]).is_some() && of(&[SEEN, SEEN]).is_some());
        assert_eq!(of(&["the bytes of offset 4096"]), None);
        assert_eq!(of(&[SEEN, "WARNING: at mm/memory.c"]), None);
        assert_eq!(of(&[]), None);
        let findings = [finding(Verdict::Fail, SEEN), finding(Verdict::Pass, "a property")];
        assert!(known("6.12.117").explain("mapping.at-offset.drm-vgem", &findings).is_some());
        let findings = [finding(Verdict::Crash, SEEN)];
        assert_eq!(known("6.12.117").explain("mapping.at-offset.drm-vgem", &findings), None, "another verdict");
    }

    #[test]
    fn the_reason_names_the_fault_and_its_kernels() {
        let explained = known("6.12.117").explain("mapping.at-offset.drm-vgem", &[finding(Verdict::Fail, SEEN)]);
        let reason = explained.unwrap().reason;
        assert_eq!(reason, "known fault a (kernels 5.10 to 7.3): it counts from the wrong page");
    }

    #[test]
    fn what_a_board_is_said_to_show_and_does_not_is_found() {
        let names = ["a".to_owned()];
        let not_shown = |release: &str, id: &str| known(release).not_shown(&names, id).map(|found| found.sometimes);
        assert_eq!(not_shown("6.12.117", "mapping.at-offset.drm-vgem"), Some(false));
        assert_eq!(not_shown("6.12.117", "mapping.at-offset.drm-bochs-drm"), None);
        assert_eq!(not_shown("6.12.117", "leaks.import.drm-vgem.v4l2-vivid-cap1"), Some(true));
        assert_eq!(not_shown("6.1.0", "leaks.import.drm-vgem.v4l2-vivid-cap1"), None, "another fault of it is in 6.1");
        assert_eq!(not_shown("7.4", "leaks.import.drm-vgem.v4l2-vivid-cap1"), Some(true), "the finding is over");
        assert_eq!(known("6.12.117").not_shown(&[], "mapping.at-offset.drm-vgem"), None);
    }

    #[test]
    fn what_damages_the_kernel_runs_last() {
        let last = |release: &str, id: &str| known(release).is_last(id);
        assert!(last("6.12.117", "mapping.private.drm-vgem") && !last("6.12.117", "mapping.private.drm-bochs-drm"));
        assert!(!last("6.1.0", "mapping.private.drm-vgem") && !last("6.12.117", "mapping.at-offset.drm-vgem"));
    }
}
