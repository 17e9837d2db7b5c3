//! The findings: the front matter of the pages of `fixtures/findings` that came with the program, or of a folder's.

use std::path::{Path, PathBuf};

use spec::finding::FindingPage;
use spec::yaml::Diagnostic;

/// The front matter of each page, in JSON, compressed. build.rs makes it.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/findings.json.gz"));

/// Findings that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// The folder or one of its files is not there or cannot be read.
    #[error("cannot read {path}: {source}; --findings takes a folder of pages, as fixtures/findings is one")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Pages with faults, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Faulty(Vec<Diagnostic>),
    /// A folder without a page.
    #[error("{0} has no page: NAME.md with a front matter")]
    Empty(PathBuf),
}

/// The findings that came with the program, which were checked when it was built.
pub fn embedded() -> Vec<FindingPage> {
    crate::unpacked(EMBEDDED)
}

/// The findings of a folder: each `NAME.md` but README.md.
///
/// # Errors
/// See [`FindingsError`].
pub fn from_folder(folder: &Path) -> Result<Vec<FindingPage>, FindingsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| FindingsError::Unreadable { path, source }
    };
    let entries = std::fs::read_dir(folder).map_err(unreadable(folder))?;
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "md") && !path.ends_with("README.md");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_page).collect();
    paths.sort();
    let (mut pages, mut faults) = (Vec::new(), Vec::new());
    for path in &paths {
        let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
        match FindingPage::parse(path, &text) {
            Ok(page) => pages.push(page),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(FindingsError::Faulty(faults));
    }
    if pages.is_empty() { Err(FindingsError::Empty(folder.to_owned())) } else { Ok(pages) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use spec::board::Board;
    use spec::finding::{PageKind, Status};
    use spec::glob::Glob;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/findings");

    #[test]
    fn the_embedded_findings_are_those_of_the_folder() {
        let json = |pages: Vec<FindingPage>| serde_json::to_string(&pages).unwrap();
        let read = from_folder(Path::new(FOLDER)).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.len() > 20);
        assert_eq!(json(embedded()), json(read));
    }

    /// Returns whether a pattern matches a cell of a case, whatever its endpoints are: by its first two segments.
    fn is_of_a_case(glob: &Glob, cases: &BTreeSet<String>) -> bool {
        let text = glob.to_string();
        let mut segments = text.splitn(3, '.');
        let (area, name) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let of_case = Glob::new(format!("{area}.{name}"));
        // The cells of a load have no case.
        area == "load" || cases.iter().any(|case| of_case.matches(case))
    }

    #[test]
    fn every_pattern_matches_a_case_that_there_is() {
        let cases: BTreeSet<String> = crate::embedded().iter().map(spec::case::Case::id).collect();
        for page in embedded() {
            for glob in page.faults.iter().flat_map(|fault| &fault.cells) {
                assert!(is_of_a_case(glob, &cases), "{}: {glob} matches no case", page.name);
            }
        }
        let matches = |text: &str| is_of_a_case(&Glob::new(text), &cases);
        assert!(matches("mapping.*at-offset.drm-*") && matches("*.*.drm-pl111.*") && !matches("mapping.gone.drm-*"));
    }

    #[test]
    fn the_registry_has_every_implementation_that_a_finding_names() {
        let registry = crate::registry::embedded().unwrap();
        for page in embedded() {
            assert_eq!(page.unknown_names(&registry), [""; 0], "{}", page.name);
        }
    }

    #[test]
    fn board_files_name_findings_that_there_are() {
        let names: BTreeSet<String> = embedded().into_iter().map(|page| page.name).collect();
        let boards = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/boards");
        let mut known = 0;
        for file in std::fs::read_dir(boards).unwrap().flatten().map(|file| file.path()) {
            if file.extension().is_some_and(|end| end == "yaml") {
                let board = Board::parse(&file, &std::fs::read_to_string(&file).unwrap()).unwrap();
                for name in board.expect.known {
                    assert!(names.contains(&name), "{}: {name} is not a finding", file.display());
                    known += 1;
                }
            }
        }
        assert!(known > 50, "{known}");
    }

    /// The table of the README: what each page is about.
    fn index(pages: &[FindingPage]) -> String {
        let row = |page: &FindingPage| {
            let cases = page.cases();
            let areas: BTreeSet<&str> = cases.iter().filter_map(|case| case.split('.').next()).collect();
            let shown = match (cases.len(), areas.contains("*")) {
                (_, true) => "all in which these devices meet".to_owned(),
                (0..=4, false) => cases.iter().map(|case| format!("`{case}`")).collect::<Vec<_>>().join(", "),
                (_, false) => format!("many in {}", areas.into_iter().collect::<Vec<_>>().join(", ")),
            };
            let status = match (&page.link, page.status.map_or("", Status::word)) {
                (Some(link), status) => format!("[{status}]({link})"),
                (None, status) => status.to_owned(),
            };
            format!("| [{}]({}.md) | {} | {status} | {shown} |\n", page.title, page.name, page.kernels())
        };
        let of = |kind| pages.iter().filter(move |page| page.kind == kind);
        let faults: String = of(PageKind::Fault).map(row).collect();
        let notes: String = of(PageKind::Note).map(|page| format!("- [{}]({}.md)\n", page.title, page.name)).collect();
        format!("| Fault | Kernels | Report | Cases |\n|---|---|---|---|\n{faults}\nNotes:\n\n{notes}")
    }

    /// `PRIME_CTS_BLESS=1 cargo test` writes it again.
    #[test]
    fn the_index_is_that_of_the_pages() {
        let path = Path::new(FOLDER).join("README.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = ("<!-- index -->\n", "<!-- end of index -->");
        let (before, rest) = text.split_once(begin).expect("the index's begin");
        let (_, after) = rest.split_once(end).expect("the index's end");
        let now = format!("{before}{begin}{}{end}{after}", index(&embedded()));
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(now == committed, "the index is stale: run PRIME_CTS_BLESS=1 cargo test -p prime-cts-catalogue");
    }

    #[test]
    fn every_fault_of_a_folder_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(from_folder(folder.path()), Err(FindingsError::Empty(_))));
        for name in ["one.md", "two.md"] {
            std::fs::write(folder.path().join(name), "# A page\n").unwrap();
        }
        let text = from_folder(folder.path()).unwrap_err().to_string();
        assert!(text.contains("one.md") && text.contains("two.md"), "{text}");
        assert!(matches!(from_folder(&folder.path().join("none")), Err(FindingsError::Unreadable { .. })));
    }
}
