//! The registry itself, `fixtures/map_dma_buf.yaml`, compared with the captured kernels and the board files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use spec::board::Board;
use spec::registry::list::{Hook, List};
use spec::registry::{BackEnd, Kind, Registry, Version};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The registry; `PRIME_CTS_BLESS=1 cargo test -p prime-cts-spec` writes the boards in it again.
fn registry() -> (PathBuf, String, Registry) {
    static BLESSED: Once = Once::new();
    BLESSED.call_once(|| {
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            let (path, source, read) = read();
            fs::write(&path, blessed(&source, &read, &boards())).unwrap();
        }
    });
    read()
}

fn read() -> (PathBuf, String, Registry) {
    let path = fixtures().join("map_dma_buf.yaml");
    let source = fs::read_to_string(&path).unwrap();
    let registry = Registry::parse(&path, &source).unwrap_or_else(|fault| panic!("{fault}"));
    (path, source, registry)
}

fn lists() -> Vec<List> {
    let entries = fs::read_dir(fixtures().join("trees")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    let list = |path: &PathBuf| {
        let list = List::parse(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(path.file_name().unwrap().to_string_lossy(), list.file_name());
        list
    };
    files.iter().map(list).collect()
}

fn boards() -> Vec<Board> {
    let entries = fs::read_dir(fixtures().join("boards")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut boards: Vec<Board> =
        files.map(|path| Board::parse(&path, &fs::read_to_string(&path).unwrap()).unwrap()).collect();
    boards.sort_by(|a, b| a.name.cmp(&b.name));
    boards
}

#[test]
fn the_registry_tells_what_each_captured_kernel_has_and_no_more() {
    let (.., registry) = registry();
    let lists = lists();
    for list in &lists {
        assert_eq!(registry.differences(list), [""; 0], "{}", list.file_name());
    }
    let count = |hook, series: &str| {
        let list = lists.iter().find(|list| list.hook == hook && list.kernel.series().to_string() == series);
        list.unwrap_or_else(|| panic!("no list of {series}")).found.len()
    };
    assert_eq!(["6.1", "6.12", "7.3"].map(|series| count(Hook::MapDmaBuf, series)), [19, 20, 32]);
    assert!(["6.1", "6.12", "7.3"].iter().all(|series| count(Hook::GetSgTable, series) >= 18));
}

/// A fault of each kind, planted in the real one.
#[test]
fn a_row_that_is_taken_away_or_made_up_is_missed() {
    let (_, _, registry) = registry();
    for list in lists().iter().filter(|list| list.hook == Hook::MapDmaBuf) {
        for number in 0..registry.map_dma_buf.len() {
            let row = &registry.map_dma_buf[number];
            let mut without = registry.clone();
            without.map_dma_buf.remove(number);
            let there = row.span().covers(&list.kernel) && !row.ours;
            assert_eq!(without.differences(list).len(), usize::from(there), "{} {}", row.symbol, list.kernel);
        }
        let mut more = registry.clone();
        more.map_dma_buf.push(registry.map_dma_buf[0].clone());
        more.map_dma_buf.last_mut().unwrap().file = "drivers/made/up.c".into();
        assert_eq!(more.differences(list).len(), 1);
    }
}

#[test]
fn every_board_of_it_is_there() {
    let (path, source, registry) = registry();
    let names: Vec<String> = boards().into_iter().map(|board| board.name).collect();
    registry.check_boards(&path, &source, &names).unwrap_or_else(|fault| panic!("{fault}"));
}

/// A list's text with the boards that `names` has for each of its rows.
fn with_boards<'a>(list: &str, mut names: impl FnMut(usize) -> Vec<&'a str>) -> String {
    let mut parts = list.split("  - symbol: ");
    let mut written = parts.next().unwrap_or_default().to_owned();
    for (number, part) in parts.enumerate() {
        let names = names(number);
        let seen = !names.is_empty();
        let old =
            |line: &&str| line.starts_with("    boards:") || (line.starts_with("      - ") && !line.contains(" since"));
        let kept: Vec<&str> =
            part.trim_end().lines().filter(|line| !(seen && line.starts_with("    needs:"))).collect();
        let boards = kept.iter().position(|line| line.starts_with("    boards:")).unwrap_or(kept.len());
        let behind = kept[boards..].iter().skip_while(|line| old(line));
        let kept: Vec<&str> = kept[..boards].iter().chain(behind).copied().collect();
        let list: String = names.iter().map(|name| format!("\n      - {name}")).collect();
        let list = if seen { format!("\n    boards:{list}") } else { list };
        let space = &part[part.trim_end().len()..];
        written += &format!("  - symbol: {}{list}{space}", kept.join("\n"));
    }
    written
}

/// A board file says which functions cells must have gone through: the same that the registry says of the board.
/// The registry's text with the boards that expect each function, beside those whose files expect none at all.
fn blessed(text: &str, registry: &Registry, boards: &[Board]) -> String {
    let mut left: BTreeSet<&str> = registry.map_dma_buf.iter().map(|row| row.symbol.as_str()).collect();
    let (head, body) = text.split_once("map_dma_buf:\n").unwrap();
    let (functions, back_ends) = body.split_once("\nget_sg_table:").unwrap();
    let functions = with_boards(functions, |number| {
        let row = &registry.map_dma_buf[number];
        // Of the rows of one function the first is the core's, which all boards go through.
        let first = left.remove(row.symbol.as_str());
        let silent = |board: &&Board| board.expect.map_dma_buf.is_empty() && row.boards.contains(&board.name);
        let expects = |board: &&Board| first && board.expect.map_dma_buf.contains(&row.symbol);
        boards.iter().filter(|board| silent(board) || expects(board)).map(|board| board.name.as_str()).collect()
    });
    let back_ends = with_boards(back_ends, |number| behind(registry, boards, &registry.get_sg_table[number]));
    format!("{head}map_dma_buf:\n{functions}\nget_sg_table:{back_ends}")
}

/// The boards that expect a driver whose buffers go through a back end.
fn behind<'a>(registry: &Registry, boards: &'a [Board], row: &BackEnd) -> Vec<&'a str> {
    let uses = |board: &&Board| {
        let like = board.like.as_ref().and_then(|like| boards.iter().find(|other| other.name == *like));
        let emulated = |board: &Board| board.emulate.as_ref().map(|emulate| emulate.kernel.release.clone());
        let own = board.kernel.as_ref().map(|kernel| kernel.release.clone()).or_else(|| emulated(board));
        let Some(release) = own.or_else(|| emulated(like?)) else { return false };
        // Whatever kernel 7 there is, is not an older than 7.0.
        let release = release.trim_end_matches('.');
        let release = if release.contains('.') { release.to_owned() } else { format!("{release}.0") };
        let kernel: Version = release.parse().unwrap();
        let mut drivers = board.expect.endpoints.iter().filter_map(|endpoint| endpoint.strip_prefix("drm-"));
        drivers.any(|driver| registry.back_end(driver, &kernel).is_some_and(|found| found.symbol == row.symbol))
    };
    boards.iter().filter(uses).map(|board| board.name.as_str()).collect()
}

