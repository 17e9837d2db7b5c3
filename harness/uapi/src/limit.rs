//! Limits of this process that hold for a while.

use std::collections::BTreeSet;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// A lower limit on descriptors. Dropped, it releases the one before.
#[derive(Debug)]
pub struct Files {
    soft: rlim_t,
    hard: rlim_t,
}

impl Files {
    /// Lets the process open this many further descriptors and no more (RLIMIT_NOFILE, getrlimit(2)). What is open stays
    /// open.
    ///
    /// # Errors
    /// EMFILE when as many cannot be opened anyway; ENOENT without procfs.
    pub fn more(count: usize) -> Result<Self, Errno> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let names = std::fs::read_dir("/proc/self/fd").map_err(|_| Errno::ENOENT)?;
        let numbers = names.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<rlim_t>().ok());
        let mut open: BTreeSet<rlim_t> = numbers.collect();
        // The descriptor that the listing itself was read with is closed again by now.
        open.retain(|number| std::fs::read_link(format!("/proc/self/fd/{number}")).is_ok());
        // The lowest free number is given out, and only one below the limit.
        let limit = (0..soft).filter(|number| !open.contains(number)).nth(count).ok_or(Errno::EMFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
        Ok(Self { soft, hard })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // The limit before was allowed, and the hard limit is as it was.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Ending, spawn};

    #[test]
    fn so_many_and_no_more_can_be_opened() {
        // In a process of its own: other tests open files meanwhile.
        let child = spawn(|_output| {
            let limit = Files::more(2).unwrap();
            let kept: Vec<_> = (0..3).map(|_| crate::dma_buf::ordinary_file()).collect();
            let few = kept[0].is_ok() && kept[1].is_ok() && matches!(kept[2], Err(Errno::EMFILE));
            drop(limit);
            i32::from(!few || crate::dma_buf::ordinary_file().is_err())
        });
        let ending = child.unwrap().supervise(std::time::Duration::from_secs(20), |_| {}).unwrap();
        assert_eq!(ending, Ending::Exited(0));
    }
}
