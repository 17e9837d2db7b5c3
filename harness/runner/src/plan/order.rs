//! Which cells tell most, in the order of a plan and in a selection of few.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use spec::case::Tag;

use super::{Place, Plan};

/// An exporter and an importer, by their places.
type Pair = (NonZeroU32, NonZeroU32);

impl Plan {
    /// Puts one cell of each case first, of one device after the other: a rule that is broken everywhere shows at once. The
    /// others keep their order.
    pub fn put_one_of_each_first(&mut self) {
        let first: BTreeSet<usize> = self.one_of_each(|_| true).into_iter().collect();
        let numbered = std::mem::take(&mut self.places).into_iter().enumerate();
        let (first, others): (Vec<_>, Vec<_>) = numbered.partition(|(number, _)| first.contains(number));
        self.places = first.into_iter().chain(others).map(|(_, place)| place).collect();
    }

    /// Keeps a cell of each case and of each pair of an exporter and an importer, and the cells of cases with one of these
    /// other tags. Cases that are long are left out, unless their area has no other.
    pub fn keep_quick(&mut self, tags: &[Tag]) {
        let long = |case: usize| self.cases[case].case.tags.contains(&Tag::Stress);
        let tagged = |case: usize| self.cases[case].case.tags.iter().any(|tag| tags.contains(tag));
        let mut kept: BTreeSet<usize> = self.one_of_each(|case| !long(case)).into_iter().collect();
        let area = |number: usize| self.cases[self.places[number].case as usize].case.area.as_str();
        let mut areas: BTreeSet<&str> = kept.iter().map(|&number| area(number)).collect();
        for number in 0..self.places.len() {
            if areas.insert(area(number)) || tagged(self.places[number].case as usize) {
                kept.insert(number);
            }
        }
        let mut pairs: BTreeMap<Pair, Vec<usize>> = BTreeMap::new();
        for (number, place) in self.places.iter().enumerate().filter(|(_, place)| !long(place.case as usize)) {
            let alone = place.second_importer.is_none();
            if let Some(pair) = pair(place).filter(|_| alone) {
                pairs.entry(pair).or_default().push(number);
            }
        }
        let met: BTreeSet<Pair> = kept.iter().filter_map(|&number| pair(&self.places[number])).collect();
        // Another case for each pair, so that many of them meet many.
        let left = pairs.iter().filter(|(pair, _)| !met.contains(pair)).enumerate();
        kept.extend(left.map(|(turn, (_, cells))| cells[turn % cells.len()]));
        let mut number = 0..;
        self.places.retain(|_| number.next().is_some_and(|number| kept.contains(&number)));
    }

    /// The place of a cell of each case for which this is true, by its place among the cases.
    fn one_of_each(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut of_case: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (number, place) in self.places.iter().enumerate().filter(|(_, place)| wanted(place.case as usize)) {
            of_case.entry(place.case).or_default().push(number);
        }
        of_case.values().enumerate().map(|(turn, cells)| cells[turn % cells.len()]).collect()
    }
}

fn pair(place: &Place) -> Option<Pair> {
    place.exporter.zip(place.importer)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::rc::Rc;

    use device::Endpoint;
    use spec::case::{Case, Kind};

    use super::*;
    use crate::plan::plan;

    fn planned() -> Plan {
        let case = |path: &str, more: &str| {
            let text = format!(
                "name: c\nrule: r\nwhy: w\nreference: f\ncells: pair\n{more}steps:\n  - allocate: {{as: b}}\n  \
                 - export: {{buffer: b, as: f}}\n  - import: {{file: f, as: i}}\n  - size: {{file: f}}\n"
            );
            let text = text.replace("name: c", &format!("name: {}", path.rsplit_once('/').unwrap().1));
            Rc::new(Case::parse(Path::new(&format!("{path}.yaml")), &text).unwrap())
        };
        let cases = [
            case("a/one", ""),
            case("a/two", ""),
            case("a/long", "tags: [stress]\n"),
            case("b/long", "tags: [stress]\n"),
        ];
        let endpoint = |key: &str| {
            let endpoint = Endpoint::new(Kind::Drm, key, "d", format!("/dev/{key}").into());
            Rc::new(Endpoint { exports: true, imports: true, ..endpoint })
        };
        plan(&cases, &["x", "y"].map(endpoint))
    }

    fn ids(plan: &Plan) -> Vec<String> {
        plan.iter().map(|cell| cell.id).collect()
    }

    #[test]
    fn one_of_each_rule_comes_first_and_nothing_is_lost() {
        let (mut plan, before) = (planned(), planned());
        plan.put_one_of_each_first();
        assert_eq!(ids(&plan)[..4], ["a.one.x.x", "a.two.x.y", "a.long.y.x", "b.long.y.y"]);
        let sorted = |plan: &Plan| ids(plan).into_iter().collect::<BTreeSet<_>>();
        assert_eq!((sorted(&plan), plan.len()), (sorted(&before), before.len()));
    }

    #[test]
    fn a_quick_run_has_every_pair_every_area_and_every_rule_that_is_not_long() {
        let mut plan = planned();
        plan.keep_quick(&[Tag::Quick]);
        assert_eq!(ids(&plan), ["a.one.x.x", "a.one.y.x", "a.two.x.y", "a.two.y.y", "b.long.x.x"]);
    }

    #[test]
    fn other_tags_are_kept_whole() {
        let mut plan = planned();
        plan.keep_quick(&[Tag::Quick, Tag::Stress]);
        assert_eq!(plan.len(), 2 + 8, "these meet every pair");
    }
}
