//! Whether memory is as no one has written it.

use event::Oracle;
use spec::step::CheckZero;

use super::stop::Stop;
use super::world::World;

pub fn check_zero(world: &mut World, step: &CheckZero) -> Result<(), Stop> {
    world.checks += 1;
    let shown = world.mapping(&step.mapping)?;
    let (mut dirty, mut first) = (0u64, None);
    for offset in (0..shown.mapping.len() / 8 * 8).step_by(8) {
        let word = shown.mapping.read_word(offset);
        if word != 0 {
            dirty += 1;
            first.get_or_insert((offset, word));
        }
    }
    let Some((offset, word)) = first else { return Ok(()) };
    let bytes = word.to_ne_bytes().map(|byte| format!("{byte:02x}")).join(" ");
    let seen =
        format!("byte {offset} of the mapping: {bytes}; {dirty} of {} words are not zero", shown.mapping.len() / 8);
    Err(Stop::fail(Oracle::Content, shown.blame, seen, "zeroes: no byte of whoever had the memory before"))
}
