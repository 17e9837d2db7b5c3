//! The table of planted faults, `fixtures/kmod/MUTANTS.md`, is that of the modules: `ci/board run mutants` writes it, and
//! `PRIME_CTS_BLESS=1 cargo test --test detections` copies it into the page.

use std::collections::BTreeSet;
use std::path::Path;

/// A module, the word for a fault, and what the fault does.
type Fault = [String; 3];

/// The faults in a module's `faults.h`, each a PRIME_FAULT(NAME, "word", "side", "what it does").
fn faults(module: &str, text: &str) -> BTreeSet<Fault> {
    let fault = |text: &str| {
        let texts: Vec<&str> = text.split('"').collect();
        [module, texts[1], texts[5]].map(str::to_owned)
    };
    text.split("PRIME_FAULT(").skip(1).map(fault).collect()
}

const BEGIN: &str = "<!-- mutants -->\n";
const END: &str = "<!-- end of mutants -->";

/// The page; with `PRIME_CTS_BLESS`, with the table of the last run.
fn page(root: &Path) -> String {
    let path = root.join("fixtures/kmod/MUTANTS.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (_, after) = rest.split_once(END).expect("which ends");
    if std::env::var_os("PRIME_CTS_BLESS").is_some()
        && let Ok(table) = std::fs::read_to_string(root.join("target/boards/mutants/mutants.md"))
    {
        let page = format!("{before}{BEGIN}{table}{END}{after}");
        std::fs::write(&path, &page).unwrap();
        return page;
    }
    page
}

#[test]
fn each_fault_of_the_modules_is_in_the_table_and_was_caught() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let modules = ["prime_canary", "prime_common", "prime_drm", "prime_v4l2"];
    let table = |module: &&str| {
        let own = read(&format!("fixtures/kmod/{module}/faults.h"));
        let others = own.lines().filter_map(|line| line.strip_prefix("#include \"")?.strip_suffix('"'));
        let others: String = others.map(|name| read(&format!("fixtures/kmod/include/{name}"))).collect();
        faults(module, &(own + &others))
    };
    let planted: BTreeSet<_> = modules.iter().flat_map(table).collect();
    let page = page(root);
    let table = page.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).expect("a table").0;
    let rows = table.lines().filter(|line| line.starts_with("| prime_"));
    let listed: BTreeSet<_> = rows
        .map(|row| {
            assert!(!row.contains("**"), "not caught, or named wrongly: {row}");
            let mut columns = row.split('|').map(str::trim).skip(1).map(str::to_owned);
            [(); 3].map(|()| columns.next().unwrap())
        })
        .collect();
    assert!(planted.len() > 40);
    assert_eq!(listed, planted, "regenerate the table: ci/board run mutants, then PRIME_CTS_BLESS=1");
    assert!(read("README.md").contains(&format!("All {} are caught", planted.len())));
}
