//! Steps on files: size, seeks, flags, identity.

use nix::unistd::Whence;
use spec::step::{Duplicate, File, FileAccess, Flags, From, NotDmaBuf, Open, Reopen, SameFile, Seek};
use uapi::{Errno, dma_buf};

use super::refusal::demanded;
use super::stop::Stop;
use super::world::{FileValue, Value, World};
use event::{Blame, Oracle};

fn asked<T>(what: &str, answer: Result<T, Errno>) -> Result<T, Stop> {
    answer.map_err(|errno| {
        Stop::fail(Oracle::File, Blame::Exporter, format!("{what}: {errno}"), format!("{what} succeeds"))
    })
}

pub fn duplicate(world: &mut World, step: &Duplicate) -> Result<(), Stop> {
    let size = world.file(&step.file)?.size;
    let copy = asked("dup", dma_buf::duplicate(world.descriptor(&step.file)?))?;
    world.insert(&step.r#as, Value::File(FileValue::new(copy, size)));
    Ok(())
}

pub fn open(world: &mut World, step: &Open) -> Result<(), Stop> {
    let file =
        dma_buf::ordinary_file().map_err(|errno| Stop::suite(format!("memfd_create: {errno}"), "a file in memory"))?;
    let mut value = FileValue::new(file, world.size);
    if step.what == NotDmaBuf::ClosedFile {
        value.file = None;
    }
    world.insert(&step.r#as, Value::File(value));
    Ok(())
}

pub fn reopen(world: &mut World, step: &Reopen) -> Result<(), Stop> {
    world.checks += 1;
    let answer =
        world.files().reopen(world.descriptor(&step.file)?).map_err(device::Refusal::of("open of /proc/self/fd"));
    demanded(answer, &step.must_refuse, Blame::Kernel, "opening the file again for writing").map(drop)
}

pub fn same_file(world: &mut World, step: &SameFile) -> Result<(), Stop> {
    world.checks += 1;
    let inode = |name: &str| asked("fstat", world.files().inode(world.descriptor(name)?));
    let (first, second) = (inode(&step.first)?, inode(&step.second)?);
    if (first == second) == step.same {
        return Ok(());
    }
    let blame = if world.importer.is_some() { Blame::Importer } else { Blame::Exporter };
    let seen = format!("'{}' is inode {first}, '{}' is inode {second}", step.first, step.second);
    let expected = if step.same { "one and the same dma-buf" } else { "two different dma-bufs" };
    Err(Stop::fail(Oracle::Identity, blame, seen, expected))
}

pub fn size(world: &mut World, step: &File) -> Result<(), Stop> {
    world.checks += 1;
    let told = world.file(&step.file)?.size;
    let file = world.descriptor(&step.file)?;
    let sought = asked("lseek to the end", world.files().seek(file, 0, Whence::SeekEnd))?;
    let page = uapi::memory::page_size() as u64;
    let fail = |seen, expected: String| Err(Stop::fail(Oracle::File, Blame::Exporter, seen, expected));
    if sought < told {
        return fail(
            format!("lseek reports {sought} bytes"),
            format!("at least the {told} bytes that the exporter allocated"),
        );
    }
    if !sought.is_multiple_of(page) {
        return fail(format!("lseek reports {sought} bytes"), format!("whole pages of {page} bytes"));
    }
    let fdinfo = world.files().fdinfo(file).ok().and_then(|text| oracle::balance::FdInfo::parse(&text));
    let Some(fdinfo) = fdinfo else {
        return Err(Stop::not_observable(
            Oracle::File,
            "fdinfo reports no size",
            "lseek and fdinfo report the same size",
        ));
    };
    if fdinfo.size != sought {
        return fail(format!("lseek reports {sought} bytes, fdinfo {}", fdinfo.size), "one size".to_owned());
    }
    Ok(())
}

pub fn seek(world: &mut World, step: &Seek) -> Result<(), Stop> {
    world.checks += 1;
    let whence = match step.from {
        From::Start => Whence::SeekSet,
        From::Current => Whence::SeekCur,
        From::End => Whence::SeekEnd,
    };
    let answer = world.files().seek(world.descriptor(&step.file)?, step.offset, whence);
    let what = format!("a seek to {} from the {:?}", step.offset, step.from).to_lowercase();
    demanded(answer.map_err(device::Refusal::of("lseek")), &step.must_refuse, Blame::Kernel, &what).map(drop)
}

pub fn flags(world: &mut World, step: &Flags) -> Result<(), Stop> {
    world.checks += 1;
    let seen = asked("fcntl", world.files().flags(world.descriptor(&step.file)?))?;
    let wanted =
        dma_buf::FileFlags { writable: step.access == FileAccess::ReadWrite, close_on_exec: step.close_on_exec };
    if seen == wanted {
        return Ok(());
    }
    Err(Stop::fail(Oracle::File, Blame::Exporter, words(seen), words(wanted)))
}

fn words(flags: dma_buf::FileFlags) -> String {
    let access = if flags.writable { "O_RDWR" } else { "O_RDONLY" };
    let exec = if flags.close_on_exec { "with FD_CLOEXEC" } else { "without FD_CLOEXEC" };
    format!("{access} {exec}")
}

pub fn dma_buf(world: &mut World, step: &File) -> Result<(), Stop> {
    world.checks += 1;
    let file = world.descriptor(&step.file)?;
    if asked("fstatfs", world.files().is_dma_buf(file))? {
        return Ok(());
    }
    Err(Stop::fail(Oracle::File, Blame::Exporter, "fstatfs reports another file system", "f_type is DMA_BUF_MAGIC"))
}
