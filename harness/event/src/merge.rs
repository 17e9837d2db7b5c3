//! The shards of a run made one run again. A shard that is not there is missing, and its cells are not silently none.

use std::collections::{BTreeMap, BTreeSet};

use spec::board::Expect;
use spec::verdict::Outcome;

use crate::journal::Recorded;
use crate::missing::missing;
use crate::stream::{End, EndpointFound, Event, MapDmaBuf, Missing};
use crate::trouble::{Then, Trouble};

/// Runs that are not shards of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoShards {
    /// A run of all cells, or of those that were named.
    #[error("{0} is not a shard: it was run without --shard")]
    Whole(String),
    /// Shards of different plans, kernels or boards.
    #[error("{first} and {other} are not shards of the same run: {what} differs ({before}, {now})")]
    Different {
        /// A file.
        first: String,
        /// Another.
        other: String,
        /// In what they differ.
        what: &'static str,
        /// The value of the first.
        before: String,
        /// The value of the other.
        now: String,
    },
    /// The same part twice.
    #[error("{first} and {other} are both shard {shard}: leave one of them out")]
    Twice {
        /// A file.
        first: String,
        /// Another.
        other: String,
        /// Which part.
        shard: String,
    },
}

/// The events of the whole run. `expect` is what the board file expects, for a run of every cell.
///
/// # Errors
/// See [`NoShards`].
pub fn merged(shards: &[(String, Recorded)], expect: Option<&Expect>) -> Result<Vec<Event>, NoShards> {
    let mut parts: BTreeMap<usize, &(String, Recorded)> = BTreeMap::new();
    let mut of = None;
    for shard @ (name, recorded) in shards {
        let part = recorded.run.part.as_ref().ok_or_else(|| NoShards::Whole(name.clone()))?;
        let (first, first_part) = *of.get_or_insert((&shards[0], part));
        let run = |recorded: &Recorded| recorded.run.clone();
        let (one, other) = (run(&first.1), run(recorded));
        let board = |board: Option<String>| board.unwrap_or_else(|| "none".into());
        for (what, before, now) in [
            ("the number of shards", first_part.shard.of.to_string(), part.shard.of.to_string()),
            ("the plan", first_part.digest.clone(), part.digest.clone()),
            ("the kernel", one.kernel, other.kernel),
            ("the architecture", one.architecture, other.architecture),
            ("the board", board(one.board), board(other.board)),
            ("the program", one.program, other.program),
        ] {
            if before != now {
                return Err(NoShards::Different { first: first.0.clone(), other: name.clone(), what, before, now });
            }
        }
        if let Some((before, _)) = parts.insert(part.shard.number.get(), shard) {
            let shard = part.shard.to_string();
            return Err(NoShards::Twice { first: before.clone(), other: name.clone(), shard });
        }
    }
    let Some((_, part)) = of else { return Ok(Vec::new()) };
    let runs: Vec<&Recorded> = parts.values().map(|(_, recorded)| recorded).collect();
    let mut run = runs[0].run.clone();
    (run.cells, run.part) = (part.planned, None);
    run.plan_ms = runs.iter().map(|recorded| recorded.run.plan_ms).max().unwrap_or(0);
    let endpoints = endpoints(&runs);
    let cells = || runs.iter().flat_map(|recorded| &recorded.cells);

    let not_there = (1..=part.shard.of.get()).filter_map(|number| {
        let name = format!("{number}/{}", part.shard.of);
        match parts.get(&number) {
            None => Some(name),
            Some((_, recorded)) if recorded.end.is_none() => Some(format!("{name}, which was cut short,")),
            Some(_) => None,
        }
    });
    let mut absent: Vec<Missing> = not_there.map(|name| found_missing("shard", name)).collect();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let vanished = runs.iter().flat_map(|recorded| &recorded.missing).cloned();
    let reached: Vec<MapDmaBuf> = cells().flat_map(|cell| cell.map_dma_buf.iter().cloned()).collect();
    let expected =
        expect.filter(|_| absent.is_empty() && part.whole).map(|expect| missing(expect, &endpoints, &reached));
    absent.extend(
        vanished
            .chain(expected.unwrap_or_default())
            .filter(|missing| known.insert((missing.what.clone(), missing.name.clone()))),
    );

    let mut end = End::of(cells(), absent.len());
    end.taint = runs.iter().filter_map(|recorded| recorded.end.as_ref()?.taint).max();
    end.cells_ms = runs.iter().filter_map(|recorded| Some(recorded.end.as_ref()?.cells_ms)).sum();
    let ends = || runs.iter().filter_map(|recorded| recorded.end.as_ref());
    end.own_ms = ends().map(|end| end.own_ms).sum();
    end.peak_kib = ends().filter_map(|end| end.peak_kib).max();
    let events = std::iter::once(Event::Run(run)).chain(endpoints.into_iter().map(Event::Endpoint));
    // Its boards are done with the restarts: that a machine has shrunk stays a failure.
    let troubles = runs.iter().flat_map(|recorded| &recorded.troubles).cloned();
    let troubles = troubles.map(|trouble| Event::Trouble(Trouble { then: Then::GoOn, ..trouble }));
    let events =
        events.chain(cells().cloned().map(Event::Cell)).chain(troubles).chain(absent.into_iter().map(Event::Missing));
    Ok(events.chain([Event::End(end)]).collect())
}

