//! The line by which a processor dies.

/// Returns whether a line has the count of deaths that `die()` of each architecture writes: `Oops: 0002 [#1] PREEMPT SMP`,
/// `divide_error: 0000 [#1]`, `Kernel bug detected[#1]:`, `illegal operation: 0001 ilc:1 [#1]SMP`.
///
/// Before it is the cause, which is of each processor's own and no list of this crate; behind it are the options of the
/// kernel only. So a text that has a number sign in brackets is not taken for one.
pub fn is_die(line: &str) -> bool {
    let Some((cause, rest)) = line.split_once("[#") else { return false };
    let Some((number, options)) = rest.split_once(']') else { return false };
    let counted = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    // `PREEMPT`, `SMP`, `PREEMPT(lazy)`: in capitals all of them.
    let is_option = |word: &str| word == ":" || word.starts_with(|c: char| c.is_ascii_uppercase());
    counted && cause.starts_with(|c: char| c.is_ascii_alphabetic()) && options.split_whitespace().all(is_option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_counts_its_deaths() {
        for line in [
            "Oops: 0002 [#1] PREEMPT SMP NOPTI",
            "Oops[#1]:",
            "divide_error: 0000 [#2] PREEMPT SMP KASAN",
            "segment-related general protection fault: 0018 [#1] SMP",
            "Kernel bug detected[#1]:",
            "specification exception: 0006 ilc:2 [#1]SMP",
            "Oops: Kernel access of bad area, sig: 11 [#1]",
            "Internal error: Oops: 96000004 [#12] SMP ARM",
        ] {
            assert!(is_die(line), "{line}");
        }
    }

    #[test]
    fn other_numbers_in_brackets_are_no_death() {
        for line in [
            "[#1] x",
            "usb 1-1: port [#] 1",
            "CPU: 0 PID: 1 Comm: x Not tainted 6.12 #1",
            "{\"seen\":\"Oops [#1]\"}",
            "x [#1] \"quoted\"",
            "lab: issue [#12] of the errata is worked around",
            "x [#1",
        ] {
            assert!(!is_die(line), "{line}");
        }
    }
}
