//! Descriptors, references and attachments, counted before and after.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use oracle::NotAvailable;
use oracle::balance::{self, FdInfo};
use spec::step::{Balance, Snapshot};

use super::counts::Counts;
use super::stop::Stop;
use super::world::{Value, World};
use event::{Blame, Oracle};

pub fn snapshot(world: &mut World, step: &Snapshot) -> Result<(), Stop> {
    let file = step.file.as_deref().map(|name| world.descriptor(name)).transpose()?;
    let counts = count(world, file);
    world.insert(&step.r#as, Value::Snapshot(counts));
    Ok(())
}

fn count(world: &World, file: Option<BorrowedFd<'_>>) -> Counts {
    let inode = file.and_then(|file| world.files().inode(file).ok());
    let fdinfo = file.and_then(|file| FdInfo::parse(&world.files().fdinfo(file).ok()?));
    Counts {
        open_files: balance::open_files(Path::new("/proc")).ok(),
        inode,
        references: fdinfo.map(|info| info.count),
        attachments: inode.and_then(|inode| attachments(world, inode).ok().flatten()),
        mapped: file.and_then(|file| world.exporter.as_ref()?.device.mapped(file).ok()),
        bounced: balance::bounce::slots(Path::new("/proc"), Path::new("/sys/kernel/debug")),
    }
}

/// Returns the number of devices attached to a dma-buf; `None` for one that the kernel no longer lists.
fn attachments(world: &World, inode: u64) -> Result<Option<usize>, NotAvailable> {
    balance::attachments(world.files().bufinfo(), inode)
}

pub fn balance(world: &mut World, step: &Balance) -> Result<(), Stop> {
    world.checks += 1;
    let before = world.snapshot(&step.since)?.clone();
    let end = Instant::now() + world.settle;
    loop {
        let answer = if step.gone { gone(world, &before) } else { compare(world, step, &before) };
        match answer {
            Err(Off { settles: true, .. }) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            answer => return answer.map_err(|off| off.stop),
        }
    }
}

/// Counts that are not as they should be.
struct Off {
    stop: Stop,
    /// True if a driver may still be about to release what is counted. Only this process opens and closes its own
    /// descriptors.
    settles: bool,
}

impl From<Stop> for Off {
    fn from(stop: Stop) -> Self {
        Self { stop, settles: false }
    }
}

impl Off {
    fn settling(stop: Stop) -> Self {
        Self { stop, settles: true }
    }
}

fn compare(world: &World, step: &Balance, before: &Counts) -> Result<(), Off> {
    let file = step.file.as_deref().map(|name| world.descriptor(name)).transpose()?;
    let now = count(world, file);
    let blame = if world.importer.is_some() { Blame::Importer } else { Blame::Exporter };
    // What is counted, before and now, whether it has to be countable, and whether it may settle.
    let rows = [
        ("open descriptors", before.open_files.map(|n| n as u64), now.open_files.map(|n| n as u64), true, false),
        ("references to the dma-buf", before.references, now.references, step.file.is_some(), true),
        (
            "attached devices",
            before.attachments.map(|n| n as u64),
            now.attachments.map(|n| n as u64),
            step.file.is_some(),
            true,
        ),
        (
            "mappings for devices",
            before.mapped.map(i64::cast_unsigned),
            now.mapped.map(i64::cast_unsigned),
            false,
            true,
        ),
    ];
    for (what, was, is, _, settles) in rows {
        if let (Some(was), Some(is)) = (was, is)
            && was != is
        {
            let stop = Stop::fail(Oracle::Balance, blame, format!("{is} {what}"), format!("{was} {what}, as before"));
            return Err(Off { stop, settles });
        }
    }
    // Less is not a fault: someone else may have released some.
    if let (Some(was), Some(is)) = (before.bounced, now.bounced)
        && was < is
    {
        let seen = format!("{is} slots of bounce buffers (swiotlb) in use");
        let stop = Stop::fail(Oracle::Balance, Blame::Undecided, seen, format!("{was} slots, as before"));
        return Err(Off::settling(stop));
    }
    let unseen: Vec<&str> =
        rows.iter().filter(|row| row.3 && (row.1.is_none() || row.2.is_none())).map(|row| row.0).collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let seen =
        format!("{} cannot be counted (debugfs's dma_buf/bufinfo needs root and CONFIG_DEBUG_FS)", unseen.join(", "));
    Err(Stop::not_observable(Oracle::Balance, seen, "all counts as before").into())
}

fn gone(world: &World, before: &Counts) -> Result<(), Off> {
    let expected = "the dma-buf is gone from the kernel's list (debugfs: dma_buf/bufinfo)";
    let Some(inode) = before.inode else {
        return Err(Stop::suite("the snapshot has no dma-buf", "'gone' needs a snapshot with a file").into());
    };
    // Without this the dma-buf could be missing from the list because it never was in it.
    if before.attachments.is_none() {
        return Err(
            Stop::not_observable(Oracle::Balance, "bufinfo cannot be read (root, CONFIG_DEBUG_FS)", expected).into()
        );
    }
    match attachments(world, inode) {
        Ok(None) => Ok(()),
        Ok(Some(attached)) => {
            let seen =
                format!("it is still there, with {attached} attached devices, after everything of it was closed");
            Err(Off::settling(Stop::fail(Oracle::Balance, Blame::Undecided, seen, expected)))
        }
        Err(error) => Err(Stop::not_observable(Oracle::Balance, format!("bufinfo: {error}"), expected).into()),
    }
}
