//! Calls that are wrong on purpose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{part, rows};
use super::{ErrnoName, Part, Side};

/// A device is used wrongly.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Misuse {
    /// Which device.
    pub of: Side,
    /// The misuse.
    pub how: DeviceMisuse,
    /// It must be refused, with one of these; without them it must succeed.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

impl Part for Misuse {
    rows!(checks;);

    fn needs(&self) -> Option<Side> {
        Some(self.of)
    }
}

/// A wrong call on a device. One that has no such call makes the cell not observable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceMisuse {
    /// Any: a call of its interface that does not exist.
    UnknownCall,
    /// Any: its own call, under a letter that is not an interface's.
    ForeignCall,
    /// Any: an export with a null pointer.
    ExportNull,
    /// Any: an export with a flag that does not exist.
    ExportUnknownFlag,
    /// DRM, V4L2, heap: an export whose answer cannot be written.
    ExportUnwritable,
    /// DRM, heap, udmabuf: a buffer of no bytes.
    AllocateNothing,
    /// DRM, heap, udmabuf: a buffer whose size overflows.
    AllocateOverflow,
    /// DRM: an export of a handle that never was.
    ExportNoHandle,
    /// DRM: an export of a handle that was closed.
    ExportFreedHandle,
    /// DRM: closing a handle that never was.
    CloseNoHandle,
    /// DRM: an import with a null pointer.
    ImportNull,
    /// V4L2: an export of a plane that the buffer has not.
    ExportNoPlane,
    /// V4L2: an export of a buffer that the queue has not.
    ExportNoIndex,
    /// V4L2: an export of a queue that the device has not.
    ExportNoQueue,
    /// V4L2: an export of a buffer of a queue for imported ones.
    ExportImported,
    /// V4L2: a dma-buf into a queue that has its own buffers.
    QueueOtherMemory,
    /// Heap: flags that do not exist.
    HeapUnknownFlag,
    /// Heap: a number where the answer will be.
    HeapFileGiven,
    /// Heap: a struct without its last field, as of an older program.
    HeapShorter,
    /// Heap: a struct with a field more, as of a newer program.
    HeapLonger,
    /// udmabuf: a memfd that may shrink.
    MemoryUnsealed,
    /// udmabuf: a memfd sealed against writing.
    MemoryWriteSealed,
    /// udmabuf: a memfd sealed against writing from now on.
    MemoryFutureWriteSealed,
    /// udmabuf: a file that is not a memfd.
    MemoryOther,
    /// udmabuf: a number that is not open.
    MemoryClosed,
    /// udmabuf: an offset within a page.
    MemoryUnalignedOffset,
    /// udmabuf: a size of no whole pages.
    MemoryUnalignedSize,
    /// udmabuf: more than the memfd has.
    MemoryPastEnd,
    /// udmabuf: a list of more parts than allowed.
    MemoryLongList,
}

/// A dma-buf is used wrongly.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MisuseFile {
    /// The dma-buf.
    pub file: String,
    /// The misuse.
    pub how: FileMisuse,
    /// It must be refused, with one of these.
    pub must_refuse: Vec<ErrnoName>,
}

part!(MisuseFile: checks; uses file: File;);

/// A wrong call on a dma-buf's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileMisuse {
    /// read(2).
    Read,
    /// write(2).
    Write,
    /// ftruncate(2).
    Truncate,
    /// An ioctl that does not exist.
    UnknownCall,
    /// DMA_BUF_IOCTL_SYNC with a null pointer.
    SyncNull,
    /// DMA_BUF_SET_NAME with a null pointer.
    SetNameNull,
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE with a null pointer.
    ExportSyncFileNull,
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE whose answer cannot be written.
    ExportSyncFileUnwritable,
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE for neither reading nor writing.
    ExportSyncFileNoFlag,
    /// DMA_BUF_IOCTL_EXPORT_SYNC_FILE with a flag that does not exist.
    ExportSyncFileUnknownFlag,
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE with a null pointer.
    ImportSyncFileNull,
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE for neither reading nor writing.
    ImportSyncFileNoFlag,
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE with a flag that does not exist.
    ImportSyncFileUnknownFlag,
    /// DMA_BUF_IOCTL_IMPORT_SYNC_FILE of a number that is not open.
    ImportSyncFileClosed,
}
