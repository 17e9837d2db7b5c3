//! Steps of a device on a buffer that it has imported, and of who watches it.

use super::part::part;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

part!(DeviceFill: uses buffer: Buffer;);

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

part!(DeviceCheck: checks; uses buffer: Buffer;);

/// Checks that no one has touched the struct pages that the exporter laid out.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Untouched {
    /// A dma-buf of the canary's.
    pub file: String,
}

part!(Untouched: checks; uses file: File;);

fn first_seed() -> u32 {
    1
}
