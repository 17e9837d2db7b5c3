//! The verbs of the case language. Each step is written as a single key, `- map: {of: buffer, as: whole}`.
//!
//! A step that makes something gives it a name with `as`; later steps use the name. There are buffers (what a device
//! holds), files (dma-bufs and other descriptors), mappings, snapshots, sync files and fences. A new verb is a type with
//! its `Part` in one of the files here, and a line in the list below.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::errno::ErrnoName;

mod access;
mod count;
mod device;
mod fence;
mod file;
mod framebuffer;
mod memory;
mod misuse;
mod name;
mod part;
mod process;
mod side;
mod stream;
mod sync;

pub use access::{DeviceCheck, DeviceFill, Untouched};
pub use count::{Balance, Snapshot};
pub use device::{Allocate, BufferUse, Export, FileAccess, Image, Import, Planes, Release, SameHandle};
pub use fence::{AttachFence, ExportSyncFile, FenceAccess, ImportSyncFile, Poll, Signal};
pub use file::{Duplicate, File, Flags, From, NotDmaBuf, Open, Reopen, SameFile, Seek};
pub use framebuffer::{Framebuffer, Misfit};
pub use memory::{Check, CheckZero, Fill, Grow, MakeWritable, Map, MapSharing, Pin};
pub use misuse::{DeviceMisuse, FileMisuse, Misuse, MisuseFile};
pub use name::{Name, SetName};
pub use process::{Cover, Exec, Fork, Limit, Orders, Race, Receive, Repeat, Send, User};
pub use side::Side;
pub use stream::{DisplayPlane, Stream, StreamCall, StreamCpu, StreamWait};
pub use sync::{Phase, Sync, SyncAccess, SyncFlags};

pub(crate) use part::{Part, Sort, Use};

/// The scope of a step: what it looks at, or changes for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Only what its cell has: cells without a device in common can do it at the same time.
    Cell,
    /// Counts of its own process and its own dma-bufs, and of the bounce buffers of everyone, where the kernel counts those.
    Counts,
    /// The machine as a whole: memory of everyone, descriptors, processors.
    Machine,
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident($part:ty) = $word:literal in $scope:ident,)*) => {
        /// One step of a case.
        #[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
        pub enum Step {
            $($(#[$doc])* #[serde(rename = $word)] $name($part),)*
        }

        impl Step {
            /// The verb, as it is written.
            pub fn verb(&self) -> &'static str {
                match self { $(Self::$name(_) => $word,)* }
            }

            fn own_scope(&self) -> Scope {
                match self { $(Self::$name(_) => Scope::$scope,)* }
            }

            fn part(&self) -> &dyn Part {
                match self { $(Self::$name(part) => part,)* }
            }
        }
    };
}

verbs! {
    /// The exporter allocates a buffer of its own memory.
    Allocate(Allocate) = "allocate" in Cell,
    /// A device exports a buffer that it holds, its own or an imported one, as a dma-buf file.
    Export(Export) = "export" in Cell,
    /// Each plane of an image becomes a file of its own: those of one handle are one dma-buf, each lies within its file,
    /// and what was asked for as linear is named as nothing else.
    Planes(Planes) = "planes" in Cell,
    /// A device imports a file.
    Import(Import) = "import" in Cell,
    /// The CPU maps a file, or a buffer through the device that holds it.
    Map(Map) = "map" in Cell,
    /// The CPU writes the pattern.
    Fill(Fill) = "fill" in Cell,
    /// The CPU reads, and must see the pattern.
    Check(Check) = "check" in Cell,
    /// DMA_BUF_IOCTL_SYNC.
    Sync(Sync) = "sync" in Cell,
    /// Another descriptor of the same file.
    Duplicate(Duplicate) = "duplicate" in Cell,
    /// A file that is not a dma-buf, or none at all.
    Open(Open) = "open" in Cell,
    /// Closes a file, unmaps a mapping, or frees a buffer.
    Release(Release) = "release" in Cell,
/// Checks whether two files are the same dma-buf, by inode.
    SameFile(SameFile) = "same-file" in Cell,
/// Checks whether two buffers are the same GEM handle.
    SameHandle(SameHandle) = "same-handle" in Cell,
    /// The size by lseek is that of the buffer, a multiple of the page size, and what fdinfo says.
    Size(File) = "size" in Cell,
    /// A seek.
    Seek(Seek) = "seek" in Cell,
    /// The descriptor's flags are those asked for.
    Flags(Flags) = "flags" in Cell,
    /// The file's system calls itself a dma-buf's.
    DmaBuf(File) = "dma-buf" in Cell,
/// Checks whether the mapping's pages can be pinned by get_user_pages: a property; without a struct page, a fault.
    Pin(Pin) = "pin" in Cell,
    /// A mapping is made longer (mremap).
    Grow(Grow) = "grow" in Cell,
    /// A mapping made for reading is made writable (mprotect).
    MakeWritable(MakeWritable) = "make-writable" in Cell,
    /// A file is opened again for writing, as `/proc/self/fd/N`.
    Reopen(Reopen) = "reopen" in Cell,
    /// Steps done in a forked process.
    Fork(Fork) = "fork" in Cell,
    /// Passes a file to another process over a socket (SCM_RIGHTS), which then does steps.
    Send(Send) = "send" in Cell,
    /// Another process makes a file and passes it here over a socket; then it is killed, and all that it held is gone.
    Receive(Receive) = "receive" in Cell,
    /// Executes another program, and asks it whether it has inherited a file.
    Exec(Exec) = "exec" in Cell,
    /// Two processes do steps at the same time.
    Race(Race) = "race" in Machine,
    /// Steps done again and again.
    Repeat(Repeat) = "repeat" in Cell,
/// Releases what some steps make in every order, once each.
    Orders(Orders) = "orders" in Cell,
/// Does steps while the process may open at most this many descriptors.
    Limit(Limit) = "limit" in Machine,
    /// Remembers how many descriptors, references and attachments there are.
    Snapshot(Snapshot) = "snapshot" in Counts,
    /// There are as many as the snapshot says.
    Balance(Balance) = "balance" in Counts,
/// Checks whether a file is ready, by poll(2) with no timeout: a dma-buf is not while a fence that matters is pending.
    Poll(Poll) = "poll" in Cell,
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE: the fences that a dma-buf has now, as a sync file.
    ExportSyncFile(ExportSyncFile) = "export-sync-file" in Cell,
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE: a dma-buf gets the fences of a sync file.
    ImportSyncFile(ImportSyncFile) = "import-sync-file" in Cell,
    /// A device puts a fence on a buffer that it holds. Only vgem can on demand; without a signal it expires after 10 s.
    AttachFence(AttachFence) = "attach-fence" in Cell,
    /// Signals a fence.
    Signal(Signal) = "signal" in Cell,
    /// DMA_BUF_IOCTL_SYNC with flags that need not be good.
    SyncFlags(SyncFlags) = "sync-flags" in Cell,
    /// DMA_BUF_SET_NAME.
    SetName(SetName) = "set-name" in Cell,
    /// The name that fdinfo shows for a dma-buf.
    Name(Name) = "name" in Cell,
    /// The CPU reads, and must see nothing but zeroes.
    CheckZero(CheckZero) = "check-zero" in Cell,
    /// A device is used wrongly on purpose.
    Misuse(Misuse) = "misuse" in Cell,
    /// A dma-buf's file is used wrongly on purpose.
    MisuseFile(MisuseFile) = "misuse-file" in Cell,
    /// A display is given a framebuffer that does not fit its buffer.
    Framebuffer(Framebuffer) = "framebuffer" in Cell,
    /// The device that has imported a buffer writes the pattern into it.
    DeviceFill(DeviceFill) = "device-fill" in Cell,
    /// The device that has imported a buffer reads it, and must see the pattern.
    DeviceCheck(DeviceCheck) = "device-check" in Cell,
    /// The importer's device works on frames, and what it does to imported buffers is what it does to its own: it does
    /// the same work on the same input with buffers of its own, twice, so that what differs from run to run is known.
    Stream(Stream) = "stream" in Cell,
/// Checks that no one has touched the struct pages in the sg_table, which the canary's decoys show.
    Untouched(Untouched) = "untouched" in Cell,
}

