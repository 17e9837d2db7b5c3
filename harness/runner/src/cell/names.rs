//! Steps on a dma-buf's name.

use std::ffi::CString;

use spec::step::{Name, SetName};

use super::refusal::demanded;
use super::stop::Stop;
use super::world::World;
use event::{Blame, Oracle};

pub fn set_name(world: &mut World, step: &SetName) -> Result<(), Stop> {
    let name = CString::new(step.name.as_str())
        .map_err(|_| Stop::suite("the name has a NUL in it", "a name of other characters"))?;
    let answer = world.files().set_name(world.descriptor(&step.file)?, &name);
    let answer = match answer {
        Err(uapi::Errno::ENOTTY) => Err(device::Refusal::NotAsked("this kernel names no dma-bufs (5.3)")),
        answer => answer.map_err(device::Refusal::of("DMA_BUF_SET_NAME")),
    };
    let what = format!("a name of {} bytes for '{}'", step.name.len(), step.file);
    demanded(answer, &step.must_refuse, Blame::Kernel, &what)?;
    world.checks += u32::from(!step.must_refuse.is_empty());
    Ok(())
}

pub fn name(world: &mut World, step: &Name) -> Result<(), Stop> {
    world.checks += 1;
    let words = |name: &Option<String>| name.as_ref().map_or("no name".to_owned(), |name| format!("the name '{name}'"));
    let expected = format!("fdinfo shows {}", words(&step.is));
    let text = world.files().fdinfo(world.descriptor(&step.file)?).ok();
    let Some(told) = text.as_deref().and_then(oracle::balance::FdInfo::parse) else {
        return Err(Stop::not_observable(Oracle::File, "fdinfo shows nothing of the dma-buf", expected));
    };
    if told.name == step.is {
        return Ok(());
    }
    Err(Stop::fail(Oracle::File, Blame::Kernel, format!("fdinfo shows {}", words(&told.name)), expected))
}
