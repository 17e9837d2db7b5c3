//! A watchdog, of `include/uapi/linux/watchdog.h`: hardware that starts the machine again if it is not fed in time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;

mod ioctl {
    #![allow(missing_docs)]
    // The kernel reads what it is given here, whatever its number says.
    nix::ioctl_read!(set_options, b'W', 4, i32);
    nix::ioctl_read!(keep_alive, b'W', 5, i32);
    nix::ioctl_readwrite!(set_timeout, b'W', 6, i32);
}

/// `WDIOS_DISABLECARD`.
const DISABLE: i32 = 1;

/// An open watchdog, which counts. Dropped, it stops, where the driver allows that (CONFIG_WATCHDOG_NOWAYOUT).
#[derive(Debug)]
pub struct Watchdog(File);

impl Watchdog {
    /// Opens it, which starts it.
    ///
    /// # Errors
    /// Those of open(2): EBUSY while another program has it, ENOENT without one.
    pub fn open(path: &Path) -> Result<Self, std::io::Error> {
        OpenOptions::new().write(true).open(path).map(Self)
    }

    /// Sets after how many seconds without food it bites. The hardware may take another value: the one that is reported.
    ///
    /// # Errors
    /// EINVAL for a time that it cannot count, EOPNOTSUPP where the time is fixed (`WDIOC_SETTIMEOUT`).
    pub fn set_timeout(&self, seconds: u32) -> Result<u32, Errno> {
        let mut value = i32::try_from(seconds).map_err(|_| Errno::EINVAL)?;
        // SAFETY: the file is open, and `value` an int that the kernel reads and writes.
        unsafe { ioctl::set_timeout(self.0.as_raw_fd(), &mut value) }?;
        u32::try_from(value).map_err(|_| Errno::EINVAL)
    }

    /// Feeds it.
    ///
    /// # Errors
    /// EIO where the hardware does not answer (`WDIOC_KEEPALIVE`).
    pub fn feed(&self) -> Result<(), Errno> {
        let mut unused = 0;
        // SAFETY: the file is open, and `unused` an int that outlives the call.
        unsafe { ioctl::keep_alive(self.0.as_raw_fd(), &mut unused) }.map(drop)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let mut options = DISABLE;
        // A child that hangs in the kernel may keep the file open: closing it would not stop the watchdog. Where both
        // ways fail it goes on, which whoever asked for one that cannot be stopped knows.
        // SAFETY: the file is open, and `options` an int that the kernel reads.
        let _ = unsafe { ioctl::set_options(self.0.as_raw_fd(), &mut options) };
        let _ = self.0.write_all(b"V");
    }
}
