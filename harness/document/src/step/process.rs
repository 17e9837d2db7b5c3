//! Steps with steps of their own: in other processes, again and again, within limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Part, Step};

/// Steps in a forked process.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fork {
    /// What it does; it inherits all that was made before, and what it makes is gone with it.
    pub steps: Vec<Step>,
}

impl Part for Fork {
    fn inner(&self) -> Vec<&[Step]> {
        vec![&self.steps]
    }
}
