//! Steps of a case as lines of C.

use std::collections::BTreeSet;

use document::case::Kind;
use document::step::{
    Balance, Export, FileAccess, Fork, Import, Map, MapSharing, NotDmaBuf, Phase, Release, Repeat, Side, Snapshot,
    Step, Sync, SyncAccess,
};
use uapi::Errno;

use super::devices::Opened;
use super::misuse;
use super::names::{Names, Value, variable};
use super::source::{Source, quoted};
use super::{Untold, mappings};
use crate::cell::documented;

/// What the steps of a cell work with.
pub struct Told<'a> {
    pub source: Source,
    pub names: Names,
    pub exporter: Option<Opened<'a>>,
    pub importer: Option<Opened<'a>>,
    pub size: u64,
    /// How many buffers were allocated.
    pub allocated: u32,
    /// The snapshots whose dma-buf must be gone later.
    pub gone: BTreeSet<String>,
}

/// The snapshots of which a step asks whether their dma-buf is gone.
pub fn gone(steps: &[Step]) -> BTreeSet<String> {
    let of = |step: &Step| match step {
        Step::Balance(Balance { since, gone: true, .. }) => BTreeSet::from([since.clone()]),
        Step::Fork(Fork { steps }) | Step::Repeat(Repeat { steps, .. }) => gone(steps),
        _ => BTreeSet::new(),
    };
    steps.iter().flat_map(of).collect()
}

/// `(int[]){ EINVAL, 0 }`.
pub fn list(errnos: &[document::step::ErrnoName]) -> String {
    format!("(int[]){{ {}, 0 }}", errnos.join(", "))
}

