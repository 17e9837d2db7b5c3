//! Takes the suspect that explains most, leaves out what it explains, and looks again: a kernel can have several faults.

use event::cause::{Cause, Role, Sharer, Sure};

use crate::evidence;
use crate::found::Found;
use crate::matrix::{How, Matrix, Seen};
use crate::suspects::{Members, Suspects};
use crate::traced;
use crate::unexplained;
use crate::weigh::{Candidate, Scale, Weight};

/// The most causes that are looked for: no one reads on.
const CAUSES: usize = 16;

/// How often all of what two suspects share must fail, held against how often they do.
const NEARLY_AS_OFTEN: f64 = 0.9;

/// How well what two share must explain the failures of both, held against the better of them for its own.
const JOINED: f64 = 0.6;

/// The share of failures of which someone has to be a part to be what they have in common.
const COVERS: f64 = 0.95;

/// How well one that explains everything must do so, held against the best for a part.
const ALONE: f64 = 0.8;

/// The share of its cells in which such a one has to fail.
const OFTEN: f64 = 0.2;

/// One that fails in so few of its cells only says little of itself.
const HARDLY: f64 = 0.2;

/// Weighs all suspects against failures; the best is first.
pub fn ranked(matrix: &Matrix, left: &[usize], suspects: &Suspects, members: &[Members]) -> Vec<Candidate> {
    let (scale, mut all) = (Scale::of(matrix, left), Vec::new());
    for (place, group) in suspects.groups.iter().enumerate() {
        let mut most = 0;
        for role in [Role::Exporter, Role::Importer, Role::Either] {
            // All devices share the core, whatever their roles.
            if group.kind == Sharer::DmaBuf && role != Role::Either {
                continue;
            }
            let weight = scale.weigh(group, &members[place], role);
            // To accuse it in both roles explains nothing more where one explains the same.
            if weight.fails > 0 && (role != Role::Either || weight.fails > most) {
                all.push(Candidate { group: place, role, weight });
            }
            most = most.max(weight.fails);
        }
    }
    // Of those that explain the same, the one that accuses fewest is first.
    let accuses = |one: &Candidate| suspects.groups[one.group].keys.len();
    all.sort_by(|one, other| {
        other.weight.score.total_cmp(&one.weight.score).then_with(|| accuses(one).cmp(&accuses(other)))
    });
    all
}

fn places(matrix: &Matrix, how: How) -> Vec<usize> {
    (0..matrix.cells.len()).filter(|&place| matrix.cells[place].how == how).collect()
}

/// A suspect, and the places of the failures that it explains.
struct Explained {
    best: Candidate,
    cells: Vec<usize>,
}

/// The causes of the failures that no one knew, those that explain most first.
pub fn causes(matrix: &Matrix, suspects: &Suspects) -> Vec<Cause> {
    let members: Vec<Members> = suspects.groups.iter().map(|group| Members::of(group, matrix)).collect();
    let mut left = places(matrix, How::Fails);
    let late = traced::of(matrix, &left, suspects, &members);
    left.retain(|place| !late.iter().any(|traced| traced.cells.contains(place)));
    let (mut causes, left) = explained(matrix, suspects, &members, left);
    causes.extend(late.iter().filter_map(|traced| traced::cause(traced, matrix, suspects)));
    causes.extend(unexplained::causes(matrix, suspects, &left));
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.cells.len()));
    refusals(matrix, suspects, &members, &mut causes);
    causes
}

/// Adds what was refused though the board takes it. A refusal that is documented says what two devices cannot do together,
/// and not who is wrong: it is no evidence against anyone who fails otherwise, and one of refusals alone stays open.
fn refusals(matrix: &Matrix, suspects: &Suspects, members: &[Members], causes: &mut Vec<Cause>) {
    let mut left = places(matrix, How::Refuses);
    left.retain(|&place| {
        let cell = &matrix.cells[place];
        let has = |cause: &&mut Cause| {
            let mut in_role = cell.in_role(cause.suspect.role).map(|number| &matrix.endpoints[usize::from(number)]);
            in_role.any(|key| cause.suspect.endpoints.contains(key))
        };
        let of = causes.iter_mut().find(has);
        let new = of.is_none();
        of.into_iter().for_each(|cause| cause.cells.push(matrix.id(cell)));
        new
    });
    let (mut alone, left) = explained(matrix, suspects, members, left);
    alone.extend(unexplained::causes(matrix, suspects, &left));
    causes.extend(alone.into_iter().map(|cause| Cause { sure: Sure::Open, why: NO_EVIDENCE.into(), ..cause }));
}

