//! What a cause is reported with: counts, acquittals, the smallest cell, how sure.

use std::collections::{BTreeMap, BTreeSet};

use event::cause::{Acquitted, Cause, Evidence, Role, Sharer, Sure};
use event::{Blame, Oracle};

use crate::matrix::{How, Matrix, Seen};
use crate::suspects::{Group, Members, Suspects};
use crate::trace;
use crate::weigh::{Candidate, Contexts};

/// What was found: the suspects in their order, and the cells that the first explains.
pub struct Found<'a> {
    /// The run.
    pub matrix: &'a Matrix,
    /// All suspects.
    pub suspects: &'a Suspects,
    /// The same by their numbers.
    pub members: &'a [Members],
    /// The candidates, the best first.
    pub ranked: &'a [Candidate],
    /// The places of the cells that the best explains.
    pub cells: &'a [usize],
    /// Someone in the other role who may be behind this cause and another.
    pub common: Option<Candidate>,
}

/// An alternative that explains nearly as much, nearly as well, is not told from the first.
const NEARLY: f64 = 0.8;

/// One that fails in fewer of its cells than this share fails under a condition that is not known: the condition may be
/// another's fault.
const MOST: f64 = 0.5;

/// So few cells decide what a run of all would.
const DECIDE: usize = 8;

/// More acquitted endpoints no one reads.
const ACQUITTED: usize = 8;

impl<'a> Found<'a> {
    fn best(&self) -> Option<&'a Candidate> {
        self.ranked.first()
    }

    fn group(&self, candidate: &Candidate) -> &'a Group {
        &self.suspects.groups[candidate.group]
    }

    fn seen(&self) -> impl Iterator<Item = &'a Seen> + use<'a> {
        let matrix = self.matrix;
        self.cells.iter().map(move |&place| &matrix.cells[place])
    }

    /// The cells in which the suspect has its role.
    fn in_role(&self, best: &Candidate) -> Vec<&'a Seen> {
        self.seen().filter(|cell| self.members[best.group].take_part(cell, best.role)).collect()
    }

    /// Others that explain nearly the same cells nearly as well, and are not just a part of the suspect; or all of which the suspect
    /// is a part, if nothing shows that the rest of it keeps the rule.
    fn rivals(&self, best: &Candidate) -> Vec<&Candidate> {
        let keys: BTreeSet<&String> = self.group(best).keys.iter().collect();
        let is_other = |candidate: &Candidate| {
            let others: BTreeSet<&String> = self.group(candidate).keys.iter().collect();
            let around = keys.is_subset(&others);
            let same_cells =
                (candidate.weight.fails, candidate.weight.passes) == (best.weight.fails, best.weight.passes);
            match (around || others.is_subset(&keys), candidate.role == best.role) {
                (false, _) => true,
                // What all devices share keeps the rules everywhere else.
                (true, true) => around && same_cells && self.group(candidate).kind != Sharer::DmaBuf,
                (true, false) => candidate.role != Role::Either && best.role != Role::Either,
            }
        };
        let near = |candidate: &&Candidate| {
            candidate.weight.score >= NEARLY * best.weight.score
                && candidate.weight.fails as f64 >= NEARLY * best.weight.fails as f64
        };
        self.ranked.iter().skip(1).filter(near).filter(|candidate| is_other(candidate)).collect()
    }
}

/// The case that shows it in most cells; of two, the one with fewer devices in a cell.
fn case_of(cells: &[&Seen]) -> u16 {
    let mut counts: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
    for cell in cells {
        let (count, devices) = counts.entry(cell.case).or_insert((0, usize::MAX));
        *count += 1;
        *devices = (*devices).min(cell.endpoints().count());
    }
    let best = counts.iter().max_by_key(|(_, (count, devices))| (*count, std::cmp::Reverse(*devices)));
    best.map_or(0, |(case, _)| *case)
}

fn smallest<'a>(cells: &[&'a Seen]) -> Option<&'a Seen> {
    cells
        .iter()
        .copied()
        .min_by_key(|cell| (cell.endpoints().collect::<BTreeSet<_>>().len(), cell.endpoints().count(), cell.ms))
}

