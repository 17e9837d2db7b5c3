//! `prime-cts speed`.

mod program;

use program::Place;
use serde_json::Value;

#[test]
fn each_exporter_that_is_named_is_measured() {
    let place = Place::new();
    let said = place.run("speed --mock clean,past-end past --mib 1");
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows: Vec<&str> = said.out.lines().collect();
    assert!(rows.len() == 2 && rows[1].starts_with("mock-past-end") && rows[1].contains(" 1 MiB "), "{said:?}");
    let said = place.run("speed --mock clean --mib 1 --format json");
    let told: Value = serde_json::from_str(said.out.trim()).unwrap();
    assert_eq!((&told["exporter"], &told["bytes"]), (&"mock-clean".into(), &(1u64 << 20).into()));
    assert!(["fill", "memcpy", "check", "memcmp"].iter().all(|name| told[name].as_u64() > Some(0)), "{told}");
}

#[test]
fn what_is_not_there_is_said() {
    Place::new().run("speed --mock clean nosuch").fails(2, &["no exporter's key contains 'nosuch'"]);
}

#[test]
fn bare_exchanges_are_timed_between_all_pairs() {
    let place = Place::new();
    let said = place.run("speed --mock clean,past-end --bare");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("32 exchanges between 2 pairs in ") && said.out.contains(" ms each; 0 were refused"));
    let told: Value =
        serde_json::from_str(place.run("speed --mock clean,past-end --bare --format json").out.trim()).unwrap();
    assert_eq!((told["pairs"].as_u64(), told["exchanges"].as_u64()), (Some(2), Some(32)), "{told}");
    let said = place.run("speed --mock clean --bare");
    assert!(said.code != Some(0) && said.out.starts_with("not measured: no device makes a buffer"), "{said:?}");
}
