//! An sg_table that the attachments of two devices hold at the same time: each device's addresses are its own, and the
//! one whose table it is not is led elsewhere as soon as an IOMMU or a bounce buffer stands between.
//!
//! Reference: `dma_buf_ops.map_dma_buf` of `include/linux/dma-buf.h`: "already mapped into the device address space of
//! the device attached with the provided dma_buf_attachment".
//!
//! The entry of the function shows the attachment and its device, its return the table; a thread does one at a time.
//! A kernel after 6.12 with CONFIG_DMABUF_DEBUG gives each importer a copy: there no sharing is seen.
//! `dma_buf_map_attachment_unlocked` may have the other one within it or call it: one call may then be reported twice.

use std::collections::BTreeMap;

/// The event of a probe on mapping or unmapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// An attachment of a device is to be mapped.
    Map { pid: i32, attachment: u64, device: u64 },
    /// The thread's call gave this table, or an error.
    Mapped { pid: i32, table: u64 },
    /// An attachment returns its table.
    Unmap { attachment: u64 },
}

/// A table that two devices hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// The thread that mapped it for the second device.
    pub pid: i32,
    /// The address of `struct sg_table`.
    pub table: u64,
    /// The addresses of the two `struct device`.
    pub devices: [u64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    pid: i32,
    device: u64,
    table: Option<u64>,
}

/// The holders of the tables.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    holders: BTreeMap<u64, Holder>,
    /// The mapping of each thread, present or last.
    mapping: BTreeMap<i32, u64>,
    shared: Vec<Shared>,
}

/// Attachments that no one unmaps are not kept forever; each cell begins again.
const KEPT: usize = 65_536;

impl Sharing {
    pub(super) fn take_in(&mut self, call: Call) {
        match call {
            Call::Map { pid, attachment, device } => {
                if self.holders.len() < KEPT {
                    self.mapping.insert(pid, attachment);
                    // A new one may lie where an old one was; mapped again, it has its table still.
                    let holder = self.holders.entry(attachment).or_insert(Holder { pid, device, table: None });
                    if holder.device != device {
                        *holder = Holder { pid, device, table: None };
                    }
                }
            }
            Call::Mapped { pid, table } => self.mapped(pid, table),
            Call::Unmap { attachment } => drop(self.holders.remove(&attachment)),
        }
    }

    /// Notes that calls were lost, any of which may have returned a table.
    pub(super) fn forget(&mut self) {
        self.holders.clear();
        self.mapping.clear();
    }

    fn mapped(&mut self, pid: i32, table: u64) {
        let Some(attachment) = self.mapping.get(&pid).filter(|_| is_pointer(table)) else { return };
        let Some(holder) = self.holders.get_mut(attachment) else { return };
        let again = holder.table.replace(table) == Some(table);
        let device = holder.device;
        let other = self.holders.values().find(|other| other.table == Some(table) && other.device != device);
        if let Some(other) = other.filter(|_| !again) {
            self.shared.push(Shared { pid, table, devices: [other.device, device] });
        }
    }

    /// Returns what a thread has mapped for a second device, and forgets what it holds.
    pub(super) fn take_of(&mut self, pid: i32) -> Vec<Shared> {
        self.holders.retain(|_, holder| holder.pid != pid);
        self.mapping.remove(&pid);
        self.shared.extract_if(.., |shared| shared.pid == pid).collect()
    }

    /// Returns what threads have mapped for a second device; everything else is forgotten, the holders too.
    pub(super) fn take(&mut self) -> Vec<Shared> {
        std::mem::take(self).shared
    }
}