/// Those who took part beside the suspect in cells that fail, and pass the same cases without it.
fn acquitted(found: &Found<'_>, best: &Candidate, fails: &[&Seen]) -> Vec<Acquitted> {
    let (matrix, members) = (found.matrix, &found.members[best.group]);
    let contexts = Contexts::of(matrix, fails.iter().copied());
    let mut beside: BTreeSet<(u16, Role)> = BTreeSet::new();
    for cell in fails {
        for role in [Role::Exporter, Role::Importer] {
            beside
                .extend(cell.in_role(role).filter(|&endpoint| !members.has(endpoint)).map(|endpoint| (endpoint, role)));
        }
    }
    let passes_with = |endpoint: u16, role: Role| {
        let passes = matrix.cells.iter().filter(|cell| contexts.acquits(cell));
        let with = passes
            .filter(|cell| cell.in_role(role).any(|other| other == endpoint) && !members.take_part(cell, Role::Either));
        let others: BTreeSet<u16> = with.flat_map(|cell| cell.endpoints().filter(|&other| other != endpoint)).collect();
        others.len()
    };
    let key = |endpoint: u16| matrix.endpoints[usize::from(endpoint)].clone();
    let counted = beside.into_iter().map(|(endpoint, role)| Acquitted {
        endpoint: key(endpoint),
        role,
        passes_with: passes_with(endpoint, role),
    });
    let mut all: Vec<Acquitted> = counted.filter(|acquitted| acquitted.passes_with > 0).collect();
    all.sort_by_key(|acquitted| std::cmp::Reverse(acquitted.passes_with));
    all.truncate(ACQUITTED);
    all
}

/// A direct sight of the suspect in these cells: neither a count nor the word of an oracle that has to choose.
fn proof(found: &Found<'_>, best: &Candidate, fails: &[&Seen]) -> Option<String> {
    let (group, members) = (found.group(best), &found.members[best.group]);
    let side = match best.role {
        Role::Exporter => Some(Blame::Exporter),
        Role::Importer => Some(Blame::Importer),
        Role::Either => None,
    };
    let failures = || fails.iter().filter_map(|cell| found.matrix.failure(cell).map(|failure| (*cell, failure)));
    if let Some(function) = failures().find_map(|(_, failure)| trace::function(&failure.lines, &group.modules)) {
        return Some(format!("a trace of the kernel names {function}"));
    }
    if let Some(oracle) = seen_with_many(fails, found.matrix, side) {
        return Some(format!("the oracle {oracle} has seen it of the same side with each of several others"));
    }
    let probed = |oracle: &Oracle| matches!(oracle, Oracle::Pages | Oracle::SgTable | Oracle::Identity);
    if let Some((cell, failure)) = failures()
        .find(|(_, failure)| probed(&failure.oracle) && side == Some(failure.blame))
        .filter(|_| group.keys.len() == 1)
    {
        return Some(format!("the oracle {} has seen it itself, in {}", failure.oracle, found.matrix.id(cell)));
    }
    // The same cell of others passes: neither the case nor the core is to blame.
    let is_alone = |cell: &&&Seen| cell.exporter.is_some() && cell.importers == [None; 2] && members.are_alone(cell);
    let alone = fails.iter().find(is_alone).filter(|_| best.role != Role::Importer)?;
    let others_pass = found
        .matrix
        .cells
        .iter()
        .any(|cell| cell.how == How::Passes && cell.case == alone.case && !members.take_part(cell, Role::Either));
    others_pass.then(|| format!("no other device takes part in {}, which passes with others", found.matrix.id(alone)))
}

/// The oracle that has seen each of the failures of this side itself, with two others at least.
fn seen_with_many(fails: &[&Seen], matrix: &Matrix, side: Option<Blame>) -> Option<Oracle> {
    let side = side?;
    let first = matrix.failure(fails.first()?)?.oracle.clone();
    let probed = matches!(first, Oracle::Pages | Oracle::SgTable | Oracle::Identity);
    let is = |cell: &&Seen| matrix.failure(cell).is_some_and(|seen| seen.oracle == first && seen.blame == side);
    let other = match side {
        Blame::Exporter => Role::Importer,
        _ => Role::Exporter,
    };
    let others: BTreeSet<u16> = fails.iter().flat_map(|cell| cell.in_role(other)).collect();
    (probed && others.len() >= 2 && fails.iter().all(is)).then_some(first)
}

