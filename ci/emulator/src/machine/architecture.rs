//! What differs between architectures, in one table.

use spec::board::Board;

use crate::error::{Error, Result};

/// An architecture that boards can have.
#[derive(Debug, PartialEq, Eq)]
pub struct Machine {
    /// `uname -m`, the board file's `architecture`.
    pub name: &'static str,
    /// Debian's name of it.
    pub debian: &'static str,
    /// The flavour of Debian's kernel.
    pub flavour: &'static str,
    /// The program that emulates it.
    pub qemu: &'static str,
    /// The package that holds that program.
    pub package: &'static str,
    /// The name of the folder that Debian keeps its libraries in.
    pub triplet: &'static str,
    /// The prefix of its C compiler.
    pub gcc: &'static str,
    /// The package with that compiler, on another architecture.
    pub cross_package: &'static str,
    /// The Rust target of `prime-cts`.
    pub target: &'static str,
    /// `std::env::consts::ARCH`.
    pub rust: &'static str,
    /// Its name in a kernel's build, `ARCH`.
    pub kernel_architecture: &'static str,
    /// The file of such a build that QEMU boots.
    pub kernel_image: &'static str,
    /// The parameters of every kernel. A PC's kernel counts timer interrupts while it boots and panics where too few come, as on
    /// a host that is busy with other things (check_timer of arch/x86/kernel/apic/io_apic.c).
    pub append: &'static str,
    /// Additional flags for compiling `prime-cts`. QEMU before 10.0 writes the first register of a 32-bit ARM `ldrd`
    /// before the second word is read. Where that word faults and the register is the address too, the instruction starts
    /// again with another address: such a load across two pages, the second not touched yet, reads from anywhere.
    pub rustflags: &'static str,
}

const MACHINES: &[Machine] = &[
    Machine {
        name: "x86_64",
        debian: "amd64",
        flavour: "amd64",
        qemu: "qemu-system-x86_64",
        package: "qemu-system-x86",
        triplet: "x86_64-linux-gnu",
        gcc: "x86_64-linux-gnu",
        cross_package: "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
        target: "x86_64-unknown-linux-gnu",
        rust: "x86_64",
        kernel_architecture: "x86",
        kernel_image: "arch/x86/boot/bzImage",
        append: "no_timer_check",
        rustflags: "",
    },
    Machine {
        name: "aarch64",
        debian: "arm64",
        flavour: "arm64",
        qemu: "qemu-system-aarch64",
        package: "qemu-system-arm",
        triplet: "aarch64-linux-gnu",
        gcc: "aarch64-linux-gnu",
        cross_package: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        target: "aarch64-unknown-linux-gnu",
        rust: "aarch64",
        kernel_architecture: "arm64",
        kernel_image: "arch/arm64/boot/Image",
        append: "",
        rustflags: "",
    },
    Machine {
        name: "armv7l",
        debian: "armhf",
        flavour: "armmp",
        qemu: "qemu-system-arm",
        package: "qemu-system-arm",
        triplet: "arm-linux-gnueabihf",
        gcc: "arm-linux-gnueabihf",
        cross_package: "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
        target: "armv7-unknown-linux-gnueabihf",
        rust: "arm",
        kernel_architecture: "arm",
        kernel_image: "arch/arm/boot/zImage",
        append: "",
        rustflags: "-C llvm-args=-arm-load-store-opt=false",
    },
];

impl Machine {
    /// The architecture of a board.
    ///
    /// # Errors
    /// For one that is not in the table.
    pub fn of(board: &Board) -> Result<&'static Self> {
        Self::named(&board.architecture).ok_or_else(|| {
            let what = format!(
                "board '{}' is of architecture '{}', which cannot be emulated yet",
                board.name, board.architecture
            );
            Error::usage(what, format!("known: {}", Self::names().join(", ")))
        })
    }

    /// By the name that `uname -m` has for it.
    pub fn named(name: &str) -> Option<&'static Self> {
        MACHINES.iter().find(|machine| machine.name == name)
    }

    /// All of them.
    pub fn names() -> Vec<&'static str> {
        MACHINES.iter().map(|machine| machine.name).collect()
    }

    /// The one that this program runs on.
    ///
    /// # Errors
    /// On one that is not in the table.
    pub fn host() -> Result<&'static Self> {
        MACHINES.iter().find(|machine| machine.is_host()).ok_or_else(|| {
            let what = format!("this host is of architecture '{}'", std::env::consts::ARCH);
            Error::usage(what, format!("use a host of one of these: {}", Self::names().join(", ")))
        })
    }

    /// Returns whether this program runs on it.
    pub fn is_host(&self) -> bool {
        self.rust == std::env::consts::ARCH
    }

    /// Its C compiler, which links.
    pub fn linker(&self) -> String {
        format!("{}-gcc", self.gcc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_one_of_them_and_the_others_are_not_it() {
        let host = Machine::host().unwrap();
        assert_eq!(MACHINES.iter().filter(|machine| machine.is_host()).count(), 1);
        assert_eq!(Machine::named(host.name), Some(host));
        assert_eq!(Machine::named("m68k"), None);
    }
}
