//! From what was seen to a verdict. Pure.

use kernel_log::{Splat, SplatKind, taint_names};
use oracle::dma::{Breach, Side};
use oracle::provenance::{Shared, Touch};
use spec::verdict::Verdict;
use uapi::process::Ending;

use super::child::ChildOutcome;
use super::watch::Observations;
use event::blame::Drivers;
use event::{Blame, Finding, Oracle};

/// The words for a process that SIGKILL does not end.
pub const STUCK: &str = "it hangs in the kernel: SIGKILL does not end it";

/// The findings of a cell and the worst of their verdicts.
pub fn judge(ran: &ChildOutcome, seen: &Observations, drivers: &Drivers) -> (Verdict, Vec<Finding>) {
    let mut findings: Vec<Finding> = ran.findings().cloned().collect();
    let told_why = !findings.is_empty() && findings.iter().any(|f| f.verdict != Verdict::Pass);
    findings.extend(of_ending(ran, told_why, seen.splats.iter().any(is_crash)));
    // A stack without a report is a complaint as well: the kernel dumps none when all is well.
    findings.extend(seen.splats.iter().chain(&seen.dumps).map(|splat| of_splat(splat, drivers)));
    findings.extend(of_taint(seen));
    findings.extend(seen.touched.iter().map(of_touch));
    findings.extend(seen.shared.iter().map(of_shared));
    findings.extend(seen.broken.iter().map(of_breach));
    findings.extend(of_frames(seen));
    findings.extend(of_gaps(seen));
    let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass);
    (worst, findings)
}

/// A property of the memory, not a fault: what was mapped has no struct page.
fn of_frames(seen: &Observations) -> Option<Finding> {
    let (frames, without) = seen.frames.as_ref().filter(|(_, without)| *without > 0)?;
    let first = frames.first().copied().unwrap_or_default();
    let seen = format!(
        "{without} of {} page frames that were mapped (remap_pfn_range), from {first:#x} on, have no struct page \
         (kpageflags: NOPAGE)",
        frames.len()
    );
    Some(Finding::new(Oracle::Pages, Verdict::Pass, Blame::Nobody, seen, "a property of this kernel and device"))
}

/// Finds gaps in the log or trace: what was overwritten may have been what the cell is about.
fn of_gaps(seen: &Observations) -> Vec<Finding> {
    let gap = |oracle, count: u64, what: &str| {
        let seen = format!("{count} {what} were overwritten before they could be read");
        let expected = format!("all {what} are read");
        (count > 0).then(|| Finding::not_observable(oracle, seen, expected))
    };
    let of_log = gap(Oracle::KernelLog, seen.lost, "records of the kernel log");
    of_log.into_iter().chain(gap(Oracle::Pages, seen.lost_calls, "calls that probes saw")).collect()
}

/// The finding of a cell that is not run.
pub fn blocked(why: &str) -> Finding {
    Finding::blocked(Oracle::Device, why, "the device can be used")
}

/// The finding of a cell of whose rule nothing here shows whether it is kept.
pub fn unobserved(why: &str) -> Finding {
    Finding::not_observable(Oracle::Requirement, why, "the only thing that shows the fault is there")
}

