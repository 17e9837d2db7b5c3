//! How fast the buffers of an exporter are filled and checked, against what libc reaches on the same mapping.
//!
//! What a CPU reaches depends on the memory: what a cache holds is hundreds of times as fast as what is write-combined and
//! read. So the measure is memcpy(3) and memcmp(3) in the same rounds, and the ratio is the median of those of the rounds.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use device::{Endpoint, ExportFlags, inventory};
use oracle::content;
use serde::Serialize;
use spec::verdict::Verdict;
use uapi::memory::{Access, Mapping, Sharing, Window, measure};
use uapi::process::Ending;

use crate::cell::message::Message;
use crate::run::child;
use event::exit::Exit;
use event::{Blame, Finding, Oracle};

/// The figures of one exporter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// The exporter's key.
    pub exporter: String,
    /// The buffer's size in bytes.
    pub bytes: u64,
    /// The number of rounds.
    pub rounds: u64,
    /// Bytes a second: filled by prime-cts, copied by memcpy, checked by prime-cts, compared by memcmp.
    pub fill: u64,
    /// See [`Speed::fill`].
    pub memcpy: u64,
    /// See [`Speed::fill`].
    pub check: u64,
    /// See [`Speed::fill`].
    pub memcmp: u64,
    /// Filling against memcpy, in percent.
    pub fill_percent: u64,
    /// Checking against memcmp, in percent.
    pub check_percent: u64,
}

/// The time for which one exporter is measured, and the least number of rounds.
const TIME: Duration = Duration::from_secs(1);
const ROUNDS: usize = 5;

/// Emulated processors and uncached memory take long for five rounds.
const DEADLINE: Duration = Duration::from_secs(300);

const SEED: u32 = 1;

/// The reason why there are no figures of an exporter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasured {
    /// A refusal, with the call that was refused, or how the process ended.
    #[error("not measured: {0}")]
    Not(String),
    /// The mapping does not hold what was written into it.
    #[error("wrong: {0}")]
    Wrong(String),
}

/// Measures an exporter in a process of its own, with a buffer of at least this many bytes.
///
/// # Errors
/// See [`Unmeasured`].
pub fn of(endpoint: &Endpoint, bytes: u64) -> Result<Speed, Unmeasured> {
    let not = |why: String| Err(Unmeasured::Not(why));
    if let Some(why) = &endpoint.blocked {
        return not(format!("blocked: {why}"));
    }
    let ran = child::run(DEADLINE, |say| match rounds(endpoint, bytes) {
        Ok(figures) => say(&Message::Figures(figures)),
        Err(Unmeasured::Not(why)) => say(&Message::Why(why)),
        Err(Unmeasured::Wrong(why)) => say(&Message::Finding(wrong(why))),
    });
    if let Some(found) = ran.findings().next() {
        return Err(Unmeasured::Wrong(found.seen.clone()));
    }
    let figures = ran.figures();
    let figure = |name: &str| figures.get(name).copied().unwrap_or_default();
    let smaller = "try a smaller buffer with --mib";
    match &ran.ending {
        Ok(Ending::Exited(0)) if !figures.is_empty() => Ok(Speed {
            exporter: endpoint.key.clone(),
            bytes: figure("bytes"),
            rounds: figure("rounds"),
            fill: figure("fill"),
            memcpy: figure("memcpy"),
            check: figure("check"),
            memcmp: figure("memcmp"),
            fill_percent: figure("fill-percent"),
            check_percent: figure("check-percent"),
        }),
        Ok(Ending::Exited(0)) => not(ran.messages.why().unwrap_or("nothing was measured").to_owned()),
        Ok(Ending::Signalled(signal)) => not(format!("{signal} ended the process; {smaller}")),
        Ok(Ending::Vanished) => not("the process is gone, and the kernel does not say how it ended".to_owned()),
        Ok(Ending::TimedOut | Ending::Stuck { .. }) => {
            not(format!("not done within {} s; {smaller}", DEADLINE.as_secs()))
        }
        Ok(Ending::Exited(code)) => {
            not(ran.messages.panic().map_or_else(|| format!("exit code {code}"), str::to_owned))
        }
        Err(why) => not(why.clone()),
    }
}

