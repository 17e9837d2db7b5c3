//! Endpoints x cases = cells. Pure: nothing is opened here.

mod cell;
mod order;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::rc::Rc;

use device::Endpoint;
use spec::case::{Case, Cells, Kind};
use spec::step::Side;

pub use cell::Cell;

/// Planned cells, the cases in their order, the endpoints in theirs. Of each no more is kept than who takes part; the cell
/// itself is made when it is asked for, so that a plan of many takes little memory.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    cases: Vec<Planned>,
    endpoints: Vec<Rc<Endpoint>>,
    places: Vec<Place>,
    intrusive: bool,
}

#[derive(Debug, Clone)]
struct Planned {
    /// `<area>.<case>`.
    name: String,
    case: Rc<Case>,
    /// The sides that work in its cells.
    works: Vec<Side>,
    without: Option<Rc<Without>>,
}

/// The places of a case and of endpoints in their lists; those of endpoints from 1.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    case: u32,
    exporter: Option<NonZeroU32>,
    importer: Option<NonZeroU32>,
    second_importer: Option<NonZeroU32>,
}

/// Every cell.
pub fn plan(cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]) -> Plan {
    let mut plan = Plan { endpoints: endpoints.to_vec(), ..Plan::default() };
    cases.iter().for_each(|case| plan.add(case));
    plan
}

impl Plan {
    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The cells, made one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Cell> {
        (0..self.places.len()).filter_map(|number| self.get(u32::try_from(number).ok()?))
    }

    /// The cell of a number, from 0.
    pub fn get(&self, number: u32) -> Option<Cell> {
        let place = self.places.get(usize::try_from(number).ok()?)?;
        Some(Cell { number, ..self.cell(*place) })
    }

    /// The same cells, where users may have to do without their devices.
    pub fn intrusive(self) -> Self {
        Self { intrusive: true, ..self }
    }

    /// Keeps those cells that are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(Cell) -> bool) {
        let mut places = std::mem::take(&mut self.places);
        places.retain(|&place| wanted(self.cell(place)));
        self.places = places;
    }

    /// Puts the cells of which this is true after the others; else each keeps its place.
    pub fn put_last(&mut self, last: impl Fn(&Cell) -> bool) {
        let places = std::mem::take(&mut self.places);
        let (last, first): (Vec<Place>, Vec<Place>) = places.into_iter().partition(|&place| last(&self.cell(place)));
        self.places = [first, last].concat();
    }

    fn cell(&self, place: Place) -> Cell {
        let Planned { name, case, works, without } = &self.cases[place.case as usize];
        let endpoint = |place: Option<NonZeroU32>| Some(&self.endpoints[place?.get() as usize - 1]);
        let (exporter, importer) = (endpoint(place.exporter), endpoint(place.importer));
        let cell = match (without, importer) {
            (Some(without), Some(importer)) => without.cell(case, importer),
            _ => Cell::of(name, case, exporter, importer, endpoint(place.second_importer)),
        };
        if self.intrusive { cell } else { cell.kept(works) }
    }

    fn add(&mut self, case: &Rc<Case>) {
        let number = self.cases.len() as u32;
        let able = |side: Side| -> Vec<Able<'_>> {
            let numbered = (1..).filter_map(NonZeroU32::new).zip(&self.endpoints);
            numbered.filter(|(_, endpoint)| why_not(case, endpoint, side).is_none()).collect()
        };
        let alone = Place { case: number, ..Place::default() };
        let mut places = Vec::new();
        let mut without = None;
        match case.cells {
            Cells::Exporter => {
                let exporters = able(Side::Exporter);
                places.extend(exporters.iter().map(|&(exporter, _)| Place { exporter: Some(exporter), ..alone }));
            }
            Cells::Importer => {
                let importers = able(Side::Importer);
                places.extend(importers.iter().map(|&(importer, _)| Place { importer: Some(importer), ..alone }));
            }
            Cells::Pair | Cells::PairOfSorts => {
                let (mut exporters, mut importers) = (able(Side::Exporter), able(Side::Importer));
                if case.cells == Cells::PairOfSorts {
                    (exporters, importers) = (first_of_each_sort(exporters), first_of_each_sort(importers));
                } else {
                    without = Without::of(case, &exporters);
                }
                let exporters: Vec<_> = match &without {
                    Some(_) => vec![None],
                    None => exporters.iter().map(|&(exporter, _)| Some(exporter)).collect(),
                };
                for exporter in exporters {
                    let pair = |&(importer, _): &Able<'_>| Place { exporter, importer: Some(importer), ..alone };
                    places.extend(importers.iter().map(pair));
                }
            }
            Cells::Chain => {
                let importers = first_of_each_sort(able(Side::Importer));
                let seconds = first_of_each_sort(able(Side::SecondImporter));
                for (exporter, _) in first_of_each_sort(able(Side::Exporter)) {
                    for &(importer, _) in &importers {
                        let others = seconds.iter().map(|&(second, _)| second).filter(|&second| second != importer);
                        let (exporter, importer) = (Some(exporter), Some(importer));
                        places.extend(others.map(|second| Place {
                            exporter,
                            importer,
                            second_importer: Some(second),
                            ..alone
                        }));
                    }
                }
            }
        }
        let works = case.steps.iter().flat_map(|step| step.takes_away()).collect();
        self.cases.push(Planned { name: case.id(), case: case.clone(), works, without: without.map(Rc::new) });
        self.places.extend(places);
    }
}

