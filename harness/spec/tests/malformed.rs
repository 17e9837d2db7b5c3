//! What `prime-cts case check` says of case files with faults: `fixtures/malformed/<area>/<name>.yaml`, and beside each
//! what is expected, word for word. `PRIME_CTS_BLESS=1 cargo test` writes it again.

use std::path::{Path, PathBuf};

use spec::case::Case;

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/malformed");
    let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let areas: Vec<PathBuf> = entries(&root);
    let mut files: Vec<PathBuf> = areas.iter().flat_map(|area| -> Vec<PathBuf> { entries(area) }).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

#[test]
fn every_malformed_case_is_told_what_is_wrong_with_it_and_where() {
    let bless = std::env::var_os("PRIME_CTS_BLESS").is_some();
    let files = files();
    assert!(files.len() >= 30, "{}", files.len());
    let mut wrong = String::new();
    for file in files {
        let area = file.parent().and_then(Path::file_name).unwrap();
        let shown = Path::new(area).join(file.file_name().unwrap());
        let faults = Case::parse(&shown, &std::fs::read_to_string(&file).unwrap());
        let faults = faults.err().unwrap_or_else(|| panic!("{} has no fault", shown.display()));
        let text = faults.iter().map(|fault| format!("{fault}\n")).collect::<Vec<_>>().join("\n");
        let expected = file.with_extension("expected");
        if bless {
            std::fs::write(&expected, &text).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong += &format!("{}:\n{text}\n", shown.display());
        }
    }
    assert!(wrong.is_empty(), "other than expected (PRIME_CTS_BLESS=1 takes it as it is):\n{wrong}");
}
