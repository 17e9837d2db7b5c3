//! Faults that are made up: a whole run of a board like debian-amd64, in which what a suspect takes part in fails, under
//! conditions of many kinds. Each must be named, in its role, and no one else.

mod common;

use std::collections::BTreeSet;

use common::{ALONE, BOARD, Dice, PAIRS, cell};
use event::CellEnd;
use event::cause::{Cause, Role, Sure};
use spec::verdict::{Outcome, Verdict};

fn clean() -> Vec<CellEnd> {
    common::clean(BOARD)
}

fn causes(cells: Vec<CellEnd>) -> Vec<Cause> {
    common::causes(BOARD, cells)
}

fn keys(of: impl Fn(&common::Row) -> bool) -> Vec<&'static str> {
    common::keys(BOARD, of)
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
