//! Faults that are made up: a whole run of a board like debian-amd64, in which what a suspect takes part in fails, under
//! conditions of many kinds. Each must be named, in its role, and no one else.

use std::collections::BTreeSet;

use event::cause::{Cause, Role, Sure};
use event::journal::Recorded;
use event::{Blame, CellEnd, EndpointFound, Event, MapDmaBuf, sample};
use spec::verdict::{Outcome, Verdict};

/// Key, kind, driver, the function of its first export; exports, imports.
const BOARD: &[(&str, &str, &str, &str)] = &[
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

const ALONE: &[&str] = &["fd.size", "mapping.whole", "mapping.at-offset", "lifetime.close", "name.set", "sync.flags"];
const PAIRS: &[&str] = &[
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
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn endpoints() -> Vec<EndpointFound> {
    let one = |&(key, kind, driver, symbol): &(&str, &str, &str, &str)| EndpointFound {
        key: key.into(),
        kind: kind.into(),
        driver: driver.into(),
        exports: true,
        imports: !["heap", "udmabuf"].contains(&kind),
        map_dma_buf: Some(MapDmaBuf { symbol: Some(symbol.into()), exp_name: "x".into(), observed: true }),
        ..EndpointFound::default()
    };
    BOARD.iter().map(one).collect()
}

fn cell(id: &str, verdict: Verdict, accessed: bool) -> CellEnd {
    let device_access = if accessed { vec!["read".to_owned()] } else { Vec::new() };
    let mut cell = CellEnd { device_access, ..sample::cell(id, verdict, Outcome::Expected) };
    cell.damaged_by = None;
    cell.known.clear();
    cell.findings.iter_mut().for_each(|finding| (finding.blame, finding.lines) = (Blame::Undecided, Vec::new()));
    cell
}

/// A run in which everything is as it should be: what takes contiguous memory only refuses the others' buffers.
fn clean() -> Vec<CellEnd> {
    let found = endpoints();
    let mut cells = Vec::new();
    for exporter in &found {
        for case in ALONE {
            cells.push(cell(&format!("{case}.{}", exporter.key), Verdict::Pass, false));
        }
        for importer in found.iter().filter(|endpoint| endpoint.imports) {
            let symbol = |endpoint: &EndpointFound| endpoint.map_dma_buf.clone().and_then(|through| through.symbol);
            let contiguous = |endpoint: &EndpointFound| symbol(endpoint).as_deref() == Some("vb2_dc_dmabuf_ops_map");
            let refuses = contiguous(importer) && !contiguous(exporter);
            let verdict = if refuses { Verdict::Refused } else { Verdict::Pass };
            for case in PAIRS {
                // A device of V4L2 reads and writes by itself, one of DRM does not here.
                let accessed =
                    importer.kind == "v4l2" && ["access", "stream"].contains(&case.split('.').next().unwrap());
                cells.push(cell(&format!("{case}.{}.{}", exporter.key, importer.key), verdict, accessed));
            }
        }
    }
    cells
}

fn run(cells: Vec<CellEnd>) -> Recorded {
    let mut events: Vec<Event> = sample::events().into_iter().filter(|event| matches!(event, Event::Run(_))).collect();
    events.extend(endpoints().into_iter().map(Event::Endpoint));
    events.extend(cells.into_iter().map(Event::Cell));
    Recorded::of(events).unwrap()
}

fn causes(cells: Vec<CellEnd>) -> Vec<Cause> {
    let registry = catalogue::registry::embedded().unwrap();
    diagnose::of(&run(cells), Some(&registry))
}

/// A fault: who, in which role, in which cases, and with which partners it shows.
struct Fault {
    keys: Vec<&'static str>,
    role: Role,
    cases: Vec<&'static str>,
    /// Of those that it meets, the share that shows it, in tenths, chosen by the partner's key.
    partners: u64,
    accessed: bool,
}

impl Fault {
    fn shows(&self, cell: &CellEnd, dice: u64) -> bool {
        let is = |key: &Option<String>| key.as_deref().is_some_and(|key| self.keys.contains(&key));
        let (own, partner) = match self.role {
            Role::Exporter => (is(&cell.exporter), &cell.importer),
            _ => (is(&cell.importer), &cell.exporter),
        };
        let chosen = partner.as_ref().is_none_or(|key| {
            let sum = key.bytes().fold(dice, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
            (sum >> 7) % 10 < self.partners
        });
        cell.verdict == Verdict::Pass
            && own
            && chosen
            && self.cases.contains(&cell.case.as_str())
            && (!self.accessed || cell.importer.is_none() || !cell.device_access.is_empty())
    }

    fn plant(&self, cells: &mut [CellEnd], dice: u64) -> usize {
        let mut count = 0;
        for place in cells.iter_mut() {
            if self.shows(place, dice) {
                let accessed = !place.device_access.is_empty();
                *place = CellEnd { outcome: Outcome::Regression, ..cell(&place.id, Verdict::Fail, accessed) };
                count += 1;
            }
        }
        count
    }
}

fn keys(of: impl Fn(&(&str, &str, &str, &str)) -> bool) -> Vec<&'static str> {
    BOARD.iter().filter(|row| of(row)).map(|row| row.0).collect()
}

/// Who can be at fault: drivers, helpers, subsystems.
fn culprits() -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&'static str>> = Vec::new();
    for driver in
        ["bochs-drm", "cirrus", "vgem", "virtio_gpu", "vkms", "system", "udmabuf", "vicodec", "vim2m", "vimc", "vivid"]
    {
        all.push(keys(|row| row.2 == driver));
    }
    for symbol in ["vb2_vmalloc_dmabuf_ops_map", "vb2_dc_dmabuf_ops_map"] {
        all.push(keys(|row| row.3 == symbol));
    }
    all.push(keys(|row| row.1 == "v4l2"));
    all.push(keys(|row| row.1 == "drm"));
    all.push(keys(|row| ["cirrus", "vgem", "virtio_gpu", "vkms"].contains(&row.2)));
    all
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let mut all = Vec::new();
    for keys in culprits() {
        for role in [Role::Exporter, Role::Importer] {
            if role == Role::Importer && keys.iter().any(|key| ["heap-system", "udmabuf"].contains(key)) {
                continue;
            }
            for partners in [10, 6, 3] {
                for accessed in [false, true] {
                    let pool: Vec<&'static str> =
                        if role == Role::Exporter { [ALONE, PAIRS].concat() } else { PAIRS.to_vec() };
                    let cases: BTreeSet<&'static str> =
                        (0..=dice.roll(4)).map(|_| pool[dice.roll(pool.len() as u64) as usize]).collect();
                    all.push(Fault {
                        keys: keys.clone(),
                        role,
                        cases: cases.into_iter().collect(),
                        partners,
                        accessed,
                    });
                }
            }
        }
    }
    all
}

/// Whether a suspect is the one at fault, or a part of it that a run cannot tell from the whole.
fn is_right(cause: &Cause, fault: &Fault) -> bool {
    let named: BTreeSet<&str> = cause.suspect.endpoints.iter().map(String::as_str).collect();
    let truth: BTreeSet<&str> = fault.keys.iter().copied().collect();
    named == truth && (cause.suspect.role == fault.role)
}

#[test]
fn a_single_fault_is_named_in_its_role() {
    let mut dice = Dice(7);
    let (mut all, mut right, mut wrong, mut sure_and_wrong, mut count) = (0, 0, 0, 0, 0);
    for fault in faults(&mut dice) {
        let mut cells = clean();
        let seed = dice.roll(1 << 30);
        if fault.plant(&mut cells, seed) == 0 {
            continue;
        }
        all += 1;
        let found = causes(cells);
        count += found.len();
        let first = &found[0];
        let apart = first.suspect.endpoints.iter().all(|key| !fault.keys.contains(&key.as_str()));
        if is_right(first, &fault) {
            right += 1;
        } else if std::env::var_os("SHOW").is_some() {
            println!(
                "{:?} {:?} {:?} partners {} accessed {}: {} {:?} ({} of {}), {} causes, {:?}",
                fault.keys,
                fault.role,
                fault.cases,
                fault.partners,
                fault.accessed,
                first.suspect,
                first.suspect.endpoints,
                first.evidence.fails,
                first.evidence.of,
                found.len(),
                first.sure
            );
        }
        let other_role = first.suspect.role != fault.role && first.suspect.role != Role::Either;
        wrong += usize::from(apart || other_role);
        if (apart || other_role) && first.sure != Sure::Open {
            sure_and_wrong += 1;
            found.iter().for_each(|cause| println!("   {}: {:?}, {:?}", cause.suspect, cause.evidence, cause.cells));
        }
    }
    let told = format!("{all} faults: {right} right, {wrong} another, {sure_and_wrong} of them surely, {count} causes");
    println!("{told}");
    assert!(right * 100 >= all * 95 && sure_and_wrong == 0 && count * 10 <= all * 11, "{told}");
}

#[test]
fn two_faults_are_two_causes() {
    let mut dice = Dice(11);
    let all: Vec<Fault> = faults(&mut dice).into_iter().filter(|fault| fault.partners >= 6).collect();
    let (mut pairs, mut both, mut count, mut surely_wrong) = (0, 0, 0, 0);
    for _ in 0..150 {
        let [one, other] = [0; 2].map(|_| &all[dice.roll(all.len() as u64) as usize]);
        if one.keys.iter().any(|key| other.keys.contains(key)) {
            continue;
        }
        let mut cells = clean();
        let seeds = [0; 2].map(|_| dice.roll(1 << 30));
        if one.plant(&mut cells, seeds[0]) < 4 || other.plant(&mut cells, seeds[1]) < 4 {
            continue;
        }
        pairs += 1;
        let found = causes(cells);
        count += found.len();
        let named = |fault: &Fault| found.iter().take(3).any(|cause| is_right(cause, fault));
        both += usize::from(named(one) && named(other));
        let guilty = |key: &String| one.keys.contains(&key.as_str()) || other.keys.contains(&key.as_str());
        let wrong = |cause: &&Cause| cause.sure != Sure::Open && !cause.suspect.endpoints.iter().any(guilty);
        surely_wrong += found.iter().filter(wrong).count();
        if !(named(one) && named(other)) && std::env::var_os("SHOW").is_some() {
            for fault in [one, other] {
                println!("{:?} {:?} {:?} {} {}", fault.keys, fault.role, fault.cases, fault.partners, fault.accessed);
            }
            for cause in &found {
                println!("   {} {} of {} {:?}", cause.suspect, cause.evidence.fails, cause.evidence.of, cause.sure);
            }
        }
    }
    let told = format!("{pairs} pairs: {both} both named, {count} causes, {surely_wrong} surely wrong");
    println!("{told}");
    assert!(both * 100 >= pairs * 90 && surely_wrong == 0 && count * 10 <= pairs * 2 * 11, "{told}");
}

#[test]
fn a_run_without_failures_has_no_cause_and_ten_thousand_cells_are_no_work() {
    assert_eq!(causes(clean()), []);
    let mut cells = clean();
    for round in 0..3 {
        let more: Vec<CellEnd> = clean()
            .into_iter()
            .map(|cell| {
                let id = cell.id.replacen('.', &format!("{round}."), 1);
                CellEnd { case: spec::case::case_of(&id), id, ..cell }
            })
            .collect();
        cells.extend(more);
    }
    assert!(cells.len() >= 10_000, "{}", cells.len());
    let fault = Fault {
        keys: keys(|row| row.1 == "v4l2"),
        role: Role::Importer,
        cases: PAIRS.to_vec(),
        partners: 10,
        accessed: false,
    };
    fault.plant(&mut cells, 1);
    assert_eq!(causes(cells).len(), 1);
}