fn wrong(seen: String) -> Finding {
    Finding {
        oracle: Oracle::Content,
        verdict: Verdict::Fail,
        step: None,
        expected: "the mapping holds what was written into it".into(),
        seen,
        blame: Blame::Exporter,
        lines: Vec::new(),
        latent: false,
    }
}

/// Seconds that it took.
fn timed(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rounds(endpoint: &Endpoint, bytes: u64) -> Result<BTreeMap<String, u64>, Unmeasured> {
    let mapping = mapped(endpoint, bytes).map_err(Unmeasured::Not)?;
    measured(&mapping, &pattern(mapping.len())).map_err(Unmeasured::Wrong)
}

/// A new buffer of the exporter, mapped.
fn mapped(endpoint: &Endpoint, bytes: u64) -> Result<Mapping, String> {
    let device = inventory::open(endpoint).map_err(|error| format!("open: {error}"))?;
    let buffer = device.allocate(bytes.max(endpoint.smallest)).map_err(|refusal| format!("allocate: {refusal}"))?;
    let flags = ExportFlags { writable: true, close_on_exec: true };
    let file = buffer.export(flags).map_err(|refusal| format!("export: {refusal}"))?;
    let len = usize::try_from(bytes).map_err(|_| "more bytes than this processor can map".to_owned())?;
    let window = Window { offset: 0, len };
    Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).map_err(|errno| format!("map: {errno}"))
}

/// The bytes that a buffer is filled with.
fn pattern(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    (0..len).step_by(8).for_each(|at| bytes.extend(content::word(SEED, at as u64).to_ne_bytes()));
    bytes
}

fn measured(mapping: &Mapping, pattern: &[u8]) -> Result<BTreeMap<String, u64>, String> {
    let mut wrong = None;
    let mut round = || {
        let (mut equal, mut checked) = (false, Ok(content::Checked { bytes: 0 }));
        let took = [
            timed(|| measure::copy(mapping, pattern)),
            timed(|| content::fill(mapping, SEED, 0)),
            timed(|| equal = measure::equal(mapping, pattern)),
            timed(|| checked = content::check(mapping, SEED, 0)),
        ];
        if let Err(difference) = checked {
            wrong.get_or_insert(difference.to_string());
        } else if !equal {
            wrong.get_or_insert("memcmp finds other bytes than were written".to_owned());
        }
        took
    };
    // The first one brings in pages that were never there.
    round();
    let (started, mut rounds) = (Instant::now(), Vec::new());
    while rounds.len() < ROUNDS || started.elapsed() < TIME {
        rounds.push(round());
    }
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let speed = |which: usize| (pattern.len() as f64 / median(rounds.iter().map(|round| round[which]))) as u64;
    let percent = |libc: usize, ours: usize| {
        (median(rounds.iter().map(|round| round[libc] / round[ours])) * 100.0).round() as u64
    };
    let figures = [
        ("bytes", pattern.len() as u64),
        ("rounds", rounds.len() as u64),
        ("memcpy", speed(0)),
        ("fill", speed(1)),
        ("memcmp", speed(2)),
        ("check", speed(3)),
        ("fill-percent", percent(0, 1)),
        ("check-percent", percent(2, 3)),
    ];
    Ok(figures.map(|(name, figure)| (name.to_owned(), figure)).into())
}

