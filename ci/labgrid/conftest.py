"""The options of `pytest ci/labgrid` for the shard that it runs."""

import signal
from pathlib import Path

import pytest

from shard import Options, Shard


def pytest_addoption(parser):
    group = parser.getgroup("prime-cts")
    group.addoption("--shard", metavar="I/N", default="1/1", help="which part of the cells")
    group.addoption("--board", metavar="NAME", required=True, help="the board file, /board/NAME.yaml on the board")
    group.addoption("--output", metavar="DIR", default="prime-cts-results", help="the folder for the results")
    group.addoption("--prime-cts", metavar="PROGRAM", default="prime-cts", help="prime-cts for this host")
    group.addoption("--words", default="", help="words for `prime-cts run`, as filters")
    group.addoption("--setup", metavar="COMMAND", default="", help="a command on the board before each run")
    group.addoption("--restarts", metavar="N", type=int, default=3, help="restart a board that went down up to N times")
    group.addoption("--patience", metavar="SECONDS", type=float, default=300,
                    help="a board hangs that does not begin or end a cell for so long")


def pytest_configure():
    # Whoever ends it, the board is switched off.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture
def shard(request, strategy):
    """The shard, on the board that LG_TOKEN has reserved."""
    option = request.config.getoption
    options = Options(shard=option("--shard"), board=option("--board"), output=Path(option("--output")),
                      program=option("--prime-cts"), words=option("--words"), setup=option("--setup"),
                      restarts=option("--restarts"), patience=option("--patience"))
    yield Shard(options, strategy)
    strategy.transition("off")
