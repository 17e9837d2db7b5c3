//! The one line by which a report is known.

use crate::kind::SplatKind;
use crate::trace;

/// Before the program counter of each architecture: x86 (64 and 32 bits), Arm (64 and 32), RISC-V and MIPS, PowerPC, s390,
/// `LoongArch`.
const COUNTERS: &[&str] =
    &["RIP: ", "EIP: ", "EIP is at ", "pc : ", "PC is at ", "epc ", "NIP ", "Krnl PSW : ", "ERA: ", "pc "];

/// Returns the title of a report: the line that announces it, with the function where that line has none, and for a warning
/// with the message that the kernel prints above.
pub fn of(kind: SplatKind, announced: &str, lines: &[String]) -> String {
    match kind {
        SplatKind::Warning => match message(announced, lines) {
            Some(message) => format!("{announced}: {message}"),
            None => announced.to_owned(),
        },
        SplatKind::DmaLimit => match warned_in(lines) {
            Some(function) => format!("{announced} in {function}"),
            None => announced.to_owned(),
        },
        SplatKind::Oops | SplatKind::Bug | SplatKind::Hung | SplatKind::Corruption | SplatKind::Lockdep => {
            let function =
                function(lines).filter(|function| !announced.contains(function.split(' ').next().unwrap_or("")));
            function.map_or_else(|| announced.to_owned(), |function| format!("{announced} in {function}"))
        }
        _ => announced.to_owned(),
    }
}

/// The text of `WARN(condition, text)`: it stands between the line of scissors and the warning. A line of another context may
/// stand there as well, and those that are of a trace are none.
fn message<'a>(announced: &str, lines: &'a [String]) -> Option<&'a str> {
    let at = lines.iter().position(|line| line == announced)?;
    let message = lines.get(1..at)?.first()?;
    let is_of_trace = message.is_empty() || message.starts_with([' ', '\t']) || message.contains("+0x");
    let is_head = ["CPU: ", "Hardware name: ", "Modules linked in:"].iter().any(|words| message.starts_with(words));
    (lines[0].starts_with("----") && !is_of_trace && !is_head).then_some(message.as_str())
}

/// The function that a warning is in: the last word of its line, and the module behind it.
fn warned_in(lines: &[String]) -> Option<String> {
    let warning = lines.iter().find(|line| line.starts_with("WARNING: "))?;
    let mut words = warning.split(' ').skip_while(|word| !word.contains("+0x"));
    let function = words.next()?.split("+0x").next()?;
    // Since 6.19 a comma and the processor follow.
    let module = words.next().map(|word| word.trim_end_matches(',')).filter(|word| word.starts_with('['));
    Some(module.map_or_else(|| function.to_owned(), |module| format!("{function} {module}")))
}

/// The function that the program counter is in, and its module: `vgem_map [vgem]`. Only above the trace: further down stands
/// what was interrupted.
fn function(lines: &[String]) -> Option<String> {
    lines.iter().take_while(|line| !trace::begins(line)).find_map(|line| {
        let line = line.trim_start();
        let rest = COUNTERS.iter().find_map(|counter| line.strip_prefix(counter))?;
        let mut words = rest.split([' ', '(', ')']).filter(|word| !word.is_empty());
        let place = words.find(|word| word.contains("+0x"))?;
        let function = place.split_once("+0x").map(|(name, _)| name.rsplit_once(':').map_or(name, |(_, name)| name))?;
        let module = words.next().filter(|word| word.starts_with('['));
        let module = module.map(|module| module.trim_matches(['[', ']']));
        Some(module.map_or_else(|| function.to_owned(), |module| format!("{function} [{module}]")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(kind: SplatKind, lines: &[&str]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        of(kind, "it", &lines)
    }

    #[test]
    fn each_processor_s_counter_names_the_function() {
        for counter in [
            "RIP: 0010:cam_map+0x1d/0x90 [cam]",
            "RIP: 0010:[<ffffffffa0010001>]  [<ffffffffa0010001>] cam_map+0x1d/0x90 [cam]",
            "EIP: cam_map+0x1d/0x90 [cam 0123abcd]",
            "pc : cam_map+0x1d/0x90 [cam]",
            "PC is at cam_map+0x1d/0x90 [cam]",
            "epc   : 80123456 cam_map+0x1d/0x90 [cam]",
            "epc : cam_map+0x1d/0x90 [cam]",
            "NIP [c000000000123456] cam_map+0x1d/0x90 [cam]",
            "   ERA: 9000000000123456 cam_map+0x1d/0x90 [cam]",
        ] {
            assert_eq!(title(SplatKind::Oops, &["it", counter]), "it in cam_map [cam]", "{counter}");
        }
        let psw = "Krnl PSW : 0704c00180000000 000003ff80010001 (cam_map+0x1d/0x90)";
        assert_eq!(title(SplatKind::Oops, &["it", psw]), "it in cam_map");
    }

    #[test]
    fn what_was_interrupted_and_programs_are_no_function() {
        assert_eq!(title(SplatKind::Bug, &["it", "Call Trace:", "RIP: 0010:x+0x1/0x2"]), "it");
        assert_eq!(title(SplatKind::Oops, &["it", "RIP: 0033:0x7f0123"]), "it");
    }

    #[test]
    fn memory_beyond_a_device_s_reach_has_the_function_that_warns_of_it() {
        let warning = "WARNING: CPU: 0 PID: 656 at kernel/dma/direct.h:103 dma_direct_map_sg+0x328/0x334";
        assert_eq!(title(SplatKind::DmaLimit, &["it", warning]), "it in dma_direct_map_sg");
        assert_eq!(title(SplatKind::DmaLimit, &["it", &format!("{warning} [m]")]), "it in dma_direct_map_sg [m]");
        assert_eq!(title(SplatKind::DmaLimit, &["it", "WARNING: x"]), "it");
        let newer = "WARNING: kernel/dma/direct.h:103 at dma_direct_map_sg+0x328/0x334";
        for (rest, module) in [(", CPU#1: prime-cts/656", ""), (" [m], CPU#1: prime-cts/656", " [m]")] {
            let expected = format!("it in dma_direct_map_sg{module}");
            assert_eq!(title(SplatKind::DmaLimit, &["it", &format!("{newer}{rest}")]), expected);
        }
    }

    #[test]
    fn a_warning_has_its_message() {
        let cut = "------------[ cut here ]------------";
        assert_eq!(title(SplatKind::Warning, &[cut, "no buffer", "it"]), "it: no buffer");
        assert_eq!(title(SplatKind::Warning, &[cut, "it"]), "it");
        assert_eq!(title(SplatKind::Warning, &[cut, " ? fn+0x1/0x2", "it"]), "it");
        assert_eq!(title(SplatKind::Warning, &["it"]), "it");
    }
}
