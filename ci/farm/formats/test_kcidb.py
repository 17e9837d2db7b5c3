"""Reports for kcidb, held against the schema itself."""

import copy
import json

import jsonschema
import pytest
from kcidb_io.schema import V5_3

from conftest import prime_cts

BUILD = "a_farm:build-7"


@pytest.fixture(scope="module", name="report")
def made(results):
    done = prime_cts("report", results, "--format", "kcidb", "--build", BUILD)
    # As the run.
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def test_a_report_is_what_kcidb_takes(report):
    V5_3.validate_exactly(report)
    statuses = {test["status"] for test in report["tests"]}
    assert {"PASS", "FAIL", "SKIP"} <= statuses
    assert {test["build_id"] for test in report["tests"]} == {BUILD}


@pytest.mark.parametrize("key, value", [
    ("status", "PASSED"),
    ("path", "prime-cts.fd size"),
    ("id", "no origin"),
    ("origin", "A Farm"),
    ("duration", "7 ms"),
    ("verdict", "pass"),
])
def test_a_broken_report_is_refused(report, key, value):
    broken = copy.deepcopy(report)
    broken["tests"][0][key] = value
    with pytest.raises(jsonschema.ValidationError):
        V5_3.validate_exactly(broken)


def test_a_run_that_was_cut_short_is_told_of(results, tmp_path):
    """A board that went down in a cell."""
    lines = (results / "run.jsonl").read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith('{"event":"cell-start"')]
    journal = tmp_path / "run.jsonl"
    journal.write_text("\n".join(lines[:starts[3] + 1]) + "\n", encoding="utf-8")
    done = prime_cts("report", journal, "--format", "kcidb", "--build", BUILD)
    assert done.returncode == 5, done.stderr
    report = json.loads(done.stdout)
    V5_3.validate_exactly(report)
    assert len(report["tests"]) == 4
    assert report["tests"][-1]["status"] == "ERROR"
