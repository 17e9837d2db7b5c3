//! Who does what under load: which workers there are, and which queue is whose at what time. Pure.

use std::collections::BTreeMap;
use std::rc::Rc;

use device::Endpoint;
use spec::case::{Ability, Kind};

/// An exporter whose buffers an importer takes.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The exporter.
    pub exporter: Rc<Endpoint>,
    /// The importer.
    pub importer: Rc<Endpoint>,
}

impl Pair {
    /// In words.
    pub fn words(&self) -> String {
        format!("{} to {}", self.exporter.key, self.importer.key)
    }
}

/// The task of a worker.
#[derive(Debug, Clone)]
pub enum Task {
    /// Lets a device work on frames in imported buffers, one stream after the other.
    Stream {
        /// The device.
        importer: Rc<Endpoint>,
        /// Its other queue, where it has one.
        output: Option<Rc<Endpoint>>,
    },
    /// Lets a display show imported buffers, one after the other.
    Show {
        /// The card.
        importer: Rc<Endpoint>,
    },
    /// Exports, imports, maps and closes, in any order.
    Rounds {
        /// Where its sequence begins.
        seed: u64,
    },
    /// Lets several threads and a process close the same buffer at the same time.
    Closes {
        /// Where its sequence begins.
        seed: u64,
    },
}

/// A worker.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The id of its cell.
    pub id: String,
    /// The task.
    pub task: Task,
}

/// The number of workers that do rounds, and of those that close: two of each meet on the same devices.
const TWINS: u64 = 2;

/// The number of shifts of a load: in every second one a queue of one owner streams, in the others it exports.
pub const SHIFTS: u32 = 4;

/// The workers for these endpoints. A device that someone may use works where `intrusive` allows it.
pub fn workers(endpoints: &[Rc<Endpoint>], pairs: &[Pair], seed: u64, intrusive: bool) -> Vec<Worker> {
    let mut workers = Vec::new();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.imports && endpoint.blocked.is_none()) {
        if !(endpoint.spare || intrusive) {
            continue;
        }
        let importer = endpoint.clone();
        let task = if streams(endpoint) {
            Task::Stream { importer, output: other_queue(endpoint, endpoints) }
        } else if shows(endpoint) {
            Task::Show { importer }
        } else {
            continue;
        };
        workers.push(Worker { id: stream_id(endpoint), task });
    }
    for number in 0..if pairs.is_empty() { 0 } else { TWINS } {
        let seed = seed.wrapping_add(number);
        workers.push(Worker { id: format!("load.rounds.worker-{number}"), task: Task::Rounds { seed } });
        workers.push(Worker { id: format!("load.closes.worker-{number}"), task: Task::Closes { seed } });
    }
    workers
}

/// The devices that would work under load if nothing kept them from it: the cell's id, and what does.
pub fn blocked(endpoints: &[Rc<Endpoint>]) -> impl Iterator<Item = (String, &Endpoint, &str)> {
    let able = endpoints.iter().filter(|endpoint| endpoint.imports && (streams(endpoint) || shows(endpoint)));
    able.filter_map(|endpoint| Some((stream_id(endpoint), &**endpoint, endpoint.blocked.as_deref()?)))
}

fn stream_id(endpoint: &Endpoint) -> String {
    format!("load.stream.{}", endpoint.key)
}

fn streams(endpoint: &Endpoint) -> bool {
    let able = |ability| endpoint.work.contains(&ability);
    able(Ability::Capture) || able(Ability::Convert) || endpoint.kind == Kind::Mock
}

fn shows(endpoint: &Endpoint) -> bool {
    endpoint.work.contains(&Ability::ScanOut) || endpoint.work.contains(&Ability::WriteBack)
}

/// Returns the endpoints; those that would have to stream together with another are blocked: they cannot all stream at once.
pub fn one_at_a_time(endpoints: &[Rc<Endpoint>]) -> Vec<Rc<Endpoint>> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut chosen = Vec::new();
    for endpoint in endpoints {
        let first = endpoint.shares.as_deref().map(|shares| *taken.entry(shares).or_insert(&endpoint.key));
        let blocked = first.filter(|first| **first != endpoint.key).map(|first| {
            format!("it gets frames from the source of {first}; load it by itself: prime-cts load {}", endpoint.key)
        });
        chosen.push(match blocked {
            Some(_) => Rc::new(Endpoint { blocked, ..(**endpoint).clone() }),
            None => endpoint.clone(),
        });
    }
    chosen
}

/// Returns the queue that a mem2mem node reads, next to the one that it writes.
fn other_queue(endpoint: &Endpoint, endpoints: &[Rc<Endpoint>]) -> Option<Rc<Endpoint>> {
    let reads = |other: &&Rc<Endpoint>| {
        other.kind == Kind::V4l2 && other.node == endpoint.node && other.work.contains(&Ability::ConvertFrom)
    };
    endpoints.iter().find(reads).cloned()
}

