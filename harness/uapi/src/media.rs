//! Media controllers: the entities that a frame goes through on its way to a video node, and the formats of their pads.
//! Reference: `Documentation/userspace-api/media/mediactl/`, `include/uapi/linux/media.h`,
//! `include/uapi/linux/v4l2-subdev.h`.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use crate::retry::retry;

mod ioctl {
    #![allow(missing_docs)]
    nix::ioctl_readwrite!(g_topology, b'|', 0x04, super::RawTopology);
    nix::ioctl_readwrite!(subdev_g_fmt, b'V', 4, super::RawFormat);
    nix::ioctl_readwrite!(subdev_s_fmt, b'V', 5, super::RawFormat);
}

/// `struct media_v2_topology`: each array as its length, 4 bytes without a use, and its address.
#[derive(Default)]
#[repr(C, packed)]
#[allow(missing_docs)]
pub struct RawTopology {
    version: u64,
    entities: RawArray,
    interfaces: RawArray,
    pads: RawArray,
    links: RawArray,
}

#[derive(Default)]
#[repr(C, packed)]
struct RawArray {
    count: u32,
    reserved: u32,
    address: u64,
}

/// `struct v4l2_subdev_format`, with its `struct v4l2_mbus_framefmt`.
#[derive(Default)]
#[repr(C)]
#[allow(missing_docs)]
pub struct RawFormat {
    which: u32,
    pad: u32,
    width: u32,
    height: u32,
    code: u32,
    field: u32,
    colorspace: u32,
    rest: [u16; 14],
    reserved: [u32; 8],
}

const _: () = assert!(size_of::<RawTopology>() == 72 && size_of::<RawFormat>() == 88);

/// Words of 32 bits in one entry of each array: `struct media_v2_entity`, `_interface`, `_pad`, `_link`.
const WORDS: [usize; 4] = [24, 28, 8, 10];

/// `MEDIA_PAD_FL_SOURCE`.
const SOURCE: u32 = 2;

/// A data link that frames take (`MEDIA_LNK_FL_ENABLED`).
const ENABLED: u32 = 1;

/// The type of a link (`MEDIA_LNK_FL_LINK_TYPE`): 0 between pads, this from an interface to its entity.
const LINK_TYPE: u32 = 0xf << 28;
const INTERFACE_LINK: u32 = 1 << 28;

/// `MEDIA_INTF_T_V4L_SUBDEV`.
const SUBDEVICE: u32 = 0x203;

/// `V4L2_SUBDEV_FORMAT_ACTIVE`.
const ACTIVE: u32 = 1;

/// An arrangement that changes each time it is looked at is given up on.
const ATTEMPTS: usize = 8;

/// A pad of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pad {
    /// Its number in the whole arrangement.
    pub id: u32,
    /// The entity that it belongs to.
    pub entity: u32,
    /// Its place among the pads of its entity.
    pub index: u32,
    /// True if frames come out of it; else they go in.
    pub source: bool,
}

/// The entities of a media device and their links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// The pads of all entities.
    pub pads: Vec<Pad>,
    /// Links that frames take: from a pad to a pad, by their ids.
    pub links: Vec<(u32, u32)>,
    /// The device nodes of entities.
    pub nodes: Vec<Node>,
}

/// A device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its major and its minor number.
    pub number: (u32, u32),
    /// The entity that it belongs to.
    pub entity: u32,
    /// True if it is a subdevice's; else it is one that carries frames, or something else.
    pub subdevice: bool,
}

