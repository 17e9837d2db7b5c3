//! Calls that are wrong on purpose, as C.

use spec::case::Kind;
use spec::step::{DeviceMisuse, FileMisuse};

use super::devices::Opened;
use super::source::Source;
use super::unsupported::Unsupported;

/// A call: lines before it, and the expression whose answer is judged.
pub type Call = (Vec<String>, String);

/// A device's. `made`: whether its queue has buffers, which are made once.
///
/// # Errors
/// Misuses that have no program.
pub fn of_device(
    source: &mut Source,
    device: &Opened<'_>,
    how: DeviceMisuse,
    made: &mut bool,
) -> Result<Call, Unsupported> {
    let call = match device.endpoint.kind {
        Kind::Drm => drm(source, device, how),
        Kind::Heap => heap(source, device.name, how),
        Kind::Udmabuf => udmabuf(source, device.name, how),
        Kind::V4l2 => v4l2(source, device, how, made)?,
        _ => None,
    };
    source.header("sys/ioctl.h");
    call.ok_or_else(|| Unsupported::Step(format!("the misuse {how:?} of {}", device.endpoint.key)))
}

fn drm(source: &mut Source, device: &Opened<'_>, how: DeviceMisuse) -> Option<Call> {
    let name = device.name;
    source.header("libdrm/drm.h");
    let unwritable = how == DeviceMisuse::ExportUnwritable;
    let (request, flags) = match how {
        DeviceMisuse::ExportNull => {
            return Some((vec![], format!("ioctl({name}, DRM_IOCTL_PRIME_HANDLE_TO_FD, NULL)")));
        }
        DeviceMisuse::ImportNull => {
            return Some((vec![], format!("ioctl({name}, DRM_IOCTL_PRIME_FD_TO_HANDLE, NULL)")));
        }
        DeviceMisuse::UnknownCall => ("DRM_IOWR(0xfe, struct drm_prime_handle)", "0"),
        DeviceMisuse::ForeignCall => ("_IOWR(0xee, 0x2d, struct drm_prime_handle)", "0"),
        DeviceMisuse::ExportUnknownFlag => ("DRM_IOCTL_PRIME_HANDLE_TO_FD", "1 << 30"),
        DeviceMisuse::ExportUnwritable => ("DRM_IOCTL_PRIME_HANDLE_TO_FD", "DRM_CLOEXEC"),
        DeviceMisuse::ExportNoHandle => {
            let before = vec!["struct drm_prime_handle wrong = { .handle = 0x7ffffff0 };".to_owned()];
            return Some((before, format!("ioctl({name}, DRM_IOCTL_PRIME_HANDLE_TO_FD, &wrong)")));
        }
        _ => return None,
    };
    source.need("drm_allocate");
    let before = vec![format!(
        "struct drm_prime_handle wrong = {{ .handle = drm_allocate({name}, 4096), .flags = {flags}, .fd = -1 }};"
    )];
    let argument = argument(source, unwritable);
    Some((before, format!("ioctl({name}, {request}, {argument})")))
}

/// The structure of the lines before, where the kernel can write it or where it cannot.
fn argument(source: &mut Source, unwritable: bool) -> &'static str {
    if unwritable {
        source.need("read_only");
    }
    if unwritable { "read_only(&wrong, sizeof(wrong))" } else { "&wrong" }
}

fn heap(source: &mut Source, name: &str, how: DeviceMisuse) -> Option<Call> {
    source.header("linux/dma-heap.h");
    source.header("fcntl.h");
    let (request, fields) = match how {
        DeviceMisuse::ExportNull => return Some((vec![], format!("ioctl({name}, DMA_HEAP_IOCTL_ALLOC, NULL)"))),
        DeviceMisuse::UnknownCall => ("_IOWR('H', 0xfe, struct dma_heap_allocation_data)", ".len = 4096"),
        DeviceMisuse::ForeignCall => ("_IOWR(0xee, 0, struct dma_heap_allocation_data)", ".len = 4096"),
        DeviceMisuse::ExportUnknownFlag => ("DMA_HEAP_IOCTL_ALLOC", ".len = 4096, .fd_flags = O_APPEND"),
        DeviceMisuse::ExportUnwritable => ("DMA_HEAP_IOCTL_ALLOC", ".len = 4096, .fd_flags = O_CLOEXEC"),
        DeviceMisuse::AllocateNothing => ("DMA_HEAP_IOCTL_ALLOC", ".len = 0, .fd_flags = O_CLOEXEC"),
        DeviceMisuse::AllocateOverflow => ("DMA_HEAP_IOCTL_ALLOC", ".len = ~0ull, .fd_flags = O_CLOEXEC"),
        DeviceMisuse::HeapUnknownFlag => ("DMA_HEAP_IOCTL_ALLOC", ".len = 4096, .heap_flags = 1ull << 63"),
        DeviceMisuse::HeapFileGiven => ("DMA_HEAP_IOCTL_ALLOC", ".len = 4096, .fd = 1"),
        _ => return None,
    };
    let before = vec![format!("struct dma_heap_allocation_data wrong = {{ {fields} }};")];
    let argument = argument(source, how == DeviceMisuse::ExportUnwritable);
    Some((before, format!("ioctl({name}, {request}, {argument})")))
}

