//! One record of the kernel's log, as `/dev/kmsg` gives it.

use serde::{Deserialize, Serialize};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 0, an emergency, to 7, debugging (`include/linux/kern_levels.h`).
    pub level: u8,
    /// The writer: 0 is the kernel; what a program writes to `/dev/kmsg` never is 0.
    pub facility: u8,
    /// Microseconds since boot.
    pub time_us: u64,
    /// The context that wrote it, where the kernel tells (`CONFIG_PRINTK_CALLER`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// The text; more than one line is possible.
    pub text: String,
}

/// A context that writes to the log (`printk_caller_id` of `kernel/printk/printk.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// A task, by its number.
    Task(u32),
    /// A processor that was in an interrupt, by its number.
    Processor(u32),
}

impl Caller {
    /// Reads `T12` or `C3`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.get(1..).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
        match text.as_bytes()[0] {
            b'T' => Some(Self::Task(number)),
            b'C' => Some(Self::Processor(number)),
            _ => None,
        }
    }
}

impl Record {
    /// Reads `PRIORITY,NUMBER,MICROSECONDS,FLAGS[,...];TEXT` (`info_print_ext_header` of `kernel/printk/printk.c`).
    pub fn parse(line: &str) -> Option<(u64, Self)> {
        let (header, text) = line.split_once(';')?;
        let mut fields = header.split(',');
        let priority: u32 = fields.next()?.parse().ok()?;
        let number = fields.next()?.parse().ok()?;
        let time_us = fields.next()?.parse().ok()?;
        let (level, facility) = ((priority & 7) as u8, u8::try_from(priority >> 3).unwrap_or(u8::MAX));
        // The flags stand before it.
        let caller = fields.skip(1).find_map(|field| field.strip_prefix("caller=")).and_then(Caller::parse);
        Some((number, Self { level, facility, time_us, caller, text: unescape(text) }))
    }
}

/// Undoes `msg_add_ext_text`: bytes that are not printable, and the backslash, are `\xNN`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.get(at + 2..at + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_kernel() {
        let (number, record) = Record::parse("4,812,5063245,-,caller=T241;vivid: one\\x0atwo; three").unwrap();
        assert_eq!(number, 812);
        let text = "vivid: one\ntwo; three".into();
        let expected = Record { level: 4, facility: 0, time_us: 5_063_245, caller: Some(Caller::Task(241)), text };
        assert_eq!(record, expected);
    }

    #[test]
    fn a_record_of_a_program_is_not_the_kernel_s() {
        let (_, record) = Record::parse("30,900,7000000,-;systemd[1]: WARNING: not ours").unwrap();
        assert_eq!((record.facility, record.level), (3, 6));
    }

    #[test]
    fn a_caller_is_a_task_or_a_processor() {
        assert_eq!(Caller::parse("C12"), Some(Caller::Processor(12)));
        for text in ["", "T", "C", "X1", "T1a", "Tä1", "T99999999999"] {
            assert_eq!(Caller::parse(text), None, "{text}");
        }
    }

    #[test]
    fn text_that_only_looks_escaped_stays() {
        assert_eq!(unescape("a\\xzz\\x5cb\\x"), "a\\xzz\\b\\x");
        assert_eq!(unescape("\\xc3\\xa9"), "é");
    }

    #[test]
    fn what_is_no_record_is_none() {
        for line in [" SUBSYSTEM=pci", "", "text", "6,x,1,-;text", "6,1;text"] {
            assert_eq!(Record::parse(line), None, "{line}");
        }
    }
}
