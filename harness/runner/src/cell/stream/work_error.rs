//! What it means that a device did not do its work.

use device::{WorkError, WorkResult};
use spec::case::Kind;

use super::work_order::{BLAME, EXPECTED};
use crate::cell::documented;
use crate::cell::refusal::unexpected;
use crate::cell::stop::Stop;
use crate::cell::world::{OpenEndpoint, World};
use event::Oracle;

/// Judges why imported buffers were not worked on.
pub fn why_not(
    world: &World,
    importer: &OpenEndpoint,
    undone: &WorkError,
    own: impl FnOnce() -> Result<WorkResult, WorkError>,
) -> Stop {
    let expected = "the device works on imported buffers as on its own";
    let errno = undone.refusal().map(|refusal| refusal.errno());
    if let WorkError::Call(device::Refusal::Kernel { call: "DRM_IOCTL_MODE_ADDFB2", errno }) = undone
        && let Some(reason) = documented::framebuffer(&importer.endpoint.driver, *errno)
    {
        return Stop::refused(format!("{undone}: {reason}"));
    }
    let queue = importer.endpoint.kind == Kind::V4l2;
    let same_node =
        queue && world.exporter.as_ref().is_some_and(|exporter| exporter.endpoint.node == importer.endpoint.node);
    match (undone, errno) {
        (_, Some(None)) => return Stop::not_observable(Oracle::Refusal, undone.to_string(), expected),
        (WorkError::Import(_) | WorkError::Call(_), Some(Some(errno))) if errno != uapi::Errno::EBUSY || same_node => {
            let documented = documented::import(importer.endpoint.kind, errno);
            let of_import = matches!(undone, WorkError::Import(_)) || same_node;
            if let Some(reason) = documented.filter(|_| of_import) {
                return Stop::refused(format!("{undone}: {reason}"));
            }
        }
        (_, Some(Some(_))) => return busy(importer, undone),
        _ => {}
    }
    match own() {
        Err(own) if own == *undone => {
            // Without the right to modeset there is no answer what a display could do.
            if let Some(refusal) = undone.refusal().filter(|_| errno.flatten().and_then(documented::remedy).is_some()) {
                return unexpected(refusal, BLAME, expected);
            }
            let seen = format!("{undone}; nor does the device do it with its own buffers");
            Stop::not_observable(Oracle::Device, seen, expected)
        }
        _ => match undone.refusal() {
            Some(refusal) => unexpected(refusal, BLAME, expected),
            None => Stop::fail(
                Oracle::Device,
                BLAME,
                format!("{undone}; with its own buffers the device does it"),
                expected,
            ),
        },
    }
}

pub fn without_reference(importer: &OpenEndpoint, undone: &WorkError) -> Stop {
    match undone.refusal().and_then(|refusal| refusal.errno()) {
        Some(uapi::Errno::EBUSY) => busy(importer, undone),
        _ => Stop::not_observable(Oracle::Device, format!("with the device's own buffers: {undone}"), EXPECTED),
    }
}

fn busy(importer: &OpenEndpoint, undone: &WorkError) -> Stop {
    let holders = device::holders::of(&importer.endpoint.node);
    let who = if holders.is_empty() { "another program".to_owned() } else { holders.join(", ") };
    let seen = format!("{undone}; {who} holds {}: stop it", importer.endpoint.node.display());
    Stop::blocked(Oracle::Device, seen, "the device is free")
}
