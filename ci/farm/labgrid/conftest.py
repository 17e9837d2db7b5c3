"""What the farm's tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm import LABGRID, Farm
from results import Run

sys.path.append(str(LABGRID))
ROOT = Path(__file__).resolve().parents[3]
IMAGES = Path(os.environ["PRIME_CTS_IMAGES"])
# Some hundreds of cells, of all devices.
WORDS = ["fd.", "identity.", "mapping.whole"]


@pytest.fixture
def make_farm(tmp_path):
    """Makes farms that are gone after the test."""
    farms = []

    def make(board, count, **options):
        farms.append(Farm(tmp_path, board, IMAGES, count, **options))
        return farms[-1]

    yield make
    for farm in farms:
        farm.close()


@pytest.fixture(scope="session")
def whole():
    """The same cells without a farm, in one run."""
    board = "debian-amd64-7.3"
    done = subprocess.run([ROOT / "ci/board", "run", board, "--", *WORDS], check=False)
    assert done.returncode == 0
    return Run(ROOT / "target/boards" / board)
