//! One line of `trace_pipe`.

use super::probe::What;
use super::sharing::Call;
use crate::trace::lines::lost;

/// The content of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A buffer was exported.
    Export(Export),
    /// Events were overwritten.
    Lost,
}

/// A call of a function that touches struct pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The thread that called it.
    pub pid: i32,
    /// The function.
    pub function: String,
    /// The caller, where the kernel shows it: a function and its module.
    pub caller: Option<String>,
}

/// A call of `dma_buf_export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) pid: i32,
    pub(super) exp_name: String,
    pub(super) map: Option<Symbol>,
    /// True if two places were read, for only offsets are known: see [`super::events`].
    pub(super) by_offsets: bool,
    /// The pointer after `map`, in that case.
    pub(super) behind: Option<Symbol>,
    pub(super) size: Option<u64>,
}

/// A function of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) module: Option<String>,
}

/// Reads a line of our event, `COMM-PID [CPU] FLAGS TIME: EVENT: (PLACE) name="..." map=... [behind=...] size=...`
/// (`trace_print_context` of `kernel/trace/trace_output.c`, `print_kprobe_event` of `trace_kprobe.c`).
pub(super) fn parse(line: &str, event: &str) -> Option<Line> {
    if lost(line) > 0 {
        return Some(Line::Lost);
    }
    let (pid, call) = called(line, event)?;
    let (_, arguments) = call.split_once(") ")?;
    let arguments = format!(" {arguments}");
    Some(Line::Export(Export {
        pid,
        exp_name: value(&arguments, "name").unwrap_or("").trim_matches('"').into(),
        map: value(&arguments, "map").and_then(symbol),
        by_offsets: value(&arguments, "behind").is_some(),
        behind: value(&arguments, "behind").and_then(symbol),
        size: value(&arguments, "size").and_then(number),
    }))
}

/// Reads a line of a function that touches struct pages.
pub(super) fn touch(line: &str, event: &str, function: &str) -> Option<Touch> {
    let (pid, call) = called(line, event)?;
    let caller = call.split_once(" from=").map(|(_, caller)| caller.trim());
    let caller = caller.filter(|caller| caller.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    let caller = caller.map(|caller| {
        let (name, rest) = caller.split_once('+').unwrap_or((caller, ""));
        let module = rest.split_once(" [").map_or(String::new(), |(_, module)| format!(" [{module}"));
        format!("{name}{module}")
    });
    Some(Touch { pid, function: function.to_owned(), caller })
}

/// Reads a line of a function that maps or unmaps: `attachment=0x... device=0x...`, or `table=0x...`.
pub(super) fn table(line: &str, event: &str, what: What) -> Option<Call> {
    let (pid, call) = called(line, event)?;
    let value = |key: &str| {
        let (_, rest) = call.split_once(&format!(" {key}="))?;
        number(rest.split_whitespace().next()?)
    };
    match what {
        What::Map => Some(Call::Map { pid, attachment: value("attachment")?, device: value("device")? }),
        What::Mapped => Some(Call::Mapped { pid, table: value("table")? }),
        What::Unmap => Some(Call::Unmap { attachment: value("attachment")? }),
        What::Touch(_) | What::Frame => None,
    }
}

/// Reads a line of a function that maps page frames: the thread and `frame=0x...`.
pub(super) fn frame(line: &str, event: &str) -> Option<(i32, u64)> {
    let (pid, call) = called(line, event)?;
    let (_, frame) = call.split_once(" frame=")?;
    Some((pid, number(frame.trim())?))
}

/// The thread of an event's line, and what follows the event's name.
fn called<'a>(line: &'a str, event: &str) -> Option<(i32, &'a str)> {
    let (context, call) = line.split_once(&format!(" {event}: ("))?;
    Some((pid(context)?, call))
}

/// The number after the last `-` before the processor; a thread's name may hold anything, brackets too. With the option
/// `record-tgid` the process follows in parentheses.
pub(crate) fn pid(context: &str) -> Option<i32> {
    let (thread, _) = context.rsplit_once(" [")?;
    let thread = thread.trim_end();
    let thread = if thread.ends_with(')') { thread.rsplit_once('(')?.0.trim_end() } else { thread };
    thread.rsplit_once('-')?.1.parse().ok()
}

const KEYS: [&str; 4] = [" name=", " map=", " behind=", " size="];

fn value<'a>(arguments: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = arguments.split_once(&format!(" {key}="))?;
    let end = KEYS.iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
    Some(rest[..end].trim())
}

/// `FUNCTION+0x0/0xSIZE [MODULE]`; an address that is not a function's, or that could not be read, is none. In a kernel of
/// Thumb code functions begin at `+0x1`; what a compiler appends after a `.` is left out.
fn symbol(text: &str) -> Option<Symbol> {
    let (function, module) = match text.split_once(" [") {
        Some((function, module)) => (function, module.strip_suffix(']')),
        None => (text, None),
    };
    let (name, offset) = function.split_once('+').unwrap_or((function, "0x0/"));
    let first = name.chars().next()?;
    let is_start = offset.starts_with("0x0/") || offset.starts_with("0x1/");
    let is_name = first == '_' || first.is_ascii_alphabetic();
    let name = name.split('.').next()?;
    (is_name && is_start).then(|| Symbol { name: name.into(), module: module.map(Into::into) })
}

