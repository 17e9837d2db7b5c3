//! A kcidb report, schema 5.3 (<https://github.com/kernelci/kcidb-io>): a test a cell.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spec::verdict::Verdict;

use super::gathered::Gathered;
use super::words;
use event::CellEnd;
use event::cause::Cause;
use event::journal::Recorded;

/// The origin of a report, and the kernel build that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    origin: String,
    id: String,
}

impl std::str::FromStr for Build {
    type Err = String;

    /// `ORIGIN:ID`, as the build's own report names it.
    fn from_str(text: &str) -> Result<Self, String> {
        let origin = text.split_once(':').filter(|(_, id)| !id.is_empty()).map(|(origin, _)| origin);
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        match origin.filter(|origin| !origin.is_empty() && origin.bytes().all(allowed)) {
            Some(origin) => Ok(Self { origin: origin.to_owned(), id: text.to_owned() }),
            None => Err("it is ORIGIN:ID, ORIGIN of a-z, 0-9 and '_'".into()),
        }
    }
}

/// The beginning of every path: the suite's name in the KernelCI catalogue.
const SUITE: &str = "prime-cts";

/// The report.
pub fn text(recorded: &Recorded, build: &Build) -> String {
    let run = digest(recorded);
    let test = |path: &str, status: &str, more: Value| {
        let mut test = json!({
            "id": format!("{}:{SUITE}-{run}-{path}", build.origin),
            "build_id": build.id,
            "origin": build.origin,
            "path": format!("{SUITE}.{path}"),
            "status": status,
            "environment": {"comment": recorded.run.board.as_deref().unwrap_or("no board file")},
        });
        if let (Value::Object(test), Value::Object(more)) = (&mut test, more) {
            test.extend(more);
        }
        test
    };
    let causes = Gathered::of(recorded).causes(recorded);
    let cells = recorded.cells.iter().map(|cell| {
        let words = words::of(cell.verdict, cell.outcome);
        let cause = causes.iter().find(|cause| cause.cells.contains(&cell.id));
        test(&cell.id, words.kcidb, of_cell(cell, cause))
    });
    let open = recorded.open.iter().map(|id| {
        let why = "the run was cut short in this cell";
        test(id, "ERROR", json!({"comment": why}))
    });
    let missing = recorded.missing.iter().map(|missing| {
        let path = format!("board.{}.{}", part(&missing.what), part(&missing.name));
        test(&path, "MISS", json!({"comment": "the board file expects it, and it was not there"}))
    });
    let troubles = (1..).zip(recorded.unwanted()).map(|(number, trouble)| {
        let path = format!("machine.{}.{number}", trouble.what.word());
        let excerpt: String = trouble.lines.join("\n").chars().take(EXCERPT).collect();
        let comment = format!("{}, after {}", trouble.seen, trouble.cells.join(", "));
        test(&path, "FAIL", json!({"comment": comment, "log_excerpt": excerpt}))
    });
    let tests: Vec<Value> = cells.chain(open).chain(missing).chain(troubles).collect();
    let report = json!({"version": {"major": 5, "minor": 3}, "tests": tests});
    serde_json::to_string_pretty(&report).expect("texts and numbers") + "\n"
}

fn of_cell(cell: &CellEnd, cause: Option<&Cause>) -> Value {
    let found = cell.findings.iter().find(|finding| finding.verdict == cell.verdict && cell.verdict != Verdict::Pass);
    let misc = json!({
        "verdict": cell.verdict.word(),
        "outcome": cell.outcome.word(),
        "rule": cell.rule,
        "exporter": cell.exporter,
        "importer": cell.importer,
        "blame": found.map(|found| found.blame),
        "cause": cause.map(|cause| cause.suspect.to_string()),
        "cause_sure": cause.map(|cause| cause.sure.words()),
        "expected": cell.reason.is_some(),
        "known_faults": cell.known,
        "map_dma_buf": cell.map_dma_buf.iter().filter_map(|reached| reached.symbol.as_deref()).collect::<Vec<_>>(),
    });
    let duration = cell.ms as f64 / 1000.0;
    match found {
        Some(found) => {
            let excerpt: String = found.lines.join("\n").chars().take(EXCERPT).collect();
            json!({"duration": duration, "comment": found.seen, "log_excerpt": excerpt, "misc": misc})
        }
        None => json!({"duration": duration, "misc": misc}),
    }
}

/// The number of characters of the kernel's log that the schema takes.
const EXCERPT: usize = 16384;

/// A part of a path: what the schema does not allow there is replaced.
fn part(text: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    text.chars().map(|character| if allowed(character) { character } else { '_' }).collect()
}

/// Distinguishes this run from others of the same cells on the same build.
fn digest(recorded: &Recorded) -> String {
    let cells = serde_json::to_vec(&(&recorded.run, &recorded.cells)).expect("events are plain data");
    Sha256::digest(cells).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use event::sample;

    fn report() -> Value {
        serde_json::from_str(&text(&sample::recorded(), &"a_farm:build-7".parse().unwrap())).unwrap()
    }

    #[test]
    fn every_cell_is_a_test_of_its_own() {
        let report = report();
        let tests = report["tests"].as_array().unwrap();
        let recorded = sample::recorded();
        assert_eq!(tests.len(), recorded.cells.len() + recorded.missing.len() + recorded.open.len());
        let of = |name: &str| tests.iter().map(|test| test[name].as_str().unwrap()).collect::<BTreeSet<_>>();
        assert_eq!(of("id").len(), tests.len());
        assert_eq!((of("build_id"), of("origin")), (BTreeSet::from(["a_farm:build-7"]), BTreeSet::from(["a_farm"])));
        let failed = tests.iter().find(|test| test["status"] == "FAIL").unwrap();
        assert_eq!(failed["misc"]["known_faults"], json!([]));
        assert!(!failed["comment"].as_str().unwrap().is_empty() && failed["misc"]["blame"].is_string(), "{failed}");
        let crashed =
            tests.iter().find(|test| test["id"].as_str().unwrap().contains("leaks.import.drm-b.drm-a")).unwrap();
        assert!(crashed["misc"]["cause"].is_string() && crashed["misc"]["cause_sure"].is_string(), "{crashed}");
        let allowed = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
        assert!(of("path").into_iter().all(|path| path.starts_with("prime-cts.") && path.chars().all(allowed)));
    }

    #[test]
    fn another_run_has_other_ids() {
        let mut other = sample::recorded();
        other.cells[0].ms += 1;
        let other: Value = serde_json::from_str(&text(&other, &"a_farm:build-7".parse().unwrap())).unwrap();
        assert_ne!(other["tests"][0]["id"], report()["tests"][0]["id"]);
    }

    #[test]
    fn a_build_has_an_origin() {
        for wrong in ["", "build", ":build", "Farm:build", "farm:", "a farm:b"] {
            assert!(wrong.parse::<Build>().is_err(), "{wrong}");
        }
    }
}
