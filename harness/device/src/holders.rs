//! Who else has a device node open.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The processes that have a node open, this one left out: "v4l2-ctl (pid 12)". Those of other users only root sees.
pub fn of(node: &Path) -> Vec<String> {
    let Ok(device) = std::fs::metadata(node).map(|about| about.rdev()) else { return Vec::new() };
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|process| process.file_name().into_string().ok());
    let others = numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own);
    let holds = |name: &String| {
        let files = std::fs::read_dir(format!("/proc/{name}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::metadata(file.path()).ok()).any(|about| about.rdev() == device && device != 0)
    };
    let told = |name: String| {
        let called = std::fs::read_to_string(format!("/proc/{name}/comm")).unwrap_or_default();
        format!("{} (pid {name})", called.trim())
    };
    others.filter(holds).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_that_has_a_node_open_is_named() {
        let node = Path::new("/dev/full");
        let held = std::fs::File::open(node).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").stdin(held).spawn().unwrap();
        let holders = of(node);
        child.kill().unwrap();
        child.wait().unwrap();
        let wanted = format!("(pid {})", child.id());
        assert!(holders.iter().any(|holder| holder.ends_with(&wanted)), "{holders:?}");
        assert!(of(Path::new("/nowhere")).is_empty());
    }
}
