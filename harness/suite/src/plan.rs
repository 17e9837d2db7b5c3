//! Endpoints x cases = cells. Pure: nothing is opened here.

use std::collections::BTreeSet;
use std::rc::Rc;

use device::Endpoint;
use document::case::{Case, Cells, Kind};
use document::step::Side;

/// A case applied to its endpoints.
#[derive(Debug, Clone)]
pub struct Cell {
    /// `<area>.<case>.<endpoint>[.<importer>[.<second importer>]]`.
    pub id: String,
    /// The rule.
    pub case: Rc<Case>,
    /// Who exports, if the case wants one.
    pub exporter: Option<Rc<Endpoint>>,
    /// Who imports, if the case wants one.
    pub importer: Option<Rc<Endpoint>>,
    /// Who imports as well, in a chain.
    pub second_importer: Option<Rc<Endpoint>>,
    /// Why nothing on this machine could show whether the rule is kept.
    pub unobserved: Option<String>,
    /// Whose device it would take away, and what allows that.
    pub kept: Option<String>,
}

impl Cell {
    /// Its endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &Rc<Endpoint>> {
        [&self.exporter, &self.importer, &self.second_importer].into_iter().flatten()
    }

    /// Why it cannot be run, known beforehand.
    pub fn blocked(&self) -> Option<&str> {
        self.endpoints().find_map(|endpoint| endpoint.blocked.as_deref()).or(self.kept.as_deref())
    }

    /// The same cell, where users may have to do without their devices.
    pub fn intrusive(self) -> Self {
        Self { kept: None, ..self }
    }

    /// Who works in it, and is not there for its user meanwhile.
    fn kept(self) -> Self {
        let sides = self.case.steps.iter().flat_map(|step| step.takes_away());
        let endpoints = sides.filter_map(|side| match side {
            Side::Exporter => self.exporter.as_ref(),
            Side::Importer => self.importer.as_ref(),
            Side::SecondImporter => self.second_importer.as_ref(),
        });
        let kept = endpoints.filter(|endpoint| !endpoint.spare).map(|endpoint| {
            format!("{} is left to its user: prime-cts run --intrusive takes it while a cell runs", endpoint.key)
        });
        Self { kept: kept.min(), ..self }
    }

    /// The buffers' sizes in bytes, one after the other: the case's, or what the devices need at least.
    pub fn sizes(&self) -> Vec<u64> {
        let needed = self.endpoints().map(|endpoint| endpoint.smallest).max().unwrap_or(0);
        let asked = if self.case.sizes.is_empty() { std::slice::from_ref(&self.case.size) } else { &self.case.sizes };
        let mut sizes: Vec<u64> = asked.iter().map(|size| size.0.max(needed)).collect();
        sizes.dedup();
        sizes
    }
}

/// Every cell, the cases in their order, the endpoints in theirs.
pub fn plan(cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]) -> Vec<Cell> {
    cases.iter().flat_map(|case| cells_of(case, endpoints)).map(Cell::kept).collect()
}

/// Why an endpoint has no cell of a case on one side of it.
pub fn why_not(case: &Case, endpoint: &Endpoint, side: Side) -> Option<String> {
    let (selector, able, word) = match side {
        Side::Exporter => (&case.exporters, endpoint.exports, "export"),
        Side::Importer => (&case.importers, endpoint.imports, "import"),
        Side::SecondImporter => (&case.second_importers, endpoint.imports, "import"),
    };
    // What a blocked endpoint can do is not known: it is planned for both, and its cells say that it is blocked.
    let unknown = endpoint.blocked.is_some() && (side == Side::Exporter || endpoint.kind.imports());
    if !able && !unknown {
        return Some(format!("it does not {word}"));
    }
    let part = selector.why_not(endpoint.seen())?;
    let what = match part {
        "driver" => format!(" '{}'", endpoint.driver),
        "map_dma_buf" => format!(" '{}'", endpoint.map_dma_buf.as_deref().unwrap_or("not known")),
        "memory" if endpoint.memory.is_none() => ", which is not known".to_owned(),
        _ => String::new(),
    };
    let second = if side == Side::SecondImporter { "second-" } else { "" };
    Some(format!("'{second}{word}ers' does not select its {part}{what}"))
}

