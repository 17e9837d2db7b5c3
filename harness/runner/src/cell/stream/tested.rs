//! Whether a display would show an imported buffer as it would its own. Nothing is shown, and so nothing is read: a
//! display that someone looks at is asked as well.

use device::{Buffers, Work};
use spec::step::Stream;

use super::work_error::why_not;
use super::work_order::{own_input, work_of};
use crate::cell::stop::Stop;
use crate::cell::world::World;

/// Reports which frame the display would show.
pub fn tested(world: &World, step: &Stream, format: Option<u32>) -> Result<String, Stop> {
    let importer = world.side(step.by)?;
    let mut files = Vec::new();
    let mut room = u64::MAX;
    for name in &step.output {
        files.push(world.descriptor(name)?);
        room = room.min(world.file(name)?.size);
    }
    let own = work_of(step, room, format, &own_input, &own_input);
    let done = importer.device.work(&Work { output: Buffers::Imported(&files), ..own });
    let done = done.map_err(|undone| {
        why_not(world, importer, &undone, || importer.device.work(&work_of(step, room, format, &own_input, &own_input)))
    })?;
    Ok(format!("{}: the display would show it", done.frames))
}
