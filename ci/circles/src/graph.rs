//! Which file imports which, and the ways that lead back to where they began.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::module::Tree;
use crate::resolve::resolve;

/// Files of which each one imports the next, and the last one the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// Each file, with a path by which it names something of the next one.
    pub arrows: Vec<(PathBuf, String)>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, path) in &self.arrows {
            write!(f, "{} -> ({path}) -> ", file.display())?;
        }
        write!(f, "{}", self.arrows.first().map_or(Path::new(""), |(file, _)| file).display())
    }
}

/// The arrows between the files of a library or a program.
pub struct Graph {
    arrows: BTreeMap<PathBuf, BTreeMap<PathBuf, String>>,
}

impl Graph {
    /// Draws the arrows. Files are named by their path within a folder.
    pub fn new(tree: &Tree, folder: &Path) -> Self {
        let mut arrows: BTreeMap<PathBuf, BTreeMap<PathBuf, String>> = BTreeMap::new();
        let name = |module: usize| {
            let file = &tree.modules[module].file;
            file.strip_prefix(folder).unwrap_or(file).to_owned()
        };
        for (number, module) in tree.modules.iter().enumerate() {
            let paths = module.imports.iter().map(|import| &import.path).chain(&module.paths);
            for path in paths {
                let Some(target) = resolve(tree, number, path) else { continue };
                let (from, to) = (name(number), name(target));
                if from != to && !tree.within(number, &tree.modules[target].file) {
                    arrows.entry(from).or_default().entry(to).or_insert_with(|| path.join("::"));
                }
            }
        }
        Self { arrows }
    }

    /// Finds a shortest circle through each file that is on none of those found before.
    pub fn circles(&self) -> Vec<Circle> {
        let (mut found, mut known) = (Vec::new(), BTreeSet::new());
        for file in self.arrows.keys() {
            if !known.contains(file)
                && let Some(circle) = self.back_to(file)
            {
                known.extend(circle.arrows.iter().map(|(file, _)| file.clone()));
                found.push(circle);
            }
        }
        found
    }

    fn back_to(&self, start: &PathBuf) -> Option<Circle> {
        let mut from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(file) = queue.pop_front() {
            for next in self.arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
                if next == start {
                    return Some(self.along(&from, start, file));
                }
                if !from.contains_key(next) {
                    from.insert(next, file);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// The circle that ends with this file, by which file each one was come to from.
    fn along(&self, from: &BTreeMap<&PathBuf, &PathBuf>, start: &PathBuf, last: &PathBuf) -> Circle {
        let mut files = vec![last];
        while let Some(before) = from.get(files[files.len() - 1]).filter(|_| files[files.len() - 1] != start) {
            files.push(before);
        }
        files.reverse();
        let next = files.iter().skip(1).chain([&start]);
        let arrow = |(file, next): (&&PathBuf, &&PathBuf)| ((*file).clone(), self.arrows[*file][*next].clone());
        Circle { arrows: files.iter().zip(next).map(arrow).collect() }
    }
}