impl Step {
    /// Returns whether the step can find a fault of its own.
    pub fn checks(&self) -> bool {
        self.part().checks()
    }

    /// Finds what it and the steps within it look at.
    pub fn scope(&self) -> Scope {
        let inner = self.inner().into_iter().flatten().map(Self::scope);
        inner.fold(self.own_scope(), Scope::max)
    }

    /// The lists of steps within the step.
    pub fn inner(&self) -> Vec<&[Step]> {
        self.part().inner()
    }

    /// A key that makes no sense, with what is wrong and the remedy.
    pub fn senseless(&self) -> Option<(&'static str, &'static str, &'static str)> {
        self.part().senseless()
    }

    /// The device without which the step cannot be done.
    pub fn needs(&self) -> Option<Side> {
        self.part().needs()
    }

    /// The devices that their users have to do without while it and the steps within it are done.
    pub fn takes_away(&self) -> Vec<Side> {
        let inner = self.inner().into_iter().flatten().flat_map(Self::takes_away);
        self.part().takes_away().into_iter().chain(inner).collect()
    }

    pub(crate) fn gives(&self) -> Option<(&str, Sort)> {
        self.part().gives()
    }

    pub(crate) fn fresh(&self) -> bool {
        self.part().fresh()
    }

    pub(crate) fn takes(&self) -> Vec<Use<'_>> {
        self.part().takes()
    }

    pub(crate) fn makes(&self) -> Option<(&str, Sort)> {
        self.part().makes()
    }

    pub(crate) fn uses(&self) -> Vec<Use<'_>> {
        self.part().uses()
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_step_looks_at_what_the_steps_within_it_look_at() {
        assert_eq!(step("size: {file: f}").scope(), Scope::Cell);
        assert_eq!(step("snapshot: {as: s}").scope(), Scope::Counts);
        let around = |inner: &str| step(&format!("fork: {{steps: [{inner}, {{size: {{file: f}}}}]}}")).scope();
        assert_eq!(around("{release: f}"), Scope::Cell);
        assert_eq!(around("{fork: {steps: [{snapshot: {as: s}}]}}"), Scope::Counts);
    }

    #[test]
    fn names_in_lists_and_names_that_may_be_left_out_are_used_as_well() {
        let used = |text: &str| step(text).uses().iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        assert_eq!(used("check: {mapping: m, up-to: b}"), ["m", "b"]);
        assert_eq!(used("stream: {capture: [a, b], output: [c], gives-up: [a]}"), ["a", "b", "c", "a"]);
        assert_eq!(step("export: {buffer: b, as: f, must-refuse: [EINVAL]}").makes(), None);
        assert_eq!(step("export: {buffer: b, as: f}").makes(), Some(("f", Sort::File)));
    }
}
