//! Whose code a trace of the kernel runs through: the modules named in it, compared with the drivers of a cell's devices.

use crate::finding::Blame;

/// The drivers of a cell's devices.
#[derive(Debug, Clone, Default)]
pub struct Drivers {
    exporter: Option<Party>,
    importers: Vec<Party>,
}

/// A device of a cell, by the names that a trace can have of it.
#[derive(Debug, Clone, Default)]
pub struct Party {
    /// The driver's name, as the device tells it.
    pub driver: String,
    /// The module that has it; nothing where it is built in, or not known.
    pub module: Option<String>,
    /// Where the device sits, as a path in sysfs.
    pub topology: String,
}

/// The words of reports about memory that is in disorder: the kernel finds it where the memory is used or freed next, and its
/// trace names whom that hits.
const OF_VICTIMS: &[&str] = &[
    "Bad page",
    "Bad rss-counter",
    "bad page state",
    "corruption",
    "Poison overwritten",
    "Redzone overwritten",
    "Freepointer corrupt",
    "Padding overwritten",
    "Object already free",
];

/// Returns whether the title of a report says that memory is in disorder, and not who did it.
pub fn names_a_victim(title: &str) -> bool {
    OF_VICTIMS.iter().any(|words| title.contains(words))
}

/// A function in a line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The function.
    pub function: &'a str,
    /// Its module; empty where it is built in.
    pub module: &'a str,
}

impl Drivers {
    /// Creates the drivers of a cell's endpoints.
    pub fn of(exporter: Option<Party>, importers: Vec<Party>) -> Self {
        Self { exporter, importers }
    }

    /// Whom the first line blames that names code of one of the two sides: a trace begins where it happened. Where no line
    /// does, whose device a line names; else the kernel as a whole.
    pub fn blamed_by(&self, lines: &[String]) -> Blame {
        let by_code =
            lines.iter().flat_map(|line| frames(line)).find_map(|frame| self.side_of(|party| party.has(frame)));
        let by_device = || lines.iter().find_map(|line| self.side_of(|party| party.is_named_in(line)));
        by_code.or_else(by_device).unwrap_or(Blame::Kernel)
    }

    fn side_of(&self, is: impl Fn(&Party) -> bool) -> Option<Blame> {
        let (exports, imports) = (self.exporter.as_ref().is_some_and(&is), self.importers.iter().any(&is));
        match (exports, imports) {
            (true, true) => Some(Blame::Undecided),
            (true, false) => Some(Blame::Exporter),
            (false, true) => Some(Blame::Importer),
            (false, false) => None,
        }
    }
}

impl Party {
    fn has(&self, frame: Frame<'_>) -> bool {
        let plain = |name: &str| name.replace('-', "_");
        match (&self.module, frame.module) {
            // What is built in has its driver's name before its functions' by custom.
            (None, "") => plain_stems(&self.driver)
                .iter()
                .any(|stem| frame.function.strip_prefix(stem.as_str()).is_some_and(|rest| rest.starts_with('_'))),
            (_, "") => false,
            (Some(module), named) => plain(module) == plain(named),
            (None, named) => belongs(named, &self.driver),
        }
    }

    /// Returns whether a line begins as one of `dev_err` of the device does: `vkms 0000:00:02.0: `, `platform vgem: `.
    fn is_named_in(&self, line: &str) -> bool {
        let device = self.topology.split('#').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let Some((before, _)) = line.split_once(": ") else { return false };
        let mut words = before.rsplit(' ');
        !device.is_empty() && words.next() == Some(device) && words.next().is_some()
    }
}

/// `bochs-drm` calls its functions `bochs_`, `vgem` calls them `vgem_`. Less than four letters say nothing.
fn plain_stems(driver: &str) -> Vec<String> {
    let plain = driver.replace('-', "_");
    let short = plain.strip_suffix("_drm").map(str::to_owned);
    std::iter::once(plain).chain(short).filter(|stem| stem.len() >= 4).collect()
}

/// The functions that a line of a trace names, with their modules:
///
/// - `canary_map+0x1d/0x90 [prime_canary]`, also with a comma or a bracket behind it, or with the module's build id in it;
/// - `canary_map [prime_canary] from caller+0x1/0x2 [other]`, on 32-bit Arm since 5.18;
/// - `[<c0101010>] (canary_map [prime_canary]) from [<c0101010>] (caller+0x1/0x2)`, there before.
///
/// A time stamp in brackets has a dot, and a task's number follows no function.
pub fn frames(line: &str) -> impl Iterator<Item = Frame<'_>> {
    let mut words = line.split_whitespace().peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?.trim_matches(['(', ')', ',']);
            // `0010:fn+0x1/0x2` behind RIP.
            let name = word.rsplit_once(':').map_or(word, |(_, name)| name);
            let (function, exact) = name.split_once("+0x").map_or((name, false), |(function, _)| (function, true));
            let is_name = function.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
            if function.is_empty() || !is_name {
                continue;
            }
            let module = words.peek().and_then(|next| module(next));
            match module {
                Some((module, closed)) if exact || (closed && is_followed_by_from(&words)) => {
                    words.next();
                    return Some(Frame { function, module });
                }
                Some((module, false)) if exact => {
                    words.next();
                    return Some(Frame { function, module });
                }
                _ if exact => return Some(Frame { function, module: "" }),
                _ => {}
            }
        }
    })
}

