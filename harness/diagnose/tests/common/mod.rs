//! Runs that are made up: a board, a run in which all is as it should be, faults that are planted, and a judge.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::collections::BTreeSet;

use event::cause::{Cause, Role, Sure, Suspect};
use event::journal::Recorded;
use event::{Blame, CellEnd, EndpointFound, Event, MapDmaBuf, Oracle, sample};
use spec::verdict::{Outcome, Verdict};

/// Key, kind, driver, the function of its first export. A key that begins with `heap` or `udmabuf` does not import.
pub type Row = (&'static str, &'static str, &'static str, &'static str);

/// A board like debian-amd64.
pub const BOARD: &[Row] = &[
    ("drm-bochs-drm", "drm", "bochs-drm", "drm_gem_map_dma_buf"),
    ("drm-cirrus", "drm", "cirrus", "drm_gem_map_dma_buf"),
    ("drm-vgem", "drm", "vgem", "drm_gem_map_dma_buf"),
    ("drm-virtio_gpu", "drm", "virtio_gpu", "virtgpu_gem_map_dma_buf"),
    ("drm-vkms", "drm", "vkms", "drm_gem_map_dma_buf"),
    ("heap-system", "heap", "system", "system_heap_map_dma_buf"),
    ("udmabuf", "udmabuf", "udmabuf", "map_udmabuf"),
    ("v4l2-vicodec-cap0", "v4l2", "vicodec", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vicodec-out0", "v4l2", "vicodec", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vicodec-out1", "v4l2", "vicodec", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vim2m-cap0", "v4l2", "vim2m", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vim2m-out0", "v4l2", "vim2m", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vimc-cap0", "v4l2", "vimc", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vivid-cap0", "v4l2", "vivid", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vivid-cap1", "v4l2", "vivid", "vb2_dc_dmabuf_ops_map"),
    ("v4l2-vivid-cap2", "v4l2", "vivid", "vb2_vmalloc_dmabuf_ops_map"),
    ("v4l2-vivid-cap3", "v4l2", "vivid", "vb2_dc_dmabuf_ops_map"),
];

pub const ALONE: &[&str] =
    &["fd.size", "mapping.whole", "mapping.at-offset", "lifetime.close", "name.set", "sync.flags"];
pub const PAIRS: &[&str] = &[
    "access.device-reads",
    "access.device-writes",
    "coherence.importer-to-dma-buf",
    "coherence.dma-buf-to-importer",
    "identity.re-export",
    "identity.duplicate-handle",
    "leaks.import",
    "leaks.rounds",
    "lifetime.import-outlives",
    "refusal.too-small",
    "stream.convert",
    "fence.pending",
];

/// A generator of numbers that are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub fn endpoints(board: &[Row]) -> Vec<EndpointFound> {
    let one = |&(key, kind, driver, symbol): &Row| EndpointFound {
        key: key.into(),
        kind: kind.into(),
        driver: driver.into(),
        exports: true,
        imports: !["heap", "udmabuf"].contains(&kind),
        map_dma_buf: Some(MapDmaBuf { symbol: Some(symbol.into()), exp_name: "x".into(), observed: true }),
        ..EndpointFound::default()
    };
    board.iter().map(one).collect()
}

pub fn cell(id: &str, verdict: Verdict, accessed: bool) -> CellEnd {
    let device_access = if accessed { vec!["read".to_owned()] } else { Vec::new() };
    let mut cell = CellEnd { device_access, ..sample::cell(id, verdict, Outcome::Expected) };
    cell.damaged_by = None;
    cell.known.clear();
    cell.findings.iter_mut().for_each(|finding| (finding.blame, finding.lines) = (Blame::Undecided, Vec::new()));
    cell
}

/// What needs contiguous memory.
pub fn contiguous(board: &[Row], key: &str) -> bool {
    board.iter().any(|row| row.0 == key && ["vb2_dc_dmabuf_ops_map", "drm_gem_dma"].contains(&row.3))
}

/// A run in which everything is as it should be: what takes contiguous memory only refuses the others' buffers.
pub fn clean(board: &[Row]) -> Vec<CellEnd> {
    let mut cells = Vec::new();
    for exporter in board {
        for case in ALONE {
            cells.push(cell(&format!("{case}.{}", exporter.0), Verdict::Pass, false));
        }
        for importer in board.iter().filter(|row| !["heap", "udmabuf"].contains(&row.1)) {
            let refuses = contiguous(board, importer.0) && !contiguous(board, exporter.0);
            let verdict = if refuses { Verdict::Refused } else { Verdict::Pass };
            for case in PAIRS {
                // A device of V4L2 reads and writes by itself, one of DRM does not here.
                let accessed = importer.1 == "v4l2" && ["access", "stream"].contains(&area(case));
                cells.push(cell(&format!("{case}.{}.{}", exporter.0, importer.0), verdict, accessed));
            }
        }
    }
    cells
}

pub fn area(case: &str) -> &str {
    case.split('.').next().unwrap_or_default()
}

pub fn run(board: &[Row], cells: Vec<CellEnd>) -> Recorded {
    let mut events: Vec<Event> = sample::events().into_iter().filter(|event| matches!(event, Event::Run(_))).collect();
    events.extend(endpoints(board).into_iter().map(Event::Endpoint));
    events.extend(cells.into_iter().map(Event::Cell));
    Recorded::of(events).unwrap()
}

pub fn causes(board: &[Row], cells: Vec<CellEnd>) -> Vec<Cause> {
    let registry = catalogue::registry::embedded().unwrap();
    diagnose::of(&run(board, cells), Some(&registry))
}

