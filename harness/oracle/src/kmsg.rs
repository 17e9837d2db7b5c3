//! The kernel's log as `/dev/kmsg` has it, read record by record while cells run.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kernel_log::Record;
use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::NotAvailable;

/// A reader of the kernel's log that sees what is logged after it was opened.
#[derive(Debug)]
pub struct KernelLog {
    file: File,
    /// Bytes of a record of which the end has not been read yet: possible for an ordinary file only.
    pending: Vec<u8>,
    next: Option<u64>,
    lost: u64,
    /// How often it was left before its end.
    floods: u32,
}

/// More than any record: `PRINTK_MESSAGE_MAX` of `kernel/printk/internal.h` is 2048. A smaller buffer gets EINVAL.
const CHUNK: usize = 16 * 1024;

/// A log that grows as fast as it is read must not hold its reader forever.
const READS: usize = 20_000;

/// The same of one that has grown so fast several times.
const READS_OF_FLOOD: usize = 500;

/// How often that must have happened.
const FLOODS: u32 = 3;

impl KernelLog {
    /// Opens the log, `/dev/kmsg`, and goes to its end. An ordinary file in the format of `/dev/kmsg` does as well.
    ///
    /// Reference: `Documentation/ABI/testing/dev-kmsg`.
    ///
    /// # Errors
    /// EPERM without root where `kernel.dmesg_restrict` is 1, ENOENT without `/dev/kmsg`.
    pub fn open(path: &Path) -> Result<Self, NotAvailable> {
        let remedy = "run as root, or set the sysctl kernel.dmesg_restrict to 0";
        let refused = |error| NotAvailable::from_io("read the kernel's log", path, remedy, &error);
        let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
        let mut file = opened.map_err(refused)?;
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        Ok(Self { file, pending: Vec::new(), next: None, lost: 0, floods: 0 })
    }

    /// All records since it was opened or last asked, by anyone: the kernel and the programs that write there.
    pub fn take(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut chunk = vec![0; CHUNK];
        for _ in 0..if self.floods < FLOODS { READS } else { READS_OF_FLOOD } {
            match self.file.read(&mut chunk) {
                Ok(0) => return records,
                Ok(count) => {
                    self.pending.extend_from_slice(&chunk[..count]);
                    self.parse(&mut records);
                }
                Err(error) => match uapi::kernel_errno(&error) {
                    Some(Errno::EINTR) => {}
                    // Overwritten before it was read; the next read continues with the oldest record there is. How many
                    // are gone shows in the numbers, if one was read before.
                    Some(Errno::EPIPE) => self.lost += u64::from(self.next.is_none()),
                    _ => return records,
                },
            }
        }
        // The rest counts as lost: the numbers of the records show how many they were.
        self.floods += 1;
        self.go_to_end();
        records
    }

    fn go_to_end(&mut self) {
        self.pending.clear();
        // What cannot be passed over is read.
        let _ = self.file.seek(SeekFrom::End(0));
    }

    /// Returns the number of records that were overwritten before they could be read, so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn parse(&mut self, records: &mut Vec<Record>) {
        let complete = self.pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let text: Vec<u8> = self.pending.drain(..complete).collect();
        for line in String::from_utf8_lossy(&text).lines() {
            // Lines that begin with a blank carry the device's name for udev, not text.
            if let Some((number, record)) = Record::parse(line) {
                self.lost += number.saturating_sub(self.next.unwrap_or(number));
                self.next = Some(number + 1);
                records.push(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn log(before: &str) -> (tempfile::NamedTempFile, KernelLog) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(before.as_bytes()).unwrap();
        let log = KernelLog::open(file.path()).unwrap();
        (file, log)
    }

    #[test]
    fn only_what_came_after_opening_is_taken_and_only_once() {
        let (mut file, mut log) = log("6,1,100,-;before\n");
        file.write_all(b"4,2,200,-;after\n SUBSYSTEM=platform\n DEVICE=+platform:vivid.0\n6,3,300,-;more\n").unwrap();
        let texts: Vec<String> = log.take().into_iter().map(|record| record.text).collect();
        assert_eq!(texts, ["after", "more"]);
        assert_eq!(log.take(), []);
        assert_eq!(log.lost(), 0);
    }

    #[test]
    fn a_record_that_is_half_written_is_taken_when_it_is_whole() {
        let (mut file, mut log) = log("");
        file.write_all(b"6,1,1,-;hal").unwrap();
        assert_eq!(log.take(), []);
        file.write_all(b"f\n").unwrap();
        assert_eq!(log.take()[0].text, "half");
    }

    #[test]
    fn records_that_are_gone_are_counted() {
        let (mut file, mut log) = log("");
        file.write_all(b"6,10,1,-;a\n6,15,2,-;b\n").unwrap();
        assert_eq!(log.take().len(), 2);
        assert_eq!(log.lost(), 4);
    }

    #[test]
    fn of_a_flood_the_rest_is_lost_and_counted() {
        let (mut file, mut log) = log("");
        // One read of an ordinary file is a chunk of many records.
        log.floods = FLOODS;
        let line = |number: usize| format!("6,{number},1,-;{}\n", "x".repeat(100));
        (0..80_000).for_each(|number| file.write_all(line(number).as_bytes()).unwrap());
        let read = log.take().len();
        assert!(0 < read && read < 80_000, "{read}");
        file.write_all(line(80_000).as_bytes()).unwrap();
        assert_eq!(log.take().len(), 1);
        assert_eq!(log.lost() as usize, 80_000 - read);
    }

    #[test]
    fn a_log_that_is_not_there_says_so() {
        let refused = KernelLog::open(Path::new("/nowhere/kmsg")).unwrap_err();
        assert_eq!(refused.errno, Some(Errno::ENOENT));
        assert!(refused.to_string().contains("run as root"), "{refused}");
    }
}
