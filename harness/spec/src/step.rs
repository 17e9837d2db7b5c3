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
mod memory;
mod misuse;
mod name;
mod process;
mod stream;
mod sync;

pub use access::{DeviceCheck, DeviceFill, Untouched};
pub use count::{Balance, Snapshot};
pub use device::{Allocate, BufferUse, Export, FileAccess, Image, Import, Planes, Release, SameHandle, Side};
pub use fence::{AttachFence, ExportSyncFile, FenceAccess, ImportSyncFile, Poll, Signal};
pub use file::{Duplicate, File, Flags, From, NotDmaBuf, Open, Reopen, SameFile, Seek};
pub use memory::{Check, CheckZero, Fill, Grow, MakeWritable, Map, MapSharing, Pin};
pub use misuse::{DeviceMisuse, FileMisuse, Misuse, MisuseFile};
pub use name::{Name, SetName};
pub use process::{Cover, Exec, Fork, Limit, Orders, Race, Receive, Repeat, Send, User};
pub use stream::{DisplayPlane, Stream, StreamCall, StreamCpu, StreamWait};
pub use sync::{Phase, Sync, SyncAccess, SyncFlags};

/// A name that a step uses, and the sorts that it may be.
pub(crate) type Use<'a> = (&'a str, &'static [Sort]);

/// What there is to know of a step before it is done.
pub(crate) trait Part {
    /// Whether the step can find a fault of its own. A case of which no step can, checks nothing.
    fn checks(&self) -> bool {
        false
    }

    /// The lists of steps within the step.
    fn inner(&self) -> Vec<&[Step]> {
        Vec::new()
    }

    /// A name that is known to the steps within it alone.
    fn gives(&self) -> Option<(&str, Sort)> {
        None
    }

    /// Whether the steps within it know nothing of what was made before.
    fn fresh(&self) -> bool {
        false
    }

    /// What the steps within it have to make.
    fn takes(&self) -> Vec<Use<'_>> {
        Vec::new()
    }

    /// The device without which the step cannot be done.
    fn needs(&self) -> Option<Side> {
        None
    }

    /// The device that its user has to do without meanwhile.
    fn takes_away(&self) -> Option<Side> {
        None
    }

    /// A key that makes no sense beside the others or without them, with what is wrong and the remedy.
    fn senseless(&self) -> Option<(&'static str, &'static str, &'static str)> {
        None
    }

    /// What the step makes, and of which sort.
    fn makes(&self) -> Option<(&str, Sort)> {
        None
    }

    /// The names that the step uses.
    fn uses(&self) -> Vec<Use<'_>> {
        Vec::new()
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident($part:ty) = $word:literal,)*) => {
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

            fn part(&self) -> &dyn Part {
                match self { $(Self::$name(part) => part,)* }
            }
        }
    };
}

