//! Puts the cases of cases/ into the program, checked, parsed and compressed, and the front matter of the pages of
//! fixtures/findings: to parse YAML takes longer than all else that the program does before its first cell.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use spec::case::Case;
use spec::finding::FindingPage;
use spec::yaml::Diagnostic;

fn main() {
    cases();
    findings();
}

fn cases() {
    let folder = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("cases");
    println!("cargo::rerun-if-changed={}", folder.display());
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    for area in entries(&folder).into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", area.display());
        for file in entries(&area).into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")) {
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let path = PathBuf::from("cases").join(file.strip_prefix(&folder).expect("it is below"));
            match Case::parse(&path, &text) {
                Ok(case) => cases.push((case.area.clone(), case)),
                Err(found) => faults.extend(found),
            }
        }
    }
    end_with(&faults);
    write("cases.json.gz", &cases);
}

fn findings() {
    let folder = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("findings");
    println!("cargo::rerun-if-changed={}", folder.display());
    let (mut pages, mut faults) = (Vec::new(), Vec::new());
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "md") && !path.ends_with("README.md");
    for file in entries(&folder).into_iter().filter(is_page) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let path = PathBuf::from("fixtures/findings").join(file.file_name().expect("it is a file"));
        match FindingPage::parse(&path, &text) {
            Ok(page) => pages.push(page),
            Err(fault) => faults.push(fault),
        }
    }
    end_with(&faults);
    write("findings.json.gz", &pages);
}

/// Writes a file that the program includes.
fn write(name: &str, content: &impl Serialize) {
    let path = PathBuf::from(env("OUT_DIR")).join(name);
    let mut file = GzEncoder::new(File::create(path).expect("cargo made the folder"), Compression::best());
    serde_json::to_writer(&mut file, content).expect("it is JSON");
    file.finish().expect("the disk has room");
}

/// Ends the build if there is a fault.
fn end_with(faults: &[Diagnostic]) {
    if !faults.is_empty() {
        faults.iter().for_each(|fault| eprintln!("{fault}\n"));
        std::process::exit(1);
    }
}

fn env(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}

/// In the order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder that can be read").path()).collect();
    paths.sort();
    paths
}
