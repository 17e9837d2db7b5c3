//! What a mock can do wrong, each by the word that an endpoint's key holds.

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)*) => {
/// A fault of a mock.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $doc])* $name,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its word in an endpoint's key.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

faults! {
    /// Nothing.
    Clean = "clean",
    /// A mapping at an offset shows the first page.
    WrongPage = "wrong-page",
    /// A mapping past the end is made.
    PastEnd = "past-end",
    /// A mapping that the kernel would refuse is made of the nearest numbers that it takes.
    AdjustsMapping = "adjusts-mapping",
    /// A read-only file can be mapped for writing.
    WritableMapping = "writable-mapping",
/// Keeps private what is written through a shared mapping.
    PrivateMapping = "private-mapping",
    /// Its own mapping shows other memory than the dma-buf.
    Incoherent = "incoherent",
    /// The last page of its own mapping is not written to the buffer.
    LostPage = "lost-page",
    /// The access mode asked for is not the one got.
    AccessIgnored = "access-ignored",
    /// FD_CLOEXEC is not set.
    ExecIgnored = "exec-ignored",
    /// FD_CLOEXEC is set though it was not asked for.
    ExecAlways = "exec-always",
/// Reports a size by lseek that is not the buffer's.
    WrongSize = "wrong-size",
    /// lseek goes anywhere.
    SeeksAnywhere = "seeks-anywhere",
    /// lseek to the start or the end is refused.
    SeekFails = "seek-fails",
    /// The file does not call itself a dma-buf.
    NoDmaBuf = "no-dma-buf",
    /// All buffers have one inode.
    OneInode = "one-inode",
    /// A second export is another buffer.
    NewInode = "new-inode",
    /// A second import is another handle.
    NewHandle = "new-handle",
/// Imports a file that is not a dma-buf.
    TakesAnything = "takes-anything",
    /// Imports a buffer that is too small.
    TakesTooSmall = "takes-too-small",
    /// Refuses as virtio_gpu without blobs does.
    Refuses = "refuses",
    /// Refuses with an errno that no rule allows.
    StrangeErrno = "strange-errno",
    /// Keeps a file open after an import is released.
    LeaksFile = "leaks-file",
    /// Keeps an attachment after an import is released.
    LeaksAttachment = "leaks-attachment",
    /// Keeps a file open after a refused import.
    LeaksRefused = "leaks-refused",
    /// Keeps a file open after a mapping is gone.
    LeaksMapping = "leaks-mapping",
    /// The kernel's list of dma-bufs is an empty file once it was read.
    EmptyList = "empty-list",
    /// Keeps a buffer that is closed and freed.
    LeaksBuffer = "leaks-buffer",
    /// Changes a byte of the buffer when it imports it.
    Scribbles = "scribbles",
    /// Maps an imported buffer, but shows other memory.
    Copies = "copies",
    /// Takes the memory away while a mapping shows it.
    FreesMapped = "frees-mapped",
    /// DMA_BUF_IOCTL_SYNC fails.
    SyncFails = "sync-fails",
    /// The process dies in the import.
    Crashes = "crashes",
    /// The import never returns.
    Hangs = "hangs",
    /// One of many imports never returns.
    HangsLater = "hangs-later",
    /// The kernel warns in the import.
    Warns = "warns",
    /// The kernel dumps a stack in the import, without a report.
    DumpsStack = "dumps-stack",
    /// The kernel oopses in the import.
    Oopses = "oopses",
    /// The suite itself panics in the import.
    Panics = "panics",
/// Shows everyone what is written to a private mapping.
    SharesPrivate = "shares-private",
    /// Keeps a file open when it refuses a mapping.
    LeaksRefusedMapping = "leaks-refused-mapping",
    /// Takes two descriptors for a moment to make one.
    TwoDescriptors = "two-descriptors",
    /// A mapping can be made longer than the buffer.
    Grows = "grows",
    /// A file can be opened again, with other rights.
    Reopens = "reopens",
    /// Says yes to more memory than there is.
    TakesAnySize = "takes-any-size",
    /// The device reads and writes other memory than the buffer.
    DeviceElsewhere = "device-elsewhere",
/// Keeps a released buffer mapped for the device.
    KeepsMapped = "keeps-mapped",
    /// An import that is too small for the frame is refused, and a descriptor stays open.
    LeaksTooSmall = "leaks-too-small",
    /// The device uses a page less of what it imports than there is, and writes a word past that.
    DeviceOverruns = "device-overruns",
    /// Takes references on the struct pages of what it imports.
    HoldsPages = "holds-pages",
    /// The export is refused.
    NoExport = "no-export",
/// Reports every file as ready by poll, whatever is pending.
    AlwaysReady = "always-ready",
/// Reports no file as ready by poll.
    NeverReady = "never-ready",
    /// A reader waits for other readers.
    ReadersWait = "readers-wait",
    /// A fence goes away with the import that it was put on.
    FenceGoes = "fence-goes",
    /// An exported sync file is signalled from the start.
    SyncFileEarly = "sync-file-early",
    /// An exported sync file has the fences that a writer waits for, whatever it is for.
    SyncFileOfAll = "sync-file-of-all",
    /// An imported sync file is forgotten.
    SyncFileLost = "sync-file-lost",
/// Imports a file that is not a sync file as one.
    SyncFileAny = "sync-file-any",
    /// DMA_BUF_IOCTL_SYNC takes any flags.
    SyncAnyFlags = "sync-any-flags",
    /// DMA_BUF_IOCTL_SYNC to begin an access is refused while another has begun.
    SyncCounts = "sync-counts",
    /// DMA_BUF_IOCTL_SYNC changes the buffer.
    SyncScribbles = "sync-scribbles",
    /// A name is not kept.
    NameLost = "name-lost",
    /// A name that is too long is cut off.
    NameCut = "name-cut",
    /// A name can be given once, and never changed.
    NameOnce = "name-once",
    /// Whatever is done wrongly is allowed.
    AnythingGoes = "anything-goes",
    /// Whatever is done wrongly is refused with an errno that means something else.
    WrongErrno = "wrong-errno",
    /// A call with a struct of another age is refused.
    OneAge = "one-age",
    /// A call whose answer cannot be written leaves a descriptor open.
    LeaksAnswer = "leaks-answer",
    /// Fresh memory has what was in it before.
    Dirty = "dirty",
/// Returns a frame without its last page.
    DeviceShort = "device-short",
    /// The device writes the buffer that it reads.
    DeviceWritesInput = "device-writes-input",
    /// A buffer that takes the place of another in a queue is not used: the other is.
    KeepsOldBuffer = "keeps-old-buffer",
    /// A buffer that was taken back from a queue is written nevertheless.
    WritesTakenBack = "writes-taken-back",
/// Reads from the start what is to be read at an offset.
    IgnoresOffset = "ignores-offset",
    /// A device at work keeps the numbers of descriptors, and not the buffers.
    KeepsNumber = "keeps-number",
    /// Frames in imported buffers are never done.
    NeverDone = "never-done",
    /// The device reads a frame while the fence is pending that it has to wait for.
    ReadsEarly = "reads-early",
    /// The device says it is done while the fence is pending that it has to wait for.
    DoneEarly = "done-early",
    /// The device would not show an imported frame, and shows its own.
    NotShown = "not-shown",
    /// The device reads every plane of a frame out of the first buffer.
    FirstPlane = "first-plane",
/// Ends a plane past the end of its file.
    PlaneBeyond = "plane-beyond",
    /// An image that is to be linear is named as something else.
    PlaneTiled = "plane-tiled",
/// Never returns some frames of a continuous stream.
    LosesFrame = "loses-frame",
/// Gives all frames of a continuous stream the same number.
    SequenceStands = "sequence-stands",
    /// No two frames are alike.
    Unsteady = "unsteady",
}