verbs! {
    /// The exporter allocates a buffer of its own memory.
    Allocate(Allocate) = "allocate",
    /// A device exports a buffer that it holds, its own or an imported one, as a dma-buf file.
    Export(Export) = "export",
    /// Each plane of an image becomes a file of its own: those of one handle are one dma-buf, each lies within its file,
    /// and what was asked for as linear is named as nothing else.
    Planes(Planes) = "planes",
    /// A device imports a file.
    Import(Import) = "import",
    /// The CPU maps a file, or a buffer through the device that holds it.
    Map(Map) = "map",
    /// The CPU writes the pattern.
    Fill(Fill) = "fill",
    /// The CPU reads, and must see the pattern.
    Check(Check) = "check",
    /// DMA_BUF_IOCTL_SYNC.
    Sync(Sync) = "sync",
    /// Another descriptor of the same file.
    Duplicate(Duplicate) = "duplicate",
    /// A file that is no dma-buf, or none at all.
    Open(Open) = "open",
    /// Closes a file, unmaps a mapping, or frees a buffer.
    Release(Release) = "release",
    /// Whether two files are the same dma-buf, by inode.
    SameFile(SameFile) = "same-file",
    /// Whether two buffers are the same GEM handle.
    SameHandle(SameHandle) = "same-handle",
    /// The size by lseek is that of the buffer, a multiple of the page size, and what fdinfo says.
    Size(File) = "size",
    /// A seek.
    Seek(Seek) = "seek",
    /// The descriptor's flags are those asked for.
    Flags(Flags) = "flags",
    /// The file's system calls itself a dma-buf's.
    DmaBuf(File) = "dma-buf",
    /// Whether the mapping's pages can be pinned by get_user_pages: a property; with no struct page behind it, a fault.
    Pin(Pin) = "pin",
    /// A mapping is made longer (mremap).
    Grow(Grow) = "grow",
    /// A mapping made for reading is made writable (mprotect).
    MakeWritable(MakeWritable) = "make-writable",
    /// A file is opened again for writing, as `/proc/self/fd/N`.
    Reopen(Reopen) = "reopen",
    /// Steps done in a forked process.
    Fork(Fork) = "fork",
    /// Passes a file to another process over a socket (SCM_RIGHTS), which then does steps.
    Send(Send) = "send",
    /// Another process makes a file and passes it here over a socket; then it is killed, and all that it held is gone.
    Receive(Receive) = "receive",
    /// Executes another program, and asks it whether it has inherited a file.
    Exec(Exec) = "exec",
    /// Two processes do steps at the same time.
    Race(Race) = "race",
    /// Steps done again and again.
    Repeat(Repeat) = "repeat",
    /// What some steps make is given back in every order, once each.
    Orders(Orders) = "orders",
    /// Steps done while the process may open so many descriptors and no more.
    Limit(Limit) = "limit",
    /// Remembers how many descriptors, references and attachments there are.
    Snapshot(Snapshot) = "snapshot",
    /// There are as many as the snapshot says.
    Balance(Balance) = "balance",
    /// Whether a file is ready, by poll(2) with no timeout: a dma-buf is not while a fence that matters is pending.
    Poll(Poll) = "poll",
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE: the fences that a dma-buf has now, as a sync file.
    ExportSyncFile(ExportSyncFile) = "export-sync-file",
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE: a dma-buf gets the fences of a sync file.
    ImportSyncFile(ImportSyncFile) = "import-sync-file",
    /// A device puts a fence on a buffer that it holds. Only vgem can on demand; without a signal it expires after 10 s.
    AttachFence(AttachFence) = "attach-fence",
    /// Signals a fence.
    Signal(Signal) = "signal",
    /// DMA_BUF_IOCTL_SYNC with flags that need not be good.
    SyncFlags(SyncFlags) = "sync-flags",
    /// DMA_BUF_SET_NAME.
    SetName(SetName) = "set-name",
    /// The name that fdinfo tells of a dma-buf.
    Name(Name) = "name",
    /// The CPU reads, and must see nothing but zeroes.
    CheckZero(CheckZero) = "check-zero",
    /// A device is used wrongly on purpose.
    Misuse(Misuse) = "misuse",
    /// A dma-buf's file is used wrongly on purpose.
    MisuseFile(MisuseFile) = "misuse-file",
    /// The device that has imported a buffer writes the pattern into it.
    DeviceFill(DeviceFill) = "device-fill",
    /// The device that has imported a buffer reads it, and must see the pattern.
    DeviceCheck(DeviceCheck) = "device-check",
    /// The importer's device works on frames, and what it does to imported buffers is what it does to its own: it does
    /// the same work on the same input with buffers of its own, twice, so that what differs from run to run is known.
    Stream(Stream) = "stream",
    /// Whether nobody has touched the struct pages in the sg_table, which the canary's decoys show.
    Untouched(Untouched) = "untouched",
}

impl Step {
    /// Whether the step can find a fault of its own.
    pub fn checks(&self) -> bool {
        self.part().checks()
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

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Buffer,
    File,
    Mapping,
    Snapshot,
    SyncFile,
    Fence,
}

impl Sort {
    /// Sorts in words: "a file or a buffer".
    pub(crate) fn list(sorts: &[Self]) -> String {
        let word = |sort: &Self| match sort {
            Self::SyncFile => "a sync file".to_owned(),
            other => format!("a {other:?}").to_lowercase(),
        };
        sorts.iter().map(word).collect::<Vec<_>>().join(" or ")
    }
}