fn udmabuf(source: &mut Source, name: &str, how: DeviceMisuse) -> Option<Call> {
    source.header("linux/udmabuf.h");
    source.header("fcntl.h");
    let (seals, memory, fields, request) = match how {
        DeviceMisuse::ExportNull => return Some((vec![], format!("ioctl({name}, UDMABUF_CREATE, NULL)"))),
        DeviceMisuse::UnknownCall => ("F_SEAL_SHRINK", "", ".size = 4096", "_IOW('u', 0xfe, struct udmabuf_create)"),
        DeviceMisuse::ForeignCall => ("F_SEAL_SHRINK", "", ".size = 4096", "_IOW(0xee, 0x42, struct udmabuf_create)"),
        DeviceMisuse::ExportUnknownFlag => ("F_SEAL_SHRINK", "", ".flags = 1 << 30, .size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::AllocateNothing => ("F_SEAL_SHRINK", "", ".size = 0", "UDMABUF_CREATE"),
        DeviceMisuse::AllocateOverflow => ("F_SEAL_SHRINK", "", ".size = -4096ull", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryUnsealed => ("0", "", ".size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryWriteSealed => ("F_SEAL_SHRINK | F_SEAL_WRITE", "", ".size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryOther => ("F_SEAL_SHRINK", name, ".size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryClosed => ("F_SEAL_SHRINK", "-1", ".size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryUnalignedOffset => ("F_SEAL_SHRINK", "", ".offset = 8, .size = 4096", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryUnalignedSize => ("F_SEAL_SHRINK", "", ".size = 4088", "UDMABUF_CREATE"),
        DeviceMisuse::MemoryPastEnd => ("F_SEAL_SHRINK", "", ".offset = 4096, .size = 8192", "UDMABUF_CREATE"),
        _ => return None,
    };
    let memory = if memory.is_empty() {
        source.need("udmabuf_allocate");
        format!("udmabuf_allocate(8192, {seals})")
    } else {
        memory.to_owned()
    };
    let before = vec![format!("struct udmabuf_create wrong = {{ .memfd = {memory}, {fields} }};")];
    Some((before, format!("ioctl({name}, {request}, &wrong)")))
}

fn v4l2(
    source: &mut Source,
    device: &Opened<'_>,
    how: DeviceMisuse,
    made: &mut bool,
) -> Result<Option<Call>, Unsupported> {
    let name = device.name;
    let queue = device.endpoint.queue.map_or(0, |queue| queue as u32);
    source.header("linux/videodev2.h");
    source.header("fcntl.h");
    let (request, fields) = match how {
        DeviceMisuse::ExportNull => return Ok(Some((vec![], format!("ioctl({name}, VIDIOC_EXPBUF, NULL)")))),
        DeviceMisuse::ImportNull => return Ok(Some((vec![], format!("ioctl({name}, VIDIOC_QBUF, NULL)")))),
        DeviceMisuse::UnknownCall => ("_IOWR('V', 0xfe, struct v4l2_exportbuffer)", format!(".type = {queue}")),
        DeviceMisuse::ForeignCall => ("_IOWR(0xee, 16, struct v4l2_exportbuffer)", format!(".type = {queue}")),
        DeviceMisuse::ExportUnknownFlag => ("VIDIOC_EXPBUF", format!(".type = {queue}, .flags = O_APPEND")),
        DeviceMisuse::ExportNoPlane => ("VIDIOC_EXPBUF", format!(".type = {queue}, .plane = 8")),
        DeviceMisuse::ExportNoIndex => ("VIDIOC_EXPBUF", format!(".type = {queue}, .index = 32")),
        DeviceMisuse::ExportNoQueue => ("VIDIOC_EXPBUF", ".type = 200".into()),
        DeviceMisuse::ExportUnwritable => ("VIDIOC_EXPBUF", format!(".type = {queue}, .flags = O_CLOEXEC")),
        _ => return Ok(None),
    };
    let mut before = Vec::new();
    if how != DeviceMisuse::UnknownCall && !std::mem::replace(made, true) {
        device.make_smallest(source)?;
    }
    before.push(format!("struct v4l2_exportbuffer wrong = {{ {fields} }};"));
    let argument = argument(source, how == DeviceMisuse::ExportUnwritable);
    Ok(Some((before, format!("ioctl({name}, {request}, {argument})"))))
}

/// That of a dma-buf's file.
///
/// # Errors
/// Misuses of sync files, which not every kernel has.
pub fn of_file(source: &mut Source, file: &str, how: FileMisuse) -> Result<Call, Unsupported> {
    source.header("sys/ioctl.h");
    source.header("unistd.h");
    source.header("stdint.h");
    source.header("linux/dma-buf.h");
    let call = match how {
        FileMisuse::Read => format!("read({file}, &(uint64_t){{ 0 }}, 8)"),
        FileMisuse::Write => format!("write({file}, &(uint64_t){{ 0 }}, 8)"),
        FileMisuse::Truncate => format!("ftruncate({file}, 0)"),
        FileMisuse::UnknownCall => format!("ioctl({file}, _IOW('b', 0xfe, uint64_t), &(uint64_t){{ 0 }})"),
        FileMisuse::SyncNull => format!("ioctl({file}, DMA_BUF_IOCTL_SYNC, NULL)"),
        FileMisuse::SetNameNull => format!("ioctl({file}, DMA_BUF_SET_NAME, NULL)"),
        _ => return Err(Unsupported::Step(format!("the misuse {how:?}"))),
    };
    Ok((Vec::new(), call))
}