impl<'a> Told<'a> {
    fn side(&self, side: Side) -> Result<Opened<'a>, Untold> {
        let opened = if side == Side::Exporter { self.exporter } else { self.importer };
        opened.filter(|_| side != Side::SecondImporter).ok_or_else(|| Untold::Step("a second importer".into()))
    }

    /// An answer that must be one of these errnos, or must be none.
    pub fn demanded(&mut self, call: &str, must_refuse: &[document::step::ErrnoName], what: &str) {
        if must_refuse.is_empty() {
            self.source.need("expect");
            self.source.line(format!("expect({call} != -1, {});", quoted(what)));
        } else {
            self.source.need("refused");
            self.source.line(format!("refused({call}, {}, {});", list(must_refuse), quoted(what)));
        }
    }

    /// Writes all steps.
    ///
    /// # Errors
    /// A step that has no program.
    pub fn steps(&mut self, steps: &[Step]) -> Result<(), Untold> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Untold> {
        match step {
            Step::Allocate(step) if step.image.is_none() && step.uses.is_empty() && step.must_refuse.is_empty() => {
                self.allocate(&step.r#as, step.size.map_or(self.size, |size| size.0.max(1)))
            }
            Step::Export(step) => self.export(step),
            Step::Import(step) => self.import(step),
            Step::Release(Release(name)) => self.release(name),
            Step::Map(step) => self.map(step),
            Step::Fill(step) => mappings::fill(self, step),
            Step::Check(step) => mappings::check(self, step),
            Step::Grow(step) => mappings::grow(self, step),
            Step::MakeWritable(step) => mappings::make_writable(self, step),
            Step::Sync(step) => Ok(self.sync(step)),
            Step::Duplicate(step) => {
                let size = self.file_size(&step.file);
                let to = self.names.assign("int", &step.r#as, Value::File(size));
                self.source.header("unistd.h");
                Ok(self.source.line(format!("{to} = MUST(dup({}));", variable(&step.file))))
            }
            Step::Open(step) => {
                let to = self.names.assign("int", &step.r#as, Value::File(self.size));
                self.source.header("sys/mman.h");
                let closed = step.what == NotDmaBuf::ClosedFile;
                let what = if closed { "-1" } else { "MUST(memfd_create(\"no dma-buf\", MFD_CLOEXEC))" };
                Ok(self.source.line(format!("{to} = {what};")))
            }
            Step::SameFile(step) => {
                self.source.need("inode");
                let what = if step.same { "one and the same dma-buf" } else { "two dma-bufs" };
                let how = if step.same { "==" } else { "!=" };
                let (first, second) = (variable(&step.first), variable(&step.second));
                self.expect(&format!("inode({first}) {how} inode({second})"), what);
                Ok(())
            }
            Step::SameHandle(step) => {
                let (how, what) = if step.same { ("==", "one and the same handle") } else { ("!=", "two handles") };
                self.expect(&format!("{} {how} {}", variable(&step.first), variable(&step.second)), what);
                Ok(())
            }
            Step::Fork(step) => self.fork(step),
            Step::Repeat(step) if !step.keep => self.repeat(step),
            Step::Snapshot(step) => Ok(self.snapshot(step)),
            Step::Balance(step) => Ok(self.balance(step)),
            Step::Misuse(step) => {
                let side = self.side(step.of)?;
                let (before, call) = misuse::of_device(&mut self.source, &side, step.how)?;
                self.call(before, &call, &step.must_refuse, &format!("'{}'", crate::cell::word(step.how)))
            }
            Step::MisuseFile(step) => {
                let (before, call) = misuse::of_file(&mut self.source, &variable(&step.file), step.how)?;
                self.call(before, &call, &step.must_refuse, &format!("'{}'", crate::cell::word(step.how)))
            }
            step => Err(Untold::Step(format!("the step '{}'", step.verb()))),
        }
    }

    fn call(
        &mut self,
        before: Vec<String>,
        call: &str,
        must: &[document::step::ErrnoName],
        what: &str,
    ) -> Result<(), Untold> {
        if before.is_empty() {
            self.demanded(call, must, what);
            return Ok(());
        }
        self.source.begin("");
        before.iter().for_each(|line| self.source.line(line));
        self.demanded(call, must, what);
        self.source.end();
        Ok(())
    }

    fn expect(&mut self, condition: &str, what: &str) {
        self.source.need("expect");
        self.source.line(format!("expect({condition}, {});", quoted(what)));
    }

    fn file_size(&self, name: &str) -> u64 {
        if let Some(Value::File(size)) = self.names.get(name) { *size } else { self.size }
    }

    fn allocate(&mut self, name: &str, size: u64) -> Result<(), Untold> {
        let call = self.side(Side::Exporter)?.allocate(&mut self.source, size, self.allocated)?;
        self.allocated += 1;
        let value = Value::Buffer { imported: false, by_exporter: true, may_be_none: false };
        let to = self.names.assign("long", name, value);
        self.source.line(format!("{to} = {call};"));
        Ok(())
    }

    fn export(&mut self, step: &Export) -> Result<(), Untold> {
        let Some(Value::Buffer { by_exporter, .. }) = self.names.get(&step.buffer).cloned() else {
            return Err(Untold::Step("an export of what is no buffer".into()));
        };
        let side = self.side(if by_exporter { Side::Exporter } else { Side::Importer })?;
        let access = if step.access == FileAccess::ReadWrite { "O_RDWR" } else { "O_RDONLY" };
        let flags = if step.close_on_exec { format!("{access} | O_CLOEXEC") } else { access.to_owned() };
        let call = side.export(&mut self.source, &variable(&step.buffer), &flags);
        if !step.must_refuse.is_empty() {
            self.demanded(&call, &step.must_refuse, "the export");
            return Ok(());
        }
        let to = self.names.assign("int", &step.r#as, Value::File(self.size.next_multiple_of(4096)));
        if step.may_refuse.is_empty() {
            self.source.need("must");
            self.source.line(format!("{to} = KEPT({call});"));
            return Ok(());
        }
        self.source.header("err.h");
        self.source.header("errno.h");
        self.source.line(format!("{to} = {call};"));
        self.source.line(format!("if ({} == -1)", variable(&step.r#as)));
        self.source.line(format!("\terr({}, \"the export\");", one_of(&step.may_refuse)));
        Ok(())
    }

    fn import(&mut self, step: &Import) -> Result<(), Untold> {
        let side = self.side(step.by)?;
        let size = self.file_size(&step.file);
        let call = side.import(&mut self.source, &variable(&step.file), size, step.larger_by.0)?;
        if !step.must_refuse.is_empty() {
            self.demanded(&call, &step.must_refuse, "the import");
            return Ok(());
        }
        let value = Value::Buffer { imported: true, by_exporter: step.by == Side::Exporter, may_be_none: step.go_on };
        let to = self.names.assign("long", &step.r#as, value);
        self.source.header("err.h");
        self.source.header("errno.h");
        self.source.line(format!("{to} = {call};"));
        let documented = step.may_refuse.clone().unwrap_or_else(|| documented_for(side.endpoint.kind));
        let buffer = variable(&step.r#as);
        if step.go_on {
            let allowed = documented.iter().map(|errno| format!("errno != {errno}"));
            let unless = allowed.collect::<Vec<_>>().join(" && ");
            self.source.line(format!("if ({buffer} == -1 && {unless})"));
            self.source.line("\terr(1, \"the import\");");
        } else {
            self.source.line(format!("if ({buffer} == -1)"));
            self.source.line(format!("\terr({}, \"the import\");", one_of(&documented)));
        }
        Ok(())
    }

    fn release(&mut self, name: &str) -> Result<(), Untold> {
        let this = variable(name);
        match self.names.get(name).cloned() {
            Some(Value::Buffer { imported, by_exporter, may_be_none }) => {
                let side = self.side(if by_exporter { Side::Exporter } else { Side::Importer })?;
                if may_be_none {
                    self.source.line(format!("if ({this} != -1)"));
                }
                side.release(&mut self.source, &this, imported);
            }
            Some(Value::Mapping { bytes, .. }) => self.source.line(format!("munmap({this}, {bytes});")),
            _ => {
                self.source.header("unistd.h");
                self.source.line(format!("close({this});"));
            }
        }
        Ok(())
    }

    fn map(&mut self, step: &Map) -> Result<(), Untold> {
        self.source.need("size");
        self.source.header("sys/mman.h");
        let of = variable(&step.of);
        let (file, base) = match self.names.get(&step.of).cloned() {
            Some(Value::Buffer { by_exporter, .. }) => {
                self.side(if by_exporter { Side::Exporter } else { Side::Importer })?.mapping(&mut self.source, &of)?
            }
            _ => (of, "0".to_owned()),
        };
        let place = match step.after_end {
            Some(after) => format!("size + {}", after.0),
            None => step.offset.0.to_string(),
        };
        let bytes = match (step.length, step.offset.0) {
            (Some(length), _) => (length.0 + step.beyond.0).to_string(),
            (None, 0) if step.beyond.0 == 0 => "size".to_owned(),
            (None, offset) => format!("size - {offset} + {}", step.beyond.0),
        };
        let offset = if base == "0" { place.clone() } else { format!("{base} + {place}") };
        let access = if step.access == FileAccess::ReadWrite { "PROT_READ | PROT_WRITE" } else { "PROT_READ" };
        let sharing = if step.sharing == MapSharing::Shared { "MAP_SHARED" } else { "MAP_PRIVATE" };
        let call = format!("mmap(NULL, {bytes}, {access}, {sharing}, {file}, {offset})");
        if !step.must_refuse.is_empty() {
            self.demanded(&format!("(long){call}"), &step.must_refuse, "the mapping");
            return Ok(());
        }
        let to = self.names.assign("void *", &step.r#as, Value::Mapping { bytes, place });
        if step.satisfied_by.is_empty() {
            self.source.need("must");
            self.source.line(format!("{to} = (void *)KEPT({call});"));
            return Ok(());
        }
        self.source.header("errno.h");
        self.source.header("err.h");
        self.source.line(format!("{to} = {call};"));
        let allowed: Vec<String> = step.satisfied_by.iter().map(|errno| format!("errno == {errno}")).collect();
        self.source.line(format!("if ({} == MAP_FAILED)", variable(&step.r#as)));
        self.source.line(format!("\terr({} ? 0 : 1, \"the mapping\");", allowed.join(" || ")));
        Ok(())
    }

    fn sync(&mut self, step: &Sync) {
        self.source.need("sync");
        let access = match step.access {
            SyncAccess::Read => "DMA_BUF_SYNC_READ",
            SyncAccess::Write => "DMA_BUF_SYNC_WRITE",
            SyncAccess::ReadWrite => "DMA_BUF_SYNC_RW",
        };
        let end = if step.phase == Phase::End { " | DMA_BUF_SYNC_END" } else { "" };
        self.expect(&format!("sync_cpu({}, {access}{end}) == 0", variable(&step.file)), "DMA_BUF_IOCTL_SYNC");
    }

    fn fork(&mut self, step: &Fork) -> Result<(), Untold> {
        ["stdio.h", "stdlib.h", "unistd.h", "sys/wait.h"].iter().for_each(|header| self.source.header(header));
        self.source.need("expect");
        self.source.line("fflush(stdout);");
        self.inner("if (fork() == 0) ", |told| {
            told.steps(&step.steps)?;
            told.source.line("exit(failed);");
            Ok(())
        })?;
        let status = self.source.fresh("status");
        self.source.line(format!("int {status};"));
        self.source.line(format!("wait(&{status});"));
        self.source.line(format!("failed |= {status} != 0;"));
        Ok(())
    }

    fn repeat(&mut self, step: &Repeat) -> Result<(), Untold> {
        let before = self.names.all();
        self.inner(&format!("for (int round = 0; round < {}; round++) ", step.times), |told| {
            told.steps(&step.steps)?;
            let made: Vec<String> = told.names.all().into_iter().filter(|name| !before.contains(name)).collect();
            made.iter().rev().try_for_each(|name| told.release(name))
        })
    }

    /// Steps in a block of their own: what they make is gone behind it.
    fn inner(&mut self, head: &str, inside: impl FnOnce(&mut Self) -> Result<(), Untold>) -> Result<(), Untold> {
        let before = self.names.all();
        self.source.begin(head);
        let done = inside(self);
        self.source.end();
        self.names.keep(&before);
        done
    }

    /// What is counted is what a later step asks for.
    fn snapshot(&mut self, step: &Snapshot) {
        self.names.assign("long", &step.r#as, Value::Snapshot);
        let this = variable(&step.r#as);
        let file = step.file.as_deref().map(variable);
        match file {
            Some(file) if self.gone.contains(&step.r#as) => {
                self.source.need("inode");
                self.source.line(format!("unsigned long {this}_inode = inode({file});"));
            }
            file => {
                self.source.need("open_files");
                self.source.line(format!("long {this}_files = open_files();"));
                if let Some(file) = file {
                    self.source.need("references");
                    self.source.line(format!("long {this}_references = references({file});"));
                }
            }
        }
    }

    fn balance(&mut self, step: &Balance) {
        let before = variable(&step.since);
        if step.gone {
            self.source.need("settles");
            self.source.need("listed");
            self.expect(&format!("SETTLES(!listed({before}_inode))"), "the dma-buf is gone");
            return;
        }
        self.expect(&format!("open_files() == {before}_files"), "as many open files as before");
        if let Some(file) = &step.file {
            self.source.need("settles");
            let now = format!("SETTLES(references({}) == {before}_references)", variable(file));
            self.expect(&now, "as many references to the dma-buf as before");
        }
    }
}

/// 2 for an errno that is allowed, 1 for any other.
fn one_of(errnos: &[document::step::ErrnoName]) -> String {
    let allowed: Vec<String> = errnos.iter().map(|errno| format!("errno == {errno}")).collect();
    if allowed.is_empty() { "1".into() } else { format!("{} ? 2 : 1", allowed.join(" || ")) }
}

/// The errnos that the kernel documents for an importer.
fn documented_for(kind: Kind) -> Vec<document::step::ErrnoName> {
    let all = (1..200).map(Errno::from_raw).filter(|errno| documented::import(kind, *errno).is_some());
    all.map(|errno| format!("{errno:?}").as_str().into()).collect()
}