/// Decimal or, with `0x`, hexadecimal: which, depends on the type that the kernel found.
pub(crate) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(line: &str) -> Export {
        match parse(line, "export_900_0") {
            Some(Line::Export(export)) => export,
            other => panic!("{other:?}"),
        }
    }

    fn named(name: &str, module: Option<&str>) -> Option<Symbol> {
        Some(Symbol { name: name.into(), module: module.map(Into::into) })
    }

    #[test]
    fn a_function_of_a_module_read_by_names() {
        let seen = export(
            "       prime-cts-901     [001] ..... 12.345678: export_900_0: (dma_buf_export+0x0/0x330) name=\"drm\" \
             map=drm_gem_map_dma_buf+0x0/0xe0 [drm] size=614400",
        );
        assert_eq!((seen.pid, seen.exp_name.as_str(), seen.size), (901, "drm", Some(614_400)));
        assert_eq!((seen.map, seen.behind), (named("drm_gem_map_dma_buf", Some("drm")), None));
    }

    #[test]
    fn a_touch_tells_who_called() {
        let read = |line: &str| touch(line, "touch_9_0_drm_clflush_sg", "drm_clflush_sg");
        let line = " prime-cts-42  [001] ..... 1.5: touch_9_0_drm_clflush_sg: (drm_clflush_sg+0x0/0x90) \
            from=vendor_gem_import+0x51/0xe0 [vendor]";
        let seen = read(line).unwrap();
        assert_eq!((seen.pid, seen.function.as_str()), (42, "drm_clflush_sg"));
        assert_eq!(seen.caller.as_deref(), Some("vendor_gem_import [vendor]"));
        let bare = read(" a-7 [000] ..... 1.5: touch_9_0_drm_clflush_sg: (drm_clflush_sg+0x0/0x90)");
        assert_eq!(bare, Some(Touch { pid: 7, function: "drm_clflush_sg".into(), caller: None }));
        assert_eq!(read(" a-7 [000] ..... 1.5: touch_8_0_drm_clflush_sg: (x+0x0/0x90)"), None);
    }

    #[test]
    fn page_frames_that_are_mapped() {
        let line = " c-7 [000] ..... 1.0: frame_9_0_remap_pfn_range: (remap_pfn_range+0x0/0x50) frame=0x4c000";
        assert_eq!(frame(line, "frame_9_0_remap_pfn_range"), Some((7, 0x4c000)));
        assert_eq!(frame(line, "frame_8_0_remap_pfn_range"), None);
    }

    #[test]
    fn the_calls_that_map_and_unmap() {
        let map = " c-7 [000] ..... 1.0: table_9_0_p_m: (dma_buf_map_attachment+0x0/0x1e0) \
            attachment=0xffff8880041a2c00 device=0xffff888003a4e010";
        let expected = Call::Map { pid: 7, attachment: 0xffff_8880_041a_2c00, device: 0xffff_8880_03a4_e010 };
        assert_eq!(table(map, "table_9_0_p_m", What::Map), Some(expected));
        let mapped = " c-7 [000] ..... 1.0: table_9_0_r_m: (drm_gem_prime_import_dev+0x6c/0x130 [drm] <- \
            dma_buf_map_attachment_unlocked) table=0xffffffffffffffea";
        assert_eq!(table(mapped, "table_9_0_r_m", What::Mapped), Some(Call::Mapped { pid: 7, table: (-22i64) as u64 }));
        assert_eq!(table(map, "table_9_0_p_m", What::Unmap), Some(Call::Unmap { attachment: 0xffff_8880_041a_2c00 }));
        let unread = " c-7 [000] ..... 1.0: table_9_0_p_m: (m+0x0/0x1e0) attachment=0x10 device=(fault)";
        assert_eq!(table(unread, "table_9_0_p_m", What::Map), None);
    }

    #[test]
    fn a_function_of_the_kernel_read_by_offsets() {
        let seen = export(
            "  a-b [0] c-17    (     17) [000] d..1.   1.000001: export_900_0: (dma_buf_export+0x4/0x2d0) \
             name=\"system\" map=0x0 behind=system_heap_map_dma_buf+0x0/0x70 size=4096",
        );
        assert_eq!((seen.pid, seen.map), (17, None));
        assert_eq!(seen.behind, named("system_heap_map_dma_buf", None));
    }

    #[test]
    fn pointers_that_are_no_functions() {
        for pointer in ["0x0", "0xffffffffc0a1b2c3", "(fault)", "jiffies+0x8/0x10", ""] {
            assert_eq!(symbol(pointer), None, "{pointer}");
        }
    }

    #[test]
    fn thumb_code_and_what_compilers_append() {
        assert_eq!(symbol("map_udmabuf.cfi_jt+0x1/0x8"), named("map_udmabuf", None));
        assert_eq!((number("4096"), number("0x1000"), number("(fault)")), (Some(4096), Some(4096), None));
    }

    #[test]
    fn lost_events_are_counted_and_others_left_out() {
        assert_eq!(parse("CPU:1 [LOST 12 EVENTS]", "export_900_0"), Some(Line::Lost));
        let others =
            "  x-1  [000] ..... 1.0: export_900_01: (dma_buf_export+0x0/0x330) name=\"drm\" map=a+0x0/0x1 size=1";
        assert_eq!(parse(others, "export_900_0"), None);
        assert_eq!(parse("", "export_900_0"), None);
    }

    #[test]
    fn a_name_that_could_not_be_read_is_empty() {
        let seen =
            export("  x-1  [000] ..... 1.0: export_900_0: (dma_buf_export+0x0/0x330) name=\"\" map=(fault) size=1");
        assert_eq!((seen.exp_name.as_str(), seen.map), ("", None));
    }
}