#[test]
fn the_boards_of_a_back_end_are_those_that_expect_a_driver_of_it() {
    let (.., registry) = registry();
    let boards = boards();
    for row in &registry.get_sg_table {
        assert_eq!(
            row.boards,
            behind(&registry, &boards, row),
            "`boards` of {} in fixtures/map_dma_buf.yaml",
            row.symbol
        );
    }
}

#[test]
fn the_boards_of_a_function_are_those_that_expect_it() {
    let (.., registry) = registry();
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &registry.map_dma_buf {
        for board in &row.boards {
            told.entry(board).or_default().insert(&row.symbol);
        }
    }
    for board in boards().iter().filter(|board| !board.expect.map_dma_buf.is_empty()) {
        let expected: BTreeSet<&str> = board.expect.map_dma_buf.iter().map(String::as_str).collect();
        let told = told.get(board.name.as_str()).cloned().unwrap_or_default();
        assert_eq!(told, expected, "`boards` of fixtures/map_dma_buf.yaml and fixtures/boards/{}.yaml", board.name);
    }
}

/// The mail that this project grew out of counted some 15 implementations that had to learn of coherent memory. Of
/// `drm_gem_map_dma_buf`, which has no memory of its own, the back ends count.
#[test]
fn fifteen_implementations_are_reached_by_the_boards() {
    let (.., registry) = registry();
    let functions =
        registry.map_dma_buf.iter().filter(|row| !row.boards.is_empty() && row.symbol != "drm_gem_map_dma_buf");
    let back_ends = registry.get_sg_table.iter().filter(|row| !row.boards.is_empty() && !row.without_function);
    let reached: BTreeSet<&str> =
        functions.map(|row| row.symbol.as_str()).chain(back_ends.map(|row| row.symbol.as_str())).collect();
    assert!(reached.len() >= 15, "{reached:?}");
}

#[test]
fn what_is_no_driver_is_marked() {
    let (.., registry) = registry();
    for row in &registry.map_dma_buf {
        let kind = match row.file.as_str() {
            file if file.starts_with("samples/") => Kind::Sample,
            file if file.contains("selftest") => Kind::Selftest,
            _ => Kind::Driver,
        };
        assert_eq!(row.kind, kind, "{}", row.symbol);
        assert_eq!(row.ours, row.file.starts_with("fixtures/"), "{}", row.symbol);
        assert!(!row.ours || fixtures().join("..").join(&row.file).exists(), "{}", row.file);
    }
}

#[test]
fn no_driver_uses_two_back_ends_in_one_kernel() {
    let (.., registry) = registry();
    for list in lists() {
        let covering = registry.get_sg_table.iter().filter(|row| row.span().covers(&list.kernel));
        let drivers = covering.flat_map(|row| row.drivers.iter().filter(|driver| driver.span.covers(&list.kernel)));
        let mut seen = BTreeSet::new();
        for driver in drivers {
            assert!(seen.insert(&driver.name), "{} in Linux {}", driver.name, list.kernel);
        }
        assert!(seen.len() > 40);
    }
}
