//! A fault as it shows: in which cells, between which endpoints, in which kernels, with which words.

use serde::{Deserialize, Serialize};

use super::kernels::Kernels;
use crate::glob::Glob;
use crate::registry::Version;
use crate::verdict::Verdict;

/// A fault as it shows. All that is given here has to be so for a failure to be explained by it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KnownFault {
    /// Patterns of cell ids.
    pub cells: Vec<Glob>,
    /// The exporter. In a cell of one endpoint that is both exporter and importer.
    #[serde(default, skip_serializing_if = "Side::is_any")]
    pub exporter: Side,
    /// One of the importers.
    #[serde(default, skip_serializing_if = "Side::is_any")]
    pub importer: Side,
    /// The kernels that have the fault.
    pub kernels: Kernels,
    /// The verdicts: `fail`, `crash`, `timeout`.
    pub verdict: Vec<Verdict>,
    /// Texts of which a finding has to contain one; a `*` in a text stands for anything.
    pub seen: Vec<String>,
    /// Texts of which the lines of the kernel log that belong to a finding have to contain one, if any is given: for a
    /// message that does not name the driver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
    /// The kernel's mistake, in a sentence without its full stop.
    pub cause: String,
    /// True if it shows only now and then: a pass is then no sign that it was fixed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sometimes: bool,
    /// True if the kernel is damaged afterwards, so that these cells run after all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}

/// The criteria for an endpoint: one of each list that is given.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Names of drivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<String>,
    /// The map_dma_buf of its own buffers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub map_dma_buf: Vec<String>,
    /// The function of the registry that makes the sg_table of its buffers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_end: Vec<String>,
}

impl Side {
    /// Returns whether any endpoint will do.
    pub fn is_any(&self) -> bool {
        self.drivers.is_empty() && self.map_dma_buf.is_empty() && self.back_end.is_empty()
    }

    fn is(&self, endpoint: Option<&EndpointFacts>) -> bool {
        let one_of = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|n| n == name))
        };
        one_of(&self.drivers, endpoint.map(|endpoint| &*endpoint.driver))
            && one_of(&self.map_dma_buf, endpoint.and_then(|endpoint| endpoint.map_dma_buf.as_deref()))
            && one_of(&self.back_end, endpoint.and_then(|endpoint| endpoint.back_end.as_deref()))
    }
}

/// The facts of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointFacts {
    /// The name of its driver.
    pub driver: String,
    /// The map_dma_buf of its first export.
    pub map_dma_buf: Option<String>,
    /// The function of the registry that makes the sg_table of its buffers.
    pub back_end: Option<String>,
}

/// The facts of a cell before it runs.
#[derive(Debug, Clone)]
pub struct CellFacts<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its endpoints in the order of the id, the exporter first; nothing for one that is not an endpoint.
    pub endpoints: Vec<Option<&'a EndpointFacts>>,
    /// The kernel under test.
    pub kernel: &'a Version,
}

impl KnownFault {
    /// Returns whether the fault can show in a cell.
    pub fn concerns(&self, cell: &CellFacts<'_>) -> bool {
        self.kernels.have(cell.kernel) && self.is_of(cell)
    }

    /// Returns whether it can show in a cell of the kernels that have it.
    pub fn is_of(&self, cell: &CellFacts<'_>) -> bool {
        let exporter = cell.endpoints.first().copied().flatten();
        // One endpoint is both sides.
        let importers = &cell.endpoints[usize::from(cell.endpoints.len() > 1)..];
        self.cells.iter().any(|glob| glob.matches(cell.id))
            && self.exporter.is(exporter)
            && (self.importer.is_any() || importers.iter().any(|importer| self.importer.is(*importer)))
    }

    /// Returns whether it shows in whatever case two endpoints meet, as an entry of a board file's `pairs` does.
    pub fn is_of_pairs(&self) -> bool {
        self.cells.iter().all(|glob| glob.to_string().starts_with("*.*."))
    }

    /// Returns whether what an oracle saw is this fault.
    pub fn is(&self, verdict: Verdict, seen: &str, lines: &[String]) -> bool {
        let traced = |text: &String| lines.iter().any(|line| contains(line, text));
        self.verdict.contains(&verdict)
            && self.seen.iter().any(|text| contains(seen, text))
            && (self.trace.is_empty() || self.trace.iter().any(traced))
    }

    /// Returns whether one of its texts has nothing to compare with, and would be in every finding.
    pub fn has_empty_text(&self) -> bool {
        self.seen.iter().chain(&self.trace).any(|text| text.trim_matches(['*', ' ', '\n']).is_empty())
    }
}

