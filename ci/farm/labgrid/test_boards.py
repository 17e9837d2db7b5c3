"""The emulated boards themselves."""

import signal
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from farm import until


def children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def is_gone(process):
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_no_emulator_outlives_the_boards(make_farm):
    farm = make_farm("debian-amd64-7.3", 2)
    emulators = children(farm.boards.pid)
    assert len(emulators) == 2
    farm.boards.send_signal(signal.SIGKILL)
    until(lambda: all(map(is_gone, emulators)), "the emulators are gone", seconds=10)


def test_the_relay_takes_what_labgrid_sends_and_nothing_else(make_farm):
    farm = make_farm("debian-amd64-7.3", 1)

    def ask(method, path, data=None):
        try:
            return urlopen(Request(farm.relay + path, data=data, method=method), timeout=10).read()
        except HTTPError as error:
            return error.code

    assert ask("PUT", "/relay/0/value", b"1") == b"1"
    assert ask("GET", "/relay/0/value") == b"1"
    assert ask("PUT", "/relay/0/value", b"0") == b"0"
    assert ask("GET", "/relay/0/value") == b"0"
    assert ask("PUT", "/relay/0/value", b"on") == 400
    assert [ask("GET", path) for path in ("/relay/1/value", "/relay/x/value", "/", "/relay/0")] == [404] * 4


def test_a_folder_without_a_board_is_refused(make_farm):
    with pytest.raises(AssertionError, match="board.json"):
        make_farm("nowhere", 1)
