//! Import circles between the files of a crate.
//!
//! A file imports another one by `use`, by a path within an expression, a type or a macro's arguments, or through a name
//! that a third file re-exports; the arrow then goes to the file that defines the name. A module may use what a module that
//! contains it defines: that is how Rust nests them, and not an arrow. Nor is what only tests use (`cfg(test)`).

mod graph;
mod module;
mod path;
mod resolve;

pub use graph::Circle;
pub use module::Error;

use std::path::Path;

use graph::Graph;
use module::Tree;

/// Finds the circles of a crate, whose folder this is: of its library and of each of its programs.
///
/// # Errors
/// A file that cannot be read, or is not Rust; a folder without a crate in it.
pub fn of_crate(folder: &Path) -> Result<Vec<Circle>, Error> {
    let roots = module::roots(folder)?;
    let mut circles = Vec::new();
    for root in roots {
        let tree = Tree::read(&root)?;
        circles.extend(Graph::new(&tree, folder).circles());
    }
    Ok(circles)
}
