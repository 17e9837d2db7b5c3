"""The test definition, held against the rules of linaro's test-definitions, and what its script writes."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from conftest import DEFINITION, MOCK, WORDS

FILE = DEFINITION / "prime-cts.yaml"
SCRIPT = DEFINITION / "prime-cts.sh"
SIGNAL = re.compile(r"^<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=(\S+) RESULT=(\w+) ", re.MULTILINE)


def faults(text):
    """What their validator says of a definition, in its order."""
    try:
        definition = yaml.safe_load(text)
    except yaml.YAMLError:
        return ["no YAML"]
    metadata = definition.get("metadata")
    if metadata is None:
        return ["metadata section missing"]
    mandatory = ["name", "format", "description", "maintainer", "os", "devices"]
    return [f"{key} missing" for key in mandatory if key not in metadata] \
        + [f"{key} has no content" for key in mandatory if key in metadata and not metadata[key]]


def test_the_definition_keeps_the_rules():
    assert faults(FILE.read_text()) == []
    definition = yaml.safe_load(FILE.read_text())
    assert definition["metadata"]["format"] == "Lava-Test Test Definition 1.0"
    assert definition["metadata"]["name"] == FILE.stem == DEFINITION.name
    subprocess.run(["shellcheck", "-e", "SC1091", "-S", "warning", SCRIPT], check=True)
    # Each parameter is used, and nothing is used that is none.
    used = set(re.findall(r"\$\{(\w+)\}", "\n".join(definition["run"]["steps"])))
    assert used == set(definition["params"])


@pytest.mark.parametrize("change, fault", [
    (("  maintainer:\n    - maintainers of prime-cts\n", ""), "maintainer missing"),
    (("    - maintainers of prime-cts\n", "    []\n"), "maintainer has no content"),
    (("metadata:\n", "meta:\n"), "metadata section missing"),
    (("  name: prime-cts\n", "  name: [\n"), "no YAML"),
])
def test_a_broken_definition_is_refused(change, fault):
    text = FILE.read_text()
    assert change[0] in text
    assert faults(text.replace(*change)) == [fault]


@pytest.mark.skipif("TEST_DEFINITIONS" not in os.environ, reason="TEST_DEFINITIONS names no checkout of test-definitions")
def test_their_own_validator_takes_it(tmp_path):
    validator = os.path.join(os.environ["TEST_DEFINITIONS"], "validate.py")
    copy = tmp_path / "automated/linux/prime-cts"
    shutil.copytree(DEFINITION, copy)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)

    def validate(path):
        words = ["python", validator, "-f", path, "-r", tmp_path / "faults.txt", "-s", "SC1091"]
        return subprocess.run(words, cwd=tmp_path, check=False).returncode

    assert validate(copy / FILE.name) == 0
    assert validate(copy / SCRIPT.name) == 0
    (copy / FILE.name).write_text(FILE.read_text().replace("  maintainer:\n    - maintainers of prime-cts\n", ""))
    assert validate(copy / FILE.name) == 1


def run_script(folder):
    """Runs the script as a test definition's step, with devices that misbehave."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nshift\nexec "$PRIME_CTS" run {" ".join(MOCK)} "$@"\n')
    program.chmod(0o755)
    return subprocess.run([SCRIPT, "-p", program, "-f", " ".join(WORDS)], cwd=folder, capture_output=True, text=True,
                          check=False)


def written(folder):
    lines = (folder / "output/result.txt").read_text().splitlines()
    return dict(line.split(" ") for line in lines)


def test_what_is_told_live_and_what_is_written_at_the_end_are_the_same(tmp_path):
    done = run_script(tmp_path)
    assert done.returncode == 1, done.stderr
    signals = dict(SIGNAL.findall(done.stdout))
    assert signals == written(tmp_path)
    assert {"pass", "fail", "skip"} <= set(signals.values())
    # A run that came to its end is started again.
    assert dict(SIGNAL.findall(run_script(tmp_path).stdout)) == signals


def test_a_run_that_the_board_went_down_in_goes_on(tmp_path):
    run_script(tmp_path)
    everything = written(tmp_path)
    journal = tmp_path / "output/run.jsonl"
    lines = journal.read_text().splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith('{"event":"cell-start"')]
    journal.write_text("\n".join(lines[:starts[3] + 1]) + "\n")
    done = run_script(tmp_path)
    assert len(SIGNAL.findall(done.stdout)) == len(everything) - 3, "what was run is not run again"
    assert written(tmp_path).keys() == everything.keys()
