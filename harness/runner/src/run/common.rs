//! What cells have in common: by it, what became of some of them tells something of the others.

use std::fmt;
use std::rc::Rc;

use device::Endpoint;
use event::CellEnd;

use crate::plan::Cell;

/// Something that several cells have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Common {
    /// The case, `<area>.<case>`.
    Case(String),
    /// The exporter's key.
    Exporter(String),
    /// An importer's key.
    Importer(String),
    /// The keys of the exporter and of an importer.
    Pair(String, String),
    /// The machine.
    Machine,
}

impl Common {
    /// Returns everything that others may have in common with a planned cell.
    pub fn of_cell(cell: &Cell) -> Vec<Self> {
        let key = |endpoint: &Option<Rc<Endpoint>>| endpoint.as_ref().map(|endpoint| endpoint.key.clone());
        let importers = [key(&cell.importer), key(&cell.second_importer)];
        Self::of(cell.case.id(), key(&cell.exporter), importers)
    }

    /// The same of one that has ended.
    pub fn of_end(ended: &CellEnd) -> Vec<Self> {
        let importers = [ended.importer.clone(), ended.second_importer.clone()];
        Self::of(ended.case.clone(), ended.exporter.clone(), importers)
    }

    fn of(case: String, exporter: Option<String>, importers: [Option<String>; 2]) -> Vec<Self> {
        let mut all = vec![Self::Case(case)];
        for importer in importers.into_iter().flatten() {
            if let Some(exporter) = &exporter {
                all.push(Self::Pair(exporter.clone(), importer.clone()));
            }
            all.push(Self::Importer(importer));
        }
        all.extend(exporter.map(Self::Exporter));
        all
    }
}

impl fmt::Display for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(case) => write!(f, "the case {case}"),
            Self::Exporter(exporter) => write!(f, "the exporter {exporter}"),
            Self::Importer(importer) => write!(f, "the importer {importer}"),
            Self::Machine => f.write_str("any device"),
            Self::Pair(exporter, importer) => write!(f, "an import of {exporter} into {importer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::sample;
    use spec::verdict::{Outcome, Verdict};

    #[test]
    fn a_chain_has_two_pairs() {
        let ended = sample::cell("chain.two.a.b.c", Verdict::Pass, Outcome::Expected);
        let words: Vec<String> = Common::of_end(&ended).iter().map(Common::to_string).collect();
        let expected = [
            "the case chain.two",
            "an import of a into b",
            "the importer b",
            "an import of a into c",
            "the importer c",
            "the exporter a",
        ];
        assert_eq!(words, expected);
    }
}