/// Why a cause of refusals is open.
const NO_EVIDENCE: &str = "a refusal that is documented says what two devices cannot do together, not who is wrong";

/// The causes of the failures in these places, and the places that are left: no device takes part there, or others explain more.
fn explained(
    matrix: &Matrix,
    suspects: &Suspects,
    members: &[Members],
    mut left: Vec<usize>,
) -> (Vec<Cause>, Vec<usize>) {
    let mut all: Vec<Explained> = Vec::new();
    while !left.is_empty() && all.len() < CAUSES {
        let Some(best) = simplest(&ranked(matrix, &left, suspects, members), left.len()) else { break };
        let is = |place: &usize| {
            let cell = &matrix.cells[*place];
            members[best.group].take_part(cell, best.role) || is_alone(cell) && members[best.group].are_alone(cell)
        };
        let cells: Vec<usize> = left.iter().copied().filter(is).collect();
        left.retain(|place| !is(place));
        all.push(Explained { best, cells });
    }
    while let Some((one, other, joined)) = join(matrix, suspects, members, &all) {
        all.remove(other);
        all[one] = joined;
    }
    let tell = |explained: &Explained| {
        let mut ranked = ranked(matrix, &explained.cells, suspects, members);
        let is = |one: &Candidate| (one.group, one.role) == (explained.best.group, explained.best.role);
        let place = ranked.iter().position(is).or_else(|| (!ranked.is_empty()).then_some(0));
        let best = place.map_or(explained.best, |place| ranked.remove(place));
        ranked.insert(0, best);
        let common = common(matrix, suspects, members, &all, explained);
        let cells = &explained.cells[..];
        evidence::cause(&Found { matrix, suspects, members, ranked: &ranked, cells, common }, &best)
    };
    (all.iter().filter_map(tell).collect(), left)
}

/// The best candidate, or one that explains all failures by itself nearly as well as that one explains a part of them: one
/// fault is likelier than two.
fn simplest(ranked: &[Candidate], left: usize) -> Option<Candidate> {
    let best = ranked.first()?;
    let all = |one: &&Candidate| one.weight.fails as f64 >= COVERS * left as f64;
    let other_role = |one: &&Candidate| one.role != Role::Either && one.role != best.role;
    let alone = ranked.iter().filter(other_role).find(all).filter(|_| !all(&best));
    let alone = alone.filter(|one| one.weight.score >= ALONE * best.weight.score);
    Some(*alone.unwrap_or(best))
}

/// Someone in the other role who takes part in all failures of a suspect and of another suspect as well: two who are at fault
/// alike may be one who is, under a condition.
fn common(
    matrix: &Matrix,
    suspects: &Suspects,
    members: &[Members],
    all: &[Explained],
    explained: &Explained,
) -> Option<Candidate> {
    let role = match explained.best.role {
        Role::Exporter => Role::Importer,
        Role::Importer => Role::Exporter,
        Role::Either => return None,
    };
    let every: Vec<usize> = all.iter().flat_map(|one| one.cells.iter().copied()).collect();
    let covers = |place: usize, one: &Explained| {
        let in_role = one.cells.iter().map(|&cell| &matrix.cells[cell]);
        let in_role: Vec<&Seen> =
            in_role.filter(|cell| members[one.best.group].take_part(cell, one.best.role)).collect();
        let count = in_role.iter().filter(|cell| members[place].take_part(cell, role)).count();
        count as f64 >= COVERS * in_role.len() as f64
    };
    let candidates = suspects.groups.iter().enumerate().filter(|(place, group)| {
        let another = |one: &&Explained| one.best.group != explained.best.group;
        group.kind != Sharer::DmaBuf
            && covers(*place, explained)
            && all.iter().filter(another).any(|one| covers(*place, one))
    });
    let scale = Scale::of(matrix, &every);
    let weighed = candidates.map(|(place, group)| Candidate {
        group: place,
        role,
        weight: scale.weigh(group, &members[place], role),
    });
    let often = |one: &Candidate| one.weight.fails as f64 >= OFTEN * (one.weight.fails + one.weight.passes) as f64;
    weighed.filter(often).max_by(|one, other| one.weight.score.total_cmp(&other.weight.score))
}

/// Returns whether a cell has one device: whoever exports there also imports what it has exported.
fn is_alone(cell: &Seen) -> bool {
    cell.endpoints().next().is_some_and(|first| cell.endpoints().all(|endpoint| endpoint == first))
}

