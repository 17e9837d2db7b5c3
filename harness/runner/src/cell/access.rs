//! What a device itself does with a buffer, and whether it kept to the DMA addresses.

use spec::step::{DeviceCheck, DeviceFill, Untouched};

use super::refusal::unexpected;
use super::stop::Stop;
use super::world::World;
use event::{Blame, Oracle};

/// Bytes that the device is asked for at once: no whole pages, so that it has to begin and to end within one; whole words.
const PIECE: usize = 30_000;

/// Reading and writing are the exporter's fault as well as the importer's: the one gives the addresses, the other uses
/// them.
const BLAME: Blame = Blame::Undecided;

pub fn fill(world: &mut World, step: &DeviceFill) -> Result<(), Stop> {
    let buffer = world.buffer(&step.buffer)?.buffer.clone();
    let words = (0..buffer.size()).step_by(8);
    let bytes: Vec<u8> = words.flat_map(|at| oracle::content::word(step.seed, at).to_ne_bytes()).collect();
    let answer = buffer.device_write(&bytes[..buffer.size() as usize]);
    answer.map_err(|refusal| unexpected(&refusal, BLAME, "the device writes the buffer that it has imported"))?;
    world.accessed("write");
    Ok(())
}

pub fn check(world: &mut World, step: &DeviceCheck) -> Result<(), Stop> {
    let buffer = world.buffer(&step.buffer)?.buffer.clone();
    let size = usize::try_from(buffer.size()).unwrap_or(usize::MAX) / 8 * 8;
    world.checks += u32::from(size > 0);
    let mut piece = vec![0; PIECE.min(size)];
    let mut refused = None;
    let word = |offset: usize| {
        let within = offset % PIECE;
        if within == 0 && refused.is_none() {
            refused = buffer.device_read(offset as u64, &mut piece[..PIECE.min(size - offset)]).err();
        }
        let mut word = [0; 8];
        word.copy_from_slice(&piece[within..within + 8]);
        u64::from_ne_bytes(word)
    };
    let expected = format!("the device reads the bytes that were written: the pattern of seed {}", step.seed);
    let answer = oracle::content::check_words(size, step.seed, 0, word);
    if let Some(refusal) = refused {
        return Err(unexpected(&refusal, BLAME, "the device reads the buffer that it has imported"));
    }
    world.accessed("read");
    answer.map(drop).map_err(|difference| Stop::fail(Oracle::Content, BLAME, difference.to_string(), expected))
}

pub fn untouched(world: &mut World, step: &Untouched) -> Result<(), Stop> {
    let expected = "an importer uses only the DMA addresses and lengths";
    let file = world.descriptor(&step.file)?;
    let exporter = world.side(spec::step::Side::Exporter)?;
    let decoys = exporter.device.decoys(file);
    let decoys = decoys.map_err(|refusal| unexpected(&refusal, Blame::Exporter, "the exporter reports its decoys"))?;
    if decoys.pages == 0 {
        return Err(Stop::not_observable(
            Oracle::Pages,
            "no one asked for the sg_table: no decoy was laid out",
            expected,
        ));
    }
    world.checks += 1;
    if decoys.changed == 0 && decoys.referenced == 0 {
        return Ok(());
    }
    let seen = format!(
        "of {} decoy pages in the sg_table {} were written and {} referenced",
        decoys.pages, decoys.changed, decoys.referenced
    );
    Err(Stop::fail(Oracle::Pages, Blame::Importer, seen, expected))
}
