//! What a board boots: its kernel, and the initramfs with its modules, its init and `prime-cts`.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use spec::board::{Board, BoardCommand};
use tempfile::NamedTempFile;

use crate::cache::Cache;
use crate::debian::kernel::Kernel;
use crate::debian::modules::Modules;
use crate::error::{Error, Result};
use crate::image::busybox;
use crate::image::initramfs::Initramfs;
use crate::machine::qemu::{JOURNAL_PORT, WATCHDOG};

/// The modules that carry the results to the host; loaded before the board's own.
const TRANSPORT: [&str; 5] = ["virtio_pci", "9pnet_virtio", "9p", "virtio_console", WATCHDOG];

/// The modules of a farm's board in their place: a network for its results, and a watchdog.
const FARM: [&str; 4] = ["virtio_pci", "virtio_net", "e1000", WATCHDOG];

/// The task of the board once it is up.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// `prime-cts run` with these arguments.
    Run(&'a [String]),
    /// A shell on a terminal of this many rows and columns.
    Shell(u16, u16),
    /// A login on the console, for a farm that drives the board from there.
    Login,
}

/// The parts of an initramfs.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The board.
    pub board: &'a Board,
    /// The board file's text.
    pub source: &'a str,
    /// Its kernel.
    pub kernel: &'a Kernel,
    /// Modules built outside the kernel.
    pub built: &'a [PathBuf],
    /// True if the board mounts libraries.
    pub userland: bool,
    /// Its other programs.
    pub busybox: &'a Path,
    /// `prime-cts`.
    pub program: &'a Path,
}

/// A finished image.
#[derive(Debug)]
pub struct Image {
    /// The initramfs, gone when this is dropped.
    pub initramfs: NamedTempFile,
    /// Parameters of built-in modules, for the kernel's command line.
    pub append: String,
    /// Modules that this kernel does not have.
    pub missing: Vec<String>,
}

impl Parts<'_> {
    /// Puts the image together.
    ///
    /// # Errors
    /// When a part of it is missing or cannot be read.
    pub fn image(&self, cache: &Cache, task: Task<'_>) -> Result<Image> {
        let mut initramfs = Initramfs::default();
        for folder in ["proc", "sys", "dev", "tmp", "results", "bin", "sbin", "etc", "root"] {
            initramfs.folder(folder);
        }
        initramfs.character("dev/console", 5, 1);
        initramfs.file("init", 0o755, include_str!("init.sh"));
        initramfs.folder("board");
        initramfs.file(&format!("board/{}.yaml", self.board.name), 0o644, self.source);
        initramfs.copy("bin/prime-cts", 0o755, self.program)?;
        busybox::install(&mut initramfs, self.busybox)?;
        let transport: &[&str] = if matches!(task, Task::Login) { &FARM } else { &TRANSPORT };
        let (append, missing) = self.modules(cache, &mut initramfs, transport)?;
        let writes = self.board.writes.iter().map(|write| format!("{} {}\n", write.file, write.text));
        initramfs.file("etc/writes", 0o644, writes.collect::<String>());
        initramfs.file("etc/transport", 0o644, transport.iter().map(|name| format!("{name}\n")).collect::<String>());
        if self.userland {
            initramfs.folder("userland");
        }
        match task {
            Task::Run(arguments) => initramfs.file("etc/run", 0o644, script(self.board.command, arguments)),
            Task::Shell(rows, columns) => initramfs.file("etc/shell", 0o644, format!("{rows}\n{columns}\n")),
            Task::Login => {
                initramfs.file("etc/login", 0o644, format!("{}\n", self.board.name));
                initramfs.file("etc/udhcpc", 0o755, include_str!("udhcpc.sh"));
            }
        }
        let file = NamedTempFile::new().map_err(Error::file("create a file in", &std::env::temp_dir()))?;
        initramfs.write(BufWriter::new(file.as_file())).map_err(Error::file("write", file.path()))?;
        Ok(Image { initramfs: file, append, missing })
    }

    /// The modules that the board loads. Those that are part of the kernel get their parameters from its command line.
    fn modules(&self, cache: &Cache, initramfs: &mut Initramfs, transport: &[&str]) -> Result<(String, Vec<String>)> {
        let mut to_load = String::new();
        let mut append = Vec::new();
        if let Some((release, config)) = self.kernel.config() {
            initramfs.copy(&format!("boot/config-{release}"), 0o644, &config)?;
        }
        let Some(folder) = &self.kernel.modules else {
            let all = &self.board.modules;
            append.extend(all.iter().flat_map(|module| on_command_line(&module.name, &module.parameters)));
            initramfs.file("etc/modules", 0o644, to_load);
            return Ok((append.join(" "), Vec::new()));
        };
        let mut modules = Modules::read(folder)?;
        self.built.iter().try_for_each(|file| modules.add(file))?;
        let names = self.board.modules.iter().map(|module| module.name.as_str());
        let (files, mut missing) = modules.closure(names.chain(transport.iter().copied()));
        // A board without PCI does without its modules; one without any way for its results says so itself.
        missing.retain(|name| !transport.contains(&name.as_str()));
        for module in &self.board.modules {
            if modules.is_builtin(&module.name) {
                append.extend(on_command_line(&module.name, &module.parameters));
            } else if !missing.contains(&module.name.replace('-', "_")) {
                to_load.push_str(&format!("{} {}\n", module.name, module.parameters));
            }
        }
        let stage = cache.scratch()?;
        modules.stage(&files, stage.path())?;
        initramfs.tree("", stage.path())?;
        initramfs.file("etc/modules", 0o644, to_load);
        Ok((append.join(" "), missing))
    }
}

