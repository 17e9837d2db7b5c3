//! What a CRTC says that it shows: a CRC of each frame, `dri/N/crtc-I/crc` of debugfs. Reference:
//! `drivers/gpu/drm/drm_debugfs_crc.c`.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::debugfs::{self, PATIENCE};

/// The first ones may be of frames that were shown before.
const EARLIER: usize = 2;

/// More frames than that are not waited for.
const FRAMES: usize = 12;

/// A job of vkms that ends late switches its CRCs off for whoever has switched them on meanwhile
/// (fixtures/findings/vkms-composer-switch.md). Its end is waited for where the kernel reports it.
const ATTEMPTS: usize = 5;

/// The folder of a CRTC, by its device's node and its place among the device's CRTCs.
pub fn folder(node: &Path, crtc: usize) -> Option<PathBuf> {
    let folder = debugfs::folder(node)?.join(format!("crtc-{crtc}/crc"));
    folder.join("data").exists().then_some(folder)
}

/// The CRC of what a CRTC shows: two frames one after the other have the same. Nothing where none is to be had.
pub fn read(folder: &Path) -> Option<String> {
    std::fs::write(folder.join("control"), "auto").ok()?;
    (0..ATTEMPTS).find_map(|_| attempt(folder))
}

fn attempt(folder: &Path) -> Option<String> {
    let flags = OFlag::O_NONBLOCK.bits();
    let mut data = File::options().read(true).custom_flags(flags).open(folder.join("data")).ok()?;
    let mut before = None;
    for number in 0..FRAMES {
        let crc = next(&mut data)?;
        if number >= EARLIER && before.as_ref() == Some(&crc) {
            return Some(crc);
        }
        before = Some(crc);
    }
    None
}

/// The next frame's: a line of the frame's number and of CRCs.
fn next(data: &mut File) -> Option<String> {
    let mut line = [0; 256];
    loop {
        match data.read(&mut line) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                uapi::sync_file::wait_readable(data.as_fd(), PATIENCE).ok()?.then_some(())?;
            }
            Err(_) | Ok(0) => return None,
            Ok(length) => return crcs(&line[..length]),
        }
    }
}

fn crcs(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, crcs) = text.trim_end_matches(['\n', '\0']).split_once(' ')?;
    Some(crcs.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_s_number_is_no_part_of_its_crc() {
        assert_eq!(crcs(b"0x00000012 0x1234abcd 0x00000001\n\0").as_deref(), Some("0x1234abcd 0x00000001"));
        assert_eq!(crcs(b"\n"), None);
    }

    #[test]
    fn a_folder_without_them_tells_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), None);
        assert_eq!(folder(Path::new("/dev/null"), 0), None);
    }
}
