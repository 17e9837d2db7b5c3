//! What a load has not released: counted of the whole machine before and after. The comparison is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oracle::balance::memory::{Memory, memory, slab_objects};
use oracle::balance::{self, BufinfoEntry, bounce};
use spec::verdict::Verdict;

use super::plan::Pair;
use super::worker_report::{named, ours};
use event::{Blame, Finding, Oracle};

/// Counts, or the reason why something could not be counted.
#[derive(Debug, Clone)]
pub struct Count {
    /// Every dma-buf, from bufinfo.
    pub buffers: Result<Vec<BufinfoEntry>, String>,
    /// Memory.
    pub memory: Result<Memory, String>,
    /// Objects of slab caches.
    pub slabs: Result<BTreeMap<String, u64>, String>,
    /// Bounce buffers, where every mapping for a device has some.
    pub bounced: Option<u64>,
}

const EXPECTED: &str = "the machine has all that it had before the load";

/// The part of the machine's memory that may be gone for other reasons: a 16th.
const SHARE: u64 = 16;

/// The number of objects of a cache that means nothing: processors keep free ones that count as used.
const OBJECTS: u64 = 2000;

/// The most leftover buffers that are reported.
const TOLD: usize = 12;

impl Count {
    /// Counts now.
    pub fn now(debugfs: &Path) -> Self {
        let text = |missing: oracle::NotAvailable| missing.to_string();
        let proc = Path::new("/proc");
        Self {
            buffers: balance::buffers(debugfs).map_err(text),
            memory: memory(proc).map_err(text),
            slabs: slab_objects(proc).map_err(text),
            bounced: bounce::slots(proc, debugfs),
        }
    }

    /// The figures of a report, each with a word for when.
    pub fn figures(&self, when: &str) -> BTreeMap<String, u64> {
        let mut figures = BTreeMap::new();
        let mut add = |name: &str, value: u64| {
            figures.insert(format!("{name}-{when}"), value);
        };
        if let Ok(buffers) = &self.buffers {
            add("dma-bufs", buffers.len() as u64);
            add("attachments", buffers.iter().map(|buffer| buffer.devices.len() as u64).sum());
        }
        if let Ok(memory) = &self.memory {
            add("bytes-available", memory.available);
            add("bytes-unreclaimable", memory.unreclaimable);
            memory.contiguous.into_iter().for_each(|free| add("bytes-contiguous", free));
        }
        if let Some(bounced) = self.bounced {
            add("bounce-slots", bounced);
        }
        figures
    }

    /// Returns findings for what is missing, or too much, after this many rounds of any kind.
    pub fn since(&self, before: &Self, rounds: u64, pairs: &[Pair]) -> Vec<Finding> {
        let mut found = Vec::new();
        let fail = |seen: String| Finding::new(Oracle::Balance, Verdict::Fail, Blame::Undecided, seen, EXPECTED);
        match (&before.buffers, &self.buffers) {
            (Ok(before), Ok(now)) => found.extend(stayed(before, now, pairs)),
            (Err(why), _) | (_, Err(why)) => found.push(unseen("which dma-bufs there are", why)),
        }
        match (&before.memory, &self.memory) {
            (Ok(before), Ok(now)) if before.available.saturating_sub(now.available) > before.total / SHARE => {
                let gone = before.available - now.available;
                found.push(fail(format!(
                    "{gone} bytes of memory (MemAvailable) less, after {rounds} rounds and frames"
                )));
            }
            (Ok(_), Ok(_)) => {}
            (Err(why), _) | (_, Err(why)) => found.push(unseen("how much memory there is", why)),
        }
        match (&before.slabs, &self.slabs) {
            (Ok(before), Ok(now)) => {
                let more = |(name, now): (&String, &u64)| {
                    let more = now.saturating_sub(before.get(name).copied().unwrap_or(0));
                    (more > OBJECTS.max(rounds / 2)).then(|| {
                        fail(format!("{more} objects of the slab cache {name} more, after {rounds} rounds and frames"))
                    })
                };
                found.extend(now.iter().filter_map(more));
            }
            (Err(why), _) | (_, Err(why)) => found.push(unseen("what the slab caches hold", why)),
        }
        if let (Some(before), Some(now)) = (before.bounced, self.bounced)
            && now > before
        {
            found.push(fail(format!("{now} slots of bounce buffers (swiotlb) in use, {before} before")));
        }
        found
    }
}

fn unseen(what: &str, why: &str) -> Finding {
    Finding::new(
        Oracle::Balance,
        Verdict::NotObservable,
        Blame::Nobody,
        format!("{what} is not known: {why}"),
        EXPECTED,
    )
}