/// Returns whether the parts of a text between its `*` follow each other in `seen`.
fn contains(seen: &str, text: &str) -> bool {
    text.split('*').try_fold(seen, |rest, part| rest.split_once(part).map(|(_, after)| after)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = "cells: [mapping.*.*, leaks.import.*.*, chain.**]
exporter: {drivers: [vgem, bochs-drm], back_end: [shmem]}
importer: {map_dma_buf: [vb2_dc]}
kernels: {since: \"6.1\", fixed-in: [\"7.3\"]}
verdict: [fail]
seen: [page 0, page 1]
cause: it is wrong
";

    fn endpoint(driver: &str, map_dma_buf: &str, back_end: &str) -> EndpointFacts {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        EndpointFacts { driver: driver.into(), map_dma_buf: some(map_dma_buf), back_end: some(back_end) }
    }

    fn concerns(text: &str, id: &str, endpoints: &[&EndpointFacts], kernel: &str) -> bool {
        let fault: KnownFault = serde_yaml::from_str(text).unwrap();
        let kernel = kernel.parse().unwrap();
        fault.concerns(&CellFacts { id, endpoints: endpoints.iter().copied().map(Some).collect(), kernel: &kernel })
    }

    #[test]
    fn everything_that_is_given_has_to_be_so() {
        let (shmem, dc) = (endpoint("vgem", "drm_gem", "shmem"), endpoint("vivid", "vb2_dc", ""));
        let (vram, vmalloc) = (endpoint("bochs-drm", "drm_gem", "vram"), endpoint("vivid", "vb2_vmalloc", ""));
        let other = endpoint("udl", "drm_gem", "shmem");
        let is = |id, endpoints: &[&EndpointFacts], kernel| concerns(FAULT, id, endpoints, kernel);
        assert!(is("leaks.import.drm-vgem.v4l2-b", &[&shmem, &dc], "6.12.117"));
        assert!(!is("leaks.rounds.drm-vgem.v4l2-b", &[&shmem, &dc], "6.12.117"), "another case");
        assert!(!is("leaks.import.drm-udl.v4l2-b", &[&other, &dc], "6.12.117"), "another driver");
        assert!(!is("leaks.import.drm-bochs.v4l2-b", &[&vram, &dc], "6.12.117"), "another back end");
        assert!(!is("leaks.import.drm-vgem.v4l2-a", &[&shmem, &vmalloc], "6.12.117"), "another importer");
        assert!(!is("leaks.import.drm-vgem.v4l2-b", &[&shmem, &dc], "6.0.1"), "an earlier kernel");
        assert!(!is("leaks.import.drm-vgem.v4l2-b", &[&shmem, &dc], "7.3.4"), "a fixed kernel");
        assert!(is("chain.x.drm-vgem.v4l2-a.v4l2-b", &[&shmem, &vmalloc, &dc], "6.12.117"), "one of the importers");
        assert!(!is("chain.x.drm-vgem.v4l2-a.v4l2-a", &[&shmem, &vmalloc, &vmalloc], "6.12.117"));
    }

    #[test]
    fn what_is_not_known_of_an_endpoint_is_not_assumed() {
        let (unknown, dc) = (endpoint("vgem", "", ""), endpoint("vivid", "vb2_dc", ""));
        assert!(!concerns(FAULT, "leaks.import.drm-vgem.v4l2-b", &[&unknown, &dc], "6.12"));
        let fault: KnownFault = serde_yaml::from_str(FAULT).unwrap();
        let kernel = "6.12".parse().unwrap();
        let endpoints = vec![None, Some(&dc)];
        assert!(!fault.concerns(&CellFacts { id: "leaks.import.drm-vgem.v4l2-b", endpoints, kernel: &kernel }));
    }

    #[test]
    fn a_single_endpoint_is_both_sides() {
        let both = endpoint("vgem", "vb2_dc", "shmem");
        assert!(concerns(FAULT, "mapping.whole.drm-vgem", &[&both], "6.12"));
    }

    #[test]
    fn another_text_or_another_verdict_is_another_fault() {
        let fault: KnownFault = serde_yaml::from_str(FAULT).unwrap();
        assert!(fault.is(Verdict::Fail, "byte 8192: the bytes of page 1", &[]));
        assert!(!fault.is(Verdict::Fail, "byte 8192: the bytes of page 2", &[]));
        assert!(!fault.is(Verdict::Crash, "byte 8192: the bytes of page 1", &[]));
    }

    #[test]
    fn a_star_in_a_text_stands_for_anything_and_the_rest_keeps_its_order() {
        let is = |seen: &str| contains(seen, "WARNING: *dma_buf_vmap+");
        assert!(is("WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:1540 dma_buf_vmap+0x130/0x138"));
        assert!(is("WARNING: drivers/dma-buf/dma-buf.c:1540 at dma_buf_vmap+0x130/0x138, CPU#0: prime-cts/1"));
        assert!(!is("BUG: KASAN: slab-use-after-free in dma_buf_vmap+0x130/0x138"));
        assert!(!is("dma_buf_vmap+0x130/0x138 WARNING: "));
        assert!(contains("abc", "b") && contains("abc", "a*c*") && !contains("abc", "a*a") && !contains("abc", "d"));
    }

    #[test]
    fn a_message_without_the_driver_s_name_is_recognized_by_its_trace() {
        let fault: KnownFault = serde_yaml::from_str(&format!("{FAULT}trace: [\"Comm: vivid-\"]\n")).unwrap();
        let lines = |comm: &str| ["page 0".to_owned(), format!("CPU: 1 PID: 2 Comm: {comm} Not tainted")];
        assert!(fault.is(Verdict::Fail, "page 0", &lines("vivid-003-vid-c")));
        assert!(!fault.is(Verdict::Fail, "page 0", &lines("kworker/0:1")));
        assert!(!fault.is(Verdict::Fail, "page 0", &[]));
        assert!(!fault.is(Verdict::Fail, "page 2", &lines("vivid-003-vid-c")));
    }
}
