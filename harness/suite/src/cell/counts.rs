//! Descriptors, references and attachments, counted before and after.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use document::step::{Balance, Snapshot};
use oracle::NotAvailable;
use oracle::balance::{self, FdInfo};

use super::Stop;
use super::world::{Value, World};
use crate::event::Blame;

/// What was counted. `None` is what could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Open descriptors of this process.
    open_files: Option<usize>,
    /// The dma-buf that was looked at.
    inode: Option<u64>,
    /// Its file references (fdinfo's count).
    references: Option<u64>,
    /// Its attached devices; nothing when bufinfo cannot be read or does not list it.
    attachments: Option<usize>,
    /// Its mappings for devices, where its exporter counts them.
    mapped: Option<i64>,
    /// Bounce buffers of the whole machine, where every mapping for a device has some.
    bounced: Option<u64>,
}

/// Drivers give up memory in workers and RCU callbacks: what is not balanced within this time is a leak.
const SETTLE: Duration = Duration::from_secs(2);

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

/// How many devices are attached to a dma-buf; `None` for one that the kernel no longer lists.
fn attachments(world: &World, inode: u64) -> Result<Option<usize>, NotAvailable> {
    balance::attachments(world.files().bufinfo(), inode)
}

pub fn balance(world: &mut World, step: &Balance) -> Result<(), Stop> {
    world.checks += 1;
    let before = world.snapshot(&step.since)?.clone();
    let end = Instant::now() + SETTLE;
    loop {
        let answer = if step.gone { gone(world, &before) } else { compare(world, step, &before) };
        match answer {
            Err(Stop(finding)) if settles(&finding) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            answer => return answer,
        }
    }
}

/// What a driver may still be about to give back. This process's own descriptors are opened and closed by nobody else.
fn settles(finding: &crate::event::Finding) -> bool {
    finding.verdict == document::verdict::Verdict::Fail && !finding.seen.ends_with(OPEN_FILES)
}

const OPEN_FILES: &str = "open descriptors";

fn compare(world: &World, step: &Balance, before: &Counts) -> Result<(), Stop> {
    let file = step.file.as_deref().map(|name| world.descriptor(name)).transpose()?;
    let now = count(world, file);
    let blame = if world.importer.is_some() { Blame::Importer } else { Blame::Exporter };
    let rows = [
        (OPEN_FILES, before.open_files.map(|n| n as u64), now.open_files.map(|n| n as u64), true),
        ("references to the dma-buf", before.references, now.references, step.file.is_some()),
        (
            "attached devices",
            before.attachments.map(|n| n as u64),
            now.attachments.map(|n| n as u64),
            step.file.is_some(),
        ),
        ("mappings for devices", before.mapped.map(i64::cast_unsigned), now.mapped.map(i64::cast_unsigned), false),
    ];
    for (what, was, is, _) in rows {
        if let (Some(was), Some(is)) = (was, is)
            && was != is
        {
            return Err(Stop::fail("balance", blame, format!("{is} {what}"), format!("{was} {what}, as before")));
        }
    }
    // Less is no fault: somebody else may have given some back.
    if let (Some(was), Some(is)) = (before.bounced, now.bounced)
        && was < is
    {
        let seen = format!("{is} slots of bounce buffers (swiotlb) in use");
        return Err(Stop::fail("balance", Blame::Undecided, seen, format!("{was} slots, as before")));
    }
    let unseen: Vec<&str> =
        rows.iter().filter(|row| row.3 && (row.1.is_none() || row.2.is_none())).map(|row| row.0).collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let seen =
        format!("{} cannot be counted (debugfs's dma_buf/bufinfo needs root and CONFIG_DEBUG_FS)", unseen.join(", "));
    Err(Stop::not_observable("balance", seen, "all counts as before"))
}

fn gone(world: &World, before: &Counts) -> Result<(), Stop> {
    let expected = "the dma-buf is gone from the kernel's list (debugfs: dma_buf/bufinfo)";
    let Some(inode) = before.inode else {
        return Err(Stop::suite("the snapshot has no dma-buf", "'gone' needs a snapshot with a file"));
    };
    // Without this the dma-buf could be missing from the list because it never was in it.
    if before.attachments.is_none() {
        return Err(Stop::not_observable("balance", "bufinfo cannot be read (root, CONFIG_DEBUG_FS)", expected));
    }
    match attachments(world, inode) {
        Ok(None) => Ok(()),
        Ok(Some(attached)) => {
            let seen =
                format!("it is still there, with {attached} attached devices, after everything of it was closed");
            Err(Stop::fail("balance", Blame::Undecided, seen, expected))
        }
        Err(error) => Err(Stop::not_observable("balance", format!("bufinfo: {error}"), expected)),
    }
}