/// An endpoint with its place in the list, from 1.
type Able<'a> = (NonZeroU32, &'a Rc<Endpoint>);

/// Returns why an endpoint has no cell of a case on one side of it.
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

/// Plans a case without the only exporter that shows whether its rule is kept.
#[derive(Debug)]
struct Without {
    key: String,
    exporter: Option<Rc<Endpoint>>,
    why: String,
}

impl Without {
    fn of(case: &Case, exporters: &[Able<'_>]) -> Option<Self> {
        let observed = case.observed_by.as_ref()?;
        let key = observed.exporter.clone()?;
        // A mock stands for any of them.
        let stands = |endpoint: &&Rc<Endpoint>| endpoint.key == key || endpoint.kind == Kind::Mock;
        let found = exporters.iter().map(|&(_, endpoint)| endpoint).find(stands);
        let why = match found.map(|endpoint| endpoint.blocked.as_deref()) {
            Some(None) => return None,
            Some(Some(blocked)) => format!("{key} cannot be used: {blocked}"),
            None => format!("{key} is not here: {}", observed.remedy),
        };
        Some(Self { key, exporter: found.cloned(), why })
    }

    fn cell(&self, case: &Rc<Case>, importer: &Rc<Endpoint>) -> Cell {
        let id = format!("{}.{}.{}", case.id(), self.key, importer.key);
        let (case, exporter, importer) = (case.clone(), self.exporter.clone(), Some(importer.clone()));
        let (number, second_importer, unobserved, kept) = (0, None, Some(self.why.clone()), None);
        Cell { id, number, case, exporter, importer, second_importer, unobserved, kept }
    }
}

/// Returns the one whose key comes first among endpoints that are alike. Alike are those that share driver and memory; the
/// queues of V4L2 share videobuf2's allocators, whatever their driver.
fn first_of_each_sort(mut endpoints: Vec<Able<'_>>) -> Vec<Able<'_>> {
    endpoints.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
    let mut seen = BTreeSet::new();
    endpoints.retain(|(_, endpoint)| {
        let allocator = endpoint.map_dma_buf.as_deref().filter(|_| endpoint.kind == Kind::V4l2);
        let driver = if endpoint.kind == Kind::Mock { &endpoint.key } else { &endpoint.driver };
        seen.insert((endpoint.kind, allocator.unwrap_or(driver), endpoint.memory))
    });
    endpoints
}

#[cfg(test)]
mod tests {
    use spec::case::Memory;

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

    fn cells(cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]) -> Vec<Cell> {
        plan(cases, endpoints).iter().collect()
    }

    fn ids(cells: &str, more: &str, endpoints: &[Rc<Endpoint>]) -> Vec<String> {
        plan(&[case(cells, more)], endpoints).iter().map(|cell| cell.id).collect()
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
            let mut ids: Vec<_> = plan(cases, endpoints).iter().map(|cell| (cell.id.clone(), cell.sizes())).collect();
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
        let numbered = (1..).filter_map(NonZeroU32::new).zip(&endpoints).collect();
        let keys: Vec<_> = first_of_each_sort(numbered).iter().map(|(_, endpoint)| endpoint.key.as_str()).collect();
        assert_eq!(keys, ["a-pageless", "a-pages", "b-vimc-cap0", "c-vivid-cap1", "d-uvc-cap0"]);
        let able = endpoints.map(|endpoint| Rc::new(Endpoint { exports: true, imports: true, ..(*endpoint).clone() }));
        assert_eq!((ids("pair-of-sorts", "", &able).len(), ids("pair", "", &able).len()), (25, 36));
    }

    #[test]
    fn sizes_that_a_device_makes_one_are_one() {
        let endpoint = Endpoint { smallest: 5000, ..(*endpoint(Kind::Drm, "a", true, false)).clone() };
        let cells = cells(&[case("exporter", "sizes: [1, 4095, 4097, 8KiB]\n")], &[Rc::new(endpoint)]);
        assert_eq!(cells[0].sizes(), [5000, 8192]);
    }

    #[test]
    fn without_the_exporter_that_shows_it_each_importer_has_a_cell_that_says_so() {
        let more = "exporters: {key: [canary-decoy]}\nobserved-by: {exporter: canary-decoy, remedy: load the module}\n";
        let importer = endpoint(Kind::Drm, "a", true, true);
        let decoy = endpoint(Kind::Canary, "canary-decoy", true, false);
        let cells = |endpoints: &[Rc<Endpoint>]| cells(&[case("pair", more)], endpoints);
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
        let cells = cells(&[case("pair", "")], &[Rc::new(blocked)]);
        assert_eq!(cells[0].blocked(), Some("no permission"));
    }

    #[test]
    fn a_device_that_somebody_may_use_is_left_to_him() {
        let steps = "steps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - stream: {capture: [f]}\n";
        let text = format!("name: c\nrule: r\nwhy: w\nreference: f\ncells: pair\n{steps}");
        let case = Rc::new(Case::parse(Path::new("area/c.yaml"), &text).unwrap());
        let camera = endpoint(Kind::V4l2, "v4l2-uvc-cap0", true, true);
        let spare = Rc::new(Endpoint { spare: true, key: "v4l2-vivid-cap0".into(), ..(*camera).clone() });
        let plan = plan(&[case], &[camera, spare]);
        let blocked: Vec<bool> = plan.iter().map(|cell| cell.blocked().is_some()).collect();
        assert_eq!(blocked, [true, false, true, false], "the exporter only allocates");
        assert!(plan.iter().next().unwrap().blocked().is_some_and(|why| why.contains("--intrusive")));
        assert!(plan.intrusive().iter().all(|cell| cell.blocked().is_none()));
    }

    #[test]
    fn what_is_put_last_and_what_is_kept_keep_their_order() {
        let endpoints = ["a", "b", "c", "d"].map(|key| endpoint(Kind::Drm, key, true, false));
        let mut plan = plan(&[case("exporter", "")], &endpoints);
        plan.put_last(|cell| ["area.c.c", "area.c.a"].contains(&cell.id.as_str()));
        let ids = |plan: &Plan| plan.iter().map(|cell| cell.id).collect::<Vec<_>>();
        assert_eq!(ids(&plan), ["area.c.b", "area.c.d", "area.c.a", "area.c.c"]);
        plan.retain(|cell| cell.id != "area.c.d");
        assert_eq!((ids(&plan), plan.len()), (vec!["area.c.b".into(), "area.c.a".into(), "area.c.c".into()], 3));
    }

    #[test]
    fn a_buffer_is_as_large_as_its_importer_needs() {
        let importer = Endpoint { smallest: 1 << 20, ..(*endpoint(Kind::V4l2, "b", false, true)).clone() };
        let cells = cells(&[case("pair", "size: 4KiB\n")], &[endpoint(Kind::Drm, "a", true, false), Rc::new(importer)]);
        assert_eq!(cells[0].sizes(), [1 << 20]);
    }
}
