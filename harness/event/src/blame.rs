//! Whose code a trace of the kernel runs through: the modules named in it, compared with the drivers of a cell's devices.

use crate::finding::Blame;

/// The drivers of a cell's devices.
#[derive(Debug, Clone, Default)]
pub struct Drivers {
    exporter: Option<String>,
    importers: Vec<String>,
}

impl Drivers {
    /// Creates the drivers of a cell's endpoints.
    pub fn named(exporter: Option<String>, importers: Vec<String>) -> Self {
        Self { exporter, importers }
    }

    /// Whom the first line blames that names a module of one of the two sides: a trace begins where it happened. Where
    /// no line does, the kernel as a whole.
    pub fn blamed_by(&self, lines: &[String]) -> Blame {
        lines.iter().flat_map(|line| modules(line)).find_map(|module| self.side_of(module)).unwrap_or(Blame::Kernel)
    }

    fn side_of(&self, module: &str) -> Option<Blame> {
        let exports = self.exporter.as_ref().is_some_and(|driver| belongs(module, driver));
        let imports = self.importers.iter().any(|driver| belongs(module, driver));
        match (exports, imports) {
            (true, true) => Some(Blame::Undecided),
            (true, false) => Some(Blame::Exporter),
            (false, true) => Some(Blame::Importer),
            (false, false) => None,
        }
    }
}

/// The modules that a line of a trace names: `canary_map+0x1d/0x90 [prime_canary]`. A time stamp in brackets has a dot,
/// and a task's number follows no symbol.
fn modules(line: &str) -> impl Iterator<Item = &str> {
    let mut parts = line.split_whitespace();
    let mut symbol = false;
    std::iter::from_fn(move || {
        loop {
            let part = parts.next()?;
            let after_symbol = std::mem::replace(&mut symbol, part.contains("+0x"));
            let named = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
            if let Some(module) = named.filter(|_| after_symbol) {
                return Some(module);
            }
        }
    })
}

/// Returns whether a module is a driver's. `bochs-drm` is in the module `bochs`, `cirrus-qemu` in `cirrus_qemu`.
fn belongs(module: &str, driver: &str) -> bool {
    let (module, driver) = (module.replace('-', "_"), driver.replace('-', "_"));
    driver == module || driver.strip_prefix(&module).is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blamed(lines: &[&str]) -> Blame {
        let drivers = Drivers { exporter: Some("prime_canary".into()), importers: vec!["bochs-drm".into()] };
        drivers.blamed_by(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_module_of_a_side_is_to_blame() {
        let warning = "WARNING: CPU: 0 PID: 21 at canary.c:9 canary_map+0x1d/0x90 [prime_canary]";
        let frame = " ? bochs_import+0x11/0x40 [bochs]";
        assert_eq!(blamed(&[warning, frame]), Blame::Exporter);
        assert_eq!(blamed(&["RIP: 0010:dma_buf_map_attachment+0x9/0x20", frame, warning]), Blame::Importer);
    }

    #[test]
    fn where_no_side_is_named_it_is_the_kernel() {
        assert_eq!(blamed(&["[   12.345678] BUG: Bad page state", "x+0x1/0x2 [drm]", "PID 1 [bochs]"]), Blame::Kernel);
        assert_eq!(blamed(&[]), Blame::Kernel);
    }

    #[test]
    fn a_module_of_both_sides_decides_nothing() {
        let drivers = Drivers { exporter: Some("vgem".into()), importers: vec!["vgem".into()] };
        assert_eq!(drivers.blamed_by(&["a+0x1/0x2 [vgem]".into()]), Blame::Undecided);
    }
}
