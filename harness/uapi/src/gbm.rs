//! What the `gbm` crate leaves unsafe.

use gbm::BufferObject;

/// The GEM handle of a buffer object's only plane: `gbm_bo_get_handle`. It belongs to the DRM file that the object's
/// GBM device was made of, and lives as long as the object.
pub fn handle<T: 'static>(object: &BufferObject<T>) -> u32 {
    // SAFETY: every member of the union is a plain number or pointer that starts at its first byte, and libgbm sets it
    // from a handle of 32 bits (`gbm_dri_bo_create`, `gbm_dri_bo_import`).
    unsafe { object.handle().u32_ }
}

/// The GEM handle of the memory that a plane of a buffer object lies in: `gbm_bo_get_handle_for_plane`. As [`handle`]'s.
pub fn handle_for_plane<T: 'static>(object: &BufferObject<T>, plane: i32) -> u32 {
    // SAFETY: as above; for a plane that is none, libgbm sets the member `s32` to -1 (`gbm_dri_bo_get_handle_for_plane`).
    unsafe { object.handle_for_plane(plane).u32_ }
}
