//! A cell's devices, as a step names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of a cell's devices does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The importer.
    #[default]
    Importer,
    /// The exporter, through the very file that allocated the buffer.
    Exporter,
    /// The second importer of a chain.
    SecondImporter,
}
