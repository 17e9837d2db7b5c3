"""Three shards on two boards are the same as one run on one board."""

from conftest import ROOT, WORDS
from farm import until
from results import Run, prime_cts

BOARD = "debian-amd64-7.3"


def test_three_shards_on_two_places_are_a_whole_run(make_farm, whole, tmp_path):
    farm = make_farm(BOARD, 2)
    outputs = [tmp_path / f"shard{number}" for number in (1, 2, 3)]
    words = ["--words", " ".join(WORDS)]
    runs = [farm.shard(f"{number}/3", output, *words) for number, output in enumerate(outputs, 1)]
    until(lambda: farm.states() == ["acquired", "acquired", "waiting"], "two shards run and the third waits")
    codes = [run.wait() for run in runs]
    logs = "\n".join(output.with_suffix(".log").read_text() for output in outputs)
    assert codes == [0, 0, 0], logs
    assert farm.states() == []

    merged = merge(tmp_path / "merged", outputs)
    assert merged.returncode == 0, merged.stdout + merged.stderr
    assert Run(tmp_path / "merged").cells() == whole.cells()
    parts = [len(Run(output).cells()) for output in outputs]
    assert min(parts) > len(whole.cells()) / 5 and sum(parts) == len(whole.cells())

    # One that is not there is no silence.
    partial = merge(tmp_path / "partial", outputs[:2])
    assert partial.returncode == 1
    assert "shard 3/3" in partial.stdout, partial.stdout


def merge(output, shards):
    return prime_cts("merge", *shards, "--board", ROOT / f"fixtures/boards/{BOARD}.yaml", "--output", output)


def test_a_shard_that_is_ended_gives_its_place_back(make_farm, tmp_path):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "ended"
    run = farm.shard("1/1", output)
    until(lambda: farm.power_of(0) == b"1", "the board is switched on")
    run.terminate()
    assert run.wait() != 0
    assert farm.states() == []
    assert farm.power_of(0) == b"0"
