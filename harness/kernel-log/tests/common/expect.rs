//! What a log of syzkaller's is to show, by the title above it.

use kernel_log::SplatKind::{self, *};

/// What is expected of a log.
pub struct Expected {
    /// The title; empty where there is no crash.
    pub title: String,
    /// Any of these is right; nothing where no kind is expected.
    pub kind: Option<&'static [SplatKind]>,
    /// The function in the title.
    pub function: Option<String>,
    /// A report of a kernel that a suite should know.
    pub in_scope: bool,
    /// The wording ended before 4.13.
    pub old: bool,
}

impl Expected {
    /// In scope, in words that kernels still use.
    pub fn of_today(&self) -> bool {
        self.in_scope && !self.old
    }
}

/// Titles of what is no kernel's report: programs, user space, plain lines of subsystems. A leak is one only where it is said
/// with `BUG: `: else a program prints what kmemleak has.
const OUT: &[&str] = &[
    "memory leak in",
    "SYZFA",
    "panic:",
    "go runtime",
    "unexpected kernel reboot",
    "unregister_netdevice",
    "WARNING: kernel stack",
    "BUG: MAX_STACK",
    "VFS: ",
    "WARNING: foo",
    "INFO: corrupted",
    "WARNING: ath10k",
];

/// Wordings of lockdep and SLUB before 4.13, and what is left of a report whose first line is lost.
const OLD: &[&str] = &["INFO: possible", "[ INFO: ", "INFO: Freed in", "INFO: Allocated in"];

/// The titles' beginnings with the kinds; the first that fits counts.
const KINDS: &[(&str, &[SplatKind])] = &[
    ("KASAN", &[Sanitizer]),
    ("KCSAN", &[Sanitizer]),
    ("KMSAN", &[Sanitizer]),
    ("KFENCE", &[Sanitizer]),
    ("UBSAN", &[Sanitizer]),
    ("WARNING: refcount", &[Refcount]),
    ("BUG: corrupted list", &[Corruption]),
    ("BUG: Object already free", &[Corruption]),
    ("BUG: bad unlock", &[Lockdep]),
    ("BUG: held lock", &[Lockdep]),
    ("BUG: still has locks", &[Lockdep]),
    ("BUG: lock held", &[Lockdep]),
    ("possible deadlock", &[Lockdep]),
    ("inconsistent lock", &[Lockdep]),
    ("WARNING: suspicious RCU", &[Lockdep]),
    ("INFO: suspicious RCU", &[Lockdep]),
    ("WARNING: locking bug", &[Lockdep, Warning]),
    ("WARNING: bad unlock", &[Lockdep]),
    ("WARNING: held lock", &[Lockdep]),
    ("WARNING: still has locks", &[Lockdep]),
    ("WARNING: nested lock", &[Lockdep]),
    ("WARNING: lock held", &[Lockdep]),
    ("WARNING: possible", &[Lockdep]),
    ("INFO: trying to register", &[Lockdep]),
    ("INFO: rcu", &[Hung]),
    ("INFO: task", &[Hung]),
    ("BUG: soft lockup", &[Hung]),
    ("BUG: workqueue lockup", &[Hung]),
    ("trusty", &[Warning]),
    ("attempt to ", &[Bug]),
    ("memory leak in", &[Bug, Sanitizer]),
    ("WARNING", &[Warning, Corruption]),
    ("general protection", &[Oops]),
    ("BUG: unable to handle", &[Oops]),
    ("Unhandled fault", &[Oops]),
    ("Internal error", &[Oops]),
    ("Alignment trap", &[Oops]),
    ("divide error", &[Oops]),
    ("stack segment", &[Oops]),
    ("int3", &[Oops]),
    ("PANIC: double fault", &[Oops]),
    ("BUG: stack guard", &[Oops, Bug]),
    ("kernel stack overflow", &[Oops, Panic]),
    ("kernel BUG", &[Bug]),
    ("kernel panic", &[Panic]),
    ("BUG: Dentry", &[Bug, Warning]),
    ("BUG: bad usercopy", &[Bug]),
    ("BUG", &[Bug]),
];

/// The log with what is expected of it.
pub fn of_log(text: &str) -> (Expected, &str) {
    let (head, log) = text.split_once("\n\n").unwrap_or(("", text));
    let has_title = head.lines().any(|line| line.starts_with("TITLE: "));
    let is_head =
        |line: &str| line.split_once(':').is_some_and(|(word, _)| word.bytes().all(|b| b.is_ascii_uppercase()));
    let (head, log) = if has_title || head.lines().all(is_head) { (head, log) } else { ("", text) };
    // Behind the log stands the report that is to be cut out of it.
    let log = log.split("\nREPORT:\n").next().unwrap_or(log);
    let title = head.lines().find_map(|line| line.strip_prefix("TITLE: ")).unwrap_or_default().to_owned();
    let begins = |table: &[&str]| table.iter().any(|beginning| title.starts_with(beginning));
    let is_old = OLD.iter().any(|words| log.contains(words)) && !log.contains("WARNING: possible");
    let is_leak = title.starts_with("memory leak in") && log.lines().any(|line| line.starts_with("BUG: memory leak"));
    let in_scope = !title.is_empty() && (!begins(OUT) || is_leak);
    let kind = KINDS.iter().find(|(beginning, _)| title.starts_with(beginning)).map(|(_, kinds)| *kinds);
    let function = title.rsplit_once(" in ").map(|(_, function)| function.split([' ', '/']).next().unwrap_or_default());
    // Some titles have the name that several functions are summed up by.
    let function = function.filter(|name| is_function(name) && names(log, name)).map(str::to_owned);
    (Expected { old: is_old, kind: kind.filter(|_| in_scope), function, in_scope, title }, log)
}

fn is_function(name: &str) -> bool {
    name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && name != "corrupted"
}

/// Whether a text has this word, also with a suffix of the compiler's or an offset behind it.
pub fn names(text: &str, function: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(function)
        .any(|(at, found)| !text[..at].ends_with(is_part) && !text[at + found.len()..].starts_with(is_part))
}
