//! A line of the kernel that is changed is one cause, no matter how many cells fail of it.

use crate::host::{Said, board, root};
use crate::recorded::{Recorded, text};

#[test]
fn a_changed_line_of_the_drm_core_is_one_cause() {
    let said = Said::by(&mut board(
        &root(),
        &["run", "debian-amd64", "--change", "prime-handle-cache", "--", "identity.", "fd.size"],
    ));
    println!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let recorded = Recorded::of("debian-amd64+prime-handle-cache");
    let failures = recorded.events("cell").filter(|cell| cell["outcome"] == "regression").count();
    assert!(failures > 50, "{failures} failures");
    let new: Vec<_> = recorded.events("cause").filter(|cause| cause["known"].is_null()).collect();
    let [cause] = &new[..] else { panic!("{new:#?}") };
    let suspect = &cause["suspect"];
    assert_eq!(text(&suspect["role"]), "importer", "{cause:#}");
    assert!(text(&suspect["name"]).contains("drm_prime"), "{cause:#}");
    assert_eq!(suspect["endpoints"].as_array().map(Vec::len), Some(5), "{cause:#}");
    assert!(said.out.contains("cause 1: the DRM core's PRIME (drm_prime), as the importer"), "{}", said.out);
    assert!(said.out.contains(&format!("({failures} failures; ")), "{}", said.out);
}

#[test]
fn a_change_that_there_is_not_names_those_that_there_are() {
    let said = Said::by(&mut board(&root(), &["run", "debian-amd64", "--change", "nowhere"]));
    said.fails(2, &["there is no change 'nowhere'", "prime-handle-cache"]);
}