/// In which shifts (`number % 2`) a queue streams that only one open file can have at a time: a capture queue holds its own
/// buffers, which it exports, or imported ones. Of each driver's queues the first half streams while the second exports,
/// and the other way round. Queues of mem2mem nodes are not here: each open file has its own.
pub fn shifts(endpoints: &[Rc<Endpoint>]) -> BTreeMap<String, u32> {
    let mut by_driver: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.kind == Kind::V4l2) {
        let alone = endpoints.iter().filter(|other| other.node == endpoint.node).count() == 1;
        if alone {
            by_driver.entry(&endpoint.driver).or_default().push(endpoint);
        }
    }
    let mut shifts = BTreeMap::new();
    for queues in by_driver.into_values() {
        let first = queues.len().div_ceil(2);
        shifts.extend(queues.into_iter().enumerate().map(|(at, queue)| (queue.key.clone(), u32::from(at >= first))));
    }
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn endpoint(kind: Kind, key: &str, node: &str, work: &[Ability]) -> Rc<Endpoint> {
        let endpoint = Endpoint::new(kind, key, "vivid", PathBuf::from(node));
        Rc::new(Endpoint { imports: true, exports: true, spare: true, work: work.to_vec(), ..endpoint })
    }

    fn queue(key: &str, node: &str, ability: Ability) -> Rc<Endpoint> {
        endpoint(Kind::V4l2, key, node, &[ability])
    }

    #[test]
    fn a_device_has_one_worker_and_its_two_queues_are_one_device() {
        let endpoints = [
            queue("v4l2-vim2m-cap0", "/dev/video0", Ability::Convert),
            queue("v4l2-vim2m-out0", "/dev/video0", Ability::ConvertFrom),
            endpoint(Kind::Drm, "drm-vkms", "/dev/dri/card0", &[Ability::ScanOut, Ability::WriteBack]),
            endpoint(Kind::Drm, "drm-vgem", "/dev/dri/card1", &[]),
        ];
        let pair = Pair { exporter: endpoints[3].clone(), importer: endpoints[2].clone() };
        let ids = |workers: &[Worker]| workers.iter().map(|worker| worker.id.clone()).collect::<Vec<_>>();
        let workers = workers(&endpoints, &[pair], 1, false);
        let Task::Stream { output: Some(output), .. } = &workers[0].task else { panic!("{workers:?}") };
        assert_eq!(output.key, "v4l2-vim2m-out0");
        let expected = ["load.stream.v4l2-vim2m-cap0", "load.stream.drm-vkms", "load.rounds.worker-0"];
        assert_eq!(ids(&workers)[..3], expected);
        assert_eq!(workers.len(), 6);
        assert_eq!(super::workers(&endpoints, &[], 1, false).len(), 2, "no pair, no rounds");
    }

    #[test]
    fn a_device_that_somebody_may_use_works_only_where_that_is_allowed() {
        let camera = Endpoint { spare: false, ..(*queue("v4l2-uvc-cap0", "/dev/video0", Ability::Capture)).clone() };
        let endpoints = [Rc::new(camera)];
        assert!(workers(&endpoints, &[], 1, false).is_empty());
        assert_eq!(workers(&endpoints, &[], 1, true).len(), 1);
        let blocked = Endpoint { blocked: Some("busy".into()), ..(*endpoints[0]).clone() };
        assert!(workers(&[Rc::new(blocked)], &[], 1, true).is_empty());
    }

    #[test]
    fn of_queues_that_share_a_sensor_one_streams() {
        let of = |key: &str, shares: Option<&str>| {
            let endpoint = queue(key, &format!("/dev/{key}"), Ability::Capture);
            Rc::new(Endpoint { shares: shares.map(str::to_owned), ..(*endpoint).clone() })
        };
        let endpoints = [
            of("raw", Some("media0#1")),
            of("other", Some("media0#5")),
            of("rgb", Some("media0#1")),
            of("alone", None),
        ];
        let chosen = one_at_a_time(&endpoints);
        let [(ref id, rgb, why)] = blocked(&chosen).collect::<Vec<_>>()[..] else { panic!("{chosen:?}") };
        assert_eq!((id.as_str(), rgb.key.as_str()), ("load.stream.rgb", "rgb"));
        assert!(why.contains("from the source of raw"), "{why}");
        assert_eq!(workers(&chosen, &[], 1, true).len(), 3);
    }

    #[test]
    fn half_of_a_driver_s_queues_export_while_the_others_stream() {
        let mut endpoints: Vec<_> =
            (0..4).map(|n| queue(&format!("v4l2-vivid-cap{n}"), &format!("/dev/video{n}"), Ability::Capture)).collect();
        endpoints.push(queue("v4l2-vim2m-cap0", "/dev/video9", Ability::Convert));
        endpoints.push(queue("v4l2-vim2m-out0", "/dev/video9", Ability::ConvertFrom));
        let shifts = shifts(&endpoints);
        let of: Vec<_> = (0..4).map(|n| shifts[&format!("v4l2-vivid-cap{n}")]).collect();
        assert_eq!((of, shifts.len()), (vec![0, 0, 1, 1], 4));
    }
}
