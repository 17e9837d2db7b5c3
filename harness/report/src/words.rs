//! What other systems call the outcome of a cell: one table, from which every report takes its words, and the
//! documentation the same.

use spec::verdict::{Outcome, Verdict};

/// The words of each system for one sort of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The result of a LAVA test case.
    pub lava: &'static str,
    /// `ok` or `not ok`, in KTAP.
    pub ktap: &'static str,
    /// The directive after it.
    pub directive: Option<&'static str>,
    /// The JUnit element within the test case.
    pub junit: Option<&'static str>,
    /// The status in a kcidb report, schema 5.3.
    pub kcidb: &'static str,
    /// The exit code of a kselftest program of this one cell (`tools/testing/selftests/kselftest.h`).
    pub kselftest: u8,
    /// The result of the trial in libtest.
    pub libtest: &'static str,
}

/// A sort of outcome.
struct Sort {
    verdicts: &'static [Verdict],
    /// True if it makes a run red.
    unwanted: bool,
    words: Words,
}

const KSFT_PASS: u8 = 0;
const KSFT_FAIL: u8 = 1;
const KSFT_XFAIL: u8 = 2;
const KSFT_SKIP: u8 = 4;

const fn sort(verdicts: &'static [Verdict], unwanted: bool, words: Words) -> Sort {
    Sort { verdicts, unwanted, words }
}

const RED: Words = Words {
    lava: "fail",
    ktap: "not ok",
    directive: None,
    junit: Some("failure"),
    kcidb: "FAIL",
    kselftest: KSFT_FAIL,
    libtest: "failed",
};

const UNSEEN: &[Verdict] = &[Verdict::Refused, Verdict::NotObservable, Verdict::Blocked];

const BROKEN: &[Verdict] = &[Verdict::Fail, Verdict::Timeout, Verdict::Crash];

const SORTS: &[Sort] = &[
    sort(
        &[Verdict::Pass],
        false,
        Words {
            lava: "pass",
            ktap: "ok",
            directive: None,
            junit: None,
            kcidb: "PASS",
            kselftest: KSFT_PASS,
            libtest: "ok",
        },
    ),
    sort(
        UNSEEN,
        false,
        Words {
            lava: "skip",
            ktap: "ok",
            directive: Some("SKIP"),
            junit: Some("skipped"),
            kcidb: "SKIP",
            kselftest: KSFT_SKIP,
            libtest: "ignored",
        },
    ),
    // A fault that the board file knows is a fault: farms compare results with those of other kernels themselves.
    sort(
        BROKEN,
        false,
        Words { directive: Some("XFAIL"), junit: Some("skipped"), kselftest: KSFT_XFAIL, libtest: "ignored", ..RED },
    ),
    sort(
        &[Verdict::Pass, Verdict::Refused, Verdict::NotObservable, Verdict::Blocked, Verdict::Fail, Verdict::Crash],
        true,
        RED,
    ),
    sort(&[Verdict::Timeout], true, Words { directive: Some("TIMEOUT"), ..RED }),
    sort(
        &[Verdict::Error],
        true,
        Words { lava: "unknown", directive: Some("ERROR"), junit: Some("error"), kcidb: "ERROR", ..RED },
    ),
];

/// The words for a cell.
pub fn of(verdict: Verdict, outcome: Outcome) -> Words {
    // The suite's own fault is never as expected.
    let unwanted = outcome.unwanted() || verdict == Verdict::Error;
    let found = SORTS.iter().find(|sort| sort.unwanted == unwanted && sort.verdicts.contains(&verdict));
    found.map_or(RED, |sort| sort.words)
}

/// The table, in Markdown.
pub fn table() -> String {
    let head = "| verdict | in the board file | LAVA | KTAP | JUnit | kcidb | kselftest | libtest |\n";
    let rows = SORTS.iter().map(|Sort { verdicts, unwanted, words }| {
        let verdicts: Vec<String> = verdicts.iter().map(|verdict| format!("`{verdict}`")).collect();
        let directive = words.directive.map_or(String::new(), |directive| format!(" # {directive}"));
        format!(
            "| {} | {} | {} | {}{directive} | {} | {} | {} | {} |\n",
            verdicts.join(", "),
            if *unwanted { "unexpected" } else { "expected" },
            words.lava,
            words.ktap,
            words.junit.unwrap_or("–"),
            words.kcidb,
            words.kselftest,
            words.libtest
        )
    });
    head.to_owned() + "|---|---|---|---|---|---|---|---|\n" + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: [Outcome; 4] = [Outcome::Expected, Outcome::UnexpectedPass, Outcome::Regression, Outcome::Flake];

    #[test]
    fn every_outcome_has_its_words_and_what_is_red_is_red_everywhere() {
        for verdict in Verdict::ALL {
            for outcome in OUTCOMES {
                let unwanted = outcome.unwanted() || verdict == Verdict::Error;
                let known = SORTS.iter().any(|sort| sort.unwanted == unwanted && sort.verdicts.contains(&verdict));
                assert!(known, "{verdict} {outcome}");
                let words = of(verdict, outcome);
                let red = [
                    words.ktap == "not ok" && !["SKIP", "XFAIL"].contains(&words.directive.unwrap_or("")),
                    ["failure", "error"].contains(&words.junit.unwrap_or("")),
                    words.kselftest == KSFT_FAIL,
                    words.libtest == "failed",
                ];
                assert_eq!(red, [unwanted; 4], "{verdict} {outcome}: {words:?}");
                assert_eq!(words.lava == "pass", verdict == Verdict::Pass && !unwanted, "a pass is nothing else");
                assert_eq!(words.kcidb == "PASS", words.lava == "pass");
            }
        }
    }

    /// `PRIME_CTS_BLESS=1 cargo test` writes it again.
    #[test]
    fn the_documentation_has_the_same_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ci/FARMS.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("<!-- words -->\n", "<!-- end of words -->");
        let (before, rest) = text.split_once(begin).expect("the table's begin");
        let (_, after) = rest.split_once(end).expect("the table's end");
        let now = format!("{before}{begin}{}{end}{after}", table());
        if std::env::var_os("PRIME_CTS_BLESS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(now == committed, "ci/FARMS.md is stale: run PRIME_CTS_BLESS=1 cargo test -p prime-cts-report");
    }
}
