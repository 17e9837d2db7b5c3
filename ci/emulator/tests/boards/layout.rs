//! The structures of ioctls are as large as the kernel's headers say, on every architecture: a number carries its size.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::host::root;

/// Compilers of 64 and of 32 bits; ci/test installs them.
const COMPILERS: [&str; 3] = ["gcc", "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"];

fn rows() -> Vec<(&'static str, &'static str, usize)> {
    use uapi::{canary, dma_buf, heap, render, sync_file, udmabuf, vfio};
    vec![
        ("linux/dma-buf.h", "struct dma_buf_sync", size_of::<dma_buf::DmaBufSync>()),
        ("linux/dma-heap.h", "struct dma_heap_allocation_data", size_of::<heap::HeapAllocation>()),
        ("linux/udmabuf.h", "struct udmabuf_create", size_of::<udmabuf::UdmabufCreate>()),
        ("linux/dma-buf.h", "struct dma_buf_export_sync_file", size_of::<sync_file::SyncFile>()),
        ("linux/dma-buf.h", "struct dma_buf_import_sync_file", size_of::<sync_file::SyncFile>()),
        ("drm/vgem_drm.h", "struct drm_vgem_fence_attach", size_of::<sync_file::VgemAttach>()),
        ("drm/vgem_drm.h", "struct drm_vgem_fence_signal", size_of::<sync_file::VgemSignal>()),
        ("drm/etnaviv_drm.h", "struct drm_etnaviv_gem_new", size_of::<render::New>()),
        ("drm/etnaviv_drm.h", "struct drm_etnaviv_gem_info", size_of::<render::Offset>()),
        ("drm/lima_drm.h", "struct drm_lima_gem_create", size_of::<render::Create>()),
        ("drm/lima_drm.h", "struct drm_lima_gem_info", size_of::<render::Offset>()),
        ("drm/msm_drm.h", "struct drm_msm_gem_new", size_of::<render::New>()),
        ("drm/msm_drm.h", "struct drm_msm_gem_info", size_of::<render::MsmInfo>()),
        ("drm/panfrost_drm.h", "struct drm_panfrost_create_bo", size_of::<render::PanfrostCreate>()),
        ("drm/panfrost_drm.h", "struct drm_panfrost_mmap_bo", size_of::<render::Offset>()),
        ("drm/v3d_drm.h", "struct drm_v3d_create_bo", size_of::<render::Create>()),
        ("drm/v3d_drm.h", "struct drm_v3d_mmap_bo", size_of::<render::Offset>()),
        ("linux/vfio.h", "struct vfio_region_info", size_of::<vfio::RegionInfo>()),
        ("linux/vfio.h", "struct vfio_device_gfx_plane_info", size_of::<vfio::GfxPlaneInfo>()),
        // What follows it for a dma-buf is in the headers since 6.19 only, and so in none of the host's.
        ("linux/vfio.h", "struct vfio_device_feature", size_of::<vfio::Feature>()),
        ("prime_canary.h", "struct prime_canary_about", size_of::<canary::About>()),
        ("prime_canary.h", "struct prime_canary_allocate", size_of::<canary::Allocate>()),
        ("prime_canary.h", "struct prime_canary_export", size_of::<canary::Export>()),
        ("prime_canary.h", "struct prime_canary_import", size_of::<canary::Import>()),
        ("prime_canary.h", "struct prime_canary_close", size_of::<canary::Close>()),
        ("prime_canary.h", "struct prime_canary_info", size_of::<canary::Info>()),
        ("prime_canary.h", "struct prime_canary_transfer", size_of::<canary::Transfer>()),
        ("prime_canary.h", "struct prime_canary_importer", size_of::<canary::Importer>()),
        ("prime_canary.h", "struct prime_canary_counts", size_of::<canary::Counts>()),
    ]
}

/// Returns whether a compiler agrees with these sizes; its words, where it does not.
fn compiled(compiler: &str, rows: &[(&str, &str, usize)]) -> Result<(), String> {
    let one = |(header, name, size): &(&str, &str, usize)| {
        format!("#include <{header}>\n_Static_assert(sizeof({name}) == {size}, \"{name}\");\n")
    };
    let text: String = rows.iter().map(one).collect();
    let mut command = Command::new(compiler);
    command.args(["-fsyntax-only", "-x", "c", "-"]).arg("-I").arg(root().join("fixtures/kmod/include/uapi"));
    // Debian leaves the headers of DRM out of its own architecture's package, for libdrm has some too.
    command.args(["-idirafter", "/usr/aarch64-linux-gnu/include"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn structures_are_as_large_as_the_headers_say_with_pointers_of_either_size() {
    for compiler in COMPILERS {
        assert_eq!(compiled(compiler, &rows()), Ok(()), "{compiler}");
        let wrong = [("linux/dma-buf.h", "struct dma_buf_sync", 12)];
        assert!(compiled(compiler, &wrong).unwrap_err().contains("dma_buf_sync"), "a wrong size is seen");
    }
}
