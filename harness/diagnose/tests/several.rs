//! Several faults: one hides another, a driver and the helper behind it.

mod common;

use common::{BOARD, Dice, PAIRS, causes, clean, culprits, has_role, is_surely_wrong, keys, plant, show};
use event::CellEnd;
use event::cause::{Cause, Role, Sharer, Sure};

type Truth<'a> = (Vec<&'a str>, Role, Vec<&'a str>);

fn planted(faults: &[Truth<'_>]) -> Vec<CellEnd> {
    let mut cells = clean(BOARD);
    let shows = |cell: &CellEnd| {
        faults.iter().any(|(keys, role, cases)| has_role(cell, keys, *role) && cases.contains(&cell.case.as_str()))
    };
    plant(&mut cells, shows, |_| ());
    cells
}

fn is_named(found: &[Cause], (keys, role, _): &Truth<'_>) -> bool {
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    found.iter().any(|cause| cause.suspect.endpoints == sorted && cause.suspect.role == *role)
}

fn surely_wrong(found: &[Cause], faults: &[Truth<'_>]) -> usize {
    let truths: Vec<(&[&str], Role)> = faults.iter().map(|(keys, role, _)| (&keys[..], *role)).collect();
    let wrong = found.iter().filter(|cause| is_surely_wrong(cause, &truths)).count();
    if std::env::var_os("SHOW").is_some() && (wrong > 0 || faults.iter().any(|fault| !is_named(found, fault))) {
        faults.iter().for_each(|fault| println!("{fault:?}{}", if wrong > 0 { " SURELY WRONG" } else { "" }));
        found.iter().for_each(show);
    }
    wrong
}

#[test]
fn the_greater_of_two_that_meet_in_all_cases_does_not_hide_the_smaller() {
    let (mut all, mut both, mut wrong, mut count) = (0, 0, 0, 0);
    let groups = culprits(BOARD);
    for one in &groups {
        for other in groups.iter().filter(|other| other.iter().all(|key| !one.contains(key))) {
            let cases = vec!["leaks.import", "leaks.rounds", "fence.pending"];
            count += 1;
            // A third of the pairs is enough.
            if ["heap-system", "udmabuf"].contains(&other[0]) || count % 3 != 2 {
                continue;
            }
            let faults = [(one.clone(), Role::Exporter, cases.clone()), (other.clone(), Role::Importer, cases)];
            let found = causes(BOARD, planted(&faults));
            all += 1;
            both += usize::from(faults.iter().all(|fault| is_named(&found, fault)));
            wrong += surely_wrong(&found, &faults);
        }
    }
    println!("an exporter and an importer in the same cases: {both} of {all}, {wrong} surely wrong");
    assert!(both * 100 >= all * 98 && wrong == 0, "{both} of {all}, {wrong} surely wrong");
}

#[test]
fn a_driver_and_the_helper_behind_it_are_not_another_s() {
    let (mut dice, mut all, mut one, mut wrong) = (Dice(23), 0, 0, 0);
    let vmalloc = keys(BOARD, |row| row.3 == "vb2_vmalloc_dmabuf_ops_map");
    let drm = keys(BOARD, |row| row.1 == "drm");
    for (helper, driver) in [
        (&vmalloc, keys(BOARD, |row| row.2 == "vicodec")),
        (&vmalloc, keys(BOARD, |row| row.2 == "vim2m")),
        (&vmalloc, keys(BOARD, |row| row.2 == "vimc")),
        (&drm, vec!["drm-vgem"]),
        (&drm, vec!["drm-virtio_gpu"]),
    ] {
        for roles in [[Role::Exporter; 2], [Role::Importer; 2], [Role::Exporter, Role::Importer]] {
            let mut some = || -> Vec<&str> { (0..3).map(|_| PAIRS[dice.roll(PAIRS.len() as u64) as usize]).collect() };
            let faults = [(helper.clone(), roles[0], some()), (driver.clone(), roles[1], some())];
            let found = causes(BOARD, planted(&faults));
            all += 1;
            one += usize::from(faults.iter().any(|fault| is_named(&found, fault)));
            wrong += surely_wrong(&found, &faults);
        }
    }
    println!("a driver and its helper: {one} of {all} have one named, {wrong} surely wrong");
    assert!(one * 100 >= all * 80 && wrong == 0, "{one} of {all}, {wrong} surely wrong");
}

#[test]
fn three_faults_are_three_causes() {
    let (mut dice, groups) = (Dice(29), culprits(BOARD));
    let (mut all, mut named, mut wrong, mut count) = (0, 0, 0, 0);
    for _ in 0..30 {
        let mut faults: Vec<Truth<'_>> = Vec::new();
        while faults.len() < 3 {
            let keys = groups[dice.roll(groups.len() as u64) as usize].clone();
            let role = [Role::Exporter, Role::Importer][dice.roll(2) as usize];
            let exports_only = ["heap-system", "udmabuf"].contains(&keys[0]);
            let taken = faults.iter().any(|(others, _, _)| others.iter().any(|key| keys.contains(key)));
            if !(taken || exports_only && role == Role::Importer) {
                let cases = (0..2).map(|_| PAIRS[dice.roll(PAIRS.len() as u64) as usize]).collect();
                faults.push((keys, role, cases));
            }
        }
        let found = causes(BOARD, planted(&faults));
        all += faults.len();
        named += faults.iter().filter(|fault| is_named(&found, fault)).count();
        wrong += surely_wrong(&found, &faults);
        count += found.len();
    }
    println!("three faults: {named} of {all} named in {count} causes, {wrong} surely wrong");
    assert!(named * 100 >= all * 85 && wrong == 0 && count * 10 <= all * 11, "{named} of {all}, {count}, {wrong}");
}

#[test]
fn several_drivers_at_fault_are_not_surely_what_they_share() {
    let (mut all, mut wrong) = (0, 0);
    for passing in ["vicodec", "vim2m", "vimc", "vivid", "vgem", "virtio_gpu"] {
        let kind = if passing.starts_with("vi") && passing != "virtio_gpu" { "v4l2" } else { "drm" };
        for role in [Role::Exporter, Role::Importer] {
            for cases in
                [vec!["leaks.import"], vec!["coherence.importer-to-dma-buf", "lifetime.close", "fence.pending"]]
            {
                let drivers: std::collections::BTreeSet<&str> =
                    BOARD.iter().filter(|row| row.1 == kind && row.2 != passing).map(|row| row.2).collect();
                let faults: Vec<Truth<'_>> =
                    drivers.iter().map(|driver| (keys(BOARD, |row| row.2 == *driver), role, cases.clone())).collect();
                let found = causes(BOARD, planted(&faults));
                all += 1;
                let innocent = |cause: &&Cause| {
                    let passes = keys(BOARD, |row| row.2 == passing);
                    cause.sure != Sure::Open && cause.suspect.endpoints.iter().any(|key| passes.contains(&key.as_str()))
                };
                wrong += found.iter().filter(innocent).count();
            }
        }
    }
    println!("all drivers of a subsystem but one: {wrong} of {all} surely accuse the one");
    assert_eq!(wrong, 0, "of {all}");
}

#[test]
fn what_two_drivers_do_wrong_alike_is_of_the_module_that_both_use() {
    let of_both = ["v4l2-vicodec-cap0", "v4l2-vicodec-out0", "v4l2-vicodec-out1", "v4l2-vim2m-cap0", "v4l2-vim2m-out0"];
    let mut cells = clean(BOARD);
    let leaks = |cell: &event::CellEnd| {
        ["leaks.import", "leaks.rounds"].contains(&cell.case.as_str()) && has_role(cell, &of_both, Role::Importer)
    };
    plant(&mut cells, leaks, |_| ());
    let mut run = common::run(BOARD, cells);
    let causes = |run: &event::journal::Recorded| diagnose::of(run, Some(&catalogue::registry::embedded().unwrap()));
    assert_ne!(causes(&run)[0].suspect.endpoints, of_both, "no one can know what the two share");
    for endpoint in run.endpoints.iter_mut().filter(|endpoint| of_both.contains(&&*endpoint.key)) {
        endpoint.uses = vec!["v4l2_mem2mem".into(), "videodev".into()];
    }
    let found = causes(&run);
    let [cause] = &found[..] else { panic!("{found:?}") };
    let suspect = &cause.suspect;
    assert_eq!((suspect.kind, &*suspect.name, suspect.role), (Sharer::Library, "v4l2_mem2mem", Role::Importer));
    assert_eq!(suspect.endpoints, of_both);
    assert_eq!(suspect.to_string(), "the module v4l2_mem2mem, which several drivers use, as the importer");
}
