//! The configuration of the running kernel, where it is readable.

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

    /// Returns whether an option is built in or a module, by its name without `CONFIG_`.
    pub fn has(&self, option: &str) -> bool {
        let begin = format!("CONFIG_{option}=");
        self.text.lines().any(|line| line.strip_prefix(&begin).is_some_and(|value| matches!(value, "y" | "m")))
    }

    /// Returns whether importers get a copy of the exporter's sg_table: `CONFIG_DMABUF_DEBUG` after 6.12, which turns the bits of
    /// the exporter's own around (`drivers/dma-buf/dma-buf.c`: `mangle_sg_table`, later `dma_buf_wrap_sg_table`).
    pub fn copies_sg_tables(&self, release: &str) -> bool {
        let mut parts = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let series = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        series > (6, 12) && self.has("DMABUF_DEBUG")
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
        assert!(!config.copies_sg_tables("7.3.4"));
        let debugging = KernelConfig { text: "CONFIG_DMABUF_DEBUG=y\n".into() };
        let copies =
            ["6.1.0-50-amd64", "6.12.117", "6.19-rc1", "7.3.4+deb13-amd64"].map(|it| debugging.copies_sg_tables(it));
        assert_eq!(copies, [false, false, true, true]);
        let missing = KernelConfig::read(root.path(), "6.1").unwrap_err().to_string();
        assert!(missing.contains("boot/config-6.1") && missing.contains("zcat /proc/config.gz"), "{missing}");
    }
}
