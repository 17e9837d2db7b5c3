//! Steps that devices do: allocate, export, import.

use std::os::fd::AsFd;

use device::{ExportFlags, ImportSize, Refusal};
use spec::step::{Allocate, BufferUse, Export, FileAccess, Image, Import, SameHandle, Side};

use super::documented;
use super::refusal::{demanded, names, unexpected};
use super::stop::Stop;
use super::world::{BufferValue, FileValue, Value, World};
use event::{Blame, MapDmaBuf, Oracle};

fn blame(side: Side) -> Blame {
    match side {
        Side::Exporter => Blame::Exporter,
        Side::Importer | Side::SecondImporter => Blame::Importer,
    }
}

pub fn allocate(world: &mut World, step: &Allocate) -> Result<(), Stop> {
    let size = match step.image {
        Some(image) => image.bytes(),
        None => step.size.map_or(world.size, |size| size.0.max(1)),
    };
    let exporter = world.side(Side::Exporter)?;
    let key = exporter.endpoint.key.clone();
    let answer = match step.image {
        _ if !step.uses.is_empty() => exporter.device.allocate_for(size, &step.uses),
        Some(Image { width, height, bits_per_pixel }) => exporter.device.allocate_image(width, height, bits_per_pixel),
        None => exporter.device.allocate(size),
    };
    if !step.must_refuse.is_empty() {
        demanded(answer, &step.must_refuse, Blame::Exporter, &format!("allocating {size} bytes"))?;
        world.checks += 1;
        return Ok(());
    }
    let buffer = match answer {
        Ok(buffer) => buffer,
        Err(refusal) => return Err(unexpected(&refusal, Blame::Exporter, &format!("{key} allocates {size} bytes"))),
    };
    if buffer.size() < size {
        let seen = format!("the buffer has {} bytes", buffer.size());
        return Err(Stop::fail(Oracle::File, Blame::Exporter, seen, format!("{key} allocates at least {size} bytes")));
    }
    let linear = step.uses.contains(&BufferUse::Linear);
    world.insert(&step.r#as, Value::Buffer(BufferValue { buffer, side: Side::Exporter, linear }));
    Ok(())
}

pub fn export(world: &mut World, step: &Export) -> Result<(), Stop> {
    let held = world.buffer(&step.buffer)?;
    let flags = ExportFlags { writable: step.access == FileAccess::ReadWrite, close_on_exec: step.close_on_exec };
    let (side, size) = (held.side, held.buffer.size());
    let answer = held.buffer.export(flags);
    if !step.must_refuse.is_empty() {
        demanded(answer, &step.must_refuse, blame(side), "the export")?;
        world.checks += 1;
        return Ok(());
    }
    let file = match answer {
        Ok(file) => file,
        Err(refusal) if names(&step.may_refuse, refusal.errno()) => {
            return Err(refused(&refusal, "the case allows it"));
        }
        Err(refusal) => return Err(unexpected(&refusal, blame(side), "the device exports the buffer that it holds")),
    };
    let driver = world.exporter.as_ref().map_or(String::new(), |exporter| exporter.endpoint.driver.clone());
    let fdinfo = world.files().fdinfo(file.as_fd()).ok();
    if let Some(exported) = fdinfo.as_deref().and_then(oracle::provenance::from_fdinfo) {
        let exported = exported.of_driver(&driver);
        let exported = MapDmaBuf { symbol: exported.map_dma_buf, exp_name: exported.exp_name, observed: false };
        if side == Side::Exporter && !world.exported.contains(&exported) {
            world.exported.push(exported);
        }
    }
    world.insert(&step.r#as, Value::File(FileValue::new(file, size)));
    Ok(())
}

fn refused(refusal: &Refusal, why: &str) -> Stop {
    Stop::refused(format!("{refusal}: {why}"))
}

pub fn import(world: &mut World, step: &Import) -> Result<(), Stop> {
    let file = world.file(&step.file)?;
    let size = match step.larger_by.0 {
        0 => ImportSize::Within(file.size),
        more => ImportSize::AtLeast(file.size + more),
    };
    let number = file.number;
    let opened = world.side(step.by)?;
    let (kind, key) = (opened.endpoint.kind, opened.endpoint.key.clone());
    let answer = opened.device.import(number, size);
    let documented = |refusal: &Refusal| refusal.errno().and_then(|errno| documented::import(kind, errno));
    if !step.must_refuse.is_empty() {
        // Refused for another reason, so that the one asked about was never looked at.
        match &answer {
            Err(refusal) if !names(&step.must_refuse, refusal.errno()) => {
                if let Some(reason) = documented(refusal) {
                    return Err(refused(refusal, reason));
                }
            }
            _ => {}
        }
        let seen = answer.as_ref().err().map(|refusal| format!("{refusal}: as it must be"));
        demanded(answer, &step.must_refuse, blame(step.by), &format!("the import into {key}"))?;
        seen.into_iter().for_each(|seen| world.property(Oracle::Refusal, seen));
        world.checks += 1;
        return Ok(());
    }
    let refusal = match answer {
        Ok(buffer) => {
            world.imported = true;
            world.insert(&step.r#as, Value::Buffer(BufferValue { buffer, side: step.by, linear: false }));
            return Ok(());
        }
        Err(refusal) => refusal,
    };
    let reason = match &step.may_refuse {
        Some(list) => names(list, refusal.errno()).then_some("the case allows it"),
        None => documented(&refusal),
    };
    match reason {
        Some(reason) if step.go_on => {
            world.property(Oracle::Refusal, format!("{refusal}: {reason}"));
            world.insert(&step.r#as, Value::Nothing);
            Ok(())
        }
        Some(reason) => Err(refused(&refusal, reason)),
        None if refusal.errno().is_none() => {
            Err(unexpected(&refusal, Blame::Nobody, &format!("{key} imports the buffer")))
        }
        None => {
            let expected = format!("{key} imports the buffer, or refuses it with an errno that is documented for it");
            Err(Stop::fail(Oracle::Refusal, Blame::Undecided, refusal.to_string(), expected))
        }
    }
}

pub fn same_handle(world: &mut World, step: &SameHandle) -> Result<(), Stop> {
    let handle = |name: &str| Ok(world.buffer(name)?.buffer.handle());
    let (Some(first), Some(second)) = (handle(&step.first)?, handle(&step.second)?) else {
        return Err(Stop::not_observable(
            Oracle::Identity,
            "these buffers have no GEM handle",
            "two handles to compare",
        ));
    };
    world.checks += 1;
    if (first == second) == step.same {
        return Ok(());
    }
    let blame = if world.importer.is_some() { Blame::Importer } else { Blame::Exporter };
    let seen = format!("'{}' is handle {first}, '{}' is handle {second}", step.first, step.second);
    let expected = if step.same { "one and the same GEM handle" } else { "two different GEM handles" };
    Err(Stop::fail(Oracle::Identity, blame, seen, expected))
}