/// Two of what was found are one where a suspect shows in another role what it shows in its own, or where two share something
/// all of which fails nearly as often as they do.
fn join(
    matrix: &Matrix,
    suspects: &Suspects,
    members: &[Members],
    all: &[Explained],
) -> Option<(usize, usize, Explained)> {
    for (one, first) in all.iter().enumerate() {
        for (other, second) in all.iter().enumerate().skip(one + 1) {
            let mut cells = [&first.cells[..], &second.cells[..]].concat();
            cells.sort_unstable();
            if is_of(matrix, members, suspects, first, second) {
                return Some((one, other, Explained { best: first.best, cells }));
            }
            let alone = |one: &Explained| one.cells.iter().all(|&cell| is_alone(&matrix.cells[cell]));
            let shared = (first.best.role == second.best.role || alone(second))
                .then(|| shared(matrix, suspects, members, [first, second], &cells))
                .flatten();
            if let Some(best) = shared {
                return Some((one, other, Explained { best, cells }));
            }
        }
    }
    None
}

/// Returns whether the second is a part of the first, in another role or under a condition that no one knows.
fn is_of(matrix: &Matrix, members: &[Members], suspects: &Suspects, first: &Explained, second: &Explained) -> bool {
    let keys = |one: &Explained| &suspects.groups[one.best.group].keys;
    let nested = keys(second).iter().all(|key| keys(first).contains(key));
    let in_all =
        || second.cells.iter().all(|&cell| members[first.best.group].take_part(&matrix.cells[cell], Role::Either));
    nested && in_all() || share(&second.best.weight) < HARDLY && in_all()
}

fn share(weight: &Weight) -> f64 {
    weight.fails as f64 / (weight.fails + weight.passes).max(1) as f64
}

/// What two suspects share, if all of it fails nearly as often.
fn shared(
    matrix: &Matrix,
    suspects: &Suspects,
    members: &[Members],
    two: [&Explained; 2],
    cells: &[usize],
) -> Option<Candidate> {
    let [first, second] = two;
    let keys: Vec<&String> = two.iter().flat_map(|found| &suspects.groups[found.best.group].keys).collect();
    let needed = NEARLY_AS_OFTEN * share(&first.best.weight).min(share(&second.best.weight));
    let groups =
        suspects.groups.iter().enumerate().filter(|(_, group)| keys.iter().all(|key| group.keys.contains(key)));
    let scale = Scale::of(matrix, cells);
    let mut weighed = groups.map(|(place, group)| {
        let role = if group.kind == Sharer::DmaBuf { Role::Either } else { first.best.role };
        Candidate { group: place, role, weight: scale.weigh(group, &members[place], role) }
    });
    // One that hardly fails is like whatever else hardly does: such are joined within a driver only.
    let hardly = needed < HARDLY;
    let near = |one: &Candidate| matches!(suspects.groups[one.group].kind, Sharer::Endpoint | Sharer::Driver);
    let alone = JOINED * first.best.weight.score.max(second.best.weight.score);
    weighed.find(|one| share(&one.weight) >= needed && one.weight.score >= alone && (!hardly || near(one)))
}

/// The failures that findings of the project explain: a cause a finding.
pub fn known(matrix: &Matrix, suspects: &Suspects) -> Vec<Cause> {
    let members: Vec<Members> = suspects.groups.iter().map(|group| Members::of(group, matrix)).collect();
    let places = places(matrix, How::Known);
    let mut names: Vec<&Vec<String>> =
        places.iter().filter_map(|&place| matrix.failure(&matrix.cells[place])).map(|failure| &failure.known).collect();
    names.sort();
    names.dedup();
    let mut causes = Vec::new();
    for name in names {
        let is = |place: &usize| matrix.failure(&matrix.cells[*place]).is_some_and(|failure| failure.known == *name);
        let cells: Vec<usize> = places.iter().copied().filter(is).collect();
        let ranked = ranked(matrix, &cells, suspects, &members);
        let (members, common) = (&members[..], None);
        let found = Found { matrix, suspects, members, ranked: &ranked, cells: &cells, common };
        let of = ranked.first().and_then(|best| evidence::cause(&found, best)).map(|cause| vec![cause]);
        let of = of.unwrap_or_else(|| unexplained::causes(matrix, suspects, &cells));
        causes.extend(of.into_iter().map(|cause| Cause { known: name.clone(), ..cause }));
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.cells.len()));
    causes
}
