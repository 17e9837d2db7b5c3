use super::*;
use proptest::prelude::*;

const HEAD: &str = "name: c\nrule: r\nwhy: w\nreference: f\n";

/// Line, column, message and help of every fault.
fn faults(tail: &str) -> Vec<String> {
    let found = check(Path::new("area/c.yaml"), &format!("{HEAD}{tail}")).err().unwrap_or_default();
    let told = |fault: &Diagnostic| {
        let (line, column) = fault.place.unwrap();
        format!("{line}:{column} {} ({})", fault.message, fault.help.as_deref().unwrap_or("-"))
    };
    found.iter().map(told).collect()
}

#[test]
fn all_faults_are_told_at_once_in_their_order() {
    let found = faults(
        "cells: pari\nsize: 64KB\nsteps:\n  - allocat: {as: a}\n  - export: {buffer: a, sa: f}\n  - map: {of: g, as: m}\n",
    );
    assert_eq!(
        found,
        [
            "5:8 invalid value 'pari' for 'cells' (did you mean 'pair'?)",
            "6:7 '64KB' is not a size (did you mean '64KiB'?)",
            "8:5 no verb is called 'allocat' (did you mean 'allocate'?)",
            "9:5 'export' lacks the key 'as' (as: Names the file.)",
            "9:25 'sa' is not a key of 'export' (did you mean 'as'?)",
            "10:15 no step before this 'map' made 'g' (did you mean 'a'?)",
        ]
    );
}

#[test]
fn a_mapping_that_the_kernel_never_makes_is_one_that_must_be_refused() {
    let found = |keys: &str| {
        let steps =
            "cells: exporter\nsteps:\n  - allocate: {as: b}\n  - export: {buffer: b, as: f}\n  - size: {file: f}\n";
        faults(&format!("{steps}  - map: {{of: f, as: m, {keys}}}\n")).len()
    };
    assert_eq!((found("length: 0"), found("offset: 100")), (1, 1));
    assert_eq!((found("length: 0, must-refuse: [EINVAL]"), found("offset: 100, must-refuse: [EINVAL]")), (0, 0));
    assert_eq!((found("length: 1"), found("offset: 4KiB")), (0, 0));
}

proptest! {
    /// Any text at all, and text that is nearly a case.
    #[test]
    fn any_text_is_answered_with_places_inside_of_it(text in "\\PC{0,200}|[-a-c:{}\\[\\]'\"|>&*!#%@ \\t\\r\\n0-9]{0,200}") {
        sound(&text)?;
    }

    #[test]
    fn a_case_with_something_cut_out_is_answered(from in 0usize..400, length in 0usize..60, put in "[-:{}\\[\\]\n a-z]{0,4}") {
        let whole = "name: c\nrule: r\nwhy: >-\n  w\nreference: f\ncells: exporter\nexporters: {kind: [drm], key: ['drm-*']}\n\
            size: 64KiB\ndeadline: 2s\nsteps:\n  - allocate: {as: buffer}\n  - export: {buffer: buffer, as: file}\n  \
            - map: {of: file, as: m, offset: 4KiB}\n  - fork:\n      steps:\n        - check: {mapping: m, seed: 3}\n  \
            - seek: {file: file, from: end, offset: -1, must-refuse: [EINVAL]}\n";
        let from = from.min(whole.len());
        let to = (from + length).min(whole.len());
        sound(&format!("{}{put}{}", &whole[..from], &whole[to..]))?;
    }
}

fn sound(text: &str) -> Result<(), TestCaseError> {
    let started = std::time::Instant::now();
    let checked = check(Path::new("area/c.yaml"), text);
    if let Ok(case) = &checked {
        prop_assert_eq!(format!("{:?}", case), by_serde_yaml("area", text));
    }
    for fault in checked.err().unwrap_or_default() {
        let shown = fault.to_string();
        let (line, column) = fault.place.ok_or_else(|| TestCaseError::fail(format!("no place: {shown}")))?;
        let there = text.lines().nth(line - 1).unwrap_or("");
        prop_assert!(line <= text.lines().count().max(1) && column <= there.chars().count().max(1), "{}", shown);
    }
    prop_assert!(started.elapsed().as_secs() < 1);
    Ok(())
}

#[test]
fn large_and_deep_texts_take_no_time() {
    let texts = [
        "[".repeat(60_000),
        "- a\n".repeat(16_000),
        "{a: ".repeat(15_000),
        "&a [*a]\n".repeat(8_000),
        "a".repeat(70_000),
    ];
    for text in
        texts.into_iter().chain([format!("{HEAD}cells: pair\nsteps:\n{}", "  - map: {of: x, as: y}\n".repeat(2_400))])
    {
        let started = std::time::Instant::now();
        let found = check(Path::new("area/c.yaml"), &text).unwrap_err();
        found.iter().for_each(|fault| drop(fault.to_string()));
        assert!(found.len() <= MOST + 1 && started.elapsed().as_secs() < 2, "{:.20}: {:?}", text, started.elapsed());
    }
}

/// A case as another reader of YAML reads it.
fn by_serde_yaml(area: &str, text: &str) -> String {
    let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
    let case: Case = serde_json::from_value(value).unwrap();
    format!("{:?}", Case { area: area.into(), ..case })
}

#[test]
fn a_case_is_what_another_reader_of_yaml_makes_of_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cases");
    let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for area in entries(Path::new(root)).filter(|path| path.is_dir()) {
        for file in entries(&area) {
            let text = std::fs::read_to_string(&file).unwrap();
            let case = check(&file, &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
            assert_eq!(format!("{case:?}"), by_serde_yaml(&case.area, &text), "{}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
}
