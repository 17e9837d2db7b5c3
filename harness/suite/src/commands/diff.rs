//! `prime-cts diff`.

use suite::exit::Exit;
use suite::report::diff::{self, Diff};

use super::{Trouble, recorded};
use crate::arguments::{Diff as Wanted, Telling};

/// Compares two runs and tells how they differ.
pub fn run(wanted: &Wanted) -> Result<Exit, Trouble> {
    let compared = Diff::of(&recorded(&wanted.before)?, &recorded(&wanted.after)?);
    match wanted.format {
        Telling::Text => print!("{}", diff::text(&compared)),
        Telling::Json => println!("{}", serde_json::to_string_pretty(&compared).expect("it is plain data")),
    }
    Ok(compared.exit())
}
