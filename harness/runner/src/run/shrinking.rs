//! What the machine has less and less of: memory, address space of the kernel, file descriptors. A cell releases what it
//! takes, so that what is gone after each of them is what the kernel has lost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oracle::balance::memory::{self, Memory};

/// What has become less since the start of a run.
#[derive(Debug)]
pub struct Shrinking {
    /// Where `/proc` is mounted.
    proc_root: PathBuf,
    start: Option<Left>,
    last: Option<Left>,
    /// What each cell took of the memory, in bytes.
    took: BTreeMap<String, u64>,
    /// The cells since the machine was looked at.
    since: Vec<String>,
    told: bool,
}

/// What the machine has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    memory: Memory,
    /// The files that are open in all processes, and the most that may be: `/proc/sys/fs/file-nr`.
    files: Option<(u64, u64)>,
}

/// The machine, by what is left of what it had at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// There is so little left that a restart is in order.
    Small,
    /// There is so little left that nothing can go on.
    TooSmall,
}

/// The machine is looked at after this many cells, and once it has lost something after each.
const SELDOM: usize = 16;

/// Bytes; what a cell takes beside is not counted.
const LITTLE: u64 = 64 << 10;

/// The most cells that are named.
const NAMED: usize = 5;

impl Left {
    fn read(proc_root: &std::path::Path) -> Option<Self> {
        let files = std::fs::read_to_string(proc_root.join("sys/fs/file-nr")).ok().and_then(|text| {
            let mut numbers = text.split_whitespace().map(str::parse::<u64>);
            let (open, _, most) = (numbers.next()?.ok()?, numbers.next()?, numbers.next()?.ok()?);
            Some((open, most))
        });
        Some(Self { memory: memory::memory(proc_root).ok()?, files })
    }

    /// Returns in words what has become too little since the start, and how little it is.
    fn of(&self, start: &Self) -> Option<(Size, String)> {
        let (now, then) = (self.memory, start.memory);
        let mebibytes = |bytes: u64| bytes >> 20;
        if now.available < then.available / 4 {
            let size = if now.available < then.available / 12 { Size::TooSmall } else { Size::Small };
            let (had, has) = (mebibytes(then.available), mebibytes(now.available));
            return Some((
                size,
                format!("of {had} MiB of memory that were available at the start, {has} MiB are left"),
            ));
        }
        if let (Some(used), Some(before)) = (now.vmalloc_used, then.vmalloc_used)
            && used.saturating_sub(before) > now.vmalloc_total.unwrap_or(u64::MAX).saturating_sub(before) / 2
        {
            let (had, has) = (mebibytes(before), mebibytes(used));
            return Some((
                Size::Small,
                format!(
                    "of the kernel's address space for mappings (vmalloc) {has} MiB are used, {had} MiB at the start"
                ),
            ));
        }
        if let (Some((open, most)), Some((before, _))) = (self.files, start.files)
            && open.saturating_sub(before) > most.saturating_sub(before) / 2
        {
            return Some((Size::Small, format!("{open} files are open, {before} at the start; {most} can be")));
        }
        None
    }
}

impl Shrinking {
    /// Reads what there is at the start of a run.
    pub fn since_now(proc_root: impl Into<PathBuf>) -> Self {
        let proc_root = proc_root.into();
        let start = Left::read(&proc_root);
        Self { proc_root, start, last: start, took: BTreeMap::new(), since: Vec::new(), told: false }
    }

    /// Looks whether the machine has become too small in these cells, which have ended. That it is small is reported once.
    pub fn after(&mut self, cells: &[String]) -> Option<(Size, String)> {
        let (start, last) = (self.start?, self.last?);
        self.since.extend(cells.iter().cloned());
        // What is as much as at the start needs no close look.
        let close = last.memory.available < start.memory.available / 16 * 15;
        if !close && self.since.len() < SELDOM {
            return None;
        }
        self.look()
    }

    /// Looks once more when no cell is left: the last ones may not have been looked at.
    pub fn at_end(&mut self) -> Option<(Size, String)> {
        if self.told { None } else { self.look() }
    }

