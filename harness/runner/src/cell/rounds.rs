//! Steps done again and again, at the same time as others, or within a limit.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use spec::step::{Check, Cover, Limit, Orders, Race, Repeat, Step};
use spec::verdict::Verdict;
use uapi::socket;

use super::message::Message;
use super::processes::{ended, round, started, trouble};
use super::stop::Stop;
use super::world::World;
use event::{Blame, Finding, Oracle};

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
    for order in orders_of(&step.release, step.cover) {
        let before = world.names();
        world.run_steps(&step.steps, say);
        for (number, name) in order.iter().enumerate() {
            if world.ended.is_some() || world.satisfied {
                break;
            }
            world.release(name)?;
            let shown = step.shows.as_ref().filter(|shown| !order[..=number].contains(shown));
            let Some(shown) = shown else { continue };
            let answer =
                super::memory::check(world, &Check { mapping: shown.clone(), seed: 1, up_to: None, behind: None });
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

/// The orders of some names that are gone through.
fn orders_of(names: &[String], cover: Cover) -> Vec<Vec<String>> {
    let mut left = permutations(names);
    if cover == Cover::All || names.len() < 3 {
        return left;
    }
    let mut missing: BTreeSet<[String; 3]> = left.iter().flat_map(|order| triples(order)).collect();
    let mut chosen = Vec::new();
    // The one that has most of what is missing, the first of those that have as many: the same ones in every run.
    while !missing.is_empty() {
        let has = |order: &Vec<String>| triples(order).filter(|triple| missing.contains(triple)).count();
        let most = left.iter().map(has).max().unwrap_or(0);
        let Some(best) = left.iter().position(|order| has(order) == most) else { break };
        let best = left.remove(best);
        for triple in triples(&best) {
            missing.remove(&triple);
        }
        chosen.push(best);
    }
    chosen
}

/// Every three names of an order, in their order.
fn triples(order: &[String]) -> impl Iterator<Item = [String; 3]> {
    let all = 0..order.len();
    let of = move |a: usize, b: usize, c: usize| [order[a].clone(), order[b].clone(), order[c].clone()];
    all.clone()
        .flat_map(move |a| (a + 1..all.end).flat_map(move |b| (b + 1..all.end).map(move |c| (a, b, c))))
        .map(move |(a, b, c)| of(a, b, c))
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
        Message::Finding(finding) if finding.verdict == Verdict::Blocked && finding.oracle == Oracle::Refusal => {
            say(&Message::Finding(Finding { verdict: Verdict::Fail, blame: Blame::Exporter, ..finding.clone() }));
        }
        other => say(other),
    };
    world.run_steps(&step.steps, &mut judged);
    drop(world.take_others(&before));
    drop(limit);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_orders_have_any_three_things_in_each_of_their_orders() {
        for (count, at_most) in [(2, 2), (3, 6), (4, 6), (5, 9)] {
            let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            let every: BTreeSet<_> = permutations(&names).iter().flat_map(|order| triples(order)).collect();
            let few = orders_of(&names, Cover::Triples);
            let covered: BTreeSet<_> = few.iter().flat_map(|order| triples(order)).collect();
            assert_eq!(covered, every);
            assert!(few.len() <= at_most, "{} orders of {count}", few.len());
        }
    }

    #[test]
    fn every_order_is_there_once() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let all: BTreeSet<_> = permutations(&names).into_iter().collect();
        assert_eq!((permutations(&names).len(), all.len()), (24, 24));
        assert!(all.iter().all(|order| order.len() == 4));
    }
}
