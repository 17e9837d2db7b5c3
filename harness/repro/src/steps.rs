//! Steps of a case as lines of C.

use spec::step::{NotDmaBuf, Phase, Release, Step, Sync, SyncAccess};

use super::emitter::Emitter;
use super::mappings;
use super::misuse;
use super::names::{Value, variable};
use super::unsupported::Unsupported;
use runner::cell::word;

impl Emitter<'_> {
    /// Writes all steps.
    ///
    /// # Errors
    /// A step that has no program.
    pub fn steps(&mut self, steps: &[Step]) -> Result<(), Unsupported> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Unsupported> {
        match step {
            Step::Allocate(step) if step.image.is_none() && step.uses.is_empty() && step.must_refuse.is_empty() => {
                self.allocate(&step.r#as, step.size.map_or(self.size, |size| size.0.max(1)))
            }
            Step::Export(step) => self.export(step),
            Step::Import(step) => self.import(step),
            Step::Release(Release(name)) => self.release(name),
            Step::Map(step) => mappings::map(self, step),
            Step::Fill(step) => mappings::fill(self, step),
            Step::Check(step) => mappings::check(self, step),
            Step::Grow(step) => mappings::grow(self, step),
            Step::MakeWritable(step) => mappings::make_writable(self, step),
            Step::Fork(step) => self.fork(step),
            Step::Repeat(step) if !step.keep => self.repeat(step),
            Step::Misuse(step) => {
                let side = self.side(step.of)?;
                let made = misuse::of_device(&mut self.source, &side, step.how, &mut self.made)?;
                self.misused(made, &step.must_refuse, &word(step.how))
            }
            Step::MisuseFile(step) => {
                let made = misuse::of_file(&mut self.source, &variable(&step.file), step.how)?;
                self.misused(made, &step.must_refuse, &word(step.how))
            }
            step => self.simple(step),
        }
    }

    /// Steps that are always told.
    fn simple(&mut self, step: &Step) -> Result<(), Unsupported> {
        match step {
            Step::Sync(step) => self.sync(step),
            Step::Duplicate(step) => {
                let size = self.file_size(&step.file);
                let to = self.names.assign("int", &step.r#as, Value::File(size));
                self.source.header("unistd.h");
                self.source.line(format!("{to} = MUST(dup({}));", variable(&step.file)));
            }
            Step::Open(step) => {
                let to = self.names.assign("int", &step.r#as, Value::File(self.size));
                self.source.header("sys/mman.h");
                let closed = step.what == NotDmaBuf::ClosedFile;
                let what = if closed { "-1" } else { "MUST(memfd_create(\"no dma-buf\", MFD_CLOEXEC))" };
                self.source.line(format!("{to} = {what};"));
            }
            Step::SameFile(step) => {
                self.source.need("inode");
                let (how, what) = if step.same { ("==", "one and the same dma-buf") } else { ("!=", "two dma-bufs") };
                let (first, second) = (variable(&step.first), variable(&step.second));
                self.expect(&format!("inode({first}) {how} inode({second})"), what);
            }
            Step::SameHandle(step) => {
                let (how, what) = if step.same { ("==", "one and the same handle") } else { ("!=", "two handles") };
                self.expect(&format!("{} {how} {}", variable(&step.first), variable(&step.second)), what);
            }
            Step::Snapshot(step) => self.snapshot(step),
            Step::Balance(step) => self.balance(step),
            step => return Err(Unsupported::Step(format!("the step '{}'", step.verb()))),
        }
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
}
