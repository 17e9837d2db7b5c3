//! A C program while it is written: the lines of `main`, and the functions and headers that they need.

use std::collections::BTreeSet;
use std::fmt::Write;

/// A function: its name, what it needs, the headers of both, its text.
type Helper = (&'static str, &'static [&'static str], &'static [&'static str], &'static str);

macro_rules! helper {
    ($name:literal, $needs:expr, $headers:expr) => {
        ($name, &$needs, &$headers, include_str!(concat!("c/", $name, ".c")))
    };
}

/// Of the package libdrm-dev, which has them wherever the kernel's own are left out.
const DRM: &str = "libdrm/drm.h";
const VIDEO: &str = "linux/videodev2.h";

/// All functions, each behind those that it needs.
const HELPERS: &[Helper] = &[
    helper!("must", [], ["err.h"]),
    helper!("expect", [], ["stdio.h"]),
    helper!("refused", ["expect"], ["errno.h", "stdio.h", "string.h"]),
    helper!("size", [], []),
    helper!("settles", [], ["unistd.h"]),
    helper!("fill", [], ["stdint.h"]),
    helper!("check", ["expect"], ["stdint.h", "stdio.h"]),
    helper!("drm_allocate", ["must", "size"], ["sys/ioctl.h", DRM]),
    helper!("drm_export", [], ["sys/ioctl.h", DRM]),
    helper!("drm_import", [], ["sys/ioctl.h", DRM]),
    helper!("drm_close", [], ["sys/ioctl.h", DRM]),
    helper!("drm_offset", ["must"], ["sys/ioctl.h", DRM]),
    helper!("drm_try_offset", [], ["sys/ioctl.h", DRM]),
    helper!("heap_export", [], ["sys/ioctl.h", "linux/dma-heap.h"]),
    helper!("udmabuf_allocate", ["must"], ["fcntl.h", "sys/mman.h", "unistd.h"]),
    helper!("udmabuf_export", ["size"], ["fcntl.h", "sys/ioctl.h", "linux/udmabuf.h"]),
    helper!("v4l2_size", ["must", "size"], ["sys/ioctl.h", VIDEO]),
    helper!("v4l2_export", [], ["sys/ioctl.h", VIDEO]),
    helper!("v4l2_import", [], ["sys/ioctl.h", VIDEO]),
    helper!("sync", [], ["stdint.h", "sys/ioctl.h", "linux/dma-buf.h"]),
    helper!("inode", ["must"], ["sys/stat.h"]),
    helper!("open_files", ["must"], ["dirent.h"]),
    helper!("references", [], ["stdio.h"]),
    helper!("listed", ["must"], ["stdio.h"]),
    helper!("read_only", ["must"], ["string.h", "sys/mman.h"]),
];

/// The program so far.
#[derive(Default)]
pub struct Source {
    needed: BTreeSet<&'static str>,
    headers: BTreeSet<&'static str>,
    lines: Vec<String>,
    depth: usize,
    count: usize,
}

impl Source {
    /// A function is called.
    pub fn need(&mut self, name: &'static str) {
        let (name, needs, headers, _) =
            HELPERS.iter().find(|helper| helper.0 == name).expect("a function of the table");
        if self.needed.insert(name) {
            needs.iter().for_each(|other| self.need(other));
            self.headers.extend(*headers);
        }
    }

    /// Something of a header is used.
    pub fn header(&mut self, name: &'static str) {
        self.headers.insert(name);
    }

    /// A line of `main`.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.lines.push(format!("{}{}", "\t".repeat(self.depth + 1), line.as_ref()));
    }

    /// Opens a block in braces after a line.
    pub fn begin(&mut self, head: &str) {
        self.line(format!("{head}{{"));
        self.depth += 1;
    }

    /// The braces end.
    pub fn end(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    /// A name that nothing else has.
    pub fn fresh(&mut self, stem: &str) -> String {
        self.count += 1;
        format!("{stem}_{}", self.count)
    }

    /// Mappings that no one looks into need no variable.
    fn without_unused(&self) -> Vec<String> {
        let uses = |name: &str| {
            let words = |line: &String| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
            self.lines.iter().filter(|line| words(line)).count()
        };
        let line = |line: &String| {
            let (before, declared) = line.split_once("void *")?;
            let (name, call) = declared.split_once(" = (void *)")?;
            (uses(name) == 1).then(|| format!("{before}{call}"))
        };
        self.lines.iter().map(|whole| line(whole).unwrap_or_else(|| whole.clone())).collect()
    }

    /// The whole program.
    pub fn text(&self, comment: &str) -> String {
        let mut text = String::from("/*\n");
        for line in comment.lines() {
            let _ = writeln!(text, "{}", format!(" * {}", line.replace("*/", "* /")).trim_end());
        }
        text += " */\n#define _GNU_SOURCE\n";
        self.headers.iter().for_each(|header| _ = writeln!(text, "#include <{header}>"));
        for (_, _, _, helper) in HELPERS.iter().filter(|helper| self.needed.contains(helper.0)) {
            let _ = write!(text, "\n{helper}");
        }
        let _ = writeln!(text, "\nint main(int argc, char **argv)\n{{\n{}\n}}", self.without_unused().join("\n"));
        text
    }
}

/// A text in quotation marks.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
