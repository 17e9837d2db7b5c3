//! What is expected of a board, and a cell's verdict compared with it.

use serde::Deserialize;

use crate::glob::Glob;
use crate::verdict::{Outcome, Verdict};

/// The expectations of a board.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Keys of endpoints that must be found.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// Names of map_dma_buf implementations that cells must have gone through.
    #[serde(default)]
    pub map_dma_buf: Vec<String>,
    /// Names of findings of `fixtures/findings` whose faults this board shows. Where one of them can show, a pass is
    /// unexpected.
    #[serde(default)]
    pub known: Vec<String>,
    /// Cells that are not expected to pass. The first entry that matches counts, and before any of `pairs`.
    #[serde(default)]
    pub cells: Vec<CellsEntry>,
    /// Importers that do not take what an exporter gives, in whatever cell they meet.
    #[serde(default)]
    pub pairs: Vec<PairsEntry>,
}

/// An expectation that is not `pass`, of some cells.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellsEntry {
    /// Cell ids.
    pub ids: Vec<Glob>,
    /// The verdict; more than one makes it a flake.
    pub verdict: Vec<Verdict>,
    /// Texts of which every finding of that verdict has to hold one: with another finding it is not the known one. Any
    /// will do where there are none, and a pass has none.
    #[serde(default)]
    pub seen: Vec<String>,
    /// That these cells are run after all others: what they leave of the kernel is not to be trusted.
    #[serde(default)]
    pub last: bool,
    /// The reason, in a sentence.
    pub reason: String,
    /// Where it is discussed or documented.
    pub link: Option<String>,
}

/// The expectation of every cell in which one of these importers imports from one of these exporters.
///
/// A cell that is there to see what a refusal leaves behind passes, and is as expected if the import was refused in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsEntry {
    /// Keys of exporters, or `itself`.
    pub exporters: Vec<Glob>,
    /// Keys of importers.
    pub importers: Vec<Glob>,
    /// Keys of exporters that this is not said of, or `itself`.
    #[serde(default)]
    pub except: Vec<Glob>,
    /// The verdict.
    #[serde(default = "refused")]
    pub verdict: Verdict,
    /// Texts of which every finding of that verdict has to hold one, as in [`CellsEntry::seen`].
    #[serde(default)]
    pub seen: Vec<String>,
    /// The reason, in a sentence.
    pub reason: String,
    /// Where it is discussed or documented.
    pub link: Option<String>,
}

fn refused() -> Verdict {
    Verdict::Refused
}

/// In the place of an exporter's key: the importer's own buffers.
const ITSELF: &str = "itself";

impl PairsEntry {
    fn speaks_of(&self, exporter: &str, importer: &str) -> bool {
        let named = |globs: &[Glob]| {
            let own = exporter == importer && globs.iter().any(|glob| glob.matches(ITSELF));
            own || globs.iter().any(|glob| glob.matches(exporter))
        };
        self.importers.iter().any(|glob| glob.matches(importer)) && named(&self.exporters) && !named(&self.except)
    }
}

impl Expect {
    /// Compares a cell's verdict with the board file, and says with what reason; `refused` tells whether an import was
    /// refused in it, `seen` what the findings of that verdict say.
    pub fn outcome(&self, id: &str, verdict: Verdict, refused: bool, seen: &[&str]) -> (Outcome, Option<&str>) {
        self.by_cells(id, verdict, seen).unwrap_or_else(|| self.by_pairs(id, verdict, refused, seen))
    }

    /// The same by `cells` only; nothing where no entry matches.
    pub fn by_cells(&self, id: &str, verdict: Verdict, seen: &[&str]) -> Option<(Outcome, Option<&str>)> {
        let entry = self.entry_of(id)?;
        // A pass has nothing that was seen.
        let known = verdict == Verdict::Pass || is_known(&entry.seen, seen);
        let expected = if known { &entry.verdict[..] } else { &[] };
        Some((outcome(expected, verdict), Some(&entry.reason)))
    }

