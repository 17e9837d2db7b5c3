//! Children that crash and hang, and children of a process with other threads.

use std::io::Write;
use std::time::Duration;

use uapi::process::{Ending, spawn};

fn run(deadline: Duration, work: impl FnOnce(std::fs::File) -> i32) -> (Ending, String) {
    let child = spawn(|output| work(std::fs::File::from(output))).unwrap();
    let mut text = Vec::new();
    let ending = child.supervise(deadline, |bytes| text.extend_from_slice(bytes)).unwrap();
    (ending, String::from_utf8(text).unwrap())
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn every_ending_is_told_apart_and_what_was_written_arrives() {
    let (ending, text) = run(LONG, |mut output| {
        output.write_all(b"all of it").unwrap();
        7
    });
    assert_eq!((ending, text.as_str()), (Ending::Exited(7), "all of it"));

    let (ending, text) = run(LONG, |mut output| {
        output.write_all(b"before").unwrap();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGABRT).unwrap();
        0
    });
    assert_eq!((ending, text.as_str()), (Ending::Signalled("SIGABRT"), "before"));

    let (ending, text) = run(Duration::from_millis(50), |mut output| {
        output.write_all(b"hanging").unwrap();
        loop {
            std::thread::park();
        }
    });
    assert_eq!((ending, text.as_str()), (Ending::TimedOut, "hanging"));

    let (ending, text) = run(LONG, |mut output| {
        for _ in 0..100_000 {
            output.write_all(b"0123456789").unwrap();
        }
        0
    });
    assert_eq!((ending, text.len()), (Ending::Exited(0), 1_000_000));

    let (ending, _) = run(LONG, |output| {
        drop(output);
        3
    });
    assert_eq!(ending, Ending::Exited(3), "a child that closes its pipe early is waited for");
}

#[test]
fn a_child_can_allocate_whatever_the_other_threads_of_its_parent_were_at() {
    let ended = std::sync::atomic::AtomicBool::new(false);
    let ordering = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(ordering) {
                drop(std::hint::black_box(vec![0u8; 4096]));
            }
        });
        for _ in 0..200 {
            let (ending, _) = run(LONG, |_| std::hint::black_box(vec![1u8; 100_000]).len() as i32 % 256);
            assert_eq!(ending, Ending::Exited(100_000 % 256));
        }
        ended.store(true, ordering);
    });
}

#[test]
fn a_child_of_which_the_kernel_has_no_status_has_vanished() {
    let child = spawn(|_| 0).unwrap();
    let pid = nix::unistd::Pid::from_raw(child.pid());
    nix::sys::wait::waitpid(pid, None).unwrap();
    assert_eq!(child.supervise(LONG, |_| ()), Ok(Ending::Vanished));
}
