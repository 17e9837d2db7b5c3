//! Devices as C: how they are opened, how they allocate, export, import and release.

use device::Endpoint;
use spec::case::Kind;
use uapi::v4l2::{Format, QueueType};

use super::source::Source;
use super::unsupported::Unsupported;

/// A device in the program.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a> {
    /// Its variable.
    pub name: &'static str,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
}

fn bytes(format: &Format) -> u64 {
    format.sizes.iter().map(|&size| u64::from(size)).sum()
}

impl<'a> Opened<'a> {
    /// Writes the line that opens it; a node on the command line goes before its own.
    ///
    /// # Errors
    /// A kind that needs more than the kernel's headers, or cannot be used here.
    pub fn open(
        source: &mut Source,
        name: &'static str,
        number: usize,
        endpoint: &'a Endpoint,
    ) -> Result<Self, Unsupported> {
        let told = matches!(endpoint.kind, Kind::Drm | Kind::V4l2 | Kind::Heap | Kind::Udmabuf);
        if !told {
            return Err(Unsupported::Device(endpoint.key.clone()));
        }
        if let Some(why) = &endpoint.blocked {
            return Err(Unsupported::Blocked(endpoint.key.clone(), why.clone()));
        }
        source.need("must");
        source.header("fcntl.h");
        let node = super::source::quoted(&endpoint.node.display().to_string());
        source.line(format!(
            "int {name} = MUST(open(argc > {number} ? argv[{number}] : {node}, O_RDWR | O_CLOEXEC)); /* {} */",
            endpoint.key
        ));
        Ok(Self { name, endpoint })
    }

    /// The number of a V4L2 node's queue.
    fn queue(&self) -> u32 {
        self.endpoint.queue.map_or(0, |queue| queue as u32)
    }

    /// Sets a V4L2 queue to a frame, and the other one of its node to what these frames demand.
    fn set_frame(&self, source: &mut Source, frame: &Format) {
        let mut set = |queue: QueueType, Format { width, height, fourcc, .. }: &Format| {
            let pixels = if queue.multi_planar() { "pix_mp" } else { "pix" };
            let wish = format!(".width = {width}, .height = {height}, .pixelformat = {fourcc:#x}");
            let format = format!("{{ .type = {}, .fmt.{pixels} = {{ {wish} }} }}", queue as u32);
            source.line(format!("MUST(ioctl({}, VIDIOC_S_FMT, &(struct v4l2_format){format}));", self.name));
        };
        if let Some((queue, frame)) = &self.endpoint.beside {
            set(*queue, frame);
        }
        self.endpoint.queue.into_iter().for_each(|queue| set(queue, frame));
    }

    /// Lets a V4L2 queue make buffers for its smallest frame.
    ///
    /// # Errors
    /// A queue without frames.
    pub fn make_smallest(&self, source: &mut Source) -> Result<(), Unsupported> {
        let frame = self.endpoint.frames.iter().min_by_key(|frame| bytes(frame)).ok_or_else(|| self.no_frame(1))?;
        self.make(source, frame);
        Ok(())
    }

    fn make(&self, source: &mut Source, frame: &Format) {
        self.set_frame(source, frame);
        self.request(source, "MMAP", 2);
    }

    /// Asks a V4L2 queue for this many buffers.
    fn request(&self, source: &mut Source, memory: &str, count: u32) {
        source.header("sys/ioctl.h");
        source.header("linux/videodev2.h");
        let wish = format!("{{ .count = {count}, .type = {}, .memory = V4L2_MEMORY_{memory} }}", self.queue());
        source.line(format!("MUST(ioctl({}, VIDIOC_REQBUFS, &(struct v4l2_requestbuffers){wish}));", self.name));
    }