/// The buffers that came and did not go. A load's own are known by their names; other programs may have made the others.
fn stayed(before: &[BufinfoEntry], now: &[BufinfoEntry], pairs: &[Pair]) -> Option<Finding> {
    let known: BTreeSet<u64> = before.iter().map(|buffer| buffer.ino).collect();
    let of_us = |buffer: &&BufinfoEntry| buffer.name.as_deref().is_some_and(ours) && !known.contains(&buffer.ino);
    let stayed: Vec<_> = now.iter().filter(of_us).collect();
    let line = |buffer: &&BufinfoEntry| {
        let pair = buffer.name.as_deref().and_then(|name| named(name, pairs)).map_or(String::new(), Pair::words);
        let devices = if buffer.devices.is_empty() { "no one".to_owned() } else { buffer.devices.join(", ") };
        format!(
            "{pair}: {} bytes of {}, {} references, attached: {devices}",
            buffer.size, buffer.exp_name, buffer.count
        )
    };
    let mut by_pair: BTreeMap<String, usize> = BTreeMap::new();
    for buffer in &stayed {
        *by_pair.entry(line(buffer)).or_default() += 1;
    }
    let first = stayed.first().map(line)?;
    let seen = format!("{} dma-bufs of the load are still there, the first {first}", stayed.len());
    let lines = by_pair.into_iter().take(TOLD).map(|(line, count)| format!("{count} x {line}")).collect();
    let found = Finding::new(Oracle::Balance, Verdict::Fail, Blame::Undecided, seen, EXPECTED);
    Some(Finding { lines, ..found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count() -> Count {
        let memory =
            Memory { total: 16_000, available: 8000, unreclaimable: 100, contiguous: Some(5), ..Memory::default() };
        let slabs = BTreeMap::from([("kmalloc-128".to_owned(), 100)]);
        Count { buffers: Ok(vec![]), memory: Ok(memory), slabs: Ok(slabs), bounced: Some(4) }
    }

    fn hold(now: &mut Count, objects: u64) {
        now.slabs.as_mut().unwrap().insert("kmalloc-128".into(), objects);
    }

    fn buffer(ino: u64, name: Option<&str>) -> BufinfoEntry {
        let name = name.map(str::to_owned);
        BufinfoEntry { size: 4096, count: 2, exp_name: "drm".into(), ino, name, devices: vec!["vivid.0".into()] }
    }

    fn seen(change: impl Fn(&mut Count)) -> Vec<String> {
        let mut now = count();
        change(&mut now);
        now.since(&count(), 10_000, &[])
            .into_iter()
            .map(|finding| format!("{} {}", finding.verdict, finding.seen))
            .collect()
    }

    #[test]
    fn a_machine_that_has_all_it_had_shows_nothing() {
        assert_eq!(seen(|_| {}), Vec::<String>::new());
        assert_eq!(seen(|now| now.memory.as_mut().unwrap().available -= 1000), Vec::<String>::new());
        assert_eq!(seen(|now| hold(now, 5100)), Vec::<String>::new());
    }

    #[test]
    fn a_buffer_that_stays_is_a_leak_if_it_is_ours() {
        let ours = seen(|now| now.buffers = Ok(vec![buffer(7, Some("prime-cts-load-0")), buffer(8, Some("weston"))]));
        assert_eq!(ours.len(), 1);
        assert!(ours[0].starts_with("fail 1 dma-bufs") && ours[0].contains("attached: vivid.0"), "{ours:?}");
        assert_eq!(seen(|now| now.buffers = Ok(vec![buffer(8, None)])), Vec::<String>::new());
        let mut before = count();
        before.buffers = Ok(vec![buffer(7, Some("prime-cts-load-0"))]);
        let mut now = count();
        now.buffers = before.buffers.clone();
        assert!(now.since(&before, 0, &[]).is_empty(), "it was there before");
    }

    #[test]
    fn memory_objects_and_bounce_buffers_that_are_gone_are_leaks() {
        assert!(seen(|now| now.memory.as_mut().unwrap().available -= 1001)[0].starts_with("fail 1001 bytes"));
        let objects = seen(|now| hold(now, 5101));
        assert!(objects[0].starts_with("fail 5001 objects of the slab cache kmalloc-128"), "{objects:?}");
        assert!(seen(|now| now.bounced = Some(5))[0].starts_with("fail 5 slots"));
    }

    #[test]
    fn what_cannot_be_counted_is_not_observable() {
        let blind = seen(|now| {
            *now = Count {
                buffers: Err("no debugfs".into()),
                memory: Err("no proc".into()),
                slabs: Err("no root".into()),
                bounced: None,
            }
        });
        assert_eq!(blind.len(), 3);
        assert!(blind.iter().all(|line| line.starts_with("not-observable ")), "{blind:?}");
        assert!(blind[0].contains("no debugfs"));
    }

    #[test]
    fn the_figures_say_when() {
        let figures = count().figures("before");
        assert_eq!((figures["dma-bufs-before"], figures["bytes-contiguous-before"]), (0, 5));
    }
}