/// Cells that would decide between the suspect and a rival: of the case, with others in the place of one of them. Only such as
/// the case has of devices of the same kinds, and that the run did not try.
fn decide(found: &Found<'_>, rival: Option<&Candidate>, best: &Candidate, case: u16) -> Vec<String> {
    let matrix = found.matrix;
    let of_case: Vec<&Seen> = matrix.cells.iter().filter(|cell| cell.case == case).collect();
    if of_case.iter().any(|cell| cell.importers[0].is_none() || cell.importers[1].is_some()) {
        return Vec::new();
    }
    let tried: BTreeSet<String> = of_case.iter().map(|cell| matrix.id(cell)).collect();
    let usable = &found.suspects.endpoints;
    let kinds = |role: Role| -> BTreeSet<&str> {
        let seen =
            of_case.iter().flat_map(|cell| cell.in_role(role)).map(|number| &matrix.endpoints[usize::from(number)]);
        seen.filter_map(|key| usable.iter().find(|one| one.key == *key)).map(|one| one.kind.as_str()).collect()
    };
    let (exporting, importing) = (kinds(Role::Exporter), kinds(Role::Importer));
    // Of those who took part in a failure each is held against others.
    let apart = |one: &&Candidate| found.group(one).keys.iter().all(|key| !found.group(best).keys.contains(key));
    let took_part = smallest(&found.in_role(best)).into_iter().flat_map(Seen::endpoints);
    let took_part: Vec<&String> = took_part.map(|number| &matrix.endpoints[usize::from(number)]).collect();
    let is = |key: &String| {
        let suspects = std::iter::once(best).chain(rival.filter(apart));
        took_part.contains(&key) || suspects.into_iter().any(|one| found.group(one).keys.contains(key))
    };
    let exporters = usable.iter().filter(|one| one.exports && exporting.contains(one.kind.as_str()));
    let pairs = exporters.flat_map(|exporter| {
        let importers = usable.iter().filter(|one| one.imports && importing.contains(one.kind.as_str()));
        importers.filter(|importer| is(&exporter.key) != is(&importer.key)).map(move |importer| (exporter, importer))
    });
    let case = &matrix.cases[usize::from(case)].id;
    let ids = pairs.map(|(exporter, importer)| format!("{case}.{}.{}", exporter.key, importer.key));
    ids.filter(|id| !tried.contains(id)).take(DECIDE).collect()
}

/// How sure it is, and why.
fn sureness(proof: Option<String>, rivals: &[&Candidate], acquitted: &[Acquitted], share: f64) -> (Sure, String) {
    match (proof, rivals) {
        (Some(proof), []) => (Sure::Proved, proof),
        (Some(proof), _) => (Sure::Open, format!("{proof}, but others explain nearly as many failures")),
        (None, [_, ..]) => (Sure::Open, "others explain nearly as many failures".into()),
        (None, []) if share < MOST => {
            let why = "it fails in the lesser part of its cells only: what they have in common may be of others";
            (Sure::Open, why.into())
        }
        (None, []) if acquitted.is_empty() => {
            (Sure::Open, "no cell without it shows that the others keep the rule".into())
        }
        (None, []) => (Sure::ByElimination, "those who took part beside it pass the same cases without it".into()),
    }
}

/// Reports the best suspect of these cells.
pub fn cause(found: &Found<'_>) -> Cause {
    let matrix = found.matrix;
    let best = found.best().expect("cells that fail have someone who takes part");
    let group = found.group(best);
    let fails = found.in_role(best);
    let smallest = smallest(&fails).expect("the suspect takes part in some");
    let number = case_of(&fails);
    let case = &matrix.cases[usize::from(number)];
    let mut rivals = found.rivals(best);
    rivals.extend(&found.common);
    let acquitted = acquitted(found, best, &fails);
    let proof = proof(found, best, &fails);
    let share = fails.len() as f64 / (fails.len() + best.weight.passes) as f64;
    let of_victims = fails.iter().all(|cell| matrix.failure(cell).is_some_and(|failure| failure.of_victim));
    let (sure, why) = match of_victims {
        true => (Sure::Open, "the kernel has found memory in disorder: who meets it need not have done it".to_owned()),
        false => sureness(proof, &rivals, &acquitted, share),
    };
    let open = sure == Sure::Open;
    let rival = rivals.first().filter(|_| open);
    let failure = matrix.failure(smallest);
    let function = fails
        .iter()
        .filter_map(|cell| matrix.failure(cell))
        .find_map(|failure| trace::function(&failure.lines, &group.modules));
    let areas: BTreeSet<&str> =
        found.seen().filter_map(|cell| matrix.cases[usize::from(cell.case)].id.split('.').next()).collect();
    Cause {
        version: event::cause::VERSION,
        suspect: group.suspect(best.role),
        or: rivals.iter().take(3).filter(|_| open).map(|rival| found.group(rival).suspect(rival.role)).collect(),
        rule: case.rule.clone(),
        case: case.id.clone(),
        areas: areas.into_iter().map(str::to_owned).collect(),
        seen: failure.map(|failure| failure.seen.clone()).unwrap_or_default(),
        evidence: Evidence {
            fails: fails.len(),
            of: fails.len() + best.weight.passes,
            acquitted,
            in_other_roles: found.cells.len() - fails.len(),
        },
        smallest: matrix.id(smallest),
        function,
        sure,
        why,
        decide: if open { decide(found, rival.copied(), best, number) } else { Vec::new() },
        known: Vec::new(),
        cells: found.seen().map(|cell| matrix.id(cell)).collect(),
    }
}