fn cells_of(case: &Rc<Case>, endpoints: &[Rc<Endpoint>]) -> Vec<Cell> {
    let able = |side: Side| -> Vec<&Rc<Endpoint>> {
        endpoints.iter().filter(|endpoint| why_not(case, endpoint, side).is_none()).collect()
    };
    let cell = |exporter: Option<&Rc<Endpoint>>, importer: Option<&Rc<Endpoint>>, second: Option<&Rc<Endpoint>>| {
        let keys = [exporter, importer, second].into_iter().flatten().map(|endpoint| format!(".{}", endpoint.key));
        let id = case.id() + &keys.collect::<String>();
        let (exporter, importer, second_importer) = (exporter.cloned(), importer.cloned(), second.cloned());
        Cell { id, case: case.clone(), exporter, importer, second_importer, unobserved: None, kept: None }
    };
    let mut cells = Vec::new();
    match case.cells {
        Cells::Exporter => cells.extend(able(Side::Exporter).iter().map(|exporter| cell(Some(exporter), None, None))),
        Cells::Importer => cells.extend(able(Side::Importer).iter().map(|importer| cell(None, Some(importer), None))),
        Cells::Pair => {
            let (exporters, importers) = (able(Side::Exporter), able(Side::Importer));
            if let Some(without) = Without::of(case, &exporters) {
                return importers.iter().map(|importer| without.cell(case, importer)).collect();
            }
            for exporter in exporters {
                cells.extend(importers.iter().map(|importer| cell(Some(exporter), Some(importer), None)));
            }
        }
        Cells::PairOfSorts => {
            let importers = first_of_each_sort(able(Side::Importer));
            for exporter in first_of_each_sort(able(Side::Exporter)) {
                cells.extend(importers.iter().map(|importer| cell(Some(exporter), Some(importer), None)));
            }
        }
        Cells::Chain => {
            let importers = first_of_each_sort(able(Side::Importer));
            let seconds = first_of_each_sort(able(Side::SecondImporter));
            for exporter in first_of_each_sort(able(Side::Exporter)) {
                for importer in &importers {
                    let others = seconds.iter().filter(|second| second.key != importer.key);
                    cells.extend(others.map(|second| cell(Some(exporter), Some(importer), Some(second))));
                }
            }
        }
    }
    cells
}

/// A case without the exporter that alone shows whether its rule is kept.
struct Without {
    key: String,
    exporter: Option<Rc<Endpoint>>,
    why: String,
}

impl Without {
    fn of(case: &Case, exporters: &[&Rc<Endpoint>]) -> Option<Self> {
        let observed = case.observed_by.as_ref()?;
        let key = observed.exporter.clone()?;
        // A mock stands for any of them.
        let stands = |endpoint: &&&Rc<Endpoint>| endpoint.key == key || endpoint.kind == Kind::Mock;
        let found = exporters.iter().find(stands);
        let why = match found.map(|endpoint| endpoint.blocked.as_deref()) {
            Some(None) => return None,
            Some(Some(blocked)) => format!("{key} cannot be used: {blocked}"),
            None => format!("{key} is not here: {}", observed.remedy),
        };
        Some(Self { key, exporter: found.map(|endpoint| Rc::clone(endpoint)), why })
    }

    fn cell(&self, case: &Rc<Case>, importer: &Rc<Endpoint>) -> Cell {
        let id = format!("{}.{}.{}", case.id(), self.key, importer.key);
        let (case, exporter, importer) = (case.clone(), self.exporter.clone(), Some(importer.clone()));
        Cell { id, case, exporter, importer, second_importer: None, unobserved: Some(self.why.clone()), kept: None }
    }
}

/// Of the endpoints that are alike, the one whose key comes first. Alike are those that share driver and memory; the
/// queues of V4L2 share videobuf2's allocators, whatever their driver.
fn first_of_each_sort(mut endpoints: Vec<&Rc<Endpoint>>) -> Vec<&Rc<Endpoint>> {
    endpoints.sort_by(|a, b| a.key.cmp(&b.key));
    let mut seen = BTreeSet::new();
    endpoints.retain(|endpoint| {
        let allocator = endpoint.map_dma_buf.as_deref().filter(|_| endpoint.kind == Kind::V4l2);
        let driver = if endpoint.kind == Kind::Mock { &endpoint.key } else { &endpoint.driver };
        seen.insert((endpoint.kind, allocator.unwrap_or(driver), endpoint.memory))
    });
    endpoints
}

#[cfg(test)]
mod tests {
    use document::case::Memory;

    use super::*;
    use std::path::{Path, PathBuf};

