//! The emulated machine: its command line, and its life until it is switched off or killed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use spec::board::Qemu;

use crate::command;
use crate::error::{Error, Result};
use crate::machine::architecture::Machine;
use crate::machine::emulator::Emulator;

/// A watchdog that every machine with PCI can have, by QEMU's name and the kernel's.
pub const WATCHDOG: &str = "i6300esb";

/// The name of the port behind which QEMU appends to `run.jsonl` of the results: a write there takes a fifth of the time
/// that one over the share does.
pub const JOURNAL_PORT: &str = "prime-cts.journal";

/// The arguments of a machine.
#[derive(Debug)]
pub struct Start<'a> {
    /// The architecture.
    pub machine: &'a Machine,
    /// The board file's part.
    pub qemu: &'a Qemu,
    /// The kernel.
    pub kernel: &'a Path,
    /// The machine's device tree, where QEMU makes none.
    pub device_tree: Option<&'a Path>,
    /// The initramfs.
    pub initramfs: &'a Path,
    /// Words for the kernel's command line in addition to the board file's.
    pub append: &'a str,
    /// The program.
    pub emulator: &'a Emulator,
    /// The folder that the guest mounts by the name `results`.
    pub results: &'a Path,
    /// The folder that it mounts by the name `userland`.
    pub userland: Option<&'a Path>,
}

/// The reason why the machine is no longer followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was switched off, or QEMU gave up.
    Off,
    /// The listener had heard enough.
    Enough,
    /// The listener's deadline passed.
    Late,
    /// A signal asked us to stop.
    Interrupted,
}

impl Start<'_> {
    /// QEMU's command line; `serial` says where the console is.
    pub fn command(&self, serial: &str) -> Command {
        let mut command = self.emulator.command();
        let device = &self.qemu.share;
        command.args(self.options()).args(["-no-reboot", "-serial", serial]);
        command.arg("-kernel").arg(self.kernel).arg("-initrd").arg(self.initramfs);
        if let Some(tree) = self.device_tree {
            command.arg("-dtb").arg(tree);
        }
        command.arg("-append").arg(self.kernel_words("quiet panic=-1"));
        let has_one = self.qemu.devices.iter().any(|device| device.starts_with(WATCHDOG));
        if device.ends_with("-pci") {
            if !has_one {
                command.args(["-device", WATCHDOG]);
            }
            let journal = commas(&self.results.join("run.jsonl"));
            command.arg("-chardev").arg(format!("file,id=journal,append=on,path={journal}"));
            let port = format!("virtserialport,chardev=journal,name={JOURNAL_PORT}");
            command.args(["-device", "virtio-serial-pci", "-device", &port]);
        }
        share(&mut command, device, "results", self.results, "");
        if let Some(userland) = self.userland {
            share(&mut command, device, "userland", userland, ",readonly=on");
        }
        command
    }

    /// The machine itself, without what it boots and where its console is.
    pub fn options(&self) -> Vec<String> {
        let Qemu { machine, cpu, processors, memory, devices, .. } = self.qemu;
        // Never KVM: what runs here must run on any machine, and be the same there.
        let thread = if self.emulator.races() { "single" } else { "multi" };
        let (processors, memory) = (processors.to_string(), memory.to_string());
        let accelerator = format!("tcg,thread={thread}");
        let mut options = vec!["-accel", &accelerator, "-M", machine, "-cpu", cpu, "-smp", &processors, "-m", &memory];
        // No default devices: a network card's boot firmware costs seconds.
        options.extend(["-nodefaults", "-nographic", "-vga", "none", "-monitor", "none"]);
        // Machines with sound in them complain of a host without.
        options.extend(["-audiodev", "none,id=none"]);
        options.extend(devices.iter().flat_map(|device| ["-device", device]));
        options.into_iter().map(str::to_owned).collect()
    }

    /// The kernel's command line; `more` is not the board file's.
    pub fn kernel_words(&self, more: &str) -> String {
        let console = format!("console={}", self.qemu.console);
        let words = [&console, self.machine.append, more, self.append, self.qemu.append.trim()];
        words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
    }

    /// Gives the console to the user until the machine is switched off.
    ///
    /// # Errors
    /// When QEMU does not start or does not like its command line.
    pub fn interact(&self) -> Result<()> {
        let mut command = self.command("mon:stdio");
        // The console's multiplexer brings the monitor: no second one.
        let status = command.status().map_err(|source| self.missing(&command, source))?;
        if status.success() { Ok(()) } else { Err(self.failed(status)) }
    }

    /// Starts the machine with its console in a pipe.
    ///
    /// # Errors
    /// When QEMU cannot be started.
    pub fn spawn(&self) -> Result<Running> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        let file = |errno: nix::Error| Error::File {
            doing: "watch signals on",
            path: "signalfd".into(),
            source: errno.into(),
        };
        signals.thread_block().map_err(file)?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(file)?;
        let mut command = command::dying_with_us(&self.command("stdio"));
        // In a group of its own, so that Ctrl-C reaches only us and the journal is closed in order.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(|source| self.missing(&command, source))?;
        Ok(Running { child, closed: false, signals })
    }

    fn missing(&self, command: &Command, source: std::io::Error) -> Error {
        command::missing(command, "emulate the board", self.machine.package, source)
    }

    fn failed(&self, status: std::process::ExitStatus) -> Error {
        let (program, purpose) = (self.emulator.name(), "emulate the board".to_owned());
        Error::Command { program, purpose, status, output: String::new() }
    }
}

