//! How the running kernel was configured, where it tells.

use std::path::Path;

use crate::NotAvailable;

/// The options of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelConfig {
    text: String,
}

impl KernelConfig {
    /// Reads `/boot/config-RELEASE` or `/lib/modules/RELEASE/config`, below a root.
    ///
    /// # Errors
    /// A kernel that came without either. (`/proc/config.gz` is not read: `zcat` makes a file of it.)
    pub fn read(root: &Path, release: &str) -> Result<Self, NotAvailable> {
        let places = [format!("boot/config-{release}"), format!("lib/modules/{release}/config")];
        let found = places.iter().find_map(|place| std::fs::read_to_string(root.join(place)).ok());
        found.map(|text| Self { text }).ok_or_else(|| {
            let remedy = format!("zcat /proc/config.gz >/boot/config-{release}, or install the kernel's package");
            NotAvailable::because("read the kernel's configuration", &root.join(&places[0]), &remedy)
        })
    }

    /// Whether an option is built in or a module, by its name without `CONFIG_`.
    pub fn has(&self, option: &str) -> bool {
        let begin = format!("CONFIG_{option}=");
        self.text.lines().any(|line| line.strip_prefix(&begin).is_some_and(|value| matches!(value, "y" | "m")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_what_the_file_says() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("boot")).unwrap();
        let text = "CONFIG_KPROBES=y\n# CONFIG_DMABUF_DEBUG is not set\nCONFIG_DRM_VGEM=m\nCONFIG_HZ=250\n";
        std::fs::write(root.path().join("boot/config-7.3"), text).unwrap();
        let config = KernelConfig::read(root.path(), "7.3").unwrap();
        assert!(config.has("KPROBES") && config.has("DRM_VGEM"));
        assert!(!config.has("DMABUF_DEBUG") && !config.has("KPROBE") && !config.has("HZ"));
        let missing = KernelConfig::read(root.path(), "6.1").unwrap_err().to_string();
        assert!(missing.contains("boot/config-6.1") && missing.contains("zcat /proc/config.gz"), "{missing}");
    }
}
