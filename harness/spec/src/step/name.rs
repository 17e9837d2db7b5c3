//! A dma-buf's name, by which people know it in `/proc` and debugfs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErrnoName, Part, Sort, Use};

/// DMA_BUF_SET_NAME.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SetName {
    /// The dma-buf.
    pub file: String,
    /// The name; 31 bytes at most are allowed.
    pub name: String,
    /// It must be refused, with one of these.
    #[serde(default)]
    pub must_refuse: Vec<ErrnoName>,
}

impl Part for SetName {
    fn checks(&self) -> bool {
        !self.must_refuse.is_empty()
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File])]
    }
}

/// What fdinfo tells.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Name {
    /// The dma-buf.
    pub file: String,
    /// The name; none by default.
    pub is: Option<String>,
}

impl Part for Name {
    fn checks(&self) -> bool {
        true
    }

    fn uses(&self) -> Vec<Use<'_>> {
        vec![(&self.file, &[Sort::File])]
    }
}
