//! The README's table of planted faults is that of the modules: `ci/board run mutants` writes it.

use std::collections::BTreeSet;
use std::path::Path;

/// The words of a module's `faults.h`: each the second argument of an F().
fn words(module: &str, text: &str) -> BTreeSet<(String, String)> {
    let list = text.split("#define PRIME_FAULTS(F)").nth(1).unwrap();
    let faults = list.split("F(").skip(1);
    faults.map(|fault| (module.to_owned(), fault.split('"').nth(1).unwrap().to_owned())).collect()
}

#[test]
fn each_fault_of_the_modules_is_in_the_table_and_was_caught() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let modules = ["prime_canary", "prime_drm", "prime_v4l2"];
    let planted: BTreeSet<_> =
        modules.iter().flat_map(|module| words(module, &read(&format!("fixtures/kmod/{module}/faults.h")))).collect();
    let readme = read("README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| prime_"));
    let told: BTreeSet<_> = rows
        .map(|row| {
            assert!(!row.contains("**"), "not caught, or named wrongly: {row}");
            let mut columns = row.split('|').map(str::trim).skip(1).map(str::to_owned);
            (columns.next().unwrap(), columns.next().unwrap())
        })
        .collect();
    assert!(planted.len() > 40);
    assert_eq!(told, planted, "write the table anew: ci/board run mutants, target/boards/mutants/mutants.md");
    assert!(readme.contains(&format!("All {} are caught", planted.len())));
}
