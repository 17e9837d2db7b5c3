//! How an emulated board is made: its kernel, its drivers, its machine.

use serde::Deserialize;

/// The parts of an emulated board.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulate {
    /// Where the kernel comes from.
    pub kernel: Kernel,
    /// Modules built out of tree against the kernel's own headers, in this order.
    #[serde(default)]
    pub build: Vec<Build>,
    /// Programs and libraries in addition to the static `prime-cts`.
    pub userland: Option<Userland>,
    /// The machine.
    pub qemu: Qemu,
}

/// A kernel of Debian's, fetched without installing it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The suite, as in a `deb` line: `bookworm-security`, `trixie-backports`.
    pub suite: String,
    /// The start of the kernel's release: the newest package of the suite that begins so is taken, `6.12.` or `7.3.4`.
    pub release: String,
    /// Builds it from Debian's source, in place of taking Debian's build.
    pub configuration: Option<Configuration>,
}

/// The configuration of a kernel of our own. What is not listed is not built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// Files in `fixtures/kernels`, without their `.config`.
    pub settings: Vec<String>,
    /// The board's device tree below the architecture's `dts`, `arm/vexpress-v2p-ca9.dts`.
    pub device_tree: Option<String>,
}

/// A driver that the kernel's packages lack, built from `linux-source` or from this repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The module's name.
    pub module: String,
    /// Files or folders of the kernel tree to unpack, relative to its top.
    #[serde(default)]
    pub source: Vec<String>,
    /// A folder of this repository, in place of `source`: it is the top of the tree.
    pub repository: Option<String>,
    /// The folder that holds the Makefile, relative to the tree's top.
    pub folder: String,
    /// Settings handed to make, `CONFIG_DRM_VKMS=m`.
    #[serde(default)]
    pub config: Vec<String>,
    /// A Kbuild file to write into `folder` in place of the kernel's Makefile.
    pub kbuild: Option<String>,
    /// Modules built before whose symbols this one uses.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Changes to its source: a fault that is planted.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// A change to a source file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The file, relative to the tree's top.
    pub file: String,
    /// The text that is there once.
    pub from: String,
    /// The text that takes its place.
    pub to: String,
}

/// A userland for features that a static binary cannot have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Userland {
    /// The suite whose packages are unpacked and mounted by the board; its libc must not be older than that of the
    /// host that `prime-cts` is built on.
    pub suite: String,
    /// The packages; what they depend on comes along. With features `prime-cts` is linked against their libraries, so
    /// those with the linker's links, `libgbm-dev`, belong to them.
    pub packages: Vec<String>,
    /// Cargo features of `prime-cts` that the dynamic `prime-cts` of this board is built with; static where there are none.
    #[serde(default)]
    pub features: Vec<String>,
}

/// The emulated machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    /// `-M`.
    pub machine: String,
    /// `-cpu`.
    pub cpu: String,
    /// `-smp`.
    pub processors: u32,
    /// `-m`, in MiB.
    pub memory: u32,
    /// The console's device in the guest, `ttyS0`.
    pub console: String,
    /// An overlay in `fixtures/kernels`, without its `.dtso`, for the machine's device tree: the kernel's, or the one
    /// that QEMU makes.
    pub overlay: Option<String>,
    /// The device that carries the results.
    #[serde(default = "pci_share")]
    pub share: String,
    /// One `-device` each.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Words added to the kernel's command line.
    #[serde(default)]
    pub append: String,
}

fn pci_share() -> String {
    "virtio-9p-pci".to_owned()
}

/// A module that the board loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name for modprobe.
    pub name: String,
    /// Its parameters, `n_devs=2 allocators=0,1`.
    #[serde(default)]
    pub parameters: String,
}

/// A value that makes a device which no module makes by itself, or binds one to another driver.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The file, `/sys/bus/pci/drivers_probe`.
    pub file: String,
    /// One line.
    pub text: String,
}
