//! v4l2-compliance and our own cases side by side, on one board in one run: `ci/compare` writes the table into
//! harness/PERFORMANCE.md.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::host::{Copy, root};
use crate::recorded::{Recorded, text};

const BOARD: &str = "debian-amd64-kmod";

/// The board with Debian's v4l-utils, and with bounce buffers, without which a fault of a mapping shows in no byte.
fn board() -> Copy {
    let more = "  userland: {suite: bookworm, packages: [v4l-utils]}\n  qemu:\n    append: swiotlb=force\n";
    Copy::of(BOARD, |text| text.replacen("  qemu:\n", more, 1))
}

/// Each device of prime_v4l2's with buffers of vivid's, which is the other exporter that v4l2-compliance can have.
const SCRIPT: &str = r#"
cd /results
fault=/sys/module/prime_v4l2/parameters/fault
prime-cts list --format json >endpoints
node() { sed -n "s/.*\"key\":\"$1\".*\"node\":\"\([^\"]*\)\".*/\1/p" endpoints; }
now() { cut -d ' ' -f 1 /proc/uptime; }
# What fails is told without numbers that differ from run to run.
comply() {
	timeout 40 v4l2-compliance -d $(node v4l2-$1-cap0) -e $(node v4l2-vivid-cap0) -s2 >comply 2>&1
	echo "= ended $1 $?"
	grep -E '^[[:space:]]*test .*: FAIL' comply | sort -u | sed "s/^[[:space:]]*/= fails $1 /"
	sed -n "s/^Total for .*: \([0-9]*\), Succeeded.*/= total $1 \1/p" comply
	grep -cE '(DMABUF|EXPBUF|dmabuf).*: (OK|FAIL)' comply | sed "s/^/= dma-buf $1 /"
}
echo "= begin $(now)"
for queue in prime_contig prime_sg prime_vmalloc; do comply $queue; done
echo "= end $(now)"
sed 's/\t.*//' /sys/module/prime_v4l2/parameters/faults >faults
while read word; do
	echo "= fault $word"
	for queue in prime_contig prime_sg prime_vmalloc; do
		echo $word >$fault
		comply $queue
		echo >$fault
	done
done <faults
echo "= faults $(now)"
prime-cts run v4l2-prime_ --skip chain. --progress none --output /results/ours >/dev/null
echo "= ours $(now)"
prime-cts mutants prime_v4l2 --output /results/mutants
echo "= mutants $(now)"
"#;

/// What v4l2-compliance told of one round over the devices.
#[derive(Debug, Default, PartialEq)]
struct Round {
    fails: BTreeSet<String>,
    totals: Vec<u32>,
    of_dma_bufs: u32,
}

impl Round {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        match (words.next(), words.nth(1)) {
            (Some("fails"), _) => _ = self.fails.insert(line.to_owned()),
            // The program's own exit code says no more than its tests, but for one that hung or died.
            (Some("ended"), Some(code)) if code.parse::<u32>().is_ok_and(|code| code > 1) => {
                self.fails.insert(line.to_owned());
            }
            (Some("total"), Some(total)) => self.totals.extend(total.parse::<u32>()),
            (Some("dma-buf"), Some(count)) => self.of_dma_bufs += count.parse::<u32>().unwrap_or(0),
            _ => {}
        }
    }
}

/// A time that the script told, in seconds.
fn time(lines: &[&str], word: &str) -> f64 {
    let told = lines.iter().find_map(|line| line.strip_prefix(word)?.trim().parse().ok());
    told.unwrap_or_else(|| panic!("no time '{word}' in {lines:?}"))
}

/// The table of harness/PERFORMANCE.md.
fn table(lines: &[&str], recorded: &Recorded, mutants: &str) -> String {
    let mut rounds: Vec<(&str, Round)> = vec![("", Round::default())];
    for line in lines {
        match line.strip_prefix("fault ") {
            Some(word) => rounds.push((word, Round::default())),
            None => rounds.last_mut().unwrap().1.hear(line),
        }
    }
    let (plain, planted) = (&rounds[0].1, &rounds[1..]);
    assert!(!plain.totals.is_empty() && !planted.is_empty(), "{rounds:?}");
    let theirs = planted.iter().filter(|(_, round)| round.fails.difference(&plain.fails).next().is_some());
    let theirs: Vec<&str> = theirs.map(|(word, _)| *word).collect();
    let found = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["cell"].is_string();
    let ours = mutants.lines().filter(found).count();
    assert_eq!(mutants.lines().count(), planted.len());
    let verified = recorded.events("cell").filter(|cell| ["pass", "fail"].contains(&text(&cell["verdict"]))).count();
    let pair = |cell: &Value| Some((cell["exporter"].as_str()?.to_owned(), cell["importer"].as_str()?.to_owned()));
    let pairs: BTreeSet<_> = recorded.events("cell").filter_map(pair).collect();
    let seconds = |from: &str, to: &str| format!("{:.0} s", time(lines, to) - time(lines, from));
    let total: u32 = plain.totals.iter().sum();
    format!(
        "| | v4l2-compliance | prime-cts |\n|---|---|---|\n\
         | time of one round | {} | {} |\n\
         | checks made | {total}, {} of them about dma-bufs | {verified} cells verified |\n\
         | pairs of exporter and importer | {} | {} |\n\
         | faults of prime_v4l2 caught | {} of {}: {} | {ours} of {} |\n",
        seconds("begin", "end"),
        seconds("faults", "ours"),
        plain.of_dma_bufs,
        plain.totals.len(),
        pairs.len(),
        theirs.len(),
        planted.len(),
        theirs.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        planted.len(),
    )
}

const BEGIN: &str = "<!-- side by side -->\n";
const END: &str = "<!-- end of side by side -->";

#[test]
#[ignore = "it takes a quarter of an hour, and is there for the table: ci/compare"]
fn side_by_side() {
    let copy = board();
    let said = copy.shell_within(BOARD, SCRIPT, Duration::from_secs(3600));
    let out = said.out.replace('\r', "");
    let lines: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("= ")).collect();
    let results = copy.results(BOARD);
    let mutants = fs::read_to_string(results.join("mutants/mutants.jsonl")).unwrap_or_else(|_| panic!("{out}"));
    let table = table(&lines, &Recorded::read(&results.join("ours")), &mutants);
    println!("{table}");
    let path = root().join("harness/PERFORMANCE.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (_, after) = rest.split_once(END).expect("which ends");
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}

#[test]
fn a_fault_counts_as_caught_by_what_fails_with_it_alone() {
    let hear = |lines: &[&str]| {
        let mut round = Round::default();
        lines.iter().for_each(|line| round.hear(line));
        round
    };
    let plain =
        hear(&["ended prime_sg 1", "fails prime_sg test Cropping: FAIL", "total prime_sg 46", "dma-buf prime_sg 3"]);
    assert_eq!((plain.fails.len(), plain.totals.as_slice(), plain.of_dma_bufs), (1, &[46][..], 3));
    assert_eq!(hear(&["ended prime_sg 124"]).fails.len(), 1, "one that hangs has found something");
}
