//! What a board file expects of a board and a run did not see.

use spec::board::Expect;
use spec::verdict::Outcome;

use crate::stream::{EndpointFound, MapDmaBuf, Missing};

/// Returns what the board file expects and the run did not see. Only a run of every cell can miss an implementation.
pub fn missing(expect: &Expect, found: &[EndpointFound], reached: &[MapDmaBuf]) -> Vec<Missing> {
    let missing =
        |what: &str, name: &String| Missing { what: what.into(), name: name.clone(), outcome: Outcome::Missing };
    let usable = |key: &String| found.iter().any(|endpoint| endpoint.key == *key && endpoint.blocked.is_none());
    let endpoints = expect.endpoints.iter().filter(|key| !usable(key)).map(|key| missing("endpoint", key));
    let seen = |symbol: &String| {
        let at_start = found.iter().filter_map(|endpoint| endpoint.map_dma_buf.as_ref());
        at_start.chain(reached).any(|found| found.symbol.as_ref() == Some(symbol))
    };
    let symbols = expect.map_dma_buf.iter().filter(|symbol| !seen(symbol)).map(|symbol| missing("map_dma_buf", symbol));
    endpoints.chain(symbols).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_board_file_names_and_nobody_saw_is_missing() {
        let expect =
            Expect { endpoints: vec!["udmabuf".into()], map_dma_buf: vec!["map_udmabuf".into()], ..Expect::default() };
        let names: Vec<String> = missing(&expect, &[], &[]).into_iter().map(|missing| missing.name).collect();
        assert_eq!(names, ["udmabuf", "map_udmabuf"]);
        let seen = MapDmaBuf { symbol: Some("map_udmabuf".into()), exp_name: "udmabuf".into(), observed: true };
        assert_eq!(missing(&expect, &[], &[seen]).len(), 1);
    }
}