impl Topology {
    /// Asks a media device: MEDIA_IOC_G_TOPOLOGY.
    ///
    /// # Errors
    /// ENOTTY for a file that is not a media device or a kernel before 4.19, EAGAIN where it changes all the time.
    pub fn of(media: BorrowedFd<'_>) -> Result<Self, Errno> {
        for _ in 0..ATTEMPTS {
            let counts = ask(media, [0; 4], &mut Default::default())?;
            let mut words = std::array::from_fn(|array| vec![0; counts[array] as usize * WORDS[array]]);
            match ask(media, counts, &mut words) {
                Ok(now) if now == counts => return Ok(Self::decode(&words)),
                // Something came in between.
                Ok(_) | Err(Errno::ENOSPC) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::EAGAIN)
    }

    fn decode([_, interfaces, pads, links]: &[Vec<u32>; 4]) -> Self {
        let links: Vec<&[u32]> = links.chunks(WORDS[3]).collect();
        let of_interface = |id| links.iter().find(|link| link[3] & LINK_TYPE == INTERFACE_LINK && link[1] == id);
        let node = |interface: &[u32]| {
            let entity = of_interface(interface[0])?[2];
            Some(Node { number: (interface[12], interface[13]), entity, subdevice: interface[1] == SUBDEVICE })
        };
        Self {
            pads: pads
                .chunks(WORDS[2])
                .map(|pad| Pad { id: pad[0], entity: pad[1], index: pad[3], source: pad[2] & SOURCE != 0 })
                .collect(),
            links: links
                .iter()
                .filter(|link| link[3] & (LINK_TYPE | ENABLED) == ENABLED)
                .map(|link| (link[1], link[2]))
                .collect(),
            nodes: interfaces.chunks(WORDS[1]).filter_map(node).collect(),
        }
    }
}

/// Asks for as many entries of each array as there is room for. Tells how many there are.
fn ask(media: BorrowedFd<'_>, counts: [u32; 4], words: &mut [Vec<u32>; 4]) -> Result<[u32; 4], Errno> {
    let mut arrays = words.iter_mut().zip(counts).map(|(words, count)| {
        let address = if count == 0 { 0 } else { words.as_mut_ptr() as usize as u64 };
        RawArray { count, reserved: 0, address }
    });
    let mut next = || arrays.next().unwrap_or_default();
    let mut raw = RawTopology { version: 0, entities: next(), interfaces: next(), pads: next(), links: next() };
    // SAFETY: the number carries the size of the struct; each address is 0 or that of a buffer of `count` entries of the
    // size that media.h gives them, and all outlive the call.
    retry(|| unsafe { ioctl::g_topology(media.as_raw_fd(), &mut raw) })?;
    Ok([raw.entities.count, raw.interfaces.count, raw.pads.count, raw.links.count])
}

/// The frames on a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusFormat {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `MEDIA_BUS_FMT_*`.
    pub code: u32,
    /// `V4L2_FIELD_*`.
    pub field: u32,
    /// `V4L2_COLORSPACE_*`.
    pub colorspace: u32,
}

impl BusFormat {
    fn raw(self, pad: u32) -> RawFormat {
        let Self { width, height, code, field, colorspace } = self;
        RawFormat { which: ACTIVE, pad, width, height, code, field, colorspace, ..RawFormat::default() }
    }

    fn of(raw: &RawFormat) -> Self {
        let &RawFormat { width, height, code, field, colorspace, .. } = raw;
        Self { width, height, code, field, colorspace }
    }
}

/// The format of a subdevice's pad: VIDIOC_SUBDEV_G_FMT.
///
/// # Errors
/// EINVAL for a pad that it lacks, ENOTTY for a file that is not a subdevice.
pub fn pad_format(subdevice: BorrowedFd<'_>, pad: u32) -> Result<BusFormat, Errno> {
    let mut raw = RawFormat { which: ACTIVE, pad, ..RawFormat::default() };
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::subdev_g_fmt(subdevice.as_raw_fd(), &mut raw) })?;
    Ok(BusFormat::of(&raw))
}

/// Sets the format nearest to a wish on a subdevice's pad and returns it: VIDIOC_SUBDEV_S_FMT.
///
/// # Errors
/// EBUSY while it streams, EINVAL for a pad that it lacks.
pub fn set_pad_format(subdevice: BorrowedFd<'_>, pad: u32, wish: BusFormat) -> Result<BusFormat, Errno> {
    let mut raw = wish.raw(pad);
    // SAFETY: the number carries the size of the struct, which outlives the call.
    retry(|| unsafe { ioctl::subdev_s_fmt(subdevice.as_raw_fd(), &mut raw) })?;
    Ok(BusFormat::of(&raw))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn an_arrangement_is_read_as_media_h_lays_it_out() {
        // A sensor (entity 1, pad 2) and a video node (entity 3, pad 4, interface 5 with the node 81:7).
        let mut interface = vec![0; WORDS[1]];
        (interface[0], interface[1], interface[12], interface[13]) = (5, 0x200, 81, 7);
        let pads = vec![2, 1, 2, 0, 0, 0, 0, 0, 4, 3, 1, 0, 0, 0, 0, 0];
        let mut links = vec![0; 3 * WORDS[3]];
        links[..4].copy_from_slice(&[6, 2, 4, ENABLED]);
        links[10..14].copy_from_slice(&[7, 5, 3, INTERFACE_LINK | ENABLED]);
        links[20..24].copy_from_slice(&[8, 4, 2, 0]);
        let topology = Topology::decode(&[vec![], interface, pads, links]);
        assert_eq!(topology.nodes, [Node { number: (81, 7), entity: 3, subdevice: false }]);
        assert_eq!(topology.links, [(2, 4)], "a link that is not enabled carries nothing");
        assert_eq!(topology.pads[1], Pad { id: 4, entity: 3, index: 0, source: false });
    }

    #[test]
    fn a_file_that_is_no_media_device_refuses() {
        let file = crate::dma_buf::ordinary_file().unwrap();
        assert_eq!(Topology::of(file.as_fd()), Err(Errno::ENOTTY));
        assert_eq!(pad_format(file.as_fd(), 0), Err(Errno::ENOTTY));
    }
}