/// Returns the exit code: a regression where a mapping did not hold what was written into it.
pub fn exit<'a>(measured: impl IntoIterator<Item = &'a Result<Speed, Unmeasured>>) -> Exit {
    let sort = |speed: &Result<Speed, Unmeasured>| match speed {
        Err(Unmeasured::Wrong(_)) => 2,
        Ok(_) => 1,
        Err(Unmeasured::Not(_)) => 0,
    };
    match measured.into_iter().map(sort).max() {
        Some(2) => Exit::Regression,
        Some(1) => Exit::Success,
        _ => Exit::NothingVerified,
    }
}

/// The table of what was measured, and why some were not.
pub fn table(measured: &[(String, Result<Speed, Unmeasured>)]) -> String {
    let width = measured.iter().map(|(key, _)| key.len()).max().unwrap_or(0).max("exporter".len());
    let per_second = |bytes: u64| format!("{:.2} GB/s", bytes as f64 / 1e9);
    let mut text = format!(
        "{:width$}  {:>8}  {:>11}  {:>11}  {:>6}  {:>11}  {:>11}  {:>6}\n",
        "exporter", "buffer", "fill", "memcpy", "", "check", "memcmp", ""
    );
    for (key, speed) in measured {
        let columns = match speed {
            Err(why) => why.to_string(),
            Ok(speed) => format!(
                "{:>4} MiB  {:>11}  {:>11}  {:>4} %  {:>11}  {:>11}  {:>4} %",
                speed.bytes >> 20,
                per_second(speed.fill),
                per_second(speed.memcpy),
                speed.fill_percent,
                per_second(speed.check),
                per_second(speed.memcmp),
                speed.check_percent
            ),
        };
        text += &format!("{key:width$}  {columns}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mock(fault: &str) -> Endpoint {
        device::mock::endpoints(fault, Path::new("/dev/null")).unwrap().remove(0)
    }

    #[test]
    fn what_is_measured_is_of_the_buffer_and_of_all_four() {
        let speed = of(&mock("clean"), 1 << 20).unwrap();
        assert_eq!((speed.exporter.as_str(), speed.bytes), ("mock-clean", 1 << 20));
        assert!(speed.rounds >= ROUNDS as u64, "{speed:?}");
        assert!([speed.fill, speed.memcpy, speed.check, speed.memcmp].iter().all(|&speed| speed > 0), "{speed:?}");
    }

    #[test]
    fn one_wrong_mapping_makes_it_red_whatever_else_was_measured() {
        let good = of(&mock("clean"), 4096);
        let (not, wrong) = (Err(Unmeasured::Not("n".into())), Err(Unmeasured::Wrong("w".into())));
        assert_eq!(exit([&good, &wrong, &not]), Exit::Regression);
        assert_eq!(exit([&not, &good]), Exit::Success);
        assert_eq!((exit([&not]), exit([])), (Exit::NothingVerified, Exit::NothingVerified));
    }

    #[test]
    fn what_cannot_be_measured_says_why() {
        let blocked = Endpoint { blocked: Some("EACCES".into()), ..mock("clean") };
        assert_eq!(of(&blocked, 4096), Err(Unmeasured::Not("blocked: EACCES".into())));
        let told = |speed| table(&[("drm-a".into(), speed)]);
        assert!(told(of(&blocked, 4096)).contains("drm-a     not measured: blocked: EACCES\n"));
        let refused = of(&Endpoint { topology: "no-such-fault".into(), ..mock("clean") }, 4096);
        assert!(refused.as_ref().is_err_and(|why| why.to_string().starts_with("not measured: open: ")), "{refused:?}");
    }

    #[test]
    fn a_mapping_that_shows_other_bytes_is_no_measure() {
        let file = uapi::dma_buf::ordinary_file().unwrap();
        let window = Window { offset: 0, len: 4096 };
        let mapping = Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared).unwrap();
        let mut bytes = pattern(4096);
        assert!(measured(&mapping, &bytes).is_ok());
        bytes[4095] ^= 1;
        assert!(measured(&mapping, &bytes).is_err_and(|why| why.contains("other bytes than were written")));
    }
}
