//! What a case requires of the machine.

use spec::case::Requires;

use super::stop::Stop;
use event::Oracle;

/// Blocks a cell on a machine that has not what its case requires.
pub fn met(requires: &Requires) -> Result<(), Stop> {
    let blocked = |seen: String, expected: String| Err(Stop::blocked(Oracle::Requirement, seen, expected));
    if requires.root && !uapi::process::is_root() {
        return blocked("prime-cts does not run as root; run it as root".into(), "the rights of root".into());
    }
    let Some(wanted) = requires.memory.map(|memory| memory.0) else { return Ok(()) };
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available(&text) {
        Some(bytes) if bytes >= wanted => Ok(()),
        found => {
            let found = found.map_or("an unknown amount".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
            let wanted = format!("{} MiB of memory available", wanted >> 20);
            blocked(format!("MemAvailable is {found}; use a machine with more memory"), wanted)
        }
    }
}

/// MemAvailable of `/proc/meminfo`, in bytes.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::quantity::Bytes;
    use spec::verdict::Verdict;

    #[test]
    fn a_machine_with_too_little_memory_blocks_with_a_remedy() {
        let requires = Requires { memory: Some(Bytes(u64::MAX)), root: false };
        let Err(Stop(finding)) = met(&requires) else { panic!("no machine has that much") };
        assert_eq!(finding.verdict, Verdict::Blocked);
        assert!(finding.seen.contains("use a machine with more memory"), "{}", finding.seen);
        assert!(met(&Requires { memory: Some(Bytes(4096)), root: false }).is_ok());
    }

    #[test]
    fn meminfo_counts_in_kibibytes() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    1024 kB\n"), Some(1 << 20));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }
}