pub fn keys(board: &[Row], of: impl Fn(&Row) -> bool) -> Vec<&'static str> {
    board.iter().filter(|row| of(row)).map(|row| row.0).collect()
}

/// What a driver, an allocator, a subsystem of a board has.
pub fn culprits(board: &[Row]) -> Vec<Vec<&'static str>> {
    let of = |column: fn(&Row) -> &'static str| -> Vec<Vec<&'static str>> {
        let names: BTreeSet<&str> = board.iter().map(column).collect();
        names.into_iter().map(|name| keys(board, |row| column(row) == name)).collect()
    };
    let shared = [of(|row| row.3), of(|row| row.1)].concat();
    let mut all = of(|row| row.2);
    for group in shared.into_iter().filter(|group| group.len() > 1) {
        let in_kind = |kind: &str| group.iter().all(|key| key.starts_with(kind));
        // Of the DRM core's own function nothing is known but the subsystem.
        let of_drm = in_kind("drm") && group.len() < keys(board, |row| row.1 == "drm").len();
        if !of_drm && !in_kind("heap") && !all.contains(&group) {
            all.push(group);
        }
    }
    all
}

pub fn is(key: Option<&String>, of: &[&str]) -> bool {
    key.is_some_and(|key| of.contains(&key.as_str()))
}

/// Whether someone has this role in a cell.
pub fn has_role(cell: &CellEnd, of: &[&str], role: Role) -> bool {
    let imports = is(cell.importer.as_ref(), of) || is(cell.second_importer.as_ref(), of);
    match role {
        Role::Exporter => is(cell.exporter.as_ref(), of),
        Role::Importer => imports,
        Role::Either => imports || is(cell.exporter.as_ref(), of),
    }
}

/// Makes the cells fail that do so by this rule, and returns how many do.
pub fn plant(
    cells: &mut [CellEnd],
    mut shows: impl FnMut(&CellEnd) -> bool,
    mut spoil: impl FnMut(&mut CellEnd),
) -> usize {
    let mut count = 0;
    for place in cells.iter_mut().filter(|cell| cell.verdict == Verdict::Pass && shows(cell)) {
        let accessed = !place.device_access.is_empty();
        *place = CellEnd { outcome: Outcome::Regression, ..cell(&place.id, Verdict::Fail, accessed) };
        spoil(place);
        count += 1;
    }
    count
}

/// What an oracle says of a cell.
pub fn say(cell: &mut CellEnd, oracle: Oracle, blame: Blame, lines: &[&str]) {
    for finding in &mut cell.findings {
        (finding.oracle, finding.blame) = (oracle.clone(), blame);
        finding.lines = lines.iter().map(|line| (*line).to_owned()).collect();
    }
}

/// How well the causes of many runs are reported.
#[derive(Debug, Default)]
pub struct Judge {
    pub faults: usize,
    /// The first cause is the one at fault, in its role.
    pub right: usize,
    /// It is the first or among those that the first is not told from.
    pub held: usize,
    /// Causes that are called sure, and accuse someone who has nothing to do with it, the other side, or more than are guilty.
    pub surely_wrong: usize,
    pub causes: usize,
}

impl Judge {
    /// Judges a run with one fault.
    pub fn take(&mut self, found: &[Cause], truth: &[&str], role: Role) {
        let exact = |suspect: &Suspect| {
            let named: BTreeSet<&str> = suspect.endpoints.iter().map(String::as_str).collect();
            named == truth.iter().copied().collect() && suspect.role == role
        };
        let first = found.first();
        let right = first.is_some_and(|cause| exact(&cause.suspect));
        self.faults += 1;
        self.causes += found.len();
        self.right += usize::from(right);
        self.held += usize::from(right || first.is_some_and(|cause| cause.or.iter().any(exact)));
        let wrong = found.iter().filter(|cause| is_surely_wrong(cause, &[(truth, role)])).count();
        self.surely_wrong += wrong;
        if (!right || wrong > 0) && std::env::var_os("SHOW").is_some() {
            println!("{truth:?} {role:?}{}", if wrong > 0 { " SURELY WRONG" } else { "" });
            found.iter().for_each(show);
        }
    }

    /// Demands shares in hundredths, and that no one is accused wrongly and surely.
    pub fn demand(&self, what: &str, right: usize, held: usize) {
        let told = format!("{what}: {self:?}");
        println!("{told}");
        assert!(self.faults > 0 && self.surely_wrong == 0, "{told}");
        assert!(self.right * 100 >= self.faults * right && self.held * 100 >= self.faults * held, "{told}");
    }
}

/// Whether a cause is called sure, and someone is accused who is not at fault.
pub fn is_surely_wrong(cause: &Cause, truths: &[(&[&str], Role)]) -> bool {
    let fits = |(truth, role): &(&[&str], Role)| {
        let inside = cause.suspect.endpoints.iter().all(|key| truth.contains(&key.as_str()));
        inside && (cause.suspect.role == *role || cause.suspect.role == Role::Either || *role == Role::Either)
    };
    cause.sure != Sure::Open && !truths.iter().any(fits)
}

pub fn show(cause: &Cause) {
    let or: Vec<String> = cause.or.iter().map(ToString::to_string).collect();
    println!(
        "   {} {:?} {} of {} +{} {:?} ({}) or {or:?} {}",
        cause.suspect,
        cause.suspect.endpoints,
        cause.evidence.fails,
        cause.evidence.of,
        cause.evidence.in_other_roles,
        cause.sure,
        cause.why,
        cause.smallest
    );
}
