//! The parts of a display: a connector, its CRTC, the CRTC's primary plane, and the connector that writes back what it
//! shows. Reference: `Documentation/gpu/drm-kms.rst`.

use std::collections::HashMap;
use std::io;

use drm::control::atomic::AtomicModeReq;
use drm::control::{AtomicCommitFlags, Device as _, Mode, RawResourceHandle, ResourceHandle};
use drm::control::{connector, crtc, plane, property};
use drm::{ClientCapability, Device as _};
use drm_ffi::drm_sys::drm_mode_modeinfo;

use super::Card;

/// The image that is shown, in pixels of 4 bytes: small, so that a display in software shows it at once, and of many
/// pages.
pub const SIZE: u32 = 128;

/// From frame to frame that many lines of that many pixels, that many times a second.
const TOTAL: (u16, u16, u32) = (160, 136, 120);

/// An object with its properties by name.
pub struct Part {
    handle: RawResourceHandle,
    properties: HashMap<String, property::Handle>,
}

/// The parts that one frame goes through.
pub struct Pipe {
    connector: Part,
    crtc: Part,
    plane: Part,
    writeback: Option<Part>,
    /// The CRTC's place among those of the device.
    pub number: usize,
}

impl Part {
    fn of<H: ResourceHandle>(card: &Card, handle: H) -> io::Result<Self> {
        let properties = card.get_properties(handle)?.as_hashmap(card)?;
        let properties = properties.into_iter().map(|(name, info)| (name, info.handle())).collect();
        Ok(Self { handle: handle.into(), properties })
    }

    fn set(&self, request: &mut AtomicModeReq, values: &[(&str, u64)]) -> io::Result<()> {
        for (name, value) in values {
            let property = *self.properties.get(*name).ok_or(io::ErrorKind::Unsupported)?;
            request.add_raw_property(self.handle, property, *value);
        }
        Ok(())
    }

    fn number(&self) -> u64 {
        u64::from(u32::from(self.handle))
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
        let planes = card.plane_handles()?;
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
            let Some(plane) = planes.iter().copied().find(|&plane| primary(card, plane, crtc, &resources)) else {
                continue;
            };
            let writeback = connectors.iter().find(|info| writes_back(info) && crtcs_of(info).contains(&crtc));
            let number = resources.crtcs().iter().position(|&other| other == crtc).unwrap_or(0);
            return Ok(Some(Self {
                connector: Part::of(card, connector.handle())?,
                crtc: Part::of(card, crtc)?,
                plane: Part::of(card, plane)?,
                writeback: writeback.map(|info| Part::of(card, info.handle())).transpose()?,
                number,
            }));
        }
        Ok(None)
    }

    /// Whether what it shows can be written back.
    pub fn writes_back(&self) -> bool {
        self.writeback.is_some()
    }

    /// Shows a framebuffer, in a mode that is made for it. What is shown is written into `target`, if there is one, and
    /// the fence of that put where the last part of it says.
    pub fn show(&self, card: &Card, framebuffer: u32, target: Option<(u32, u64)>) -> io::Result<()> {
        let mode = card.create_property_blob(&drm_mode_modeinfo::from(mode()))?;
        let blob: u64 = mode.into();
        let mut request = AtomicModeReq::new();
        let (crtc, size) = (self.crtc.number(), u64::from(SIZE));
        // What is written back is not shown to anybody: few devices do both at a time, and vkms of 6.12 none
        // (fixtures/findings/vkms-writeback-clone.md).
        let connected = if target.is_some() { 0 } else { crtc };
        self.connector.set(&mut request, &[("CRTC_ID", connected)])?;
        self.crtc.set(&mut request, &[("MODE_ID", blob), ("ACTIVE", 1)])?;
        let place = [("CRTC_X", 0), ("CRTC_Y", 0), ("CRTC_W", size), ("CRTC_H", size)];
        // In fixed point, 16 bits behind it.
        let source = [("SRC_X", 0), ("SRC_Y", 0), ("SRC_W", size << 16), ("SRC_H", size << 16)];
        let shown = [("FB_ID", u64::from(framebuffer)), ("CRTC_ID", crtc)];
        self.plane.set(&mut request, &[&shown[..], &place, &source].concat())?;
        if let (Some(part), Some((framebuffer, fence))) = (&self.writeback, target) {
            let written = [("WRITEBACK_FB_ID", u64::from(framebuffer)), ("WRITEBACK_OUT_FENCE_PTR", fence)];
            part.set(&mut request, &[&[("CRTC_ID", crtc)][..], &written].concat())?;
        }
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
    }

    /// Switches it off.
    pub fn off(&self, card: &Card) -> io::Result<()> {
        let mut request = AtomicModeReq::new();
        self.connector.set(&mut request, &[("CRTC_ID", 0)])?;
        self.crtc.set(&mut request, &[("MODE_ID", 0), ("ACTIVE", 0)])?;
        self.plane.set(&mut request, &[("FB_ID", 0), ("CRTC_ID", 0)])?;
        self.writeback.iter().try_for_each(|part| part.set(&mut request, &[("CRTC_ID", 0)]))?;
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
    }
}

/// Whether a plane is the primary one of a CRTC.
fn primary(card: &Card, plane: plane::Handle, crtc: crtc::Handle, resources: &drm::control::ResourceHandles) -> bool {
    let fits = card.get_plane(plane).is_ok_and(|info| resources.filter_crtcs(info.possible_crtcs()).contains(&crtc));
    let values = card.get_properties(plane).and_then(|values| {
        let types = values.as_hashmap(card)?.get("type").map(property::Info::handle);
        Ok(values.iter().any(|(property, value)| {
            Some(*property) == types && *value == u64::from(drm_ffi::drm_sys::DRM_PLANE_TYPE_PRIMARY)
        }))
    });
    fits && values.unwrap_or(false)
}

fn mode() -> Mode {
    let (htotal, vtotal, vrefresh) = TOTAL;
    let size = SIZE as u16;
    Mode::from(drm_mode_modeinfo {
        clock: u32::from(htotal) * u32::from(vtotal) * vrefresh / 1000,
        hdisplay: size,
        hsync_start: size + 8,
        hsync_end: size + 16,
        htotal,
        vdisplay: size,
        vsync_start: size + 2,
        vsync_end: size + 4,
        vtotal,
        vrefresh,
        ..drm_mode_modeinfo::default()
    })
}
