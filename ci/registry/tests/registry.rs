//! Sources of the kernel, small ones made here and whole ones where this machine has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use registry::capture;
use registry::source::SourceError;
use spec::registry::Registry;
use spec::registry::list::List;

const MAKEFILE: &str = "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 2\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A source with one function in each hook, and files that hold no code.
fn small(top: &Path) -> PathBuf {
    let source = top.join("linux-source-6.1");
    let write = |path: &str, text: &str| {
        let path = source.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Makefile", MAKEFILE);
    write("drivers/Makefile", "VERSION = 1\n");
    write("drivers/a/a.c", "struct dma_buf_ops o = {\n\t.map_dma_buf = a_map,\n};\n");
    write("rust/gem.rs", "get_sg_table: Some(bindings::b_table),\n");
    write("Documentation/x.rst", ".map_dma_buf = no_map,\n");
    write("drivers/a/latin1.c", "");
    fs::write(source.join("drivers/a/latin1.c"), b"/* \xe9 */\n").unwrap();
    std::os::unix::fs::symlink("..", source.join("drivers/loop")).unwrap();
    source
}

fn packed(top: &Path, source: &Path) -> PathBuf {
    let archive = top.join("linux-source-6.1.tar.xz");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(top).arg("-cJf").arg(&archive).arg(source.file_name().unwrap());
    assert!(tar.status().unwrap().success());
    archive
}

fn texts(lists: &[List]) -> Vec<String> {
    lists.iter().map(ToString::to_string).collect()
}

#[test]
fn a_folder_and_an_archive_tell_the_same() {
    let top = tempfile::tempdir().unwrap();
    let source = small(top.path());
    let expected =
        ["map_dma_buf of Linux 6.1.2\ndrivers/a/a.c a_map\n", "get_sg_table of Linux 6.1.2\nrust/gem.rs b_table\n"];
    assert_eq!(texts(&capture(&source).unwrap()), expected);
    assert_eq!(texts(&capture(&packed(top.path(), &source)).unwrap()), expected);
}

#[test]
fn what_is_no_source_is_told_with_what_to_do() {
    let top = tempfile::tempdir().unwrap();
    let told = |path: &Path| capture(path).unwrap_err().to_string();
    assert!(told(&top.path().join("none")).contains("none: No such file"));
    assert!(told(top.path()).contains("is not a kernel source"));
    let archive = packed(top.path(), &small(top.path()));
    let bytes = fs::read(&archive).unwrap();
    for (name, bytes) in [("half", &bytes[..bytes.len() / 2]), ("text", b"no archive".as_slice())] {
        let path = top.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert!(matches!(capture(&path), Err(SourceError::Damaged { .. })), "{}", told(&path));
        assert!(told(&path).contains(name));
    }
}

/// Sources that this machine has: the one that PRIME_CTS_KERNEL_SOURCE names, and those in the cache of `ci/board`.
fn sources() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("PRIME_CTS_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("prime-cts")))
        .or_else(|| Some(variable("HOME")?.join(".cache/prime-cts")));
    let packages = cache.and_then(|cache| fs::read_dir(cache.join("packages")).ok());
    let files = packages
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|package| fs::read_dir(package.path().join("usr/src")).ok());
    let files = files.flatten().flatten().map(|entry| entry.path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("linux-source-") && name.ends_with(".tar.xz")
    };
    variable("PRIME_CTS_KERNEL_SOURCE").into_iter().chain(files.filter(is_source)).collect()
}

/// The committed list of the same series.
fn committed(of: &List) -> Option<List> {
    let folder = root().join("fixtures/trees");
    let exact = folder.join(of.file_name());
    let begin = format!("{}-{}.", of.hook.word(), of.kernel.series());
    let entries = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let mut near = entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&begin));
    let path = if exact.exists() { Some(exact) } else { near.next() };
    path.map(|path| List::parse(&fs::read_to_string(path).unwrap()).unwrap())
}

#[test]
fn the_committed_lists_are_those_of_the_sources_that_are_here() {
    let path = root().join("fixtures/map_dma_buf.yaml");
    let registry = Registry::parse(&path, &fs::read_to_string(&path).unwrap()).unwrap();
    for source in sources() {
        let lists = capture(&source).unwrap_or_else(|error| panic!("{error}"));
        for list in lists {
            let again = format!("regenerate it: cargo run -p registry -- {}", source.display());
            assert!(list.found.len() > 10, "{list}");
            assert_eq!(registry.differences(&list), [""; 0], "{}", source.display());
            if let Some(committed) = committed(&list) {
                assert_eq!(committed.found, list.found, "fixtures/trees/{}; {again}", list.file_name());
            }
        }
    }
}
