//! Which function does which step.

use spec::step::Step;

use super::message::Message;
use super::stop::Stop;
use super::world::World;
use super::{
    access, balance, descriptors, devices, fences, framebuffer, memory, misuse, names, planes, processes, rounds,
    stream, zero,
};

/// Does steps until one of them ends the cell. Steps are numbered from `before` + 1.
pub fn run_steps(world: &mut World, steps: &[Step], before: usize, say: &mut dyn FnMut(&Message)) {
    for (number, step) in steps.iter().enumerate() {
        let name = format!("{} {}", before + number + 1, step.verb());
        say(&Message::Step(name.clone()));
        let done = run_step(world, step, say);
        for mut property in std::mem::take(&mut world.properties) {
            property.step = Some(name.clone());
            say(&Message::Finding(property));
        }
        if let Err(Stop(mut finding)) = done {
            finding.step.get_or_insert(name);
            world.ended = Some(finding.verdict);
            return say(&Message::Finding(*finding));
        }
        if world.ended.is_some() || world.satisfied {
            return;
        }
    }
}

fn run_step(world: &mut World, step: &Step, say: &mut dyn FnMut(&Message)) -> Result<(), Stop> {
    match step {
        Step::Allocate(step) => devices::allocate(world, step),
        Step::Export(step) => devices::export(world, step),
        Step::Planes(step) => planes::planes(world, step),
        Step::Import(step) => devices::import(world, step),
        Step::SameHandle(step) => devices::same_handle(world, step),
        Step::Release(step) => world.release(&step.0),
        Step::Map(step) => memory::map(world, step),
        Step::Fill(step) => memory::fill(world, step),
        Step::Check(step) => memory::check(world, step),
        Step::Sync(step) => memory::sync(world, step),
        Step::Pin(step) => memory::pin(world, step),
        Step::DeviceFill(step) => access::fill(world, step),
        Step::DeviceCheck(step) => access::check(world, step),
        Step::Stream(step) => stream::stream(world, step),
        Step::Untouched(step) => access::untouched(world, step),
        Step::Grow(step) => memory::grow(world, step),
        Step::MakeWritable(step) => memory::make_writable(world, step),
        Step::Reopen(step) => descriptors::reopen(world, step),
        Step::Orders(step) => rounds::orders(world, step, say),
        Step::Fork(step) => processes::fork(world, step, say),
        Step::Send(step) => processes::send(world, step, say),
        Step::Receive(step) => processes::receive(world, step, say),
        Step::Exec(step) => processes::exec(world, step),
        Step::Race(step) => rounds::race(world, step, say),
        Step::Repeat(step) => rounds::repeat(world, step, say),
        Step::Limit(step) => rounds::limit(world, step, say),
        Step::Duplicate(step) => descriptors::duplicate(world, step),
        Step::Open(step) => descriptors::open(world, step),
        Step::SameFile(step) => descriptors::same_file(world, step),
        Step::Size(step) => descriptors::size(world, step),
        Step::Seek(step) => descriptors::seek(world, step),
        Step::Flags(step) => descriptors::flags(world, step),
        Step::DmaBuf(step) => descriptors::dma_buf(world, step),
        Step::Snapshot(step) => balance::snapshot(world, step),
        Step::Balance(step) => balance::balance(world, step),
        Step::Poll(step) => fences::poll(world, step),
        Step::ExportSyncFile(step) => fences::export_sync_file(world, step),
        Step::ImportSyncFile(step) => fences::import_sync_file(world, step),
        Step::AttachFence(step) => fences::attach_fence(world, step),
        Step::Signal(step) => fences::signal(world, step),
        Step::SyncFlags(step) => misuse::sync_flags(world, step),
        Step::SetName(step) => names::set_name(world, step),
        Step::Name(step) => names::name(world, step),
        Step::CheckZero(step) => zero::check_zero(world, step),
        Step::Misuse(step) => misuse::misuse(world, step),
        Step::MisuseFile(step) => misuse::misuse_file(world, step),
        Step::Framebuffer(step) => framebuffer::framebuffer(world, step),
    }
}
