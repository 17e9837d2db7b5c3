//! Which of the planned cells are wanted.

use std::path::Path;
use std::rc::Rc;

use catalogue::CatalogueError;
use device::Endpoint;
use runner::plan::{Plan, plan};
use spec::case::{Case, Tag, case_of};
use spec::glob::Glob;

use crate::options::Choice;

/// A choice of cells that cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// A cell was named that is not planned; with the planned one that is nearest to it.
    #[error("no cell is called '{0}'; 'prime-cts plan' lists them{hint}", hint = .1.as_ref().map_or(String::new(), |near| format!(", '{near}' is the nearest")))]
    NoSuchCell(String, Option<String>),
    /// A cell was named whose case is left out without `--intrusive`.
    #[error("'{0}' is a cell of an intrusive case: pass --intrusive as well")]
    Intrusive(String),
    /// No planned cell matches a filter.
    #[error("no cell matches {0}; 'prime-cts plan' lists them")]
    NoMatch(String),
    /// Every cell that the filters take is skipped.
    #[error("--skip leaves no cell; 'prime-cts plan' lists them")]
    AllSkipped,
}

/// The words on the command line that choose cells.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// Texts or globs, one of which must match; none takes every cell.
    pub filter: &'a [String],
    /// Whole ids.
    pub exact: &'a [String],
    /// Texts or globs, none of which may match.
    pub skip: &'a [String],
    /// Tags, one of which a case must have; none takes every case.
    pub tags: &'a [Tag],
    /// True if intrusive cases are taken.
    pub intrusive: bool,
}

/// The choice of a command line.
pub fn chosen<'a>(filter: &'a [String], choice: &'a Choice) -> Selection<'a> {
    let Choice { exact, skip, tags, intrusive, .. } = choice;
    Selection { filter, exact, skip, tags, intrusive: *intrusive }
}

/// The cases of a folder, or those that are built in.
pub fn cases(folder: Option<&Path>) -> Result<Vec<Case>, CatalogueError> {
    folder.map_or_else(|| Ok(catalogue::embedded()), catalogue::from_folder)
}

impl Selection<'_> {
    /// Returns whether nothing is left out.
    pub fn is_everything(self) -> bool {
        self.filter.is_empty() && self.exact.is_empty() && self.skip.is_empty() && self.tags.is_empty()
    }

    /// The cells of the plan for cases and endpoints that are wanted.
    pub fn cells(self, cases: Vec<Case>, endpoints: &[Rc<Endpoint>]) -> Result<Plan, ChoiceError> {
        let intrusive = |case: &&Case| case.tags.contains(&Tag::Intrusive);
        let intrusive: Vec<String> = cases.iter().filter(intrusive).map(Case::id).collect();
        let cases: Vec<_> = cases.into_iter().filter(|case| self.tagged(case)).map(Rc::new).collect();
        let mut all = plan(&cases, endpoints);
        if self.intrusive {
            all = all.intrusive();
        }
        if let Some(id) = self.exact.iter().find(|id| !all.iter().any(|cell| cell.id == **id)) {
            let left_out = !self.intrusive && intrusive.iter().any(|case| *case == case_of(id));
            return Err(match left_out {
                true => ChoiceError::Intrusive(id.clone()),
                false => ChoiceError::NoSuchCell(id.clone(), nearest(id, &all)),
            });
        }
        if all.is_empty() {
            return Ok(all);
        }
        if !self.names_every() {
            all.retain(|cell| self.names(&cell.id));
        }
        if all.is_empty() {
            let texts: Vec<_> = self.filter.iter().map(|text| format!("'{text}'")).collect();
            return Err(ChoiceError::NoMatch(texts.join(" or ")));
        }
        if !self.skip.is_empty() {
            all.retain(|cell| !any(self.skip, &cell.id));
        }
        if all.is_empty() {
            return Err(ChoiceError::AllSkipped);
        }
        if self.tags.contains(&Tag::Quick) {
            all.keep_quick(self.tags);
        }
        Ok(all)
    }

    fn tagged(self, case: &Case) -> bool {
        // Of quick cells every case has some.
        let every = self.tags.is_empty() || self.tags.contains(&Tag::Quick);
        let wanted = every || case.tags.iter().any(|tag| self.tags.contains(tag));
        wanted && (self.intrusive || !case.tags.contains(&Tag::Intrusive))
    }

    fn names_every(self) -> bool {
        self.filter.is_empty() && self.exact.is_empty()
    }

    fn names(self, id: &str) -> bool {
        self.exact.iter().any(|exact| exact == id) || any(self.filter, id)
    }
}

fn any(texts: &[String], id: &str) -> bool {
    texts.iter().any(|text| if text.contains('*') { Glob::new(text.clone()).matches(id) } else { id.contains(text) })
}

/// The planned cell that shares the longest beginning with an id.
fn nearest(id: &str, cells: &Plan) -> Option<String> {
    let shared = |other: &str| id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    cells.iter().map(|cell| cell.id).max_by_key(|other| shared(other)).filter(|other| shared(other) > 3)
}
