//! Which endpoints a case is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ability, Kind, Memory, Pixels};
use crate::glob::Glob;

/// Which endpoints a case is about. An empty list selects all.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Selector {
    /// Their kind.
    #[serde(default)]
    pub kind: Vec<Kind>,
    /// Patterns over the keys that `prime-cts list` shows.
    #[serde(default)]
    pub key: Vec<Glob>,
    /// Patterns over the names of kernel drivers; over a heap's own name.
    #[serde(default)]
    pub driver: Vec<Glob>,
    /// The memory of their own buffers, as far as a first export of them shows.
    #[serde(default)]
    pub memory: Vec<Memory>,
    /// Abilities that they must all have.
    #[serde(default)]
    pub can: Vec<Ability>,
    /// Patterns over the symbol of the map_dma_buf that their own buffers go through.
    #[serde(default)]
    pub map_dma_buf: Vec<Glob>,
    /// Pixel sorts that they must all have.
    #[serde(default)]
    pub pixels: Vec<Pixels>,
}

/// The facts of an endpoint that a selector looks at.
#[derive(Debug, Clone, Copy)]
pub struct EndpointFacts<'a> {
    /// The kind of the endpoint.
    pub kind: Kind,
    /// Its key.
    pub key: &'a str,
    /// Its kernel driver.
    pub driver: &'a str,
    /// True if it exports.
    pub exports: bool,
    /// True if it imports.
    pub imports: bool,
    /// True if it reads imported buffers when it is asked to.
    pub reads: bool,
    /// True if it writes imported buffers when it is asked to.
    pub writes: bool,
    /// The work that it does with frames.
    pub work: &'a [Ability],
    /// The pixel sorts of its frames.
    pub pixels: &'a [Pixels],
    /// The memory of its buffers, if known.
    pub memory: Option<Memory>,
    /// The map_dma_buf of its buffers, if known.
    pub map_dma_buf: Option<&'a str>,
}

impl Selector {
    /// Returns whether an endpoint is selected.
    pub fn selects(&self, endpoint: EndpointFacts<'_>) -> bool {
        self.why_not(endpoint).is_none()
    }

    /// Returns the first criterion that the endpoint does not meet, or `None` if it is selected. A mock stands for any kind, so that every case can be tested with it.
    pub fn why_not(&self, endpoint: EndpointFacts<'_>) -> Option<&'static str> {
        let EndpointFacts { kind, key, driver, exports, imports, reads, writes, work, pixels, memory, map_dma_buf } =
            endpoint;
        let mock = kind == Kind::Mock;
        let able = |ability: &Ability| match ability {
            Ability::Export => exports,
            Ability::Import => imports,
            Ability::Read => reads,
            Ability::Write => writes,
            ability => mock || work.contains(ability),
        };
        let none = |globs: &[Glob], text: &str| !globs.is_empty() && !globs.iter().any(|glob| glob.matches(text));
        match () {
            () if !mock && !self.kind.is_empty() && !self.kind.contains(&kind) => Some("kind"),
            () if !self.can.iter().all(able) => Some("abilities"),
            () if !mock && !self.pixels.iter().all(|wanted| pixels.contains(wanted)) => Some("pixels"),
            () if none(&self.key, key) => Some("key"),
            () if !mock && none(&self.driver, driver) => Some("driver"),
            () if !mock && !self.memory.is_empty() && !memory.is_some_and(|memory| self.memory.contains(&memory)) => {
                Some("memory")
            }
            () if !mock && none(&self.map_dma_buf, map_dma_buf.unwrap_or_default()) => Some("map_dma_buf"),
            () => None,
        }
    }

    /// Returns whether it asks for what only a first export shows.
    pub fn asks_of_exports(&self) -> bool {
        !self.memory.is_empty() || !self.map_dma_buf.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_selects_by_each_of_its_parts() {
        let seen = |kind, key, driver| EndpointFacts {
            kind,
            key,
            driver,
            exports: true,
            imports: kind.imports(),
            reads: false,
            writes: false,
            work: &[],
            pixels: &[],
            memory: None,
            map_dma_buf: None,
        };
        let selector = Selector { kind: vec![Kind::Drm], driver: vec![Glob::new("v*")], ..Selector::default() };
        assert!(selector.selects(seen(Kind::Drm, "drm-vgem", "vgem")));
        assert!(!selector.selects(seen(Kind::Drm, "drm-bochs", "bochs")));
        assert!(!selector.selects(seen(Kind::V4l2, "v4l2-vivid-cap0", "vivid")));
        let heap = seen(Kind::Heap, "heap-system", "");
        assert!(Selector::default().selects(heap));
        let both = Selector { can: vec![Ability::Export, Ability::Import], ..Selector::default() };
        assert_eq!(both.why_not(heap), Some("abilities"));
        let scattered = Selector { memory: vec![Memory::Scattered], ..Selector::default() };
        assert_eq!(scattered.why_not(heap), Some("memory"), "what is not known is not selected");
        assert!(scattered.selects(EndpointFacts { memory: Some(Memory::Scattered), ..heap }));
        let mapped = Selector { map_dma_buf: vec![Glob::new("system_heap_*")], ..Selector::default() };
        assert!(
            mapped.selects(EndpointFacts { map_dma_buf: Some("system_heap_map_dma_buf"), ..heap })
                && !mapped.selects(heap)
        );
    }
}
