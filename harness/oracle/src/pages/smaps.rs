//! The flags of a mapping in the text of `/proc/PID/smaps`.

/// The `VmFlags` of the mapping that holds this address; `None` where no mapping does, or the kernel writes no flags.
pub fn vm_flags(smaps: &str, address: u64) -> Option<Vec<String>> {
    let mut lines =
        smaps.lines().skip_while(|line| !range(line).is_some_and(|(start, end)| (start..end).contains(&address)));
    lines.next()?;
    let flags = lines.take_while(|line| range(line).is_none()).find_map(|line| line.strip_prefix("VmFlags:"))?;
    Some(flags.split_whitespace().map(Into::into).collect())
}

/// `START-END PERMISSIONS ...`, the first line of a mapping.
fn range(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f3c1c000000-7f3c1c096000 rw-s 00000000 00:0c 7                          /dmabuf:cell 12
Size:                600 kB
KernelPageSize:        4 kB
Rss:                   0 kB
VmFlags: rd wr sh mr mw me ms pf io de dd sd
7f3c1c096000-7f3c1c12c000 rw-s 00000000 00:0c 12                         /dmabuf:
Size:                600 kB
ProtectionKey:         0
VmFlags: rd wr sh mr mw me ms de dd mm sd
7f3c1c12c000-7f3c1c12d000 r--p 00000000 00:00 0
Size:                  4 kB
";

    #[test]
    fn the_mapping_that_holds_the_address() {
        let first = vm_flags(SMAPS, 0x7f3c_1c00_0000).unwrap();
        assert!(first.contains(&"pf".into()) && first.contains(&"io".into()), "{first:?}");
        let second = vm_flags(SMAPS, 0x7f3c_1c09_6000).unwrap();
        assert!(second.contains(&"mm".into()) && !second.contains(&"pf".into()), "{second:?}");
    }

    #[test]
    fn no_mapping_and_no_flags_are_none() {
        assert_eq!(vm_flags(SMAPS, 0x1000), None);
        assert_eq!(vm_flags(SMAPS, 0x7f3c_1c12_c000), None);
        assert_eq!(vm_flags("", 0x1000), None);
    }
}
