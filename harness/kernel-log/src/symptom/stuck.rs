//! The messages about what is stuck (`kernel/hung_task.c`, `kernel/watchdog.c`, `kernel/rcu/tree_stall.h`).

/// Returns whether a line says that a task, a processor or RCU is stuck.
pub fn is_stuck(line: &str) -> bool {
    // The processor is named before the rest since Linux 6.8: `CPU1: Watchdog detected hard LOCKUP on cpu 1`.
    let hard = line.starts_with("CPU") && line.contains(": Watchdog detected hard LOCKUP on cpu ");
    hard || line.strip_prefix("INFO: ").is_some_and(|said| is_task(said) || is_stall(said))
}

/// `task NAME:PID blocked for more than N seconds.`, also `blocked in I/O wait for`, and `can't die for`.
fn is_task(said: &str) -> bool {
    let waits = |said: &str| said.contains(" blocked ") || said.contains(" can't die ");
    said.starts_with("task ") && said.contains(" for more than ") && waits(said)
}

fn is_stall(said: &str) -> bool {
    said.starts_with("rcu") && said.contains("stall")
}

/// Returns whether a line begins the message on a task whose name breaks it off: the name may have any byte.
pub fn is_broken_off(line: &str) -> bool {
    line.starts_with("INFO: task ") && !is_stuck(line) && !line.contains(" is blocked on ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wording_of_a_stuck_task_and_processor() {
        for line in [
            "INFO: task prime-cts:7 blocked for more than 120 seconds.",
            "INFO: task a b:7 blocked in I/O wait for more than 30 seconds.",
            "INFO: task x:7 can't die for more than 143 seconds.",
            "CPU1: Watchdog detected hard LOCKUP on cpu 1",
            "INFO: rcu_preempt self-detected stall on CPU",
        ] {
            assert!(is_stuck(line), "{line}");
        }
        for line in ["INFO: task x:7 is blocked on a mutex likely owned by task y:8.", "INFO: lockdep is turned off."] {
            assert!(!is_stuck(line) && !is_broken_off(line), "{line}");
        }
    }
}
