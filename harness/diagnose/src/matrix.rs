//! What a diagnosis needs of each cell: who took part, and whether it failed. A cell that passed takes 20 bytes.

use std::collections::BTreeMap;

use event::blame::names_a_victim;
use event::cause::Role;
use event::finding::NOT_SHOWN_ALONE;
use event::{Blame, CellEnd, Finding, Oracle};
use spec::verdict::Verdict;

/// What a cell is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A rule was broken, and no one knew.
    Fails,
    /// A rule was broken, as a finding of the project says of this kernel.
    Known,
    /// The rule was looked at, and it held.
    Passes,
    /// The board takes it, and it was refused as the kernel's documents allow.
    Refuses,
    /// Nothing: refused as expected, not observable, blocked, on a damaged kernel, or not shown again.
    Nothing,
}

/// A cell.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The number of its case.
    pub case: u16,
    /// The number of its exporter.
    pub exporter: Option<u16>,
    /// The numbers of its importers.
    pub importers: [Option<u16>; 2],
    /// What it is evidence of.
    pub how: How,
    /// True if a device read or wrote the buffer by itself.
    pub accessed: bool,
    /// The number of its [`Failure`], if it failed.
    pub failure: u32,
    /// Its time.
    pub ms: u32,
}

/// What a cell that failed showed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The oracle.
    pub oracle: Oracle,
    /// Whom the oracle blames: it has seen this one cell.
    pub blame: Blame,
    /// The rule of the DMA contract that was broken, where it is one: the case's own may have been kept.
    pub contract: Option<String>,
    /// The observation.
    pub seen: String,
    /// The lines of the kernel's log.
    pub lines: Vec<String>,
    /// The findings of the project that explain it.
    pub known: Vec<String>,
    /// True if the kernel has found memory in disorder: whoever meets it need not have done it.
    pub of_victim: bool,
}

/// A case.
#[derive(Debug, Clone)]
pub struct CaseFacts {
    /// `<area>.<case>`.
    pub id: String,
    /// The rule.
    pub rule: String,
}

/// The cells of a run.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// The cells, in their order.
    pub cells: Vec<Seen>,
    /// What those showed that failed.
    pub failures: Vec<Failure>,
    /// The cases, by their numbers.
    pub cases: Vec<CaseFacts>,
    /// The keys of the endpoints, by their numbers.
    pub endpoints: Vec<String>,
    /// How many cells are not as expected and no evidence of anyone's guilt, by verdict and what they showed.
    pub undecided: BTreeMap<(Verdict, String), usize>,
    case_numbers: BTreeMap<String, u16>,
    endpoint_numbers: BTreeMap<String, u16>,
}

fn how(cell: &CellEnd) -> How {
    let not_again = |finding: &Finding| finding.seen.ends_with(NOT_SHOWN_ALONE);
    let broken = matches!(cell.verdict, Verdict::Fail | Verdict::Timeout | Verdict::Crash);
    match cell.verdict {
        // What is seen on a damaged kernel may come of the damage.
        _ if cell.damaged_by.is_some() => How::Nothing,
        Verdict::Pass => How::Passes,
        _ if broken && cell.findings.iter().any(not_again) => How::Nothing,
        _ if broken && !cell.known.is_empty() => How::Known,
        Verdict::Refused if cell.outcome.unwanted() => How::Refuses,
        _ if broken && cell.outcome.unwanted() => How::Fails,
        _ => How::Nothing,
    }
}

fn failure(cell: &CellEnd) -> Failure {
    let worst = cell.findings.iter().filter(|finding| finding.verdict == cell.verdict);
    // One that names a side, or brings a trace, says more than one that does not.
    let best = worst.max_by_key(|finding| {
        let names = matches!(finding.blame, Blame::Exporter | Blame::Importer);
        (names && !finding.lines.is_empty(), !finding.lines.is_empty(), names)
    });
    let (oracle, blame) =
        best.map_or((Oracle::Suite, Blame::Undecided), |finding| (finding.oracle.clone(), finding.blame));
    let seen = best.map(|finding| finding.seen.clone()).unwrap_or_default();
    let contract = best.filter(|finding| finding.oracle == Oracle::Dma).map(|finding| finding.expected.clone());
    let of_victim = oracle == Oracle::KernelLog && names_a_victim(&seen);
    // A trace that names a victim is no evidence of anyone's guilt.
    let lines = best.filter(|_| !of_victim).map(|finding| finding.lines.clone()).unwrap_or_default();
    Failure {
        oracle,
        contract,
        blame: if of_victim { Blame::Kernel } else { blame },
        seen,
        lines,
        known: cell.known.clone(),
        of_victim,
    }
}

/// What a cell that is no evidence showed: the reason why it is none, where that is the same for all of them.
fn seen_of(cell: &CellEnd) -> String {
    match cell.verdict {
        _ if cell.damaged_by.is_some() => "on a kernel that another cell had damaged".into(),
        // Each names the cell that it waits for in vain.
        Verdict::Blocked => "not run, or not by this user".into(),
        _ => {
            let seen = cell.findings.iter().find(|finding| finding.verdict == cell.verdict);
            seen.map(|finding| finding.seen.clone()).unwrap_or_default()
        }
    }
}

fn number(numbers: &mut BTreeMap<String, u16>, name: &str) -> (u16, bool) {
    if let Some(&number) = numbers.get(name) {
        return (number, false);
    }
    let number = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
    numbers.insert(name.to_owned(), number);
    (number, true)
}

