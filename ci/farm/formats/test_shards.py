"""Where a shard under LAVA goes on after a job that was cut short: behind the cell that was running, and no other."""

import json
import os
import sys

import pytest

from conftest import ROOT, prime_cts

sys.path.append(str(ROOT / "ci/lava"))

from shards import Run

WORDS = ["fd.", "leaks.import"]
BOARD = {"name": "b", "architecture": "x86_64", "append": "", "kernel": "k", "initramfs": "i"}
MARK = "#prime-cts "


@pytest.fixture(scope="module", name="lines")
def said(tmp_path_factory):
    """What a run says on a board's console."""
    words = ["--mock", "clean", "--kernel-log", "/dev/null", "--console", "--lava", *WORDS]
    return prime_cts("run", *words, "--output", tmp_path_factory.mktemp("run")).stdout.splitlines(keepends=True)


@pytest.fixture(name="begun")
def shard(tmp_path):
    """A run of one shard, and the shard."""
    run = Run(BOARD, "http://farm", os.environ["PRIME_CTS"], tmp_path)
    return run, run.shards(1)[0]


def at(lines, event, number):
    """The line on which the journal has this event of a kind, counted from 0."""
    return [place for place, line in enumerate(lines) if line.startswith(MARK) and f'{{"event":"{event}",' in line][number]


def cell(line):
    return json.loads(line[line.index("{"):])["id"]


def log(lines, more=""):
    return ("".join(lines) + more).encode()


def ended(shard):
    events = [json.loads(line) for line in (shard.folder / "run.jsonl").read_text().splitlines()]
    assert [event for event in events if event["event"] == "missing"] == []
    return [event["id"] for event in events if event["event"] == "cell"]


def test_a_job_that_ends_in_a_cell_is_followed_by_one_behind_it(begun, lines):
    run, shard = begun
    start = at(lines, "cell-start", 3)
    assert run.take(shard, log(lines[:start + 1], "[    9.100000] Kernel panic"))
    assert (shard.crashed, shard.stopped) == ([cell(lines[start])], "")
    assert f"--crashed {cell(lines[start])}" in run.job(shard)


@pytest.mark.parametrize("more", [1, 0.9, 0.5, 0.1])
def test_a_job_that_ends_between_two_cells_is_run_again_and_no_one_is_guilty(begun, lines, more):
    run, shard = begun
    first, end = run.job(shard), at(lines, "cell", 3)
    # The end of the cell is whole, or the board did not come to say all of it.
    part = lines[end].rstrip()[:int(len(lines[end]) * more)]
    assert run.take(shard, log(lines[:end], part))
    assert (shard.crashed, shard.stopped, run.job(shard)) == ([], "", first)
    assert not run.take(shard, log(lines))
    assert (shard.stopped, len(ended(shard))) == ("", sum(line.startswith("<LAVA") for line in lines))


def test_a_shard_whose_jobs_end_while_no_cell_runs_is_given_up(begun, lines):
    run, shard = begun
    end = at(lines, "cell", 3)
    assert run.take(shard, log(lines[:end + 1]))
    assert not run.take(shard, log(lines[:end + 1]))
    assert "no new cell was running" in shard.stopped
    assert len(ended(shard)) == 4, "what it has told is kept"
