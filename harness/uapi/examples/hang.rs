//! Hangs the machine, for tests of watchdogs: threads of the highest priority of all take every processor and never give
//! it back. Interrupts are all that runs on.

use std::fs;

use nix::libc;

fn main() {
    // Without these two the scheduler keeps a part of the time for everyone else.
    fs::write("/proc/sys/kernel/sched_rt_runtime_us", "-1").expect("root, and procfs");
    for server in fs::read_dir("/sys/kernel/debug/sched/fair_server").into_iter().flatten().flatten() {
        fs::write(server.path().join("runtime"), "0").expect("root");
    }
    let processors = std::thread::available_parallelism().expect("sched_getaffinity(2)").get();
    let threads: Vec<_> = (0..processors).map(|_| std::thread::spawn(spin)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it never ends"));
}

fn spin() {
    let highest = libc::sched_param { sched_priority: 99 };
    // SAFETY: the parameter is one of this thread's stack, which the kernel reads; 0 is the calling thread.
    let set = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &highest) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    loop {
        std::hint::spin_loop();
    }
}
