"""Boards that go down in the middle of a run: no finished result is lost, the guilty cell is named, the rest runs."""

import re

import pytest

from conftest import WORDS
from farm import until
from results import Run, begun, prime_cts

BOARD = "debian-amd64-7.3"
POISON = "identity.duplicate-handle.canary-poison.drm-prime_drm_shmem"
POISON_WORDS = "'identity.*.canary-poison.drm-prime_drm_shmem' 'pages.*.canary-decoy.drm-prime_drm_shmem' fd.size"
# On the first boot alone, when some cells are done.
LATER = "[ -e /tmp/prime-cts/run.jsonl ] || (until [ \"$(grep -c '\"event\":\"cell\",' /tmp/prime-cts/run.jsonl)\" -gt 20 ]; " \
    "do usleep 20000; done 2>/dev/null; {}) >/dev/null 2>&1 &"


def ended(log):
    """How many cells a console has told the end of."""
    return log.read_bytes().count(b'{"event":"cell",') if log.exists() else 0


def crashed_in(output):
    """What brought the board down, each time, and in which cell."""
    return re.findall(r"^the board (.*) in (no cell|\S+)$", (output / "restarts.txt").read_text(), re.MULTILINE)


def running(output):
    """The cell that was running when the board went down for the first time, by the last that its journal said."""
    said = (output / "console.log").read_bytes().partition(b'"event":"resumed"')[0].rpartition(b"\n#prime-cts ")[0]
    last = said.rpartition(b"\n#prime-cts ")[2]
    start = re.match(rb'\w+ {"event":"cell-start","id":"([^"]+)"}', last)
    return start[1].decode() if start else "no cell"


def is_whole_but_for(guilty, output, code, said, whole):
    """Every cell was run, and but for the one that was running, and what is spared for its sake, as without a crash."""
    run = Run(output)
    assert guilty == running(output)
    if guilty == "no cell":
        assert (code, run.cells()) == (0, whole.cells())
        return
    assert code == 1, "a crash that no one expects is a regression"
    assert said in run.crash(guilty)
    cells = run.cells()
    assert len(cells) == run.planned() == len(whole.cells())
    spared = {each["id"] for each in run.of("cell") if any("brought the machine down before" in finding["seen"]
                                                           for finding in each["findings"])}
    without = {cell: told for cell, told in cells.items() if cell != guilty and cell not in spared}
    assert without.items() <= whole.cells().items()
    assert not run.of("missing")


def test_a_cell_that_makes_the_kernel_panic(make_farm, tmp_path):
    farm = make_farm("poison", 1)
    output = tmp_path / "poison"
    assert farm.shard("1/1", output, "--words", POISON_WORDS).wait() == 0, output.with_suffix(".log").read_text()
    assert crashed_in(output) == [("panicked", POISON)]
    run = Run(output)
    assert len(run.cells()) == run.planned()
    assert run.cells()[POISON] == ("crash", "expected")
    assert "general protection fault" in run.crash(POISON)
    assert max(begun(output / "console.log").values()) == 1, "nothing is run twice"


def test_too_many_crashes_leave_the_rest_missing(make_farm, tmp_path):
    farm = make_farm("poison", 1)
    output = tmp_path / "poison"
    assert farm.shard("1/1", output, "--words", POISON_WORDS, "--restarts", "0").wait() == 1
    run = Run(output)
    assert 0 < len(run.cells()) < run.planned()
    merged = prime_cts("merge", output, "--output", tmp_path / "merged")
    assert merged.returncode == 1 and "which was cut short" in merged.stdout, merged.stdout


def test_a_panic_between_two_results(make_farm, whole, tmp_path):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "panic"
    setup = LATER.format("echo c >/proc/sysrq-trigger")
    code = farm.shard("1/1", output, "--words", " ".join(WORDS), "--setup", setup).wait()
    [(how, guilty)] = crashed_in(output)
    assert how == "panicked"
    is_whole_but_for(guilty, output, code, "sysrq triggered crash", whole)


@pytest.mark.parametrize("back, how", [(True, "was started again"), (False, "said nothing more")])
def test_a_power_cut(make_farm, whole, tmp_path, back, how):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "cut"
    run = farm.shard("1/1", output, "--words", " ".join(WORDS), "--patience", "60")
    until(lambda: ended(output / "console.log") > 20 or run.poll() is not None, "cells are run", seconds=300)
    farm.power(0, 0)
    if back:
        farm.power(0, 1)
    code = run.wait()
    [(seen, guilty)] = crashed_in(output)
    assert seen == how
    is_whole_but_for(guilty, output, code, "it went down", whole)


def test_a_kernel_that_hangs_is_started_again_by_its_watchdog(make_farm, whole, tmp_path):
    farm = make_farm(BOARD, 1, devices=["i6300esb"])
    output = tmp_path / "hang"
    # Suspended, a machine that nothing wakes is as good as hung: no process runs, and its console is silent.
    setup = LATER.format("echo freeze >/sys/power/state")
    words = " ".join(["--watchdog", *WORDS])
    code = farm.shard("1/1", output, "--words", words, "--setup", setup).wait()
    [(how, guilty)] = crashed_in(output)
    assert how == "was started again"
    is_whole_but_for(guilty, output, code, "it went down", whole)


def test_arguments_that_prime_cts_does_not_take(make_farm, tmp_path):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "wrong"
    assert farm.shard("1/1", output, "--words", "--exact mapping.hole.drm-vgem").wait() == 1
    log = output.with_suffix(".log").read_text()
    assert "prime-cts: exit code 2" in log and "no cell is called 'mapping.hole.drm-vgem'" in log, log