/// Returns whether it is neither NULL nor an error (`IS_ERR_OR_NULL`, `MAX_ERRNO`), of 32 bits or 64.
fn is_pointer(value: u64) -> bool {
    const MAX_ERRNO: u64 = 4095;
    let error = |top: u64| (top - MAX_ERRNO + 1..=top).contains(&value);
    value != 0 && !error(u64::MAX) && !error(u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: u64 = 0xffff_8880_0000_1000;
    const VGEM: u64 = 0xffff_8880_0000_2000;

    fn map(attachment: u64, device: u64, table: u64) -> [Call; 2] {
        [Call::Map { pid: 7, attachment, device }, Call::Mapped { pid: 7, table }]
    }

    fn shared(calls: impl IntoIterator<Item = Call>) -> Vec<Shared> {
        let mut sharing = Sharing::default();
        calls.into_iter().for_each(|call| sharing.take_in(call));
        assert!(sharing.shared.len() < 2 || sharing.shared.windows(2).all(|pair| pair[0] != pair[1]));
        sharing.take()
    }

    #[test]
    fn a_table_that_two_devices_hold_at_a_time_is_seen_once() {
        let found = shared(map(1, CANARY, 100).into_iter().chain(map(2, VGEM, 100)));
        assert_eq!(found, [Shared { pid: 7, table: 100, devices: [CANARY, VGEM] }]);
    }

    #[test]
    fn attachments_of_one_device_may_share() {
        assert_eq!(shared(map(1, VGEM, 100).into_iter().chain(map(2, VGEM, 100))), []);
    }

    #[test]
    fn memory_that_is_used_again_is_no_sharing() {
        let calls = map(1, CANARY, 100).into_iter().chain([Call::Unmap { attachment: 1 }]).chain(map(2, VGEM, 100));
        assert_eq!(shared(calls), []);
        // An attachment that was never unmapped, and another that lies where it lay.
        assert_eq!(shared(map(1, CANARY, 100).into_iter().chain(map(1, VGEM, 100))), []);
    }

    #[test]
    fn one_call_told_twice_is_one() {
        let nested = |attachment, device| {
            let enter = Call::Map { pid: 7, attachment, device };
            let leave = Call::Mapped { pid: 7, table: 100 };
            [enter, enter, leave, leave]
        };
        assert_eq!(shared(nested(1, CANARY)), []);
        assert_eq!(shared(nested(1, CANARY).into_iter().chain(nested(2, VGEM))).len(), 1);
    }

    #[test]
    fn errors_are_no_tables_and_who_shared_one_is_told() {
        let refused = (-22i64) as u64;
        assert_eq!(shared(map(1, CANARY, refused).into_iter().chain(map(2, VGEM, refused))), []);
        assert_eq!(shared(map(1, CANARY, 0).into_iter().chain(map(2, VGEM, 0))), []);
        let mut sharing = Sharing::default();
        map(1, CANARY, 100).into_iter().chain(map(2, VGEM, 100)).for_each(|call| sharing.take_in(call));
        assert_eq!(sharing.take().iter().map(|shared| shared.pid).collect::<Vec<_>>(), [7]);
        assert_eq!(sharing.take(), [], "each cell starts from nothing");
    }

    #[test]
    fn a_thread_that_is_asked_for_leaves_what_another_holds() {
        let mut sharing = Sharing::default();
        map(1, CANARY, 100).into_iter().for_each(|call| sharing.take_in(call));
        sharing.take_in(Call::Map { pid: 8, attachment: 2, device: CANARY });
        sharing.take_in(Call::Mapped { pid: 8, table: 200 });
        assert_eq!(sharing.take_of(7), []);
        map(3, VGEM, 100).into_iter().chain(map(4, VGEM, 200)).for_each(|call| sharing.take_in(call));
        assert_eq!(sharing.take_of(8), []);
        assert_eq!(sharing.take_of(7), [Shared { pid: 7, table: 200, devices: [CANARY, VGEM] }]);
        assert_eq!(sharing.take(), []);
    }

    #[test]
    fn after_a_gap_nobody_holds_anything() {
        let mut sharing = Sharing::default();
        map(1, CANARY, 100).into_iter().for_each(|call| sharing.take_in(call));
        sharing.forget();
        map(2, VGEM, 100).into_iter().for_each(|call| sharing.take_in(call));
        assert_eq!(sharing.take(), []);
    }

    #[test]
    fn errors_of_either_width() {
        assert!(is_pointer(0xc123_4560) && is_pointer(0xffff_8880_0000_0000));
        assert!(!is_pointer(0xffff_ffea) && !is_pointer(u64::MAX) && !is_pointer(0));
    }
}
