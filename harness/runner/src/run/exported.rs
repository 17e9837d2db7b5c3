//! What a cell's buffers were exported through.

use event::MapDmaBuf;

/// Returns what a cell's own buffers were exported through. A library may export other buffers as well (Mesa's software driver
/// tries udmabuf whenever it is opened): of what was traced, that counts which the steps' own files are called by.
pub fn of_steps(traced: Vec<MapDmaBuf>, told: Vec<MapDmaBuf>) -> Vec<MapDmaBuf> {
    let own = |found: &&MapDmaBuf| told.iter().any(|told| told.exp_name == found.exp_name);
    let own: Vec<MapDmaBuf> = traced.iter().filter(own).cloned().collect();
    [own, traced, told].into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(symbol: Option<&str>, exp_name: &str) -> MapDmaBuf {
        MapDmaBuf { symbol: symbol.map(str::to_owned), exp_name: exp_name.into(), observed: symbol.is_some() }
    }

    #[test]
    fn what_a_library_exports_beside_the_steps_is_not_the_cell_s() {
        let traced = vec![through(Some("map_udmabuf"), "udmabuf"), through(Some("drm_gem_map_dma_buf"), "drm")];
        assert_eq!(of_steps(traced.clone(), vec![through(None, "drm")]), [traced[1].clone()]);
        assert_eq!(of_steps(traced.clone(), vec![]), traced);
        assert_eq!(of_steps(vec![], vec![through(None, "drm")]), [through(None, "drm")]);
    }
}
