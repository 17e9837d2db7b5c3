//! A case in words, and where on a machine it applies: pure text from a case and the endpoints.

use std::rc::Rc;

use device::Endpoint;
use spec::case::{Case, Cells};
use spec::step::Side;
use spec::words::{self, Words};

use runner::plan::{plan, why_not};
use spec::lines::wrapped;

/// Explains a case; for a cell's id, only with its endpoints.
pub fn text(case: &Rc<Case>, id: &str, endpoints: &[Rc<Endpoint>]) -> String {
    let mut text = format!("{}\n", case.id());
    let cells = match case.cells {
        Cells::Exporter => "each exporter",
        Cells::Importer => "each importer, without an exporter's buffer",
        Cells::Pair => "each exporter with each importer",
        Cells::PairOfSorts => "one exporter of each sort with one importer of each sort",
        Cells::Chain => "each exporter with two importers, the first endpoint of each driver",
    };
    let size = format!("{}, or what the devices need at least", case.size);
    let rows = [("rule", &*case.rule), ("why", &*case.why), ("reference", &*case.reference)];
    let guards = case.guards.iter().map(|guard| ("guards", guard.as_str()));
    let deadline = case.deadline.to_string();
    let rest = [("cells", cells), ("size", &size), ("deadline", &deadline)];
    for (name, value) in rows.into_iter().chain(guards).chain(rest) {
        text += &wrapped(&format!("  {name:<10} "), value);
    }
    text += "\nSteps\n";
    steps(&words::of_steps(&case.steps), "  ", &mut text);
    text += "\n";
    text += &if id == case.id() { where_on(case, endpoints) } else { of_cell(case, id, endpoints) };
    text
}

fn steps(all: &[Words], indent: &str, text: &mut String) {
    for (number, step) in all.iter().enumerate() {
        *text += &format!("{indent}{:>2} {}\n", number + 1, step.written);
        *text += &wrapped(&format!("{indent}     "), &step.meaning);
        steps(&step.inner, &format!("{indent}     "), text);
    }
}

/// The sides of a cell that are devices.
fn sides(case: &Case) -> &'static [(Side, &'static str)] {
    match case.cells {
        Cells::Exporter => &[(Side::Exporter, "exporter")],
        Cells::Importer => &[(Side::Importer, "importer")],
        Cells::Pair | Cells::PairOfSorts => &[(Side::Exporter, "exporter"), (Side::Importer, "importer")],
        Cells::Chain => {
            &[(Side::Exporter, "exporter"), (Side::Importer, "importer"), (Side::SecondImporter, "second-importer")]
        }
    }
}

fn where_on(case: &Rc<Case>, endpoints: &[Rc<Endpoint>]) -> String {
    let cells = plan(std::slice::from_ref(case), endpoints);
    let mut text = match cells.len() {
        0 if endpoints.is_empty() => "This machine has no device that shares buffers: no cells\n".to_owned(),
        0 => "No cells on this machine\n".to_owned(),
        1 => "1 cell on this machine\n".to_owned(),
        many => format!("{many} cells on this machine\n"),
    };
    for cell in cells.iter() {
        let blocked = cell.blocked().map_or(String::new(), |why| format!("  blocked: {why}"));
        let blocked = cell.unobserved.as_ref().map_or(blocked, |why| format!("  not-observable: {why}"));
        text += &format!("  {}{blocked}\n", cell.id);
    }
    for (side, name) in sides(case) {
        let others: Vec<_> =
            endpoints.iter().filter_map(|endpoint| Some((endpoint, why_not(case, endpoint, *side)?))).collect();
        if !others.is_empty() {
            text += &format!("Not as {name}\n");
        }
        for (endpoint, why) in others {
            text += &format!("  {}: {why}\n", endpoint.key);
        }
    }
    text
}

