//! A cell: a case applied to its endpoints.

use std::rc::Rc;

use device::Endpoint;
use event::blame::{Drivers, Party};
use spec::case::Case;
use spec::step::Side;

/// A case applied to its endpoints.
#[derive(Debug, Clone)]
pub struct Cell {
    /// `<area>.<case>.<endpoint>[.<importer>[.<second importer>]]`.
    pub id: String,
    /// Its place in the plan.
    pub number: u32,
    /// The rule.
    pub case: Rc<Case>,
    /// The exporter, if the case has one.
    pub exporter: Option<Rc<Endpoint>>,
    /// The importer, if the case has one.
    pub importer: Option<Rc<Endpoint>>,
    /// The second importer, in a chain.
    pub second_importer: Option<Rc<Endpoint>>,
    /// The reason why nothing on this machine could show whether the rule is kept.
    pub unobserved: Option<String>,
    /// Whose device it would take away, and what allows that.
    pub kept: Option<String>,
}

impl Cell {
    /// Creates the cell of a case with its name and these endpoints.
    pub(super) fn of(
        name: &str,
        case: &Rc<Case>,
        exporter: Option<&Rc<Endpoint>>,
        importer: Option<&Rc<Endpoint>>,
        second_importer: Option<&Rc<Endpoint>>,
    ) -> Self {
        let mut id = name.to_owned();
        for endpoint in [exporter, importer, second_importer].into_iter().flatten() {
            id.push('.');
            id += &endpoint.key;
        }
        let (exporter, importer, second_importer) = (exporter.cloned(), importer.cloned(), second_importer.cloned());
        let (number, unobserved, kept) = (0, None, None);
        Self { id, number, case: case.clone(), exporter, importer, second_importer, unobserved, kept }
    }

    /// Its endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &Rc<Endpoint>> {
        [&self.exporter, &self.importer, &self.second_importer].into_iter().flatten()
    }

    /// The drivers of its endpoints.
    pub fn drivers(&self) -> Drivers {
        let party = |endpoint: &Rc<Endpoint>| Party {
            driver: endpoint.driver.clone(),
            module: endpoint.module.clone(),
            topology: endpoint.topology.clone(),
        };
        let importers = [&self.importer, &self.second_importer].into_iter().flatten();
        Drivers::of(self.exporter.as_ref().map(party), importers.map(party).collect())
    }

    /// Returns why it cannot be run, known beforehand.
    pub fn blocked(&self) -> Option<&str> {
        self.endpoints().find_map(|endpoint| endpoint.blocked.as_deref()).or(self.kept.as_deref())
    }

    /// The same cell; these sides work in it, and are not there for their users meanwhile.
    pub(super) fn kept(self, sides: &[Side]) -> Self {
        let endpoints = sides.iter().filter_map(|side| match side {
            Side::Exporter => self.exporter.as_ref(),
            Side::Importer => self.importer.as_ref(),
            Side::SecondImporter => self.second_importer.as_ref(),
        });
        let kept = endpoints.filter(|endpoint| !endpoint.spare).map(|endpoint| {
            format!("{} is left to its user: prime-cts run --intrusive takes it while a cell runs", endpoint.key)
        });
        Self { kept: kept.min(), ..self }
    }

    /// The buffers' sizes in bytes, one after the other: the case's, or what the devices need at least.
    pub fn sizes(&self) -> Vec<u64> {
        let needed = self.endpoints().map(|endpoint| endpoint.smallest).max().unwrap_or(0);
        let asked = if self.case.sizes.is_empty() { std::slice::from_ref(&self.case.size) } else { &self.case.sizes };
        let mut sizes: Vec<u64> = asked.iter().map(|size| size.0.max(needed)).collect();
        sizes.dedup();
        sizes
    }
}
