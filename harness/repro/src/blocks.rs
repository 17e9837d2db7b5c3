//! Blocks of C: what another process does, what is done again and again, calls with a structure of their own.

use spec::step::{ErrnoName, Fork, Repeat};

use super::emitter::Emitter;
use super::misuse::Call;
use super::unsupported::Unsupported;

impl Emitter<'_> {
    pub(super) fn fork(&mut self, step: &Fork) -> Result<(), Unsupported> {
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

    pub(super) fn repeat(&mut self, step: &Repeat) -> Result<(), Unsupported> {
        let before = self.names.all();
        self.inner(&format!("for (int round = 0; round < {}; round++) ", step.times), |told| {
            told.steps(&step.steps)?;
            let made: Vec<String> = told.names.all().into_iter().filter(|name| !before.contains(name)).collect();
            made.iter().rev().try_for_each(|name| told.release(name))
        })
    }

    /// Steps in a block of their own: what they make is gone behind it.
    fn inner(
        &mut self,
        head: &str,
        inside: impl FnOnce(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        let before = self.names.all();
        self.source.begin(head);
        let done = inside(self);
        self.source.end();
        self.names.keep(&before);
        done
    }

    /// A call that is wrong on purpose, and what must come of it.
    pub(super) fn misused(&mut self, made: Call, must: &[ErrnoName], how: &str) -> Result<(), Unsupported> {
        let (before, call) = made;
        let what = format!("'{how}'");
        if before.is_empty() {
            self.demanded(&call, must, &what);
            return Ok(());
        }
        self.source.begin("");
        before.iter().for_each(|line| self.source.line(line));
        self.demanded(&call, must, &what);
        self.source.end();
        Ok(())
    }
}