    fn look(&mut self) -> Option<(Size, String)> {
        let (start, last) = (self.start?, self.last?);
        let since = std::mem::take(&mut self.since);
        let now = Left::read(&self.proc_root)?;
        let took = last.memory.available.saturating_sub(now.memory.available) / since.len().max(1) as u64;
        // What is little may be anyone's.
        if took > LITTLE {
            since.into_iter().for_each(|cell| *self.took.entry(cell).or_default() += took);
        }
        self.last = Some(now);
        let (size, seen) = now.of(&start)?;
        let told = std::mem::replace(&mut self.told, true);
        (size == Size::TooSmall || !told).then_some((size, seen))
    }

    /// The cells after which most of the memory was gone.
    pub fn took_most(&self) -> Vec<String> {
        let mut cells: Vec<(&String, &u64)> = self.took.iter().collect();
        cells.sort_by_key(|(_, took)| std::cmp::Reverse(**took));
        cells.into_iter().take(NAMED).map(|(cell, _)| cell.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn machine(root: &tempfile::TempDir, available: u64, vmalloc: u64, files: u64) {
        let text = format!(
            "MemTotal: 1000000 kB\nMemAvailable: {available} kB\nSUnreclaim: 1 kB\nVmallocTotal: 240000 kB\n\
             VmallocUsed: {vmalloc} kB\n"
        );
        fs::create_dir_all(root.path().join("sys/fs")).unwrap();
        fs::write(root.path().join("meminfo"), text).unwrap();
        fs::write(root.path().join("sys/fs/file-nr"), format!("{files}\t0\t1000\n")).unwrap();
    }

    fn after(shrinking: &mut Shrinking, cell: &str) -> Option<(Size, String)> {
        (0..SELDOM).find_map(|_| shrinking.after(&[cell.to_owned()]))
    }

    #[test]
    fn a_machine_that_loses_nothing_or_gets_it_back_is_well() {
        let root = tempfile::tempdir().unwrap();
        machine(&root, 800_000, 1000, 100);
        let mut shrinking = Shrinking::since_now(root.path());
        for available in [790_000, 400_000, 800_000] {
            machine(&root, available, 1000, 100);
            assert_eq!(after(&mut shrinking, "a.b.c"), None);
        }
    }

    #[test]
    fn memory_that_gets_less_is_told_once_with_the_cells_that_took_it() {
        let root = tempfile::tempdir().unwrap();
        machine(&root, 800_000, 1000, 100);
        let mut shrinking = Shrinking::since_now(root.path());
        machine(&root, 700_000, 1000, 100);
        assert_eq!(after(&mut shrinking, "a.b.c"), None);
        machine(&root, 690_000, 1000, 100);
        assert_eq!(shrinking.after(&["few".to_owned()]), None);
        machine(&root, 190_000, 1000, 100);
        let (size, seen) = shrinking.after(&["much".to_owned()]).unwrap();
        assert_eq!(
            (size, seen.as_str()),
            (Size::Small, "of 781 MiB of memory that were available at the start, 185 MiB are left")
        );
        assert_eq!(shrinking.took_most(), ["much", "a.b.c", "few"]);
        assert_eq!(shrinking.after(&["much".to_owned()]), None);
        machine(&root, 50_000, 1000, 100);
        assert_eq!(shrinking.after(&["much".to_owned()]).unwrap().0, Size::TooSmall);
    }

    #[test]
    fn what_the_last_cells_took_is_seen_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        machine(&root, 800_000, 1000, 100);
        let mut shrinking = Shrinking::since_now(root.path());
        assert_eq!(shrinking.at_end(), None);
        machine(&root, 100_000, 1000, 100);
        assert_eq!(shrinking.after(&["last".to_owned()]), None, "it is looked seldom");
        assert_eq!(shrinking.at_end().unwrap().0, Size::Small);
        assert_eq!((shrinking.took_most(), shrinking.at_end()), (vec!["last".to_owned()], None));
    }

    #[test]
    fn address_space_and_files_count_as_well() {
        let root = tempfile::tempdir().unwrap();
        machine(&root, 800_000, 1000, 100);
        let mut shrinking = Shrinking::since_now(root.path());
        machine(&root, 800_000, 130_000, 100);
        assert!(after(&mut shrinking, "a.b.c").unwrap().1.contains("vmalloc"));
        machine(&root, 800_000, 1000, 100);
        let mut shrinking = Shrinking::since_now(root.path());
        machine(&root, 800_000, 1000, 700);
        assert!(after(&mut shrinking, "a.b.c").unwrap().1.contains("700 files are open"));
        assert!(Shrinking::since_now("/nowhere").after(&[]).is_none());
    }
}