fn of_cell(case: &Rc<Case>, id: &str, endpoints: &[Rc<Endpoint>]) -> String {
    if let Some(cell) = plan(std::slice::from_ref(case), endpoints).iter().find(|cell| cell.id == id) {
        let sizes: Vec<String> = cell.sizes().iter().map(u64::to_string).collect();
        return match cell.blocked() {
            Some(why) => format!("{id} is a cell of this machine, but blocked: {why}\n"),
            None => format!("{id} is a cell of this machine, with buffers of {} bytes\n", sizes.join(", ")),
        };
    }
    let keys: Vec<&str> = id.split('.').skip(2).collect();
    let sides = sides(case);
    if keys.len() != sides.len() {
        let form: String = sides.iter().map(|(_, name)| format!(".<{name}>")).collect();
        return format!("{id} is not a cell: the cells of this case are {}{form}\n", case.id());
    }
    let mut text = format!("{id} is not a cell of this machine\n");
    for (key, (side, name)) in keys.iter().zip(sides) {
        match endpoints.iter().find(|endpoint| endpoint.key == *key) {
            None => {
                text +=
                    &format!("  {name} {key}: this machine has no such device; 'prime-cts list' shows those it has\n")
            }
            Some(endpoint) => {
                let why = why_not(case, endpoint, *side).unwrap_or_else(|| "it applies".to_owned());
                text += &format!("  {name} {key}: {why}\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::case::Kind;
    use std::path::{Path, PathBuf};

    fn endpoints() -> Vec<Rc<Endpoint>> {
        let make = |kind, key: &str, driver: &str, imports| {
            let endpoint = Endpoint::new(kind, key, driver, PathBuf::from("/dev/x"));
            Rc::new(Endpoint { exports: true, imports, ..endpoint })
        };
        let blocked = Endpoint::new(Kind::Drm, "drm-busy", "busy", PathBuf::from("/dev/x"));
        vec![
            make(Kind::Drm, "drm-vgem", "vgem", true),
            make(Kind::V4l2, "v4l2-vivid-cap0", "vivid", true),
            make(Kind::Heap, "heap-system", "system", false),
            Rc::new(Endpoint { blocked: Some("no permission".into()), ..blocked }),
        ]
    }

    fn case() -> Rc<Case> {
        let text = "name: c\nrule: It holds.\nwhy: w\nreference: f\nguards: [abc]\ncells: pair\nexporters: {driver: [vgem, busy]}\n\
            importers: {kind: [v4l2, heap]}\nsteps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  \
            - import: {file: f, as: i}\n  - map: {of: f, as: m, offset: 4KiB}\n  - fork: {steps: [check: {mapping: m}]}\n";
        Rc::new(Case::parse(Path::new("area/c.yaml"), text).unwrap_or_else(|faults| panic!("{}", faults[0])))
    }

    #[test]
    fn a_case_tells_its_rule_its_steps_its_cells_and_why_there_are_no_others() {
        let text = text(&case(), "area.c", &endpoints());
        for line in [
            "  rule       It holds.",
            "  guards     abc",
            "   4 map: {of: m_, as: m, offset: 4KiB}".replace("m_", "f").as_str(),
            "        1 check: {mapping: m}",
            "2 cells on this machine",
            "  area.c.drm-vgem.v4l2-vivid-cap0",
            "  area.c.drm-busy.v4l2-vivid-cap0  blocked: no permission",
            "  v4l2-vivid-cap0: 'exporters' does not select its driver 'vivid'",
            "  heap-system: it does not import",
            "  drm-vgem: 'importers' does not select its kind",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_cell_is_told_alone() {
        let of = |id: &str| text(&case(), id, &endpoints());
        assert!(of("area.c.drm-vgem.v4l2-vivid-cap0").contains("is a cell of this machine, with buffers of 65536"));
        assert!(of("area.c.drm-busy.v4l2-vivid-cap0").contains("blocked: no permission"));
        assert!(of("area.c.drm-vgem.heap-system").contains("importer heap-system: it does not import"));
        assert!(of("area.c.drm-vgem.drm-none").contains("importer drm-none: this machine has no such device"));
        assert!(of("area.c.drm-vgem").contains("area.c.<exporter>.<importer>"));
    }
}
