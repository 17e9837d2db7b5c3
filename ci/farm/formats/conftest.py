"""What the tests of formats share."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEFINITION = ROOT / "ci/kernelci/automated/linux/prime-cts"
# Devices that misbehave in ways that make every word for a result.
MOCK = ["--mock", "clean,wrong-page,refuses,crashes", "--kernel-log", "/dev/null"]
WORDS = ["fd.size", "mapping.whole", "mapping.at-offset", "leaks.import"]


def prime_cts(*words, **options):
    """prime-cts on this host."""
    words = [os.environ["PRIME_CTS"], *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A run of misbehaving devices."""
    folder = tmp_path_factory.mktemp("run")
    done = prime_cts("run", *MOCK, *WORDS, "--output", folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder
