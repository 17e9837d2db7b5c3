//! The module that defines what a path names.

use crate::module::Tree;

/// How many re-exports are followed, one after the other; more are a circle among them.
const DEPTH: usize = 16;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// A module.
    Module(usize),
    /// Something that a module defines.
    Item(usize),
}

/// Finds the module that defines what a path names within a module; nothing for another crate's, and for names that no
/// module of this one defines.
pub fn resolve(tree: &Tree, module: usize, path: &[String]) -> Option<usize> {
    match within(tree, module, path, DEPTH)? {
        Named::Module(module) | Named::Item(module) => Some(module),
    }
}

fn within(tree: &Tree, module: usize, path: &[String], depth: usize) -> Option<Named> {
    let depth = depth.checked_sub(1)?;
    let (first, rest) = path.split_first()?;
    let mut named = match first.as_str() {
        "crate" => Named::Module(0),
        "self" => Named::Module(module),
        "super" => Named::Module(tree.modules[module].parent),
        name => lookup(tree, module, name, depth)?,
    };
    for name in rest {
        let Named::Module(at) = named else { break };
        named = match name.as_str() {
            "super" => Named::Module(tree.modules[at].parent),
            "self" => named,
            // What a macro defines is the module's.
            name => lookup(tree, at, name, depth).unwrap_or(Named::Item(at)),
        };
    }
    Some(named)
}

/// What a name stands for in a module: what it contains, defines, or imports.
fn lookup(tree: &Tree, module: usize, name: &str, depth: usize) -> Option<Named> {
    let here = &tree.modules[module];
    if let Some(child) = here.children.get(name) {
        return Some(Named::Module(*child));
    }
    if here.items.contains(name) {
        return Some(Named::Item(module));
    }
    let imports = here.imports.iter().filter(|import| import.name.as_deref() == Some(name));
    // `use name::…;` of another crate imports nothing that would be found by itself.
    let mut imports = imports.filter(|import| import.path.first().is_none_or(|first| first != name));
    if let Some(found) = imports.find_map(|import| within(tree, module, &import.path, depth)) {
        return Some(found);
    }
    let depth = depth.checked_sub(1)?;
    let globs = here.imports.iter().filter(|import| import.name.is_none());
    globs.filter(|glob| glob.path.first().is_none_or(|first| first != name)).find_map(|glob| {
        match within(tree, module, &glob.path, depth)? {
            Named::Module(from) if from != module => lookup(tree, from, name, depth),
            _ => None,
        }
    })
}
