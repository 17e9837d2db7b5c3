//! Endpoints x cases = cells. Pure: nothing is opened here.

use std::rc::Rc;

use device::Endpoint;
use document::case::{Case, Cells};
use document::step::Side;

/// A case applied to its endpoints.
#[derive(Debug, Clone)]
pub struct Cell {
    /// `<area>.<case>.<endpoint>[.<importer>]`.
    pub id: String,
    /// The rule.
    pub case: Rc<Case>,
    /// Who exports, if the case wants one.
    pub exporter: Option<Rc<Endpoint>>,
    /// Who imports, if the case wants one.
    pub importer: Option<Rc<Endpoint>>,
}

impl Cell {
    /// Why it cannot be run, known beforehand.
    pub fn blocked(&self) -> Option<&str> {
        [&self.exporter, &self.importer].into_iter().flatten().find_map(|endpoint| endpoint.blocked.as_deref())
    }

    /// The buffer's size in bytes: the case's, or what the devices need at least.
    pub fn size(&self) -> u64 {
        let needed = [&self.exporter, &self.importer].into_iter().flatten().map(|endpoint| endpoint.smallest).max();
        self.case.size.0.max(needed.unwrap_or(0))
    }
}

/// Every cell, the cases in their order, the endpoints in theirs.
pub fn plan(cases: &[Rc<Case>], endpoints: &[Rc<Endpoint>]) -> Vec<Cell> {
    cases.iter().flat_map(|case| cells_of(case, endpoints)).collect()
}

/// Why an endpoint has no cell of a case on one side of it.
pub fn why_not(case: &Case, endpoint: &Endpoint, side: Side) -> Option<String> {
    let (selector, able, word) = match side {
        Side::Exporter => (&case.exporters, endpoint.exports, "export"),
        Side::Importer => (&case.importers, endpoint.imports, "import"),
    };
    // What a blocked endpoint can do is not known: it is planned for both, and its cells say that it is blocked.
    let unknown = endpoint.blocked.is_some() && (side == Side::Exporter || endpoint.kind.imports());
    if !able && !unknown {
        return Some(format!("it does not {word}"));
    }
    let part = selector.why_not(endpoint.kind, &endpoint.key, &endpoint.driver)?;
    let driver = if part == "driver" { format!(" '{}'", endpoint.driver) } else { String::new() };
    Some(format!("'{word}ers' does not select its {part}{driver}"))
}

fn cells_of(case: &Rc<Case>, endpoints: &[Rc<Endpoint>]) -> Vec<Cell> {
    let exports = |endpoint: &&Rc<Endpoint>| why_not(case, endpoint, Side::Exporter).is_none();
    let imports = |endpoint: &&Rc<Endpoint>| why_not(case, endpoint, Side::Importer).is_none();
    let cell = |exporter: Option<&Rc<Endpoint>>, importer: Option<&Rc<Endpoint>>| {
        let keys = [exporter, importer].into_iter().flatten().map(|endpoint| format!(".{}", endpoint.key));
        let id = case.id() + &keys.collect::<String>();
        Cell { id, case: case.clone(), exporter: exporter.cloned(), importer: importer.cloned() }
    };
    match case.cells {
        Cells::Exporter => endpoints.iter().filter(exports).map(|exporter| cell(Some(exporter), None)).collect(),
        Cells::Importer => endpoints.iter().filter(imports).map(|importer| cell(None, Some(importer))).collect(),
        Cells::Pair => {
            let importers: Vec<_> = endpoints.iter().filter(imports).collect();
            let exporters = endpoints.iter().filter(exports);
            exporters
                .flat_map(|exporter| {
                    importers.iter().map(|importer| cell(Some(exporter), Some(importer))).collect::<Vec<_>>()
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use document::case::Kind;
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
                plan(cases, endpoints).into_iter().map(|cell| (cell.id.clone(), cell.size())).collect();
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
    fn a_blocked_endpoint_is_planned_and_says_so() {
        let blocked =
            Endpoint { blocked: Some("no permission".into()), ..(*endpoint(Kind::Drm, "a", false, false)).clone() };
        let cells = plan(&[case("pair", "")], &[Rc::new(blocked)]);
        assert_eq!(cells[0].blocked(), Some("no permission"));
    }

    #[test]
    fn a_buffer_is_as_large_as_its_importer_needs() {
        let importer = Endpoint { smallest: 1 << 20, ..(*endpoint(Kind::V4l2, "b", false, true)).clone() };
        let cells = plan(&[case("pair", "size: 4KiB\n")], &[endpoint(Kind::Drm, "a", true, false), Rc::new(importer)]);
        assert_eq!(cells[0].size(), 1 << 20);
    }
}