impl Matrix {
    /// That of these cells.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a CellEnd>) -> Self {
        let mut matrix = Self::default();
        cells.into_iter().for_each(|cell| matrix.add(cell));
        matrix
    }

    /// Takes in the next cell.
    pub fn add(&mut self, cell: &CellEnd) {
        let (case, new) = number(&mut self.case_numbers, &cell.case);
        if new {
            self.cases.push(CaseFacts { id: cell.case.clone(), rule: cell.rule.clone() });
        }
        let how = how(cell);
        if how == How::Nothing && cell.outcome.unwanted() {
            *self.undecided.entry((cell.verdict, seen_of(cell))).or_default() += 1;
        }
        let exporter = self.endpoint(cell.exporter.as_deref());
        let importers = [&cell.importer, &cell.second_importer].map(|key| self.endpoint(key.as_deref()));
        let mut place = u32::MAX;
        if matches!(how, How::Fails | How::Refuses | How::Known) {
            place = self.failures.len() as u32;
            self.failures.push(failure(cell));
        }
        let (accessed, ms) = (!cell.device_access.is_empty(), u32::try_from(cell.ms).unwrap_or(u32::MAX));
        self.cells.push(Seen { case, exporter, importers, how, accessed, failure: place, ms });
    }

    fn endpoint(&mut self, key: Option<&str>) -> Option<u16> {
        let (number, new) = number(&mut self.endpoint_numbers, key?);
        if new {
            self.endpoints.push(key?.to_owned());
        }
        Some(number)
    }

    /// The number of an endpoint that took part in some cell.
    pub fn number_of(&self, key: &str) -> Option<u16> {
        self.endpoint_numbers.get(key).copied()
    }

    /// What a cell that failed showed.
    pub fn failure(&self, cell: &Seen) -> Option<&Failure> {
        self.failures.get(cell.failure as usize)
    }

    /// A cell's id.
    pub fn id(&self, cell: &Seen) -> String {
        let mut id = self.cases[usize::from(cell.case)].id.clone();
        for endpoint in cell.endpoints() {
            id.push('.');
            id += &self.endpoints[usize::from(endpoint)];
        }
        id
    }
}

impl Seen {
    /// The numbers of all endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = u16> {
        self.exporter.into_iter().chain(self.importers.into_iter().flatten())
    }

    /// The numbers of the endpoints that have a role.
    pub fn in_role(&self, role: Role) -> impl Iterator<Item = u16> {
        let exporter = self.exporter.filter(|_| role != Role::Importer);
        let importers = self.importers.into_iter().flatten().filter(move |_| role != Role::Exporter);
        exporter.into_iter().chain(importers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::Outcome;

    fn seen(change: impl Fn(&mut CellEnd)) -> How {
        let mut cell = sample::cell("mapping.whole.drm-a.drm-b", Verdict::Fail, Outcome::Regression);
        change(&mut cell);
        how(&cell)
    }

    #[test]
    fn flaky_damaged_blocked_and_expected_cells_are_evidence_of_nothing() {
        assert_eq!(seen(|_| {}), How::Fails);
        assert_eq!(seen(|cell| cell.damaged_by = Some("x".into())), How::Nothing);
        assert_eq!(seen(|cell| cell.findings[0].seen += NOT_SHOWN_ALONE), How::Nothing);
        assert_eq!(seen(|cell| cell.known = vec!["wrong-page".into()]), How::Known);
        assert_eq!(seen(|cell| cell.outcome = Outcome::Expected), How::Nothing);
        for verdict in [Verdict::Blocked, Verdict::NotObservable, Verdict::Error] {
            assert_eq!(seen(|cell| cell.verdict = verdict), How::Nothing);
        }
        assert_eq!(seen(|cell| cell.verdict = Verdict::Refused), How::Refuses);
        assert_eq!(seen(|cell| (cell.verdict, cell.outcome) = (Verdict::Refused, Outcome::Expected)), How::Nothing);
    }

    #[test]
    fn cells_that_are_no_evidence_are_counted_by_what_they_have_in_common() {
        let mut matrix = Matrix::default();
        for (at, verdict) in
            [Verdict::Blocked, Verdict::Blocked, Verdict::Fail, Verdict::NotObservable].iter().enumerate()
        {
            let mut cell = sample::cell("mapping.whole.drm-a.drm-b", *verdict, Outcome::Regression);
            cell.damaged_by = (*verdict == Verdict::Fail).then(|| "x".to_owned());
            cell.findings[0].seen = format!("for cell {at}");
            (cell.findings[0].verdict, cell.known) = (*verdict, Vec::new());
            matrix.add(&cell);
        }
        let counts: Vec<(Verdict, &str, usize)> =
            matrix.undecided.iter().map(|((verdict, seen), count)| (*verdict, seen.as_str(), *count)).collect();
        assert_eq!(counts.iter().map(|one| one.2).sum::<usize>(), 4, "{counts:?}");
        assert!(counts.contains(&(Verdict::Blocked, "not run, or not by this user", 2)), "{counts:?}");
        assert!(counts.contains(&(Verdict::NotObservable, "for cell 3", 1)), "{counts:?}");
    }

    #[test]
    fn an_id_is_made_again_from_its_parts() {
        let mut matrix = Matrix::default();
        for id in ["mapping.whole.drm-a", "leaks.import.drm-a.drm-b"] {
            matrix.add(&sample::cell(id, Verdict::Pass, Outcome::Expected));
            assert_eq!(matrix.id(matrix.cells.last().unwrap()), id);
        }
        let seen = matrix.cells[1];
        assert_eq!(seen.in_role(Role::Exporter).collect::<Vec<_>>(), [0]);
        assert_eq!(seen.in_role(Role::Importer).collect::<Vec<_>>(), [1]);
        assert_eq!(seen.in_role(Role::Either).collect::<Vec<_>>(), [0, 1]);
    }
}
