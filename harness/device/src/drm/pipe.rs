//! The parts of a display: a connector, its CRTC, the CRTC's planes, and the connector that writes back what it shows.
//! Reference: `Documentation/gpu/drm-kms.rst`.

use std::collections::HashMap;
use std::io;

use drm::control::atomic::AtomicModeReq;
use drm::control::{AtomicCommitFlags, Device as _, Mode, RawResourceHandle, ResourceHandle};
use drm::control::{connector, crtc, plane, property};
use drm::{ClientCapability, Device as _, VblankWaitFlags, VblankWaitTarget};
use drm_ffi::drm_sys::{self, drm_mode_modeinfo};
use spec::step::DisplayPlane;

use super::{Card, formats, image::LINEAR};

/// An object with its properties by name.
pub struct Part {
    handle: RawResourceHandle,
    properties: HashMap<String, (property::Handle, u64)>,
}

/// A plane of a CRTC.
pub struct PlanePart {
    part: Part,
    sort: DisplayPlane,
    /// The formats of its framebuffers.
    pub formats: Vec<u32>,
}

/// The parts that one frame goes through.
pub struct Pipe {
    connector: Part,
    crtc: Part,
    planes: Vec<PlanePart>,
    writeback: Option<Part>,
    /// The modes that the connector offers.
    pub modes: Vec<Mode>,
    /// The CRTC's place among those of the device.
    pub number: usize,
}

/// A framebuffer on a plane.
pub struct Layer<'a> {
    /// The number of the pipe.
    pub plane: &'a PlanePart,
    /// Its number.
    pub framebuffer: u32,
    /// Where on the display, in pixels from its left and its top.
    pub place: (u32, u32),
    /// All of it, in pixels and lines.
    pub size: (u32, u32),
    /// A sync file by its number (`IN_FENCE_FD`).
    pub fence: Option<i32>,
}

/// The state that a commit sets.
pub struct Scene<'a> {
    /// The framebuffer that is shown.
    pub layers: &'a [Layer<'a>],
    /// Its place and its mode.
    pub mode: Mode,
    /// The framebuffer into which that is written, and where the fence of it is to be put.
    pub target: Option<(u32, u64)>,
    /// Where the fence of the CRTC is to be put (`OUT_FENCE_PTR`).
    pub fence: Option<u64>,
    /// Beside ALLOW_MODESET.
    pub flags: AtomicCommitFlags,
}

impl Part {
    fn of<H: ResourceHandle>(card: &Card, handle: H) -> io::Result<Self> {
        let values = card.get_properties(handle)?;
        let mut properties = HashMap::new();
        for (&property, &value) in values.iter() {
            let name = card.get_property(property)?.name().to_string_lossy().into_owned();
            properties.insert(name, (property, value));
        }
        Ok(Self { handle: handle.into(), properties })
    }