/// A path within an option: QEMU splits those at commas, and takes two for one.
fn commas(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// A folder of the host's, for the guest to mount by a name.
fn share(command: &mut Command, device: &str, name: &str, folder: &Path, how: &str) {
    let folder = commas(folder);
    command.arg("-fsdev").arg(format!("local,id={name},security_model=none,multidevs=remap{how},path={folder}"));
    command.arg("-device").arg(format!("{device},fsdev={name},mount_tag={name}"));
}

/// The end of QEMU.
#[derive(Debug)]
pub struct Ended {
    /// Its messages.
    pub words: String,
    /// True if the guest had switched itself off or started again, which QEMU takes for its end.
    pub by_itself: bool,
}

/// Between the end of its console and its own.
const CLOSING: Duration = Duration::from_secs(5);

/// A machine that runs. It is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    closed: bool,
    signals: SignalFd,
}

impl Running {
    /// Follows the console to the end of `log`. `hear` takes what it says and gives the time by which it wants
    /// to hear more, or nothing when it has heard enough.
    ///
    /// # Errors
    /// When the console cannot be read or the log not be written.
    pub fn follow(
        &mut self,
        log: &Path,
        mut deadline: Instant,
        mut hear: impl FnMut(&[u8]) -> Option<Instant>,
    ) -> Result<End> {
        let mut file = File::options().create(true).append(true).open(log).map_err(Error::file("create", log))?;
        let mut console = self.child.stdout.take().expect("the console is a pipe");
        let mut block = vec![0; 1 << 16];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(End::Late);
            }
            // A millisecond more, or the last wait would be of none.
            let wait = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            let mut ready = [self.signals.as_fd(), console.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut ready, wait) {
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => {
                    return Err(Error::File { doing: "wait for", path: "the console".into(), source: errno.into() });
                }
            }
            let [signal, output] = ready.map(|fd| fd.any().unwrap_or(false));
            if signal && self.signals.read_signal().is_ok_and(|signal| signal.is_some()) {
                return Ok(End::Interrupted);
            }
            if output {
                let count = console.read(&mut block).map_err(Error::file("read", Path::new("the console")))?;
                if count == 0 {
                    self.closed = true;
                    return Ok(End::Off);
                }
                file.write_all(&block[..count]).map_err(Error::file("write", log))?;
                match hear(&block[..count]) {
                    Some(next) => deadline = next,
                    None => return Ok(End::Enough),
                }
            }
        }
    }

    /// Kills the machine, if it still runs.
    pub fn kill(mut self) -> Ended {
        let by_itself = self.stop();
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // Output that is not text explains nothing either.
            let _ = stderr.read_to_string(&mut words);
        }
        Ended { words, by_itself }
    }

    /// Returns whether it had ended in order.
    fn stop(&mut self) -> bool {
        // What closes its console is about to end.
        let closed = Instant::now();
        while self.closed && closed.elapsed() < CLOSING && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Both fail only for a process that has ended already.
        let _ = self.child.kill();
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(share: &str, append: &str, races: bool) -> Vec<String> {
        let board = "machine: q35\ncpu: max\nprocessors: 2\nmemory: 512\nconsole: ttyS0\ndevices: [bochs-display]\nappend: cma=64M\n";
        let qemu: Qemu = spec::yaml::parse(Path::new("b.yaml"), board).unwrap();
        let machine = Machine::named("x86_64").unwrap();
        let (kernel, initramfs) = (Path::new("/k"), Path::new("/i"));
        let start = Start {
            machine,
            qemu: &qemu,
            kernel,
            device_tree: None,
            initramfs,
            append,
            results: Path::new(share),
            userland: None,
            emulator: &Emulator::imagined(races),
        };
        start.command("stdio").get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_machine_is_never_accelerated() {
        let words = words("/results", "", false);
        assert!(words.windows(2).any(|pair| pair == ["-accel", "tcg,thread=multi"]), "{words:?}");
        assert!(!words.iter().any(|word| word.contains("kvm")), "{words:?}");
    }

    #[test]
    fn an_old_qemu_runs_in_one_thread() {
        assert!(words("/results", "", true).contains(&"tcg,thread=single".to_owned()));
    }

    #[test]
    fn the_kernel_gets_all_words() {
        let words = words("/results", "vivid.n_devs=2", false);
        assert!(
            words.contains(&"console=ttyS0 no_timer_check quiet panic=-1 vivid.n_devs=2 cma=64M".to_owned()),
            "{words:?}"
        );
    }

    #[test]
    fn a_comma_in_a_path_is_no_option() {
        let words = words("/a,b", "", false);
        assert!(words.iter().any(|word| word.ends_with("path=/a,,b")), "{words:?}");
    }
}
