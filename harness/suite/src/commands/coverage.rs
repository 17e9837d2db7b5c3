//! `prime-cts coverage`.

use suite::exit::Exit;
use suite::report::coverage::{self, Coverage};

use super::{Trouble, recorded};
use crate::arguments::{Coverage as Wanted, Telling};

/// Joins the runs and tells what they have reached.
pub fn run(wanted: &Wanted) -> Result<Exit, Trouble> {
    let registry = suite::registry::embedded().map_err(Trouble::Registry)?;
    let runs = wanted.journals.iter().map(|path| recorded(path)).collect::<Result<Vec<_>, _>>()?;
    let reached = Coverage::of(&registry, &runs);
    match wanted.format {
        Telling::Text => print!("{}", coverage::text(&reached)),
        Telling::Json => println!("{}", serde_json::to_string_pretty(&reached).expect("it is plain data")),
    }
    Ok(reached.exit())
}