    /// The same where no entry of `cells` matches.
    pub fn by_pairs(&self, id: &str, verdict: Verdict, refused: bool, seen: &[&str]) -> (Outcome, Option<&str>) {
        let pairs = self.pairs_of(id);
        let Some(first) = pairs.first() else { return (outcome(&[Verdict::Pass], verdict), None) };
        let tolerated =
            verdict == Verdict::Pass && refused && pairs.iter().any(|pair| pair.verdict == Verdict::Refused);
        match pairs.iter().find(|pair| pair.verdict == verdict && is_known(&pair.seen, seen)) {
            Some(pair) => (Outcome::Expected, Some(&pair.reason)),
            None if tolerated => (Outcome::Expected, Some(&first.reason)),
            None => (outcome(&[], verdict), Some(&first.reason)),
        }
    }

    /// Returns whether a cell is run after all others.
    pub fn is_last(&self, id: &str) -> bool {
        self.entry_of(id).is_some_and(|entry| entry.last)
    }

    fn entry_of(&self, id: &str) -> Option<&CellsEntry> {
        self.cells.iter().find(|entry| entry.ids.iter().any(|glob| glob.matches(id)))
    }

    /// The entries of `pairs` for a cell id, which is `<area>.<case>.<exporter>.<importer>[.<second importer>]`.
    fn pairs_of(&self, id: &str) -> Vec<&PairsEntry> {
        let mut keys = id.split('.').skip(2);
        let Some(exporter) = keys.next() else { return Vec::new() };
        let of = |importer| self.pairs.iter().find(|pair| pair.speaks_of(exporter, importer));
        keys.filter_map(of).collect()
    }
}

/// Returns whether what was seen is what an entry speaks of.
fn is_known(texts: &[String], seen: &[&str]) -> bool {
    let known = |seen: &&str| texts.iter().any(|text| seen.contains(text.as_str()));
    texts.is_empty() || (!seen.is_empty() && seen.iter().all(known))
}

