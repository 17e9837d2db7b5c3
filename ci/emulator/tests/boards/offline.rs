//! A run needs no network once its cache is warm.

use crate::host::{Said, alone, board, root, run_with};

const NAME: &str = "debian-amd64-7.3";
const CELL: &str = "fd.size.udmabuf";

#[test]
fn a_warm_cache_needs_no_network() {
    let _board = alone(NAME);
    assert_eq!(run_with(NAME, &["--exact", CELL]).code, Some(0), "the cache is warm");
    let offline = |words: &[&str]| {
        let mut command = board(&root(), words);
        // No one listens there, and apt and cargo go nowhere else.
        for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            command.env(variable, "http://127.0.0.1:9");
        }
        Said::by(command.env("CARGO_NET_OFFLINE", "true"))
    };
    let said = offline(&["run", NAME, "--", "--exact", CELL]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // The network is really out of reach.
    offline(&["run", NAME, "--refresh", "--", "--exact", CELL]).fails(4, &["fetch the package lists of"]);
}
