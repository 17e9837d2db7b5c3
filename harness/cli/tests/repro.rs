//! Cells as programs in C: each compiles without a warning, is short, and says what it is about. That they show what the
//! cells show is seen on a board.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use device::Endpoint;
use repro::{About, Unsupported, program};
use runner::plan::{Cell, plan};
use spec::case::Kind;
use uapi::v4l2::{Format, QueueType};

const ABOUT: About<'_> = About { version: "0", kernel: "6.12 x86_64" };

/// The areas whose cases have programs.
const AREAS: [&str; 4] = ["identity", "leaks", "mapping", "refusal"];

fn queue(key: &str, queue: QueueType) -> Endpoint {
    let frame = |width: u32, bytes: u32| Format {
        width,
        height: width,
        fourcc: u32::from_le_bytes(*b"YUYV"),
        sizes: vec![bytes],
        strides: vec![0],
    };
    let frames = vec![frame(16, 512), frame(64, 8192), frame(320, 204_800), frame(640, 614_400)];
    Endpoint { queue: Some(queue), frames, imports: true, ..endpoint(Kind::V4l2, key) }
}

fn endpoint(kind: Kind, key: &str) -> Endpoint {
    let imports = kind.imports();
    Endpoint { exports: true, imports, ..Endpoint::new(kind, key, "driver", PathBuf::from("/dev/node")) }
}

/// The planned cells of an area, over one endpoint of each kind that has programs.
fn cells(area: &str) -> Vec<Cell> {
    let endpoints: Vec<Rc<Endpoint>> = [
        endpoint(Kind::Drm, "drm-vgem"),
        endpoint(Kind::Heap, "heap-system"),
        endpoint(Kind::Udmabuf, "udmabuf"),
        queue("v4l2-vivid-cap0", QueueType::Capture),
        queue("v4l2-vim2m-out0", QueueType::OutputMultiPlanar),
    ]
    .map(Rc::new)
    .to_vec();
    let cases: Vec<Rc<_>> = catalogue::embedded().into_iter().map(Rc::new).collect();
    plan(&cases, &endpoints).iter().filter(|cell| cell.case.area == area).collect()
}

/// How many lines of code there are: those that are neither blank nor a comment.
fn code(text: &str) -> usize {
    let comment = |line: &str| ["/*", " *"].iter().any(|begin| line.starts_with(begin));
    text.lines().filter(|line| !line.trim().is_empty() && !comment(line)).count()
}

#[test]
fn nearly_every_cell_of_four_areas_has_a_short_program_that_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut untold: BTreeMap<String, Unsupported> = BTreeMap::new();
    for area in AREAS {
        let cells = cells(area);
        assert!(cells.len() > 10, "{area}: {}", cells.len());
        for cell in &cells {
            let text = match program(cell, ABOUT) {
                Ok(text) => text,
                Err(why) => {
                    untold.insert(cell.id.clone(), why);
                    continue;
                }
            };
            let lines = code(&text);
            assert!(lines < 100, "{} has {lines} lines:\n{text}", cell.id);
            assert!(text.starts_with(&format!("/*\n * {}: ", cell.id)) && text.contains("6.12 x86_64"), "{text}");
            let file = folder.path().join(format!("{}.c", cell.id));
            std::fs::write(&file, text).unwrap();
            files.push(file);
        }
    }
    // What they would have to do is only now and then too much.
    assert!(untold.len() * 10 < files.len(), "{} programs, and none of {untold:#?}", files.len());
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]).args(&files);
    let said = compiler.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn what_has_no_program_says_why() {
    let of = |id: &str| cells("mapping").into_iter().find(|cell| cell.id == id).unwrap();
    let cell = of("mapping.whole.drm-vgem");
    let why = |change: &dyn Fn(&mut Endpoint)| {
        let mut endpoint = Endpoint::clone(cell.exporter.as_ref().unwrap());
        change(&mut endpoint);
        program(&Cell { exporter: Some(Rc::new(endpoint)), ..cell.clone() }, ABOUT).unwrap_err().to_string()
    };
    assert!(why(&|endpoint| endpoint.kind = Kind::Canary).contains("drm-vgem needs more than a program of C"));
    assert!(
        why(&|endpoint| endpoint.blocked = Some("run as root".into())).contains("cannot be used here: run as root")
    );
    let chain = Cell { second_importer: cell.exporter.clone(), ..cell.clone() };
    assert!(program(&chain, ABOUT).unwrap_err().to_string().contains("a chain of three devices"));
    let fence = cells("fence").into_iter().next().unwrap();
    assert!(program(&fence, ABOUT).is_err());
}
