//! What frames go through before they come to a video node, where that is set part by part and not through the node: the
//! entities of a media controller. Reference: `Documentation/userspace-api/media/mediactl/`.
//!
//! When one node streams, the kernel compare the formats of everything with each other that is connected with it
//! (`media_pipeline_start`): what its sensor gives to others must fit there, too.

use std::cell::RefCell;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{major, minor};
use uapi::media::{BusFormat, Node, Pad, Topology, pad_format, set_pad_format};
use uapi::v4l2::{self, Format, QueueType};

/// More media devices than any machine has.
const MEDIA_DEVICES: u32 = 64;

/// Everything that is connected with a video node now. What is set on it is set back when it is dropped.
pub struct Pipeline {
    /// The number of the media device.
    media: u32,
    topology: Topology,
    /// Entities, each after all that it gets frames from.
    order: Vec<u32>,
    subdevices: Vec<(u32, File)>,
    /// The video nodes other than the one that it is about.
    others: Vec<(u32, File)>,
    /// The pad that the node's frames come from.
    last: Pad,
    pads_before: RefCell<Vec<(Pad, BusFormat)>>,
    others_before: RefCell<Vec<(u32, QueueType, Format)>>,
}

impl Pipeline {
    /// Finds what is connected with a node, if a media device knows it and all of it can be opened.
    pub fn of(node: BorrowedFd<'_>) -> Option<Self> {
        let about = std::fs::metadata(format!("/proc/self/fd/{}", node.as_raw_fd())).ok()?;
        let number = (major(about.rdev()) as u32, minor(about.rdev()) as u32);
        (0..MEDIA_DEVICES).find_map(|media| {
            let topology = Topology::of(File::open(format!("/dev/media{media}")).ok()?.as_fd()).ok()?;
            let entity = topology.nodes.iter().find(|node| node.number == number)?.entity;
            let last = sources(&topology, entity).next()?.1;
            let order = connected(&topology, entity);
            let open = |entity: u32| {
                let node = topology.nodes.iter().find(|node| node.entity == entity)?;
                Some((node.subdevice, entity, opened(node)?))
            };
            let files: Option<Vec<_>> = order.iter().filter(|&&other| other != entity).map(|&one| open(one)).collect();
            let (subdevices, others): (Vec<_>, Vec<_>) = files?.into_iter().partition(|(subdevice, ..)| *subdevice);
            let plain =
                |files: Vec<(bool, u32, File)>| files.into_iter().map(|(_, entity, file)| (entity, file)).collect();
            let (subdevices, others) = (plain(subdevices), plain(others));
            let (pads_before, others_before) = Default::default();
            Some(Self { media, topology, order, subdevices, others, last, pads_before, others_before })
        })
    }

    /// The same for all nodes that are connected with each other.
    pub fn name(&self) -> String {
        let first = self.order.iter().min().copied().unwrap_or_default();
        format!("media{}#{first}", self.media)
    }

    /// The subdevices.
    pub fn subdevices(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.subdevices.iter().map(|(_, file)| file.as_fd())
    }

    /// Makes all of it carry frames of a size. Tells what comes to the node.
    pub fn set(&self, width: u32, height: u32) -> Option<BusFormat> {
        for &entity in self.order.iter().filter(|&&entity| self.subdevice(entity).is_some()) {
            for (sink, source) in sources(&self.topology, entity) {
                let given = self.now(source)?;
                let taken = self.change(sink, given)?;
                if taken.code != given.code {
                    // It takes another order of colours than the sensor has.
                    let given = self.change(source, BusFormat { code: taken.code, ..given })?;
                    self.change(sink, given)?;
                }
            }
            for pad in self.topology.pads.iter().filter(|pad| pad.entity == entity && pad.source) {
                self.change(*pad, BusFormat { width, height, ..self.now(*pad)? })?;
            }
        }
        self.others.iter().try_for_each(|(entity, file)| {
            sources(&self.topology, *entity)
                .try_for_each(|(_, source)| self.follow(*entity, file.as_fd(), self.now(source)?))
        })?;
        let fits = |(sink, source): (Pad, Pad)| {
            let same = |one: BusFormat, other: BusFormat| {
                (one.width, one.height, one.code) == (other.width, other.height, other.code)
            };
            self.subdevice(sink.entity).is_none()
                || self.now(sink).zip(self.now(source)).is_some_and(|(a, b)| same(a, b))
        };
        let all = self.order.iter().flat_map(|&entity| sources(&self.topology, entity)).all(fits);
        all.then(|| self.now(self.last)).flatten()
    }