/// Returns whether the word behind the next is `from`.
fn is_followed_by_from<'a>(words: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
    words.clone().nth(1) == Some("from")
}

/// The module that a word names, and whether its bracket is closed in the word: with a build id it is not.
fn module(word: &str) -> Option<(&str, bool)> {
    let word = word.trim_end_matches([',', ')', ':']).strip_prefix('[')?;
    let (name, closed) = word.strip_suffix(']').map_or((word, false), |name| (name, true));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (letter && name.bytes().all(is_name)).then_some((name, closed))
}

/// Returns whether a module is a driver's. `bochs-drm` is in the module `bochs`, `cirrus-qemu` in `cirrus_qemu`.
fn belongs(module: &str, driver: &str) -> bool {
    let (module, driver) = (module.replace('-', "_"), driver.replace('-', "_"));
    driver == module || driver.strip_prefix(&module).is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(driver: &str) -> Party {
        Party { driver: driver.into(), ..Party::default() }
    }

    fn blamed(lines: &[&str]) -> Blame {
        let drivers = Drivers::of(Some(party("prime_canary")), vec![party("bochs-drm")]);
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
        let drivers = Drivers::of(Some(party("vgem")), vec![party("vgem")]);
        assert_eq!(drivers.blamed_by(&["a+0x1/0x2 [vgem]".into()]), Blame::Undecided);
    }

    #[test]
    fn who_frees_a_bad_page_has_not_made_it_one() {
        assert!(names_a_victim("BUG: Bad page state in process x  pfn:1"));
        assert!(names_a_victim("list_del corruption, 0x1->next is LIST_POISON1"));
        assert!(!names_a_victim("WARNING: CPU: 0 PID: 1 at x.c:1 x+0x1/0x2 [x]"));
    }

    #[test]
    fn every_form_of_a_frame_is_read() {
        let of = |line: &str| -> Vec<(String, String)> {
            frames(line).map(|frame| (frame.function.to_owned(), frame.module.to_owned())).collect()
        };
        let pair = |function: &str, module: &str| (function.to_owned(), module.to_owned());
        assert_eq!(of("RIP: 0010:vc4_map+0x9/0x20 [vc4]"), [pair("vc4_map", "vc4")]);
        assert_eq!(of("WARNING: ./a.c:1 at vc4_map+0x1/0x2 [vc4], CPU#0: x/1"), [pair("vc4_map", "vc4")]);
        assert_eq!(of(" vc4_map+0x1/0x2 [vc4 3cf4ce2c0a]"), [pair("vc4_map", "vc4")]);
        assert_eq!(of(" vc4_map [vc4] from caller+0x1/0x2 [b]"), [pair("vc4_map", "vc4"), pair("caller", "b")]);
        let old = "[<bf000000>] (vc4_map [vc4]) from [<bf000010>] (caller+0x1/0x2 [b])";
        assert_eq!(of(old), [pair("vc4_map", "vc4"), pair("caller", "b")]);
        assert_eq!(of("[   12.345678] BUG: Bad page state in process x  pfn:1"), []);
        assert_eq!(of("CPU: 0 PID: 1 Comm: x [vc4]"), []);
        assert_eq!(of(" dma_map+0x1/0x2"), [pair("dma_map", "")]);
    }

    #[test]
    fn a_module_of_another_name_is_known_by_sysfs_and_what_is_built_in_by_its_functions() {
        let tegra = Party { module: Some("tegra_drm".into()), ..party("tegra") };
        let drivers = Drivers::of(Some(tegra), vec![party("vgem")]);
        let blamed = |line: &str| drivers.blamed_by(&[line.to_owned()]);
        assert_eq!(blamed(" tegra_bo_map+0x1/0x2 [tegra_drm]"), Blame::Exporter);
        assert_eq!(blamed(" vgem_gem_fault+0x1/0x2"), Blame::Importer);
        assert_eq!(blamed(" tegra_bo_map+0x1/0x2"), Blame::Kernel, "it is in a module, and this is not");
        assert_eq!(blamed(" drm_gem_map_dma_buf+0x1/0x2 [drm]"), Blame::Kernel);
    }

    #[test]
    fn a_line_about_a_device_is_of_its_side() {
        let of = |topology: &str| Party { topology: topology.into(), ..party("x") };
        let drivers = Drivers::of(Some(of("pci0000:00/0000:00:02.0")), vec![of("platform/vivid.0#1")]);
        let blamed = |line: &str| drivers.blamed_by(&[line.to_owned()]);
        assert_eq!(blamed("vivid vivid.0: swiotlb buffer is full (sz: 4096 bytes)"), Blame::Importer);
        assert_eq!(blamed("bochs-drm 0000:00:02.0: overflow 0x1+1 of DMA mask"), Blame::Exporter);
        assert_eq!(blamed("pci 0000:00:03.0: x"), Blame::Kernel);
    }
}