fn on_command_line(name: &str, parameters: &str) -> Vec<String> {
    parameters.split_whitespace().map(|parameter| format!("{name}.{parameter}")).collect()
}

/// The script that starts `prime-cts`; its first argument is the results' folder. A run that the board went down in goes
/// on: what the kernel said then is on the console.
fn script(command: BoardCommand, arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|argument| format!(" '{}'", argument.replace('\'', r"'\''")));
    let (word, quoted) = (command.word(), quoted.collect::<String>());
    let start = format!("exec prime-cts {word} --board /board/*.yaml --output \"$1\" --progress lines");
    if command != BoardCommand::Run {
        return format!("{start}{quoted}\n");
    }
    // What the host does about a board that a cell has harmed, it writes there; it cannot where the results come over the
    // console.
    let after = format!(
        "after=$(cat \"$1/after-damage\" 2>/dev/null || echo go-on)\n\
         [ ! -c /dev/watchdog ] || watchdog=--watchdog\n\
         [ ! -e \"$1/after-damage\" ] || port=$(grep -l {JOURNAL_PORT} /sys/class/virtio-ports/*/name 2>/dev/null)\n\
         port=${{port%/name}}\n\
         port=${{port:+--journal-port /dev/${{port##*/}}}}\n"
    );
    let start = format!("{start} --after-damage \"$after\" ${{watchdog-}} $port{quoted}");
    format!("{after}[ ! -e \"$1/run.jsonl\" ] || {start} --resume --previous-log \"$1/console.log\"\n{start}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn arguments_reach_the_program_as_they_are() {
        let text = script(BoardCommand::Run, &["--filter".into(), "it's $HOME".into(), "a b".into()]);
        let printing = text.replace("exec prime-cts", "printf '%s|'");
        let output = Command::new("sh").args(["-c", &printing, "sh", "/results"]).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "run|--board|/board/*.yaml|--output|/results|--progress|lines|--after-damage|go-on|--filter|it's $HOME|a b|"
        );
    }

    #[test]
    fn built_in_modules_get_their_parameters_from_the_kernel() {
        assert_eq!(on_command_line("vivid", "n_devs=2 allocators=0,1"), ["vivid.n_devs=2", "vivid.allocators=0,1"]);
    }
}