    /// Sets another video node to what comes to it.
    fn follow(&self, entity: u32, node: BorrowedFd<'_>, given: BusFormat) -> Option<()> {
        let of = |queue| Some((queue, v4l2::format(node, queue).ok()?));
        let (queue, now) = [QueueType::Capture, QueueType::CaptureMultiPlanar].into_iter().find_map(of)?;
        let fourcc = v4l2::formats_of_code(node, queue, given.code).first()?.fourcc;
        self.others_before.borrow_mut().push((entity, queue, now));
        let wish = Format { width: given.width, height: given.height, fourcc, sizes: vec![0], strides: vec![0] };
        v4l2::set_format(node, queue, &wish).ok().map(drop)
    }

    fn now(&self, pad: Pad) -> Option<BusFormat> {
        pad_format(self.subdevice(pad.entity)?, pad.index).ok()
    }

    fn change(&self, pad: Pad, wish: BusFormat) -> Option<BusFormat> {
        let now = self.now(pad)?;
        self.pads_before.borrow_mut().push((pad, now));
        set_pad_format(self.subdevice(pad.entity)?, pad.index, wish).ok()
    }

    fn subdevice(&self, entity: u32) -> Option<BorrowedFd<'_>> {
        self.subdevices.iter().find(|(of, _)| *of == entity).map(|(_, file)| file.as_fd())
    }
}

/// The pads of an entity that frames come in by, each with the pad that they come from.
fn sources(topology: &Topology, entity: u32) -> impl Iterator<Item = (Pad, Pad)> {
    let pad = |id: u32| topology.pads.iter().copied().find(move |pad| pad.id == id);
    let into = topology.links.iter().filter_map(move |&(source, sink)| Some((pad(sink)?, pad(source)?)));
    into.filter(move |(sink, _)| sink.entity == entity)
}

/// The entities that are connected with one, each after all that it gets frames from.
fn connected(topology: &Topology, entity: u32) -> Vec<u32> {
    let links: Vec<(u32, u32)> = {
        let all = topology.pads.iter().map(|pad| pad.entity).collect::<std::collections::BTreeSet<_>>();
        let of = |&to: &u32| sources(topology, to).map(move |(_, source)| (source.entity, to)).collect::<Vec<_>>();
        all.iter().flat_map(of).collect()
    };
    let mut found = vec![entity];
    let mut next = 0;
    while let Some(&one) = found.get(next) {
        let neighbours = links.iter().filter_map(|&(a, b)| if a == one { Some(b) } else { (b == one).then_some(a) });
        let new: Vec<u32> = neighbours.filter(|other| !found.contains(other)).collect();
        found.extend(new);
        found.dedup();
        next += 1;
    }
    let mut order: Vec<u32> = Vec::new();
    while order.len() < found.len() {
        let ready = |one: &&u32| !order.contains(one) && links.iter().all(|(a, b)| b != *one || order.contains(a));
        // What goes round in a circle is in no order at all.
        let Some(&one) = found.iter().find(ready) else { break };
        order.push(one);
    }
    order
}

fn opened(node: &Node) -> Option<File> {
    let (major, minor) = node.number;
    let about = std::fs::read_to_string(format!("/sys/dev/char/{major}:{minor}/uevent")).ok()?;
    let name = about.lines().find_map(|line| line.strip_prefix("DEVNAME="))?;
    File::options().read(true).write(true).open(Path::new("/dev").join(name)).ok()
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        for (entity, queue, format) in self.others_before.take().into_iter().rev() {
            if let Some((_, file)) = self.others.iter().find(|(of, _)| *of == entity) {
                let _ = v4l2::set_format(file.as_fd(), queue, &format);
            }
        }
        for (pad, format) in self.pads_before.take().into_iter().rev() {
            if let Some(subdevice) = self.subdevice(pad.entity) {
                let _ = set_pad_format(subdevice, pad.index, format);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sensors; the first (10) gives frames to a node (40) and through a part (20) to another (30).
    fn topology() -> Topology {
        let pad = |id, entity, index, source| Pad { id, entity, index, source };
        Topology {
            pads: vec![
                pad(1, 10, 0, true),
                pad(2, 20, 0, false),
                pad(3, 20, 1, true),
                pad(4, 30, 0, false),
                pad(5, 40, 0, false),
                pad(6, 50, 0, true),
            ],
            links: vec![(3, 4), (1, 2), (1, 5)],
            nodes: vec![],
        }
    }

    #[test]
    fn all_that_is_connected_is_found_from_source_to_sink() {
        assert_eq!(connected(&topology(), 30), [10, 20, 30, 40]);
        assert_eq!(connected(&topology(), 50), [50]);
        let pads: Vec<(u32, u32)> = sources(&topology(), 30).map(|(sink, source)| (sink.id, source.id)).collect();
        assert_eq!(pads, [(4, 3)]);
    }

    #[test]
    fn a_circle_has_no_order() {
        let mut topology = topology();
        topology.links.push((3, 2));
        assert_eq!(connected(&topology, 30), [10, 40]);
    }

    #[test]
    fn a_node_that_no_media_device_knows_has_none() {
        assert!(Pipeline::of(File::open("/dev/null").unwrap().as_fd()).is_none());
    }
}