/// In a kernel that has died of something a process may do anything, and that is not the suite's fault.
fn of_ending(ran: &ChildOutcome, told_why: bool, kernel_died: bool) -> Option<Finding> {
    let (own, whose) = if kernel_died { (Verdict::Crash, Blame::Undecided) } else { (Verdict::Error, Blame::Suite) };
    let place = ran.messages.at().or(ran.messages.step());
    let step = place.unwrap_or("before the first step").to_owned();
    let expected = "the cell's process does its steps and ends";
    let tell = |verdict, blame, seen: String, lines: Vec<String>| {
        let found = Finding::new(Oracle::Process, verdict, blame, seen, expected);
        Some(Finding { step: Some(step.clone()), lines, ..found })
    };
    match &ran.ending {
        Ok(Ending::Exited(0)) if ran.messages.done() || told_why => None,
        Ok(Ending::Exited(code)) => {
            let panic = ran.messages.panic().unwrap_or("no panic was reported");
            tell(own, whose, format!("exit code {code}: {panic}"), Vec::new())
        }
        Ok(Ending::Signalled(signal)) => {
            tell(Verdict::Crash, Blame::Undecided, format!("{signal} ended the process"), Vec::new())
        }
        Ok(Ending::Vanished) => {
            let seen = "the process is gone, and the kernel does not say how it ended";
            tell(Verdict::Crash, Blame::Undecided, seen.to_owned(), Vec::new())
        }
        Ok(Ending::TimedOut) => {
            let seen = format!("timed out after {} s and was killed", ran.deadline.as_secs_f32());
            tell(Verdict::Timeout, Blame::Undecided, seen, Vec::new())
        }
        Ok(Ending::Stuck { stack }) => {
            let seen = format!("{STUCK} after {} s", ran.deadline.as_secs_f32());
            tell(Verdict::Timeout, Blame::Kernel, seen, stack.lines().map(str::to_owned).collect())
        }
        Err(why) => tell(own, whose, why.clone(), Vec::new()),
    }
}

fn is_crash(splat: &Splat) -> bool {
    matches!(splat.kind, SplatKind::Bug | SplatKind::Oops | SplatKind::Panic)
}

fn of_splat(splat: &Splat, drivers: &Drivers) -> Finding {
    let verdict = if is_crash(splat) { Verdict::Crash } else { Verdict::Fail };
    let (blame, seen) = (drivers.blamed_for(splat), splat.title.clone());
    let found = Finding::new(Oracle::KernelLog, verdict, blame, seen, "the kernel has nothing to complain of");
    Finding { lines: splat.lines.clone(), ..found }
}

fn of_touch(touch: &Touch) -> Finding {
    let caller = touch.caller.as_ref().map_or(String::new(), |caller| format!(", called by {caller}"));
    let seen = format!("{}{caller}: it takes the struct pages out of the exporter's sg_table", touch.function);
    Finding::new(
        Oracle::Pages,
        Verdict::Fail,
        Blame::Importer,
        seen,
        "an importer uses only the DMA addresses and lengths",
    )
}

fn of_shared(shared: &Shared) -> Finding {
    let Shared { table, devices: [one, other], .. } = shared;
    let seen = format!(
        "dma_buf_map_attachment gave the sg_table at {table:#x} to the device at {one:#x} and, before that had returned it \
         back, to the one at {other:#x}"
    );
    Finding::new(
        Oracle::SgTable,
        Verdict::Fail,
        Blame::Exporter,
        seen,
        "each device has an sg_table with addresses of its own",
    )
}

/// Makes failures of the faults that this machine cannot show, and returns the verdict with them.
pub fn fail_latent(verdict: Verdict, findings: &mut [Finding]) -> Verdict {
    let latent = findings.iter_mut().filter(|finding| finding.latent);
    latent.for_each(|finding| finding.verdict = Verdict::Fail);
    findings.iter().map(|finding| finding.verdict).max().map_or(verdict, |worst| worst.max(verdict))
}

/// A rule of the DMA contract that was broken, where this machine cannot show it a note.
fn of_breach(breach: &Breach) -> Finding {
    let verdict = if breach.latent { Verdict::Pass } else { Verdict::Fail };
    let blame = match breach.side {
        Side::Exporter => Blame::Exporter,
        Side::Importer => Blame::Importer,
    };
    let seen = format!("{} ({}): {}", breach.rule.name(), breach.device, breach.seen);
    Finding { latent: breach.latent, ..Finding::new(Oracle::Dma, verdict, blame, seen, breach.rule.demand()) }
}

