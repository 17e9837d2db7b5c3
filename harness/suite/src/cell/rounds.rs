//! Steps done again and again, at the same time as others, or within a limit.

use std::os::fd::OwnedFd;

use document::step::{Check, Limit, Orders, Race, Repeat, Step};
use document::verdict::Verdict;
use uapi::socket;

use super::message::Message;
use super::processes::{ended, round, started, trouble};
use super::world::World;
use super::{Stop, run_steps};
use crate::event::{Blame, Finding};

pub fn race(world: &mut World, step: &Race, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let (first, second) = socket::pair().map_err(trouble("socketpair"))?;
    let rounds = |world: &mut World, steps: &[Step], end: &OwnedFd, say: &mut dyn FnMut(&Message)| {
        for _ in 0..step.times {
            // A process whose opponent has found something and gone, goes too.
            if !socket::meet(end).unwrap_or(false) {
                return;
            }
            drop(round(world, steps, say));
            if world.ended.is_some() {
                return;
            }
        }
    };
    let against = started(world, |world, say| rounds(world, &step.against, &second, say))?;
    // Only the process that has just been forked holds this end: the other one sees when it is gone.
    drop(second);
    let runner = started(world, |world, say| rounds(world, &step.steps, &first, say))?;
    let ran = ended(world, runner, "in the first process of the race", say);
    socket::end(&first);
    let other = ended(world, against, "in the second process of the race", say);
    ran.and(other)
}

pub fn repeat(world: &mut World, step: &Repeat, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let mut kept = Vec::new();
    for number in 0..step.times {
        let mut numbered = |message: &Message| match message {
            Message::Finding(finding) => {
                let step = finding.step.as_ref().map(|step| format!("round {} of the repeat, {step}", number + 1));
                say(&Message::Finding(Finding { step, ..finding.clone() }));
            }
            other => say(other),
        };
        let made = round(world, &step.steps, &mut numbered);
        if step.keep {
            kept.push(made);
        }
        if world.ended.is_some() || world.satisfied {
            break;
        }
    }
    Ok(())
}

pub fn orders(world: &mut World, step: &Orders, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    for order in permutations(&step.release) {
        let before = world.names();
        run_steps(world, &step.steps, 0, say);
        for (number, name) in order.iter().enumerate() {
            if world.ended.is_some() || world.satisfied {
                break;
            }
            world.release(name)?;
            let shown = step.shows.as_ref().filter(|shown| !order[..=number].contains(shown));
            let Some(shown) = shown else { continue };
            let answer = super::memory::check(world, &Check { mapping: shown.clone(), seed: 1 });
            answer.map_err(|Stop(mut finding)| {
                finding.seen = format!("after giving back {}: {}", order[..=number].join(", "), finding.seen);
                Stop(finding)
            })?;
        }
        drop(world.take_others(&before));
        if world.ended.is_some() {
            break;
        }
    }
    Ok(())
}

/// Every order of some names.
fn permutations(names: &[String]) -> Vec<Vec<String>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = names.to_vec();
        let first = rest.remove(at);
        permutations(&rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..names.len()).flat_map(with_first).collect()
}

pub fn limit(world: &mut World, step: &Limit, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    let limit = uapi::limit::Files::more(step.files as usize).map_err(trouble("setrlimit"))?;
    let before = world.names();
    // What is short of descriptors here is so by the case's own doing: no person can remedy it.
    let mut judged = |message: &Message| match message {
        Message::Finding(finding) if finding.verdict == Verdict::Blocked && finding.oracle == "refusal" => {
            say(&Message::Finding(Finding { verdict: Verdict::Fail, blame: Blame::Exporter, ..finding.clone() }));
        }
        other => say(other),
    };
    run_steps(world, &step.steps, 0, &mut judged);
    drop(world.take_others(&before));
    drop(limit);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_there_once() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let all: std::collections::BTreeSet<_> = permutations(&names).into_iter().collect();
        assert_eq!((permutations(&names).len(), all.len()), (24, 24));
        assert!(all.iter().all(|order| order.len() == 4));
    }
}
