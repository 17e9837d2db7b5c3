//! What can be observed on the running kernel, what cannot, and what would change that.

use std::path::Path;

use device::Endpoint;
use oracle::kernel_config::KernelConfig;

use event::OracleState;

/// Something that shows faults, and whether it does here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub oracle: String,
    /// The faults that it shows.
    pub shows: &'static str,
    /// The reason why it does not work, with the remedy; nothing where it does.
    pub missing: Option<String>,
}

/// The faults that the oracles of a run show.
const SHOWS: &[(&str, &str)] = &[
    ("kernel-log", "warnings, bugs and oopses, each in the cell that caused it"),
    ("taint", "that the kernel warned, even where its log cannot be read"),
    ("map_dma_buf", "which map_dma_buf a buffer goes through (kprobe on dma_buf_export)"),
    ("struct-pages", "importers that take struct pages out of an sg_table (kprobe on drm_prime_sg_to_page_array)"),
    ("sg_table", "exporters that give several devices one sg_table (kprobes on dma_buf_map_attachment)"),
    ("dma", "what exporters and importers owe each other and no byte shows: tables, directions, syncs (kprobes)"),
    ("dma-tables", "tables that are longer or shorter than their buffer, from the first cell on"),
    (
        "clear_warn_once",
        "warnings that the kernel gives once, in every cell that deserves them and not only in the first",
    ),
    ("bufinfo", "attachments and buffers that are not released"),
];

/// Options of the kernel that make it look itself.
const OPTIONS: &[(&str, &str)] = &[
    ("DMABUF_DEBUG", "importers that touch struct pages: it hides them"),
    ("DMA_API_DEBUG", "mappings for devices that are not taken down, or made twice"),
    ("PROVE_LOCKING", "locks that are taken in the wrong order"),
    ("KASAN", "memory that is used after it was freed"),
    ("DEBUG_KMEMLEAK", "memory that nothing points to any more"),
    ("KPROBE_EVENTS_ON_NOTRACE", "importers that walk pages with the sg_table's own iterators"),
];

/// Looks at everything.
pub fn rows(root: &Path, release: &str, oracles: &[OracleState], endpoints: &[&Endpoint]) -> Vec<Row> {
    let shows = |oracle: &str| SHOWS.iter().find(|(name, _)| *name == oracle).map_or("", |(_, shows)| *shows);
    let of_run = oracles.iter().map(|state| Row {
        oracle: state.oracle.clone(),
        shows: shows(&state.oracle),
        missing: state.missing.clone(),
    });
    let files = [
        ("smaps", "proc/self/smaps", "the flags of a mapping (VM_PFNMAP, VM_IO)"),
        ("kpageflags", "proc/kpageflags", "whether there is a struct page behind a page frame"),
    ];
    let of_files = files.map(|(oracle, path, shows)| {
        let path = root.join(path);
        let missing = std::fs::File::open(&path).err().map(|error| {
            let errno = uapi::errno_of(&error);
            format!("{}: {errno}; run as root, on a kernel with CONFIG_PROC_PAGE_MONITOR=y", path.display())
        });
        Row { oracle: oracle.to_owned(), shows, missing }
    });
    let config = KernelConfig::read(root, release);
    let of_config = OPTIONS.iter().map(|(option, shows)| {
        let missing = match &config {
            Ok(config) if config.has(option) => None,
            Ok(_) => Some(format!("build the kernel with CONFIG_{option}=y")),
            Err(missing) => Some(format!("not known: {missing}")),
        };
        Row { oracle: format!("CONFIG_{option}"), shows, missing }
    });
    let canary = endpoints.iter().any(|endpoint| endpoint.key.starts_with("canary-"));
    let canary = Row {
        oracle: "prime_canary".to_owned(),
        shows: "importers that read struct pages in place of DMA addresses, on any kernel",
        missing: (!canary).then(|| "load the module of fixtures/kmod/prime_canary".to_owned()),
    };
    of_run.chain(of_files).chain([canary]).chain(of_config).collect()
}

/// Returns the rows as text: a line each, and below it the remedy.
pub fn text(kernel: &str, rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.oracle.len()).max().unwrap_or(0);
    let mut text = format!("Linux {kernel}\n");
    for row in rows {
        let state = if row.missing.is_none() { "works  " } else { "missing" };
        text += &format!("{state}  {:width$}  {}\n", row.oracle, row.shows);
        if let Some(missing) = &row.missing {
            text += &format!("         {:width$}  {missing}\n", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::case::Kind;

    #[test]
    fn each_row_says_what_it_shows_and_what_would_make_it_work() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["boot", "proc/self"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::fs::write(root.path().join("boot/config-7.3"), "CONFIG_KASAN=y\n").unwrap();
        std::fs::write(root.path().join("proc/self/smaps"), "").unwrap();
        let oracles = [
            OracleState { oracle: "taint".into(), missing: None },
            OracleState { oracle: "bufinfo".into(), missing: Some("mount debugfs".into()) },
        ];
        let canary = Endpoint::new(Kind::Drm, "canary-pages", "prime_canary", "/dev/prime_canary".into());
        let found = rows(root.path(), "7.3", &oracles, &[&canary]);
        let missing = |oracle: &str| found.iter().find(|row| row.oracle == oracle).unwrap().missing.clone();
        assert_eq!((missing("taint"), missing("smaps"), missing("CONFIG_KASAN")), (None, None, None));
        assert_eq!(missing("prime_canary"), None);
        assert!(missing("kpageflags").unwrap().contains("ENOENT"));
        assert_eq!(missing("CONFIG_DMABUF_DEBUG").as_deref(), Some("build the kernel with CONFIG_DMABUF_DEBUG=y"));
        let text = text("7.3", &found);
        assert!(text.contains("missing  bufinfo ") && text.contains("mount debugfs"), "{text}");
        assert!(found.iter().all(|row| !row.shows.is_empty()), "{found:?}");
        let without = rows(root.path(), "6.1", &[], &[]);
        assert!(without.iter().filter(|row| row.missing.is_none()).all(|row| row.oracle == "smaps"), "{without:?}");
    }

    #[test]
    fn every_oracle_of_a_run_is_explained() {
        let states = crate::run::Inventory::take(&crate::run::Sources::default(), &[]).runner.oracles();
        for state in states {
            assert!(SHOWS.iter().any(|(oracle, _)| *oracle == state.oracle), "{}", state.oracle);
        }
    }
}
