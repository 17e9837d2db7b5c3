//! Cells as programs in C, compiled here and run on the board: each must end as its cell does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::host::{self, root};
use crate::recorded::{Recorded, text};

/// What a program ends with, by the verdict of its cell. Other verdicts say nothing of a rule.
fn code(verdict: &str) -> Option<i32> {
    match verdict {
        "pass" => Some(0),
        "fail" => Some(1),
        "refused" => Some(2),
        _ => None,
    }
}

/// One cell of each case and verdict, and all that fail: programs of one case differ in their devices alone.
fn chosen(recorded: &Recorded) -> BTreeMap<String, i32> {
    let mut seen = BTreeMap::new();
    let mut chosen = BTreeMap::new();
    for cell in recorded.events("cell") {
        let (id, verdict) = (text(&cell["id"]), text(&cell["verdict"]));
        let count: &mut usize = seen.entry((text(&cell["case"]), verdict)).or_default();
        *count += 1;
        if let Some(code) = code(verdict).filter(|_| *count == 1 || verdict == "fail") {
            chosen.insert(id.to_owned(), code);
        }
    }
    chosen
}

/// Compiles a program of `folder`, if the cell has one.
fn compiled(compiler: &[&str], folder: &Path, id: &str) -> Option<()> {
    let source: PathBuf = folder.join(format!("{id}.c"));
    source.exists().then_some(())?;
    let mut command = Command::new(compiler[0]);
    let output =
        command.args(&compiler[1..]).args(["-static", "-o"]).arg(folder.join(id)).arg(&source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

/// How the program of each chosen cell ended, compared with its verdict.
fn agrees(board: &str, compiler: &[&str], filter: &str) -> BTreeMap<String, i32> {
    let _board = host::alone(board);
    let results = root().join("target/boards").join(board);
    let _ = std::fs::remove_dir_all(results.join("repro"));
    let script = format!(
        "prime-cts run {filter} --progress none --output /results/repro >/dev/null\n\
         prime-cts repro {filter} --output /results/repro\n"
    );
    let said = host::shell(board, &script);
    assert!(results.join("repro/run.jsonl").exists(), "{said:?}");
    let recorded = Recorded::read(&results.join("repro"));
    let mut wanted = chosen(&recorded);
    wanted.retain(|id, _| compiled(compiler, &results.join("repro"), id).is_some());
    let ids: String = wanted.keys().map(|id| format!("{id}\n")).collect();
    std::fs::write(results.join("repro/ids"), ids).unwrap();
    let script = "cd /results/repro; while read id; do ./$id >$id.said 2>&1 </dev/null; echo \"= $id $?\"; done <ids\n";
    let said = host::shell(board, script).out;
    let ended = said.lines().filter_map(|line| line.trim_end().strip_prefix("= ")?.rsplit_once(' '));
    let ended: BTreeMap<String, i32> = ended.map(|(id, code)| (id.to_owned(), code.parse().unwrap())).collect();
    for (id, code) in &wanted {
        let said = std::fs::read_to_string(results.join(format!("repro/{id}.said"))).unwrap_or_default();
        assert_eq!(ended.get(id), Some(code), "{id}: {said}");
    }
    wanted
}

#[test]
fn programs_in_c_show_what_their_cells_show() {
    let areas = ["identity", "leaks", "mapping", "refusal"];
    let ended = agrees("debian-amd64-7.3", &["cc"], &areas.map(|area| format!("{area}.")).join(" "));
    for area in areas {
        let of = |code: i32| ended.iter().filter(|(id, ended)| id.starts_with(area) && **ended == code).count();
        assert!(of(0) >= 4, "{area}: {ended:?}");
        assert!(of(1) >= 1 || area == "identity", "no failure of {area} in {ended:?}");
    }
}

/// The failure that the project began with.
#[test]
fn a_program_in_c_shows_that_pl111_s_memory_cannot_be_imported() {
    // The package of the cross compiler has no header of libdrm's: the host's are the same for every architecture.
    let compiler = ["arm-linux-gnueabihf-gcc", "-idirafter", "/usr/include"];
    let ended = agrees("vexpress-a9", &compiler, "identity.same-handle");
    assert_eq!(ended.get("identity.same-handle.drm-pl111.drm-vgem"), Some(&1), "{ended:?}");
    assert!(ended.values().any(|code| *code == 0), "{ended:?}");
}

/// Faults of the modules, each with cells that it breaks.
const PLANTED: [(&str, &str, &str); 5] = [
    ("prime_drm", "mmap-errno", "mapping.*.drm-prime_drm_shmem"),
    ("prime_v4l2", "import-accepts-short", "refusal.too-small.heap-system.v4l2-prime_*"),
    ("prime_drm", "export-leak", "leaks.*.drm-prime_drm_shmem"),
    ("prime_drm", "import-leaks-reference", "leaks.*.drm-vgem.drm-prime_drm_shmem"),
    ("prime_drm", "import-errno", "identity.*.drm-vgem.drm-prime_drm_shmem"),
];

/// The kernel's own faults are as old as the programs: these are not.
#[test]
fn a_fault_that_is_planted_is_found_by_programs_in_c() {
    let board = "debian-amd64-kmod";
    let _board = host::alone(board);
    let results = root().join("target/boards").join(board);
    let _ = std::fs::remove_dir_all(results.join("repro"));
    let filters = PLANTED.map(|(_, _, filter)| format!("'{filter}'")).join(" ");
    host::shell(board, &format!("prime-cts repro {filters} --output /results/repro\n"));
    let sources = std::fs::read_dir(results.join("repro")).unwrap();
    let sources =
        sources.filter_map(|file| file.unwrap().file_name().into_string().ok()?.strip_suffix(".c").map(str::to_owned));
    let ids: Vec<String> = sources.collect();
    assert!(ids.len() > PLANTED.len(), "{ids:?}");
    ids.iter().for_each(|id| compiled(&["cc"], &results.join("repro"), id).unwrap());
    let mut script = "cd /results/repro\n".to_owned();
    for (module, word, filter) in PLANTED {
        script += &format!(
            "fault=/sys/module/{module}/parameters/fault\n\
             echo {word} >$fault\n\
             prime-cts run '{filter}' --progress none --output /results/repro/{word} >/dev/null\n\
             prime-cts plan '{filter}' | while read id more; do [ ! -x $id ] || {{ ./$id >/dev/null 2>&1 </dev/null; \
             echo \"= {word} $id $?\"; }}; done\n\
             echo >$fault\n"
        );
    }
    let said = host::shell(board, &script).out;
    for (_, word, _) in PLANTED {
        let recorded = Recorded::read(&results.join("repro").join(word));
        let broken = recorded.events("cell").filter(|cell| text(&cell["outcome"]) == "regression");
        let broken: Vec<&str> =
            broken.map(|cell| text(&cell["id"])).filter(|id| ids.iter().any(|known| known == id)).collect();
        let found = |id: &&&str| said.contains(&format!("= {word} {id} 1"));
        let by_program = broken.iter().filter(found).count();
        assert!(!broken.is_empty(), "{word} breaks no cell that has a program");
        assert_eq!(by_program, broken.len(), "{word}: not every program of {broken:?} has found it: {said}");
    }
}
