//! A case: one rule in one YAML file, `cases/<area>/<name>.yaml`.
//!
//! The steps are a closed set of verbs ([`crate::step`]); what a case needs of a device is a [`Selector`].

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::glob::Glob;
use crate::quantity::{Bytes, Time};
use crate::step::Step;
use crate::yaml::Diagnostic;

/// One rule and how to look at it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// The file's name without `.yaml`.
    pub name: String,
    /// The rule, in one sentence.
    pub rule: String,
    /// Why it is one, and what goes wrong where it is broken.
    pub why: String,
    /// The kernel's document, header or function that says so.
    pub reference: String,
    /// Commits and CVEs that broke or mended it.
    #[serde(default)]
    pub guards: Vec<String>,
    /// What a cell of it is made of.
    pub cells: Cells,
    /// Which exporters it is about; all of them by default.
    #[serde(default)]
    pub exporters: Selector,
    /// Which importers it is about; all of them by default.
    #[serde(default)]
    pub importers: Selector,
    /// The buffer's size; an importer that needs more gets more.
    #[serde(default = "default_size")]
    pub size: Bytes,
    /// After this time a cell is stopped.
    #[serde(default = "default_deadline")]
    pub deadline: Time,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// The folder that the file lies in.
    #[serde(skip)]
    pub area: String,
}

/// What a cell is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cells {
    /// One exporter.
    Exporter,
    /// One importer, with no exporter's buffer.
    Importer,
    /// An exporter and an importer, every ordered pair, a device with itself included.
    Pair,
}

/// What kind of thing an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A DRM device with dumb buffers and PRIME.
    Drm,
    /// A buffer queue of a V4L2 node.
    V4l2,
    /// A dma-heap.
    Heap,
    /// `/dev/udmabuf`.
    Udmabuf,
    /// A DRM device through libgbm.
    Gbm,
    /// `/dev/prime_canary`, a module of our own that watches who shares its buffers.
    Canary,
    /// A device that misbehaves on demand, for tests of the suite itself.
    Mock,
}

/// Which endpoints a case is about. An empty list selects all.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Selector {
    /// What they are.
    #[serde(default)]
    pub kind: Vec<Kind>,
    /// Patterns over the keys that `prime-cts list` shows.
    #[serde(default)]
    pub key: Vec<Glob>,
    /// Patterns over the names of kernel drivers; over a heap's own name.
    #[serde(default)]
    pub driver: Vec<Glob>,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Drm, Self::V4l2, Self::Heap, Self::Udmabuf, Self::Gbm, Self::Canary, Self::Mock];

    /// Whether endpoints of this kind can import at all.
    pub fn imports(self) -> bool {
        !matches!(self, Self::Heap | Self::Udmabuf)
    }

    /// What the keys of its endpoints begin with.
    pub fn key_prefix(self) -> &'static str {
        match self {
            Self::Drm => "drm-",
            Self::V4l2 => "v4l2-",
            Self::Heap => "heap-",
            Self::Udmabuf => "udmabuf",
            Self::Gbm => "gbm-",
            Self::Canary => "canary-",
            Self::Mock => "mock-",
        }
    }
}

impl Selector {
    /// Whether an endpoint is selected.
    pub fn selects(&self, kind: Kind, key: &str, driver: &str) -> bool {
        self.why_not(kind, key, driver).is_none()
    }

    /// What of an endpoint is not selected. A mock stands for any kind, so that every case can be tested with it.
    pub fn why_not(&self, kind: Kind, key: &str, driver: &str) -> Option<&'static str> {
        let none = |globs: &[Glob], text: &str| !globs.is_empty() && !globs.iter().any(|glob| glob.matches(text));
        match () {
            () if kind != Kind::Mock && !self.kind.is_empty() && !self.kind.contains(&kind) => Some("kind"),
            () if none(&self.key, key) => Some("key"),
            () if none(&self.driver, driver) => Some("driver"),
            () => None,
        }
    }
}

fn default_size() -> Bytes {
    Bytes(64 << 10)
}

fn default_deadline() -> Time {
    Time(std::time::Duration::from_secs(20))
}

impl Case {
    /// Reads a case from the text of `<area>/<name>.yaml`.
    ///
    /// # Errors
    /// Every fault that it has: see [`crate::check`].
    pub fn parse(path: &Path, source: &str) -> Result<Self, Vec<Diagnostic>> {
        crate::check::check(path, source)
    }

    /// The first two segments of its cell ids.
    pub fn id(&self) -> String {
        format!("{}.{}", self.area, self.name)
    }
}

/// Whether a text can be a segment of a cell id.
pub fn segment(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name: whole\nrule: r\nwhy: w\nreference: f\ncells: exporter\n";

    #[test]
    fn a_case_takes_its_area_from_the_folder() {
        let steps = "steps:\n  - allocate: {as: a}\n  - export: {buffer: a, as: b}\n  - size: {file: b}\n";
        let case = Case::parse(Path::new("mapping/whole.yaml"), &format!("{HEAD}{steps}")).unwrap();
        assert_eq!((case.id().as_str(), case.size), ("mapping.whole", Bytes(65536)));
    }

    #[test]
    fn a_selector_selects_by_each_of_its_parts() {
        let selector = Selector { kind: vec![Kind::Drm], key: vec![], driver: vec![Glob::new("v*")] };
        assert!(selector.selects(Kind::Drm, "drm-vgem", "vgem"));
        assert!(!selector.selects(Kind::Drm, "drm-bochs", "bochs"));
        assert!(!selector.selects(Kind::V4l2, "v4l2-vivid-cap0", "vivid"));
        assert!(Selector::default().selects(Kind::Heap, "heap-system", ""));
    }
}
