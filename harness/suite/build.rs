//! Puts cases/ into the program, compressed: half of what a board has to be sent otherwise.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() {
    let cases = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("../../cases");
    println!("cargo::rerun-if-changed={}", cases.display());
    let mut texts = BTreeMap::new();
    for area in entries(&cases).into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", area.display());
        for file in entries(&area).into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")) {
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let path = PathBuf::from("cases").join(file.strip_prefix(&cases).expect("it is below"));
            texts.insert(path, text);
        }
    }
    let path = PathBuf::from(env("OUT_DIR")).join("cases.json.gz");
    let mut file = GzEncoder::new(File::create(path).expect("cargo made the folder"), Compression::best());
    serde_json::to_writer(&mut file, &texts).expect("texts are JSON");
    file.finish().expect("the disk has room");
}

fn env(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}

fn entries(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder that can be read").path()).collect()
}