    fn set(&self, request: &mut AtomicModeReq, values: &[(&str, u64)]) -> io::Result<()> {
        for (name, value) in values {
            let (property, _) = *self.properties.get(*name).ok_or(io::ErrorKind::Unsupported)?;
            request.add_raw_property(self.handle, property, *value);
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<u64> {
        self.properties.get(name).map(|(_, value)| *value)
    }

    /// The bytes of a property that is a blob.
    fn blob(&self, card: &Card, name: &str) -> Option<Vec<u8>> {
        card.get_property_blob(self.value(name).filter(|&blob| blob != 0)?).ok()
    }

    fn number(&self) -> u64 {
        u64::from(u32::from(self.handle))
    }
}

impl PlanePart {
    fn of(card: &Card, handle: plane::Handle) -> io::Result<Option<Self>> {
        let part = Part::of(card, handle)?;
        let sort = match part.value("type").map(u32::try_from) {
            Some(Ok(drm_sys::DRM_PLANE_TYPE_PRIMARY)) => DisplayPlane::Primary,
            Some(Ok(drm_sys::DRM_PLANE_TYPE_OVERLAY)) => DisplayPlane::Overlay,
            Some(Ok(drm_sys::DRM_PLANE_TYPE_CURSOR)) => DisplayPlane::Cursor,
            _ => return Ok(None),
        };
        Ok(Some(Self { part, sort, formats: card.get_plane(handle)?.formats().to_vec() }))
    }

    /// The formats that it knows as linear by that name.
    pub fn linear(&self, card: &Card) -> Vec<u32> {
        self.part.blob(card, "IN_FORMATS").map_or_else(Vec::new, |blob| formats::with_modifier(&blob, LINEAR))
    }
}

impl Pipe {
    /// Finds a connector that something is connected to, and what belongs to it.
    pub fn find(card: &Card) -> io::Result<Option<Self>> {
        for capability in [ClientCapability::UniversalPlanes, ClientCapability::Atomic] {
            card.set_client_capability(capability, true)?;
        }
        // A driver without writeback refuses nothing here; an older kernel may.
        let _ = card.set_client_capability(ClientCapability::WritebackConnectors, true);
        let resources = card.resource_handles()?;
        let connectors = resources.connectors().iter().map(|&handle| card.get_connector(handle, false));
        let connectors: Vec<connector::Info> = connectors.collect::<io::Result<_>>()?;
        let writes_back = |info: &connector::Info| info.interface() == connector::Interface::Writeback;
        let crtcs_of = |info: &connector::Info| -> Vec<crtc::Handle> {
            let encoders = info.encoders().iter().filter_map(|&encoder| card.get_encoder(encoder).ok());
            encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).collect()
        };
        let shows = |info: &&connector::Info| !writes_back(info) && info.state() != connector::State::Disconnected;
        for connector in connectors.iter().filter(shows) {
            let Some(crtc) = crtcs_of(connector).first().copied() else { continue };
            let of_crtc = |plane: &plane::Handle| {
                card.get_plane(*plane).is_ok_and(|info| resources.filter_crtcs(info.possible_crtcs()).contains(&crtc))
            };
            let handles = card.plane_handles()?.into_iter().filter(of_crtc);
            let planes: Vec<_> = handles.map(|plane| PlanePart::of(card, plane)).collect::<io::Result<_>>()?;
            let planes: Vec<PlanePart> = planes.into_iter().flatten().collect();
            if !planes.iter().any(|plane| plane.sort == DisplayPlane::Primary) {
                continue;
            }
            let writeback = connectors.iter().find(|info| writes_back(info) && crtcs_of(info).contains(&crtc));
            return Ok(Some(Self {
                connector: Part::of(card, connector.handle())?,
                crtc: Part::of(card, crtc)?,
                planes,
                writeback: writeback.map(|info| Part::of(card, info.handle())).transpose()?,
                modes: connector.modes().to_vec(),
                number: resources.crtcs().iter().position(|&other| other == crtc).unwrap_or(0),
            }));
        }
        Ok(None)
    }

    /// Returns whether what it shows can be written back.
    pub fn writes_back(&self) -> bool {
        self.writeback.is_some()
    }

    /// The first plane of a sort.
    pub fn plane(&self, sort: DisplayPlane) -> Option<&PlanePart> {
        self.planes.iter().find(|plane| plane.sort == sort)
    }

    /// The formats in which it is written back: the property WRITEBACK_PIXEL_FORMATS.
    pub fn writeback_formats(&self, card: &Card) -> Vec<u32> {
        let blob = self.writeback.as_ref().and_then(|part| part.blob(card, "WRITEBACK_PIXEL_FORMATS"));
        let words = blob.unwrap_or_default();
        words.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect()
    }

    /// Commits a scene: `DRM_IOCTL_MODE_ATOMIC`.
    pub fn show(&self, card: &Card, scene: &Scene<'_>) -> io::Result<()> {
        let mode = card.create_property_blob(&drm_mode_modeinfo::from(scene.mode))?;
        let blob: u64 = mode.into();
        let answer = self
            .request(scene, blob)
            .and_then(|request| card.atomic_commit(scene.flags | AtomicCommitFlags::ALLOW_MODESET, request));
        // A display that has the mode holds it for itself.
        let _ = card.destroy_property_blob(blob);
        answer
    }

    fn request(&self, scene: &Scene<'_>, mode: u64) -> io::Result<AtomicModeReq> {
        let mut request = AtomicModeReq::new();
        let crtc = self.crtc.number();
        // What is written back is not shown to anyone: few devices do both at a time, and vkms of 6.12 none
        // (fixtures/findings/vkms-writeback-clone.md).
        let connected = if scene.target.is_some() { 0 } else { crtc };
        self.connector.set(&mut request, &[("CRTC_ID", connected)])?;
        self.crtc.set(&mut request, &[("MODE_ID", mode), ("ACTIVE", 1)])?;
        if let Some(fence) = scene.fence {
            self.crtc.set(&mut request, &[("OUT_FENCE_PTR", fence)])?;
        }
        for layer in scene.layers {
            let ((left, top), (width, height)) = (layer.place, layer.size);
            let [left, top, width, height] = [left, top, width, height].map(u64::from);
            let place = [("CRTC_X", left), ("CRTC_Y", top), ("CRTC_W", width), ("CRTC_H", height)];
            // In fixed point with 16 fractional bits.
            let source = [("SRC_X", 0), ("SRC_Y", 0), ("SRC_W", width << 16), ("SRC_H", height << 16)];
            let shown = [("FB_ID", u64::from(layer.framebuffer)), ("CRTC_ID", crtc)];
            layer.plane.part.set(&mut request, &[&shown[..], &place, &source].concat())?;
            if let Some(fence) = layer.fence {
                layer.plane.part.set(&mut request, &[("IN_FENCE_FD", i64::from(fence) as u64)])?;
            }
        }
        if let (Some(part), Some((framebuffer, fence))) = (&self.writeback, scene.target) {
            let written = [("WRITEBACK_FB_ID", u64::from(framebuffer)), ("WRITEBACK_OUT_FENCE_PTR", fence)];
            let written = if fence == 0 { &written[..1] } else { &written[..] };
            part.set(&mut request, &[&[("CRTC_ID", crtc)][..], written].concat())?;
        }
        Ok(request)
    }

    /// Switches it off, right after a frame has begun: vkms can deadlock where a frame begins meanwhile
    /// (fixtures/findings/vkms-vblank-deadlock.md, and [`mode`](super::mode::mode) for how long a frame lasts).
    pub fn off(&self, card: &Card) -> io::Result<()> {
        let number = u32::try_from(self.number).unwrap_or(0);
        // A driver without such interrupts refuses; the kernel waits for 3 s at most.
        let _ = card.wait_vblank(VblankWaitTarget::Relative(1), VblankWaitFlags::empty(), number, 0);
        let mut request = AtomicModeReq::new();
        self.connector.set(&mut request, &[("CRTC_ID", 0)])?;
        self.crtc.set(&mut request, &[("MODE_ID", 0), ("ACTIVE", 0)])?;
        for plane in &self.planes {
            plane.part.set(&mut request, &[("FB_ID", 0), ("CRTC_ID", 0)])?;
        }
        self.writeback.iter().try_for_each(|part| part.set(&mut request, &[("CRTC_ID", 0)]))?;
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
    }
}
