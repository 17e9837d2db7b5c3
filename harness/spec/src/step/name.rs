//! A dma-buf's name, by which people know it in `/proc` and debugfs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ErrnoName;
use super::part::part;

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

part!(SetName: checks refusals; uses file: File;);

/// The name that fdinfo shows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Name {
    /// The dma-buf.
    pub file: String,
    /// The name; none by default.
    pub is: Option<String>,
}

part!(Name: checks; uses file: File;);
