//! What `/proc/PID/fdinfo/FD` says of a dma-buf.

use serde::{Deserialize, Serialize};

/// One dma-buf, seen through one file descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdInfo {
    /// The buffer's size in bytes.
    pub size: u64,
    /// References to its file, without the one that fdinfo takes to look.
    pub count: u64,
    /// The exporter's name. All DRM drivers that export through the core share the name `drm`.
    pub exp_name: String,
    /// The name that DMA_BUF_SET_NAME gave it, if any.
    pub name: Option<String>,
    /// The inode, unique to the buffer; absent before kernel 5.14.
    pub ino: Option<u64>,
}

impl FdInfo {
    /// Reads it (`dma_buf_show_fdinfo` of `drivers/dma-buf/dma-buf.c`, `seq_show` of `fs/proc/fd.c`); `None` for a file
    /// that is not a dma-buf.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.into_iter().find_map(|(found, value)| (found == key).then(|| value.trim()))
        };
        Some(Self {
            size: value("size")?.parse().ok()?,
            count: value("count")?.parse().ok()?,
            exp_name: value("exp_name")?.into(),
            name: value("name").map(Into::into),
            ino: value("ino").and_then(|ino| ino.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_with_a_name() {
        let text = "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t7\nsize:\t614400\ncount:\t3\nexp_name:\tdrm\nname:\tcell: 12\n";
        let expected =
            FdInfo { size: 614_400, count: 3, exp_name: "drm".into(), name: Some("cell: 12".into()), ino: Some(7) };
        assert_eq!(FdInfo::parse(text), Some(expected));
    }

    #[test]
    fn a_reference_that_was_not_dropped_shows() {
        let before = FdInfo::parse("size:\t4096\ncount:\t1\nexp_name:\tsystem\n").unwrap();
        let after = FdInfo::parse("size:\t4096\ncount:\t2\nexp_name:\tsystem\n").unwrap();
        assert_eq!((before.count, after.count), (1, 2));
        assert_eq!((before.name, before.ino), (None, None));
    }

    #[test]
    fn an_ordinary_file_is_no_buffer() {
        assert_eq!(FdInfo::parse("pos:\t0\nflags:\t0100000\nmnt_id:\t29\nino:\t1234\n"), None);
    }
}
