//! Steps that count what is held.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Part, Sort, Use};

/// Remembers counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Snapshot {
    /// Names it.
    pub r#as: String,
    /// The dma-buf whose references and attachments are counted too.
    pub file: Option<String>,
}

impl Part for Snapshot {
    fn makes(&self) -> Option<(&str, Sort)> {
        Some((&self.r#as, Sort::Snapshot))
    }

    fn uses(&self) -> Vec<Use<'_>> {
        self.file.iter().map(|file| (file.as_str(), &[Sort::File][..])).collect()
    }
}

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

impl Part for Balance {
    fn checks(&self) -> bool {
        true
    }

    fn uses(&self) -> Vec<Use<'_>> {
        let file = self.file.iter().map(|file| (file.as_str(), &[Sort::File][..]));
        std::iter::once((self.since.as_str(), &[Sort::Snapshot][..])).chain(file).collect()
    }
}