    /// Returns an expression that allocates this many bytes; `number` counts such buffers from 0.
    pub fn allocate(&self, source: &mut Source, size: u64, number: u32) -> Result<String, Unsupported> {
        let name = self.name;
        match self.endpoint.kind {
            Kind::Drm => {
                source.need("drm_allocate");
                Ok(format!("drm_allocate({name}, {size})"))
            }
            Kind::V4l2 => {
                let fits = self.endpoint.frames.iter().filter(|frame| bytes(frame) >= size);
                let frame = fits.min_by_key(|frame| bytes(frame)).ok_or_else(|| self.no_frame(size))?;
                // One call makes all of a queue's buffers.
                if number == 0 {
                    self.make(source, frame);
                    source.need("v4l2_size");
                    source.line(format!("size = v4l2_size({name}, {}, 0);", self.queue()));
                }
                Ok(number.to_string())
            }
            kind => {
                source.need("size");
                source.line(format!("size = {};", size.next_multiple_of(4096)));
                if kind == Kind::Heap {
                    return Ok("size".into());
                }
                source.need("udmabuf_allocate");
                Ok("udmabuf_allocate(size, F_SEAL_SHRINK)".into())
            }
        }
    }

    fn no_frame(&self, size: u64) -> Unsupported {
        Unsupported::Step(format!("a buffer of {size} bytes of {}, which has no such frame", self.endpoint.key))
    }

    /// An expression that exports a buffer: the file, or -1 with errno.
    pub fn export(&self, source: &mut Source, buffer: &str, flags: &str) -> String {
        let name = self.name;
        match self.endpoint.kind {
            Kind::Drm => {
                source.need("drm_export");
                format!("drm_export({name}, {buffer}, {flags})")
            }
            Kind::V4l2 => {
                source.need("v4l2_export");
                format!("v4l2_export({name}, {}, {buffer}, {flags})", self.queue())
            }
            Kind::Heap => {
                source.need("heap_export");
                format!("heap_export({name}, {buffer}, {flags})")
            }
            _ => {
                source.need("udmabuf_export");
                format!("udmabuf_export({name}, {buffer}, {flags})")
            }
        }
    }

    /// Returns an expression that imports a file of this size in bytes: a buffer, or -1 with errno. With `more`, the importer is asked
    /// for this many bytes more.
    pub fn import(&self, source: &mut Source, file: &str, size: u64, more: u64) -> Result<String, Unsupported> {
        if self.endpoint.kind == Kind::Drm {
            source.need("drm_import");
            return Ok(format!("drm_import({}, {file})", self.name));
        }
        let frames = self.endpoint.frames.iter();
        let frame = match more {
            0 => frames.filter(|frame| bytes(frame) <= size).max_by_key(|frame| bytes(frame)),
            _ => frames.filter(|frame| bytes(frame) >= size + more).min_by_key(|frame| bytes(frame)),
        };
        let frame = frame.ok_or_else(|| self.no_frame(size + more))?;
        self.set_frame(source, frame);
        self.request(source, "DMABUF", 1);
        source.need("v4l2_import");
        Ok(format!("v4l2_import({}, {}, {file}, {})", self.name, self.queue(), bytes(frame)))
    }

    /// Gives a buffer back; an imported one or its own.
    pub fn release(&self, source: &mut Source, buffer: &str, imported: bool) {
        match self.endpoint.kind {
            Kind::Drm => {
                source.need("drm_close");
                source.line(format!("drm_close({}, {buffer});", self.name));
            }
            Kind::V4l2 => {
                self.request(source, if imported { "DMABUF" } else { "MMAP" }, 0);
            }
            Kind::Udmabuf => source.line(format!("close({buffer});")),
            // A heap's buffer is its file.
            _ => {}
        }
    }

    /// The file and the offset under which the device's own file maps a buffer.
    pub fn mapping(&self, source: &mut Source, buffer: &str) -> Result<(String, String), Unsupported> {
        match self.endpoint.kind {
            Kind::Drm => {
                source.need("drm_offset");
                Ok((self.name.into(), format!("drm_offset({}, {buffer})", self.name)))
            }
            // Imported ones have no offset: the first is where it would be.
            Kind::V4l2 => Ok((self.name.into(), "0".into())),
            Kind::Udmabuf => Ok((buffer.to_owned(), "0".into())),
            _ => Err(Unsupported::Step(format!("a mapping of a buffer of {} without its dma-buf", self.endpoint.key))),
        }
    }
}
