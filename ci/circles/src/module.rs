//! The modules of a crate, as their files declare them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::{Attribute, Item};

use crate::path::{Import, imports, paths};

/// Why a crate cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file is there, or it is not readable.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not Rust.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: syn::Error,
    },
    /// The folder has neither a library nor a program.
    #[error("{}: neither src/lib.rs nor src/main.rs", .0.display())]
    NoCrate(PathBuf),
}

/// A module: a file of its own, or a part of one.
#[derive(Debug, Default)]
pub struct Module {
    /// The file that has it.
    pub file: PathBuf,
    /// The module that contains it; the root contains itself.
    pub parent: usize,
    /// The modules within it.
    pub children: BTreeMap<String, usize>,
    /// The names that it defines.
    pub items: BTreeSet<String>,
    /// What it imports, re-exports included.
    pub imports: Vec<Import>,
    /// The paths that are written in it, apart from its imports.
    pub paths: Vec<Vec<String>>,
}

/// The modules of a library or a program. The first one is its root.
#[derive(Debug)]
pub struct Tree {
    /// All of them; a parent comes before its children.
    pub modules: Vec<Module>,
}

/// Finds the files that a crate's library and programs begin with.
pub fn roots(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut roots: Vec<PathBuf> = ["src/lib.rs", "src/main.rs"].iter().map(|name| folder.join(name)).collect();
    let programs = std::fs::read_dir(folder.join("src/bin")).into_iter().flatten().flatten();
    roots.extend(programs.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "rs")));
    roots.retain(|root| root.is_file());
    if roots.is_empty() { Err(Error::NoCrate(folder.to_owned())) } else { Ok(roots) }
}

impl Tree {
    /// Reads a root and all modules that it declares.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let mut tree = Self { modules: vec![Module { file: root.to_owned(), ..Module::default() }] };
        let folder = root.parent().unwrap_or(Path::new(""));
        tree.file(0, folder)?;
        Ok(tree)
    }

    /// Returns whether a module, or one that contains it, is in a file.
    pub fn within(&self, module: usize, file: &Path) -> bool {
        let Module { file: own, parent, .. } = &self.modules[module];
        own == file || module != 0 && self.within(*parent, file)
    }

    /// Reads the file of a module, whose children have theirs in this folder.
    fn file(&mut self, module: usize, folder: &Path) -> Result<(), Error> {
        let path = self.modules[module].file.clone();
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let parsed = syn::parse_file(&text).map_err(|source| Error::Parse { path, source })?;
        self.items(module, folder, parsed.items)
    }

    fn items(&mut self, module: usize, folder: &Path, items: Vec<Item>) -> Result<(), Error> {
        for item in items.into_iter().filter(|item| !attributes(item).iter().any(of_tests)) {
            self.modules[module].items.extend(name(&item));
            match item {
                Item::Mod(declared) => {
                    let name = declared.ident.to_string();
                    let below = folder.join(&name);
                    let (file, content) = match declared.content {
                        Some((_, items)) => (self.modules[module].file.clone(), Some(items)),
                        None => (file_of(folder, &name, &declared.attrs), None),
                    };
                    let child = self.modules.len();
                    self.modules.push(Module { file, parent: module, ..Module::default() });
                    self.modules[module].children.insert(name, child);
                    match content {
                        Some(items) => self.items(child, &below, items)?,
                        None => self.file(child, &below)?,
                    }
                }
                Item::Use(import) => self.modules[module].imports.extend(imports(&import.tree)),
                other => {
                    let (imports, paths) = paths(other.into_token_stream());
                    self.modules[module].imports.extend(imports);
                    self.modules[module].paths.extend(paths);
                }
            }
        }
        Ok(())
    }
}

/// The file of a module without content: `name.rs`, `name/mod.rs`, or what `path` says.
fn file_of(folder: &Path, name: &str, attributes: &[Attribute]) -> PathBuf {
    let said = attributes.iter().filter(|attribute| attribute.path().is_ident("path")).find_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(literal) = &pair.value else { return None };
        let syn::Lit::Str(text) = &literal.lit else { return None };
        Some(folder.join(text.value()))
    });
    let (flat, nested) = (folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"));
    said.unwrap_or(if nested.is_file() { nested } else { flat })
}

/// Returns whether an attribute keeps its item for tests: `cfg(test)`, also among other conditions that have to hold.
fn of_tests(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let text = list.tokens.to_string();
    list.path.is_ident("cfg") && (text == "test" || text.starts_with("all (test") || text.starts_with("all(test"))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
