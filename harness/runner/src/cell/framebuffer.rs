//! Framebuffers that do not fit.

use spec::step::{Framebuffer, Side};

use super::misuse::word;
use super::refusal::demanded;
use super::stop::Stop;
use super::world::World;
use event::Blame;

pub fn framebuffer(world: &mut World, step: &Framebuffer) -> Result<(), Stop> {
    let held = world.buffer(&step.buffer)?;
    let answer = held.buffer.framebuffer(step.how);
    let blame = if held.side == Side::Exporter { Blame::Exporter } else { Blame::Importer };
    demanded(answer, &step.must_refuse, blame, &format!("the framebuffer with '{}'", word(step.how)))?;
    world.checks += 1;
    Ok(())
}
