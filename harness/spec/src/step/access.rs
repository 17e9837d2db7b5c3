//! Steps of a device on a buffer that it has imported, and of who watches it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Part, Sort, Use};

/// The device writes the pattern.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeviceFill {
    /// The imported buffer.
    pub buffer: String,
    /// Which pattern.
    #[serde(default = "first_seed")]
    pub seed: u32,
}

impl Part for DeviceFill {
    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.buffer, &[Sort::Buffer])]
    }
}

/// The device reads, and must see the pattern.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeviceCheck {
    /// The imported buffer.
    pub buffer: String,
    /// Which pattern.
    #[serde(default = "first_seed")]
    pub seed: u32,
}

impl Part for DeviceCheck {
    fn checks(&self) -> bool {
        true
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.buffer, &[Sort::Buffer])]
    }
}

/// Whether nobody has touched the struct pages that the exporter laid out.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Untouched {
    /// A dma-buf of the canary's.
    pub file: String,
}

impl Part for Untouched {
    fn checks(&self) -> bool {
        true
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File])]
    }
}

fn first_seed() -> u32 {
    1
}
