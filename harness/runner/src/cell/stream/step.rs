//! The step `stream`: the work in each format, and what it shows.

use event::Oracle;
use spec::step::Stream;
use spec::verdict::Verdict;

use super::work_error::without_reference;
use super::{tested, work};
use crate::cell::stop::Stop;
use crate::cell::world::{OpenEndpoint, World};

pub fn stream(world: &mut World, step: &Stream) -> Result<(), Stop> {
    let mut unseen = None;
    let mut formats = formats(world.side(step.by)?, step)?;
    if !step.gives_up.is_empty() {
        // What was given up exists for one format only.
        formats.truncate(1);
    }
    for format in formats {
        if step.test_only {
            let seen = tested::tested(world, step, format)?;
            world.checks += 1;
            world.property(Oracle::Display, seen);
            continue;
        }
        let (seen, judged) = match work::at_work(world, step, format) {
            Ok(done) => done,
            // Another format may show more.
            Err(Stop(finding)) if format.is_some() && finding.verdict == Verdict::NotObservable => {
                unseen.get_or_insert(Stop(finding));
                continue;
            }
            Err(stop) => return Err(stop),
        };
        for (how, files) in [("write", &step.capture), ("read", &step.output)] {
            if !files.is_empty() {
                world.accessed(how);
            }
        }
        world.checks += 1;
        world.property(Oracle::Content, seen);
        judged?;
    }
    unseen.map_or(Ok(()), Err)
}

/// The formats in which a device is to work, or none for one of its own choice.
fn formats(importer: &OpenEndpoint, step: &Stream) -> Result<Vec<Option<u32>>, Stop> {
    let named = importer.device.formats(step).map_err(|undone| without_reference(importer, &undone))?;
    Ok(if named.is_empty() { vec![None] } else { named.into_iter().map(Some).collect() })
}