fn found_missing(what: &str, name: String) -> Missing {
    Missing { what: what.into(), name, outcome: Outcome::Missing }
}

/// The endpoints of all boards, which are the same ones; of one that could not be used somewhere, how it was there.
fn endpoints(runs: &[&Recorded]) -> Vec<EndpointFound> {
    let mut found: Vec<EndpointFound> = Vec::new();
    for endpoint in runs.iter().flat_map(|recorded| &recorded.endpoints) {
        match found.iter_mut().find(|other| other.key == endpoint.key) {
            None => found.push(endpoint.clone()),
            Some(other) if other.blocked.is_none() && endpoint.blocked.is_some() => *other = endpoint.clone(),
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use spec::verdict::Verdict;

    use super::*;
    use crate::exit::Exit;
    use crate::journal::Head;
    use crate::sample;
    use crate::stream::{Part, Run};

    fn shard(text: &str, ids: &[&str], ended: bool) -> (String, Recorded) {
        let whole = sample::recorded();
        let part = Some(Part { shard: text.parse().unwrap(), planned: 4, digest: "d".into(), whole: true });
        let run = Run { part, cells: ids.len(), ..whole.run.clone() };
        let cells = ids.iter().map(|id| sample::cell(id, Verdict::Pass, Outcome::Expected)).collect();
        let end = ended.then(|| End { cells_ms: 5, ..End::default() });
        let (missing, open) = Default::default();
        (format!("{text}.jsonl"), Recorded { head: Head { run, end, missing, open, ..whole.head }, cells })
    }

    fn whole(shards: &[(String, Recorded)]) -> Recorded {
        Recorded::of(merged(shards, None).unwrap()).unwrap()
    }

    #[test]
    fn shards_in_whatever_order_make_the_whole_run() {
        let shards = [shard("2/2", &["fd.size.c"], true), shard("1/2", &["fd.size.a", "fd.size.b"], true)];
        let whole = whole(&shards);
        let ids: Vec<&str> = whole.cells.iter().map(|cell| cell.id.as_str()).collect();
        assert_eq!(ids, ["fd.size.a", "fd.size.b", "fd.size.c"]);
        assert_eq!((whole.run.cells, whole.run.part.clone(), whole.missing.len()), (4, None, 0));
        let end = whole.end.as_ref().unwrap();
        assert_eq!((end.cells_ms, end.verdicts["pass"]), (10, 3));
        assert_eq!(whole.endpoints.len(), shards[0].1.endpoints.len());
    }

    #[test]
    fn a_machine_that_has_shrunk_fails_the_whole_run_and_asks_for_nothing() {
        let mut shards = [shard("1/2", &["fd.size.a"], true), shard("2/2", &["fd.size.c"], true)];
        assert_eq!(Exit::of(&whole(&shards)), Exit::Success);
        let (what, then) = (crate::trouble::TroubleKind::Shrinks, Then::Restart);
        shards[1].1.troubles.push(Trouble { what, seen: "s".into(), cells: vec![], then, lines: vec![] });
        let whole = whole(&shards);
        assert_eq!((Exit::of(&whole), whole.wants_restart), (Exit::Regression, false));
    }

    #[test]
    fn a_shard_that_is_not_there_or_not_whole_is_missing() {
        let shards = [shard("1/3", &["fd.size.a"], true), shard("3/3", &["fd.size.c"], false)];
        let whole = whole(&shards);
        let names: Vec<&str> = whole.missing.iter().map(|missing| missing.name.as_str()).collect();
        assert_eq!(names, ["2/3", "3/3, which was cut short,"]);
        assert_eq!(Exit::of(&whole), Exit::Regression);
    }

    #[test]
    fn what_belongs_to_different_runs_is_not_merged() {
        let (one, two) = (shard("1/2", &["a.b.c"], true), shard("2/2", &["a.b.d"], true));
        let refused = |change: &dyn Fn(&mut Recorded)| {
            let mut other = two.clone();
            change(&mut other.1);
            merged(&[one.clone(), other], None).unwrap_err().to_string()
        };
        assert!(refused(&|other| other.run.part = None).contains("2/2.jsonl is not a shard"));
        assert!(refused(&|other| other.run.kernel = "0".into()).contains("the kernel differs"));
        let plan = |other: &mut Recorded| other.run.part.as_mut().unwrap().digest = "e".into();
        assert!(refused(&plan).contains("the plan differs (d, e)"));
        let again = |other: &mut Recorded| other.run.part = one.1.run.part.clone();
        assert!(refused(&again).contains("1/2.jsonl and 2/2.jsonl are both shard 1/2"));
    }
}