fn of_taint(seen: &Observations) -> Option<Finding> {
    let trouble = seen.taint & kernel_log::TAINT_TROUBLE;
    // A splat that was read says more than the bit that it left.
    (trouble != 0 && seen.splats.is_empty()).then(|| {
        let seen = format!("the kernel is tainted now: {}", taint_names(trouble).join(", "));
        Finding::new(Oracle::Taint, Verdict::Fail, Blame::Kernel, seen, "the kernel's taint stays as it is")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::message::{Message, Messages};
    use std::time::Duration;

    #[test]
    fn an_importer_that_reaches_for_struct_pages_is_to_blame() {
        let touch =
            Touch { pid: 1, function: "drm_prime_sg_to_page_array".into(), caller: Some("x_import [x]".into()) };
        let seen = Observations { touched: vec![touch], ..Observations::default() };
        let (verdict, findings) = judge(&ran(Ending::Exited(0), done()), &seen, &Drivers::default());
        assert_eq!((verdict, findings[0].blame), (Verdict::Fail, Blame::Importer));
        assert!(findings[0].seen.contains("called by x_import [x]"), "{}", findings[0].seen);
    }

    #[test]
    fn memory_without_struct_pages_is_a_property_and_no_fault() {
        let of = |without| {
            let seen = Observations { frames: Some((vec![0x4c000, 0x4c010], without)), ..Observations::default() };
            judge(&ran(Ending::Exited(0), done()), &seen, &Drivers::default())
        };
        let (verdict, findings) = of(2);
        assert_eq!((verdict, findings.len()), (Verdict::Pass, 1));
        assert!(findings[0].seen.contains("2 of 2") && findings[0].seen.contains("0x4c000"), "{}", findings[0].seen);
        assert!(of(0).1.is_empty());
    }

    #[test]
    fn an_exporter_that_gives_one_table_to_two_devices_is_to_blame() {
        let shared = Shared { pid: 1, table: 0x64, devices: [5, 6] };
        let seen = Observations { shared: vec![shared], ..Observations::default() };
        let (verdict, findings) = judge(&ran(Ending::Exited(0), done()), &seen, &Drivers::default());
        assert_eq!(
            (verdict, findings[0].blame, findings[0].oracle.word()),
            (Verdict::Fail, Blame::Exporter, "sg_table")
        );
        assert!(findings[0].seen.contains("0x64") && findings[0].seen.contains("0x6"), "{}", findings[0].seen);
    }

    #[test]
    fn a_broken_rule_of_the_dma_contract_names_its_side_and_a_latent_one_fails_nothing() {
        let of = |latent, side| {
            let (device, seen) = ("vgem".into(), "begin_cpu_access does not call dma_sync_sg_for_cpu".into());
            let breach = Breach { pid: 1, rule: oracle::dma::Rule::Sync, side, latent, device, seen };
            let seen = Observations { broken: vec![breach], ..Observations::default() };
            judge(&ran(Ending::Exited(0), done()), &seen, &Drivers::default())
        };
        let (verdict, findings) = of(false, Side::Importer);
        assert_eq!((verdict, findings[0].blame, findings[0].latent), (Verdict::Fail, Blame::Importer, false));
        assert!(findings[0].seen.starts_with("sync (vgem): begin_cpu_access"), "{}", findings[0].seen);
        let (verdict, findings) = of(true, Side::Exporter);
        assert_eq!((verdict, findings[0].blame, findings[0].latent), (Verdict::Pass, Blame::Exporter, true));
        let mut findings = findings;
        assert_eq!(fail_latent(verdict, &mut findings), Verdict::Fail);
        assert_eq!(findings[0].verdict, Verdict::Fail);
    }

    fn ran(ending: Ending, said: Vec<Message>) -> ChildOutcome {
        let mut messages = Messages::default();
        messages.whole = said;
        ChildOutcome::of(1, messages, Ok(ending), Duration::from_secs(1), Duration::ZERO)
    }

    fn verdict(ending: Ending, said: Vec<Message>, seen: &Observations) -> Verdict {
        judge(&ran(ending, said), seen, &Drivers::default()).0
    }

    fn done() -> Vec<Message> {
        vec![Message::Step("1 allocate".into()), Message::Done { checks: 1 }]
    }

    #[test]
    fn a_cell_passes_only_when_its_steps_were_done_to_their_end() {
        assert_eq!(verdict(Ending::Exited(0), done(), &Observations::default()), Verdict::Pass);
        assert_eq!(
            verdict(Ending::Exited(0), vec![Message::Step("1 allocate".into())], &Observations::default()),
            Verdict::Error
        );
        assert_eq!(verdict(Ending::Exited(101), done(), &Observations::default()), Verdict::Error);
    }

    #[test]
    fn signals_and_deadlines_are_told_apart() {
        assert_eq!(verdict(Ending::Signalled("SIGBUS"), vec![], &Observations::default()), Verdict::Crash);
        assert_eq!(verdict(Ending::TimedOut, vec![], &Observations::default()), Verdict::Timeout);
        assert_eq!(verdict(Ending::Vanished, vec![], &Observations::default()), Verdict::Crash);
        assert_eq!(verdict(Ending::Stuck { stack: String::new() }, vec![], &Observations::default()), Verdict::Timeout);
    }

    #[test]
    fn a_splat_or_a_taint_spoils_a_cell_that_passed_otherwise() {
        let splat = |kind| Observations {
            splats: vec![Splat { kind, title: "t".into(), lines: vec![] }],
            ..Observations::default()
        };
        assert_eq!(verdict(Ending::Exited(0), done(), &splat(SplatKind::Warning)), Verdict::Fail);
        assert_eq!(verdict(Ending::Exited(0), done(), &splat(SplatKind::Oops)), Verdict::Crash);
        // Whatever became of the process.
        assert_eq!(verdict(Ending::Exited(101), done(), &splat(SplatKind::Oops)), Verdict::Crash);
        assert_eq!(verdict(Ending::Exited(101), done(), &splat(SplatKind::Warning)), Verdict::Error);
        let warned = Observations { taint: 1 << 9, ..Observations::default() };
        assert_eq!(verdict(Ending::Exited(0), done(), &warned), Verdict::Fail);
        let module = Observations { taint: 1 << 12 | 1 << 13, ..Observations::default() };
        assert_eq!(verdict(Ending::Exited(0), done(), &module), Verdict::Pass, "out-of-tree modules are no trouble");
    }

    #[test]
    fn a_stack_without_a_report_spoils_a_cell() {
        let dump = Splat { kind: SplatKind::Warning, title: "x: wrong value".into(), lines: vec![] };
        let seen = Observations { dumps: vec![dump], ..Observations::default() };
        assert_eq!(verdict(Ending::Exited(0), done(), &seen), Verdict::Fail);
    }

    #[test]
    fn a_fault_of_an_iommu_is_a_failure_of_the_side_whose_device_it_names() {
        use event::blame::Party;
        let of = |topology: &str| Party { topology: topology.into(), ..Party::default() };
        let drivers = Drivers::of(Some(of("platform/vgem")), vec![of("pci0000:00/0000:00:05.0")]);
        let fault = |device: &str| {
            let title =
                format!("DMAR: [DMA Read NO_PASID] Request device [{device}] fault addr 0x1 [fault reason 0x06] x");
            let splat = Splat { kind: SplatKind::IommuFault, lines: vec![title.clone()], title };
            let seen = Observations { splats: vec![splat], ..Observations::default() };
            let (verdict, findings) = judge(&ran(Ending::Exited(0), done()), &seen, &drivers);
            (verdict, findings[0].blame)
        };
        assert_eq!(fault("00:05.0"), (Verdict::Fail, Blame::Importer));
        assert_eq!(fault("00:06.0"), (Verdict::Fail, Blame::Undecided));
    }

    #[test]
    fn a_log_or_a_trace_with_holes_is_no_pass() {
        let traced = Observations { lost_calls: 3, ..Observations::default() };
        assert_eq!(verdict(Ending::Exited(0), done(), &traced), Verdict::NotObservable);
        assert_eq!(
            verdict(Ending::Exited(0), done(), &Observations { lost: 3, ..Observations::default() }),
            Verdict::NotObservable
        );
    }
}
