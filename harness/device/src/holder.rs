//! Who has a node open, as far as procfs lets us see.

use std::fs;
use std::path::Path;

/// The programs that have `node` open, `qemu-system-x86 (pid 412)`; of other users' programs root alone sees it.
pub(crate) fn of(node: &Path) -> Vec<String> {
    let node = fs::canonicalize(node).unwrap_or_else(|_| node.to_owned());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let holds = |process: &Path| {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        files.map(|file| file.path()).any(|file| fs::read_link(file).is_ok_and(|target| target == node))
    };
    let name = |process: &Path| {
        let number: u32 = process.file_name()?.to_str()?.parse().ok()?;
        let program = fs::read_to_string(process.join("comm")).unwrap_or_default();
        holds(process).then(|| format!("{} (pid {number})", program.trim_end()))
    };
    processes.filter_map(|process| name(&process)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_holds_what_it_has_open_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let own = format!("(pid {})", std::process::id());
        assert!(of(file.path()).iter().any(|holder| holder.ends_with(&own)), "{:?}", of(file.path()));
        let path = file.into_temp_path();
        assert_eq!(of(&path), Vec::<String>::new());
    }
}
