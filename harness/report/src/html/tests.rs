use std::collections::BTreeSet;

use spec::verdict::{Outcome, Verdict};

use super::document::{SCRIPT, STYLE};
use super::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::journal::Recorded;
use event::sample;
use event::{Finding, Missing};
use sha2::{Digest, Sha256};

/// The page of a run, compared with another where there is one.
fn page(recorded: &Recorded, against: Option<&Recorded>) -> String {
    let registry = catalogue::registry::embedded().unwrap();
    let cases = catalogue::embedded();
    text(recorded, &PageInputs { registry: &registry, cases: &cases, against })
}

/// What stands between quotes behind a text, wherever it stands.
fn values<'a>(page: &'a str, before: &str) -> Vec<&'a str> {
    page.split(before).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// One of everything, and a chain, an unexpected pass, a property, a worker without devices.
fn run() -> Recorded {
    let mut recorded = sample::recorded();
    let mut property = sample::cell("fd.size.drm-b", Verdict::Pass, Outcome::Expected);
    property.findings = sample::cell("fd.size.drm-b", Verdict::Refused, Outcome::Expected).findings;
    property.findings[0].verdict = Verdict::Pass;
    recorded.cells.extend([
        sample::cell("chain.copy.drm-a.drm-a.drm-b", Verdict::Pass, Outcome::Expected),
        sample::cell("chain.copy.drm-a.drm-b.drm-c", Verdict::Fail, Outcome::Regression),
        sample::cell("mapping.whole.drm-b", Verdict::Pass, Outcome::UnexpectedPass),
        sample::cell("suite.nothing", Verdict::Error, Outcome::Regression),
        property,
    ]);
    recorded
}

#[test]
fn each_cell_has_one_place_and_every_link_leads_somewhere() {
    let (recorded, mut before) = (run(), run());
    before.cells.iter_mut().for_each(|cell| cell.verdict = Verdict::Refused);
    let page = page(&recorded, Some(&before));
    let ids = values(&page, " id=\"");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for cell in &recorded.cells {
        assert!(unique.contains(cell.id.as_str()), "{} has no place", cell.id);
    }
    let links = values(&page, "href=\"#");
    assert!(links.len() > recorded.cells.len(), "{links:?}");
    links.iter().for_each(|link| assert!(unique.contains(link), "#{link} leads nowhere"));
}

#[test]
fn what_a_driver_or_the_kernel_says_is_text() {
    let evil = "<script>alert(1)</script>\"'&";
    let mut recorded = run();
    recorded.run.board = Some(evil.into());
    recorded.run.cmdline = evil.into();
    recorded.endpoints[0].driver = evil.into();
    recorded.endpoints[0].blocked = Some(evil.into());
    recorded.missing.push(Missing { what: evil.into(), name: evil.into(), outcome: Outcome::Missing });
    for cell in &mut recorded.cells {
        (cell.rule, cell.reference, cell.reason) = (evil.into(), evil.into(), Some(evil.into()));
        let finding = Finding { seen: evil.into(), expected: evil.into(), lines: vec![evil.into()], ..finding() };
        cell.findings.push(finding);
    }
    let page = page(&recorded, Some(&sample::recorded()));
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
    assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;&quot;").count() > 3 * recorded.cells.len());
}

fn finding() -> Finding {
    sample::cell("a.b.c", Verdict::Fail, Outcome::Expected).findings.remove(0)
}

