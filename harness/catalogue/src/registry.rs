//! The registry of `map_dma_buf` implementations that came with the program.

use std::path::Path;

use spec::registry::Registry;
use spec::yaml::Diagnostic;

const EMBEDDED: &str = include_str!("../map_dma_buf.yaml");

/// Reads it.
///
/// # Errors
/// Faults in it, which the program's own tests exclude.
pub fn embedded() -> Result<Registry, Diagnostic> {
    Registry::parse(Path::new("fixtures/map_dma_buf.yaml"), EMBEDDED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::glob::Glob;
    use spec::registry::{Implementation, Kind};
    use std::collections::BTreeSet;

    #[test]
    fn it_is_sound() {
        embedded().unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// The oracle infers a function from the exporter's name where nothing can be traced: from the same facts.
    #[test]
    fn what_is_inferred_from_a_name_is_what_the_registry_tells() {
        let registry = embedded().unwrap();
        let newest = "7.3".parse().unwrap();
        let inferred = |name: &Glob| {
            let fdinfo = format!("size:\t4096\ncount:\t1\nexp_name:\t{name}\n");
            oracle::provenance::from_fdinfo(&fdinfo).unwrap().map_dma_buf
        };
        // What user space cannot reach has no part in it.
        let there = |row: &&Implementation| row.span().covers(&newest) && row.kind != Kind::Selftest;
        for name in registry.map_dma_buf.iter().filter(|row| row.kind != Kind::Selftest).flat_map(|row| &row.exp_name) {
            let namesakes = registry.map_dma_buf.iter().filter(there).filter(|row| row.exp_name.contains(name));
            let symbols: BTreeSet<&str> = namesakes.map(|row| row.symbol.as_str()).collect();
            match symbols.into_iter().collect::<Vec<_>>()[..] {
                [symbol] if !name.to_string().contains('*') => assert_eq!(inferred(name).as_deref(), Some(symbol)),
                [] => {}
                _ => assert_eq!(inferred(name), None, "exporter '{name}'"),
            }
        }
        // amdgpu and xe put their operations in place after the export: the driver tells what the name does not.
        for driver in ["amdgpu", "xe"] {
            let exported = oracle::provenance::from_fdinfo("size:\t4096\ncount:\t1\nexp_name:\tdrm\n").unwrap();
            let symbol = exported.of_driver(driver).map_dma_buf.unwrap();
            let row = registry.implementation(&symbol, "drm", Some(&newest)).unwrap();
            assert!(row.file.contains(&format!("/{driver}/")), "{}", row.file);
        }
    }
}
