//! The call trace in a report, and where it is at its end.

/// The words above a trace. Arm of 32 bits has none in older kernels.
const BEGINNINGS: &[&str] = &["Call Trace:", "Call trace:", "Backtrace:"];

/// What else has no blank before it and is of a trace: registers, code, the stack of an exception.
const PARTS: &[&str] = &[
    "<TASK>",
    "</TASK>",
    "<IRQ>",
    "</IRQ>",
    "<NMI>",
    "</NMI>",
    "RIP",
    "RSP",
    "RAX",
    "RBX",
    "RCX",
    "RDX",
    "RSI",
    "RBP",
    "R0",
    "R1",
    "ORIG_",
    "FS:",
    "GS:",
    "CS:",
    "DS:",
    "CR2:",
    "DR",
    "PKRU",
    "EIP",
    "EAX",
    "ESI",
    "EFLAGS",
    "Code:",
    "Exception stack",
    "---",
    "NIP",
    "LR",
    "MSR",
    "GPR",
    "XER",
    "CFAR",
    "Instruction dump",
    "Last Breaking",
    "INFO: lockdep is turned off",
];

/// Further stacks of the same report, and what follows its stacks.
const FURTHER: &[&str] = &[
    "stack backtrace:",
    "Showing all locks held",
    "Sending NMI from",
    "NMI backtrace for cpu",
    "Task dump for CPU",
    "task:",
    "rcu: ",
    "rcu_",
    "Modules linked in",
    "FIX ",
    "Disabling lock debugging due to kernel taint",
    "Mapped at:",
];

/// Returns whether a line begins a call trace.
pub fn begins(line: &str) -> bool {
    let line = line.trim_start();
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) || is_of_old_arm(line)
}

/// `[<c0101010>] (fn) from [<c0101010>] (caller+0x1/0x2)`, and since 5.18 ` fn from caller+0x1/0x2`.
fn is_of_old_arm(line: &str) -> bool {
    line.split_once(" from ").is_some_and(|(function, caller)| {
        let words = function.split(' ').count() <= 2 && !function.contains(':');
        words && caller.contains("+0x") && caller.contains("/0x")
    })
}

/// Returns whether a line further down is of the trace still: a frame, or set in.
fn is_part(line: &str) -> bool {
    let is_frame = line.contains("+0x") && line.contains("/0x");
    let is_dump = line
        .get(..5)
        .is_some_and(|start| start.ends_with(':') && start[..4].bytes().all(|byte| byte.is_ascii_hexdigit()));
    line.is_empty()
        || is_frame
        || is_dump
        || begins(line)
        || line.starts_with([' ', '\t'])
        || line.starts_with("[<")
        || PARTS.iter().any(|part| line.starts_with(part))
}

/// Returns whether a line behind a trace begins another stack of the same report.
fn is_further(line: &str) -> bool {
    FURTHER.iter().any(|beginning| line.starts_with(beginning))
        || (line.starts_with("INFO: task ") && line.contains(" is blocked on "))
}

/// The place in a report without an end of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Above a trace.
    #[default]
    Above,
    /// In it.
    Within,
    /// Behind its last line.
    Behind,
}

impl Place {
    /// Returns the place of the next line; nothing where it is not of the report any more. `stuck`: the report is about
    /// something that is stuck, and shows the stacks of all processors.
    pub fn next(self, line: &str, stuck: bool) -> Option<Self> {
        let further = || (is_further(line) || (stuck && line.starts_with("CPU: "))).then_some(Self::Above);
        match self {
            Self::Above if begins(line) => Some(Self::Within),
            Self::Above => Some(Self::Above),
            Self::Within if line.trim() == "</TASK>" => Some(Self::Behind),
            Self::Within if is_part(line) => Some(Self::Within),
            Self::Within => further(),
            Self::Behind if begins(line) => Some(Self::Within),
            Self::Behind if line.is_empty() => Some(Self::Behind),
            Self::Behind => further(),
        }
    }
}
