//! A run as one HTML file that needs nothing else: no network, and no script to be read.
//!
//! What every report shows comes first: how the run ended, the grid, and the failures in full. After it each cell has a
//! place of its own, named by its id, so that a link leads there: `report.html#mapping.at-offset.drm-vgem`. What holds for
//! many cells is reported once, the rules by case and the devices by pair, so that ten thousand cells are some megabytes.

mod against;
mod broken;
mod causes;
mod cell;
mod coverage;
mod document;
mod filter;
mod heat;
mod machine;
mod page;
mod pairs;
mod rules;
mod top;

pub use document::text;
pub use page::PageInputs;

#[cfg(test)]
mod tests;
