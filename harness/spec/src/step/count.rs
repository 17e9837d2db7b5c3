//! Steps that count what is held.

use super::part::part;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Remembers counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Snapshot {
    /// Names it.
    pub r#as: String,
    /// The dma-buf whose references and attachments are counted too.
    pub file: Option<String>,
}

part!(Snapshot: makes Snapshot; uses file: File;);

/// Compares counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Balance {
    /// The snapshot.
    pub since: String,
    /// The dma-buf whose references and attachments must be what they were; it must still be open.
    pub file: Option<String>,
    /// The snapshot's dma-buf must be gone from the kernel's list.
    #[serde(default)]
    pub gone: bool,
}

part!(Balance: checks; uses since: Snapshot, file: File;);
