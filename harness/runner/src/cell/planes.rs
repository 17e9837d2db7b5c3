//! The planes of an image, each in a file of its own.

use std::os::fd::AsFd;

use device::{Files, ImagePlanes};
use spec::step::{Planes, Side};

use super::refusal::unexpected;
use super::stop::Stop;
use super::world::World;
use event::{Blame, Oracle};

/// `DRM_FORMAT_MOD_LINEAR`.
const LINEAR: u64 = 0;

const EXPECTED: &str = "each plane lies within its file, and those of one handle are one dma-buf";

pub fn planes(world: &mut World, step: &Planes) -> Result<(), Stop> {
    let held = world.buffer(&step.buffer)?;
    let blame = if held.side == Side::Exporter { Blame::Exporter } else { Blame::Importer };
    let linear = held.linear;
    let told = held.buffer.planes();
    let told = told.map_err(|refusal| unexpected(&refusal, blame, "the device exports each plane"))?;
    let judged = judge(world.files(), &told, linear);
    world.checks += 1;
    world.property(Oracle::File, words(&told));
    judged.map_err(|seen| Stop::fail(Oracle::File, blame, seen, EXPECTED))
}

fn words(told: &ImagePlanes) -> String {
    let layout = told.modifier.map_or("a layout without a name".to_owned(), |name| format!("layout {name:#x}"));
    let many = if told.planes.len() == 1 { "plane" } else { "planes" };
    format!("{} {many}, {layout}", told.planes.len())
}

/// Checks that the planes are possible.
fn judge(files: &dyn Files, told: &ImagePlanes, linear: bool) -> Result<(), String> {
    let said = |errno| format!("a plane's file: {errno}");
    let mut handles: Vec<(u32, u64)> = Vec::new();
    for (number, plane) in told.planes.iter().enumerate() {
        let file = plane.file.as_fd();
        let size = files.seek(file, 0, nix::unistd::Whence::SeekEnd).map_err(said)?;
        let end = plane.offset.saturating_add(plane.length);
        if end > size {
            return Err(format!("plane {number} ends at byte {end}, its file at {size}"));
        }
        let inode = files.inode(file).map_err(said)?;
        match handles.iter().find(|(handle, _)| *handle == plane.handle) {
            Some((_, other)) if *other != inode => {
                return Err(format!("plane {number} is another dma-buf than a plane before it of the same handle"));
            }
            _ => handles.push((plane.handle, inode)),
        }
    }
    match told.modifier {
        _ if told.planes.is_empty() => Err("the image has no planes".into()),
        Some(name) if linear && name != LINEAR => Err(format!("what was to be linear has the layout {name:#x}")),
        _ => Ok(()),
    }
}