#[test]
fn nothing_is_loaded_and_the_policy_knows_the_style_and_the_script() {
    let page = page(&run(), None);
    let between = |begin: &str, end: &str| page.split(begin).nth(1).unwrap().split(end).next().unwrap().to_owned();
    for (kind, text) in [("style", between("<style>", "</style>")), ("script", between("<script>", "</script>"))] {
        let digest = BASE64_STANDARD.encode(Sha256::digest(text));
        assert!(page.contains(&format!("{kind}-src 'sha256-{digest}'")), "the {kind} would not be taken");
    }
    let without_script = page.replace(SCRIPT, "").replace(STYLE, "");
    for foreign in [" src=", "http:", "https:", "url(", "@import", " style=", " onclick=", "<link", "<iframe"] {
        assert!(!without_script.contains(foreign) && !STYLE.contains(foreign), "{foreign}");
    }
    for call in ["fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "import("] {
        assert!(!SCRIPT.contains(call), "{call}");
    }
}

#[test]
fn the_figures_are_those_of_the_run() {
    let recorded = run();
    let page = page(&recorded, None);
    let cells = page.split("<section id=\"cells\"").nth(1).unwrap().split("<section id=\"rules\"").next().unwrap();
    let rows = cells.matches("<th scope=\"row\">").count();
    assert_eq!(rows, recorded.cells.len());
    for (verdict, count) in crate::summary::counts(&recorded.cells) {
        assert!(page.contains(&format!("</span>{verdict}</dt><dd>{count}</dd>")), "{count} {verdict}");
        assert_eq!(cells.matches(&format!("<td class=\"{verdict}\">")).count(), count, "{verdict}");
    }
    assert_eq!(page.matches("<article class=\"cell unwanted\"").count(), 4, "in full what is not as expected");
    assert_eq!(page.matches("<details class=\"cell\"").count(), 1, "and what is known");
    assert!(self::page(&sample::recorded(), None).contains("2 verified, 1 not as expected."));
}

#[test]
fn a_failure_tells_all_that_its_reader_needs() {
    let page = page(&sample::recorded(), None);
    let (_, cell) = page.split_once("<article id=\"mapping.at-offset.drm-a\">").unwrap();
    let cell = cell.split("</article>").next().unwrap();
    assert!(page.contains("<p class=\"reason\">Known: known since 5.0</p>"), "once for all of a reason");
    let mut by_finding = sample::recorded();
    by_finding.cells[1].reason = Some("known fault first-page (kernels since 5.10): it shows page 0".into());
    assert!(self::page(&by_finding, None).contains("<p class=\"reason\">Known fault first-page (kernels"));
    for part in [
        "the pattern of seed 1 &lt;from&gt; byte 8192",
        "byte 8192: saw the bytes of offset 0",
        "the exporter, drm-a",
        "<pre tabindex=\"0\">a line &amp; more</pre>",
        "drm_gem_map_dma_buf (exporter &quot;drm&quot;)",
        "ci/board run b -- --exact mapping.at-offset.drm-a",
    ] {
        assert!(cell.contains(part), "{part} is not in {cell}");
    }
}

#[test]
fn a_step_is_told_as_the_case_has_it_when_it_is_the_same_case() {
    let mut recorded = sample::recorded();
    let cases = catalogue::embedded();
    let case = cases.iter().find(|case| case.id() == "mapping.at-offset").unwrap();
    let steps = spec::words::of_steps(&case.steps);
    let number = steps.iter().position(|step| step.written.starts_with("check")).unwrap() + 1;
    recorded.cells[1].findings[0].step = Some(format!("{number} check"));
    let written = &steps[number - 1].written;
    let step = format!("<dt>step</dt><dd>{number} <code>{written}</code></dd>");
    assert!(!page(&recorded, None).contains(&step), "the run's case has another rule");
    (recorded.cells[1].rule, recorded.cells[1].reference) = (case.rule.clone(), case.reference.clone());
    recorded.run.program = env!("CARGO_PKG_VERSION").into();
    assert!(page(&recorded, None).contains(&step), "{step}");
    recorded.run.program = "0.0.1".into();
    assert!(!page(&recorded, None).contains(&step), "another program's case");
}

#[test]
fn the_grid_shows_the_worst_and_what_nobody_knew_of() {
    let page = page(&run(), None);
    let of = |pair: &str| {
        let (before, after) = page.split_once(&format!("<a href=\"#pair:{pair}\"")).unwrap();
        let class = before.rsplit_once("class=\"").unwrap().1.trim_end_matches("\">").to_owned();
        (class, after.split('"').nth(1).unwrap().to_owned())
    };
    assert_eq!(of("drm-b:drm-a"), ("crash unwanted".into(), "crash, not as expected: 1 crash".into()));
    assert_eq!(of("drm-a:"), ("fail known".into(), "known fail: 1 pass, 1 fail".into()));
    assert_eq!(of("drm-a:drm-a").0, "pass verified");
    assert_eq!(of("drm-a:drm-b"), ("fail unwanted".into(), "fail, not as expected: 1 pass, 1 refused, 1 fail".into()));
}

#[test]
fn the_page_begins_with_the_causes_and_the_one_command() {
    let page = page(&sample::recorded(), None);
    let (causes, grid) = (page.find("id=\"causes\"").unwrap(), page.find("id=\"grid\"").unwrap());
    assert!(causes < grid);
    let part = &page[causes..grid];
    assert!(
        part.contains("Cause 1: ") && part.contains("ci/board run b -- --exact leaks.import.drm-b.drm-a"),
        "{part}"
    );
    assert!(part.contains("prime-cts repro leaks.import.drm-b.drm-a"), "{part}");
    assert!(part.contains("<a href=\"#leaks.import.drm-b.drm-a\">"), "{part}");
}

#[test]
fn another_run_is_compared() {
    let (now, mut before) = (sample::recorded(), sample::recorded());
    before.cells[3].verdict = Verdict::Pass;
    before.cells[0].verdict = Verdict::Fail;
    let page = page(&now, Some(&before));
    assert!(page.contains("New failures (1)") && page.contains("Fixed (1)"), "{page}");
    assert!(page.contains("<a href=\"#leaks.import.drm-b.drm-a\">drm-b to drm-a</a>"), "{page}");
    assert!(self::page(&now, Some(&now)).contains("No cell has another verdict."));
    assert!(!self::page(&now, None).contains("id=\"against\""));
}

#[test]
fn runs_without_cells_and_loads_have_pages() {
    let mut recorded = sample::recorded();
    recorded.cells.clear();
    recorded.endpoints.clear();
    let empty = page(&recorded, None);
    assert!(empty.contains("this machine has no DRM, V4L2") && !empty.contains("id=\"grid\""), "{empty}");
    let mut worker = sample::cell("load.closes.worker-1", Verdict::Pass, Outcome::Expected);
    (worker.exporter, worker.importer) = (None, None);
    worker.figures.insert("closes".into(), 1482);
    recorded.cells.push(worker);
    let load = page(&recorded, None);
    assert!(load.contains("under load") && load.contains("<dt>closes</dt><dd>1482</dd>"), "{load}");
    assert!(values(&load, "href=\"#").iter().all(|link| load.contains(&format!("id=\"{link}\""))));
}

/// A board with twenty exporters and importers, each pair with some twenty rules, a third of them refused.
#[test]
fn the_page_of_nine_thousand_cells_is_some_megabytes() {
    let mut recorded = sample::recorded();
    recorded.cells.clear();
    for (pair, rule) in (0..9000).map(|number| (number / 22, number % 22)) {
        let (exporter, importer) = (pair / 20, pair % 20);
        let id = format!("coherence.while-imported-{rule}.v4l2-vicodec-cap{exporter}.v4l2-vicodec-out{importer}");
        let verdict = if rule % 3 == 0 { Verdict::Refused } else { Verdict::Pass };
        let mut cell = sample::cell(&id, verdict, Outcome::Expected);
        for finding in &mut cell.findings {
            finding.lines.clear();
            finding.seen = "VIDIOC_QBUF: EFAULT: Bad address: the memory is not contiguous enough".repeat(2);
        }
        recorded.cells.push(cell);
    }
    let page = page(&recorded, None);
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
}