fn outcome(expected: &[Verdict], verdict: Verdict) -> Outcome {
    match (expected.contains(&verdict), expected.len()) {
        (true, 1) => Outcome::Expected,
        (true, _) => Outcome::Flake,
        (false, _) if verdict == Verdict::Pass => Outcome::UnexpectedPass,
        (false, _) => Outcome::Regression,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const BOARD: &str = "name: b
description: d
architecture: x86_64
expect:
  cells:
    - ids: [mapping.at-offset.drm-vgem, mapping.at-offset.udmabuf]
      verdict: [fail]
      reason: known
    - ids: [fd.**]
      verdict: [pass, refused]
      reason: sometimes
    - ids: [load.stream.v4l2-a]
      verdict: [pass, fail]
      seen: [sequence]
      reason: now and then
    - ids: [leaks.known.*]
      verdict: [fail]
      seen: [EIO, overflow]
      last: true
      reason: known too
  pairs:
    - {exporters: [itself], importers: [v4l2-b], reason: busy}
    - {exporters: [drm-*], importers: [drm-x], except: [itself, drm-y], reason: strange}
    - {exporters: [drm-core], importers: [v4l2-c], verdict: fail, seen: [EIO, overflow], reason: core}
    - {exporters: [heap-*], importers: [v4l2-b], verdict: not-observable, reason: small}
";

    fn expect() -> Expect {
        crate::board::Board::parse(Path::new("b.yaml"), BOARD).unwrap().expect
    }

    #[test]
    fn what_is_not_listed_must_pass() {
        let outcome = |verdict| expect().outcome("mapping.whole.drm-vgem", verdict, false, &[]).0;
        assert_eq!(outcome(Verdict::Pass), Outcome::Expected);
        assert_eq!(outcome(Verdict::NotObservable), Outcome::Regression);
        assert_eq!(outcome(Verdict::Refused), Outcome::Regression);
    }

    #[test]
    fn a_known_fault_is_expected_and_its_end_is_seen() {
        for id in ["mapping.at-offset.drm-vgem", "mapping.at-offset.udmabuf"] {
            assert_eq!(expect().outcome(id, Verdict::Fail, false, &[]), (Outcome::Expected, Some("known")));
            assert_eq!(expect().outcome(id, Verdict::Pass, false, &[]).0, Outcome::UnexpectedPass);
            assert_eq!(expect().outcome(id, Verdict::Crash, false, &[]).0, Outcome::Regression);
        }
    }

    #[test]
    fn what_leaves_a_damaged_kernel_is_run_last() {
        let last = |id| expect().is_last(id);
        assert_eq!(
            (last("leaks.known.udmabuf"), last("mapping.at-offset.udmabuf"), last("a.b.c")),
            (true, false, false)
        );
    }

    #[test]
    fn two_allowed_verdicts_make_a_flake() {
        assert_eq!(
            expect().outcome("fd.size.udmabuf", Verdict::Refused, true, &[]),
            (Outcome::Flake, Some("sometimes"))
        );
        assert_eq!(expect().outcome("fd.size.udmabuf", Verdict::Fail, false, &[]).0, Outcome::Regression);
    }

    #[test]
    fn a_known_fault_that_shows_now_and_then_is_a_flake_and_another_is_not() {
        let outcome = |verdict, seen: &[&str]| expect().outcome("load.stream.v4l2-a", verdict, false, seen).0;
        assert_eq!(outcome(Verdict::Fail, &["sequence 0 behind 0"]), Outcome::Flake);
        assert_eq!(outcome(Verdict::Pass, &[]), Outcome::Flake);
        assert_eq!(outcome(Verdict::Fail, &["sequence 0 behind 0", "byte 0: saw 99"]), Outcome::Regression);
    }

    #[test]
    fn a_pair_that_does_not_go_together_is_refused_wherever_it_meets() {
        let expect = expect();
        let ids = ["a.c.v4l2-b.v4l2-b", "a.c.drm-a.drm-x", "a.c.drm-a.drm-b.drm-x", "a.c.drm-a.drm-x.drm-b"];
        for id in ids {
            assert_eq!(expect.outcome(id, Verdict::Refused, true, &[]).0, Outcome::Expected, "{id}");
            assert_eq!(
                expect.outcome(id, Verdict::Pass, true, &[]).0,
                Outcome::Expected,
                "refused in {id}, which goes on"
            );
            assert_eq!(expect.outcome(id, Verdict::Pass, false, &[]).0, Outcome::UnexpectedPass, "{id}: it took it");
            assert_eq!(expect.outcome(id, Verdict::Fail, true, &[]).0, Outcome::Regression, "{id}");
        }
        for id in ["a.c.v4l2-b", "a.c.v4l2-b.drm-x", "a.c.drm-x.drm-x", "a.c.drm-y.drm-x", "a.c.drm-a.drm-b"] {
            assert_eq!(expect.outcome(id, Verdict::Pass, false, &[]), (Outcome::Expected, None), "{id}");
            assert_eq!(expect.outcome(id, Verdict::Refused, true, &[]).0, Outcome::Regression, "{id}");
        }
    }

    #[test]
    fn a_chain_may_end_at_either_of_its_imports() {
        let expect = expect();
        let outcome = |verdict| expect.outcome("a.c.heap-s.v4l2-b.v4l2-b", verdict, false, &[]);
        assert_eq!(outcome(Verdict::NotObservable), (Outcome::Expected, Some("small")));
        assert_eq!(outcome(Verdict::Refused).0, Outcome::Regression);
    }

    #[test]
    fn another_failure_than_the_known_one_is_none_that_is_expected() {
        let expect = expect();
        for id in ["leaks.known.udmabuf", "a.c.drm-core.v4l2-c"] {
            let outcome = |seen: &[&str]| expect.outcome(id, Verdict::Fail, false, seen).0;
            assert_eq!(outcome(&["QBUF: EIO", "DMA addr 0x1 overflow"]), Outcome::Expected, "{id}");
            assert_eq!(outcome(&["QBUF: EIO"]), Outcome::Expected, "{id}");
            assert_eq!(outcome(&["QBUF: EIO", "byte 0: saw 99"]), Outcome::Regression, "{id}: and something else");
            assert_eq!(outcome(&[]), Outcome::Regression, "{id}");
            assert_eq!(expect.outcome(id, Verdict::Pass, false, &[]).0, Outcome::UnexpectedPass, "{id}");
        }
    }
}