    fn endpoint(kind: Kind, key: &str, exports: bool, imports: bool) -> Rc<Endpoint> {
        let endpoint = Endpoint::new(kind, key, "d", PathBuf::from("/dev/x"));
        Rc::new(Endpoint { exports, imports, ..endpoint })
    }

    fn steps(cells: &str) -> &'static str {
        match cells {
            "importer" => {
                "steps:\n  - open: {what: closed-file, as: f}\n  - import: {file: f, as: b, must-refuse: [EBADF]}\n"
            }
            _ => "steps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - size: {file: f}\n",
        }
    }

    fn case(cells: &str, more: &str) -> Rc<Case> {
        let text = format!("name: c\nrule: r\nwhy: w\nreference: f\ncells: {cells}\n{more}{}", steps(cells));
        Rc::new(Case::parse(Path::new("area/c.yaml"), &text).unwrap())
    }

    fn ids(cells: &str, more: &str, endpoints: &[Rc<Endpoint>]) -> Vec<String> {
        plan(&[case(cells, more)], endpoints).into_iter().map(|cell| cell.id).collect()
    }

    #[test]
    fn every_ordered_pair_is_planned_a_device_with_itself_included() {
        let endpoints = [
            endpoint(Kind::Drm, "a", true, true),
            endpoint(Kind::V4l2, "b", true, true),
            endpoint(Kind::Heap, "c", true, false),
        ];
        let all = ids("pair", "", &endpoints);
        assert_eq!(all, ["area.c.a.a", "area.c.a.b", "area.c.b.a", "area.c.b.b", "area.c.c.a", "area.c.c.b"]);
        assert_eq!(ids("pair", "importers: {kind: [drm]}\n", &endpoints), ["area.c.a.a", "area.c.b.a", "area.c.c.a"]);
        assert_eq!(ids("exporter", "", &endpoints), ["area.c.a", "area.c.b", "area.c.c"]);
        assert_eq!(ids("importer", "", &endpoints), ["area.c.a", "area.c.b"]);
    }

    #[test]
    fn the_order_of_cases_and_devices_changes_no_cell() {
        let mut endpoints: Vec<_> =
            ["a", "b", "c", "d"].iter().map(|key| endpoint(Kind::Drm, key, true, *key != "c")).collect();
        let mut cases = vec![case("pair", ""), case("exporter", "size: 4KiB\n"), case("importer", "")];
        let sorted = |cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]| {
            let mut ids: Vec<_> =
                plan(cases, endpoints).into_iter().map(|cell| (cell.id.clone(), cell.sizes())).collect();
            ids.sort();
            ids
        };
        let first = sorted(&cases, &endpoints);
        for turn in 0..12 {
            endpoints.rotate_left(1 + turn % 2);
            endpoints.swap(turn % 4, (turn + 2) % 4);
            cases.rotate_left(1);
            assert_eq!(sorted(&cases, &endpoints), first);
        }
    }

    #[test]
    fn a_chain_has_two_importers_and_of_each_sort_one_endpoint() {
        let of = |driver: &str, key: &str, imports| {
            let endpoint = Endpoint::new(Kind::Drm, key, driver, PathBuf::from("/dev/x"));
            Rc::new(Endpoint { exports: true, imports, ..endpoint })
        };
        let endpoints = [("x", "drm-x-1"), ("x", "drm-x-0"), ("y", "drm-y"), ("z", "drm-z")]
            .map(|(driver, key)| of(driver, key, driver != "z"));
        let all = ids("chain", "", &endpoints);
        let expected = ["x-0.x-0.y", "x-0.y.x-0", "y.x-0.y", "y.y.x-0", "z.x-0.y", "z.y.x-0"];
        let expected = expected.map(|keys| format!("area.c.drm-{}", keys.replace('.', ".drm-")));
        assert_eq!(all, expected);
        assert_eq!(ids("chain", "second-importers: {key: [drm-y]}\n", &endpoints).len(), 3);
    }

    #[test]
    fn queues_of_v4l2_are_alike_by_their_allocator_and_others_by_driver_and_memory() {
        let of = |kind, driver: &str, key: &str, symbol: Option<&str>, memory| {
            let endpoint = Endpoint::new(kind, key, driver, PathBuf::from("/dev/x"));
            Rc::new(Endpoint { map_dma_buf: symbol.map(str::to_owned), memory, ..endpoint })
        };
        let (vmalloc, contig) = (Some("vb2_vmalloc_dmabuf_ops_map"), Some("vb2_dc_dmabuf_ops_map"));
        let endpoints = [
            of(Kind::V4l2, "vimc", "b-vimc-cap0", vmalloc, None),
            of(Kind::V4l2, "vivid", "c-vivid-cap0", vmalloc, None),
            of(Kind::V4l2, "vivid", "c-vivid-cap1", contig, None),
            of(Kind::V4l2, "uvc", "d-uvc-cap0", None, None),
            of(Kind::Canary, "canary", "a-pages", Some("canary_map"), Some(Memory::Scattered)),
            of(Kind::Canary, "canary", "a-pageless", Some("canary_map"), Some(Memory::Pageless)),
        ];
        let keys: Vec<_> =
            first_of_each_sort(endpoints.iter().collect()).iter().map(|endpoint| endpoint.key.as_str()).collect();
        assert_eq!(keys, ["a-pageless", "a-pages", "b-vimc-cap0", "c-vivid-cap1", "d-uvc-cap0"]);
        let able = endpoints.map(|endpoint| Rc::new(Endpoint { exports: true, imports: true, ..(*endpoint).clone() }));
        assert_eq!((ids("pair-of-sorts", "", &able).len(), ids("pair", "", &able).len()), (25, 36));
    }

    #[test]
    fn sizes_that_a_device_makes_one_are_one() {
        let endpoint = Endpoint { smallest: 5000, ..(*endpoint(Kind::Drm, "a", true, false)).clone() };
        let cells = plan(&[case("exporter", "sizes: [1, 4095, 4097, 8KiB]\n")], &[Rc::new(endpoint)]);
        assert_eq!(cells[0].sizes(), [5000, 8192]);
    }

    #[test]
    fn without_the_exporter_that_shows_it_each_importer_has_a_cell_that_says_so() {
        let more = "exporters: {key: [canary-decoy]}\nobserved-by: {exporter: canary-decoy, remedy: load the module}\n";
        let importer = endpoint(Kind::Drm, "a", true, true);
        let decoy = endpoint(Kind::Canary, "canary-decoy", true, false);
        let cells = |endpoints: &[Rc<Endpoint>]| plan(&[case("pair", more)], endpoints);
        let there = cells(&[decoy.clone(), importer.clone()]);
        assert_eq!((there.len(), &there[0].unobserved), (1, &None));
        let blocked = Rc::new(Endpoint { blocked: Some("EACCES".into()), ..(*decoy).clone() });
        for (endpoints, why) in [(vec![importer.clone()], "load the module"), (vec![blocked, importer], "EACCES")] {
            let cells = cells(&endpoints);
            let cell = cells.iter().find(|cell| cell.id == there[0].id).unwrap();
            assert!(cell.unobserved.as_ref().is_some_and(|text| text.contains(why)), "{cells:?}");
        }
    }

    #[test]
    fn a_blocked_endpoint_is_planned_and_says_so() {
        let blocked =
            Endpoint { blocked: Some("no permission".into()), ..(*endpoint(Kind::Drm, "a", false, false)).clone() };
        let cells = plan(&[case("pair", "")], &[Rc::new(blocked)]);
        assert_eq!(cells[0].blocked(), Some("no permission"));
    }

    #[test]
    fn a_device_that_somebody_may_use_is_left_to_him() {
        let steps = "steps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - stream: {capture: [f]}\n";
        let text = format!("name: c\nrule: r\nwhy: w\nreference: f\ncells: pair\n{steps}");
        let case = Rc::new(Case::parse(Path::new("area/c.yaml"), &text).unwrap());
        let camera = endpoint(Kind::V4l2, "v4l2-uvc-cap0", true, true);
        let spare = Rc::new(Endpoint { spare: true, key: "v4l2-vivid-cap0".into(), ..(*camera).clone() });
        let cells = plan(&[case], &[camera, spare]);
        let blocked: Vec<bool> = cells.iter().map(|cell| cell.blocked().is_some()).collect();
        assert_eq!(blocked, [true, false, true, false], "the exporter only allocates");
        assert!(cells[0].blocked().is_some_and(|why| why.contains("--intrusive")));
        assert!(cells[0].clone().intrusive().blocked().is_none());
    }

    #[test]
    fn a_buffer_is_as_large_as_its_importer_needs() {
        let importer = Endpoint { smallest: 1 << 20, ..(*endpoint(Kind::V4l2, "b", false, true)).clone() };
        let cells = plan(&[case("pair", "size: 4KiB\n")], &[endpoint(Kind::Drm, "a", true, false), Rc::new(importer)]);
        assert_eq!(cells[0].sizes(), [1 << 20]);
    }
}
