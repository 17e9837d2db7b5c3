"""Files over a shell: whole, or told of."""

import subprocess

import pytest

import transfer

CONTENT = b"".join(b'{"event":"cell","id":"fd.size.%d"}\n' % number for number in range(20000))


class Shell:
    """The host's, in place of a board's. Answers of one command are spoilt this many times."""

    def __init__(self, spoilt="", times=0):
        self._spoilt = spoilt
        self._times = times

    def run(self, command):
        assert len(command) < 900, "a line that busybox does not take"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        if self._spoilt and command.startswith(self._spoilt) and self._times > 0:
            self._times -= 1
            lines = ["[   12.3] random: crng init done" + lines[0], *lines[1:]] if lines else []
            if command.startswith("echo"):
                subprocess.run(["sh", "-c", "echo QUJD >>" + command.split(">>")[1]], check=True)
        return lines, [], done.returncode

    def run_check(self, command):
        lines, _, code = self.run(command)
        assert code == 0, command
        return lines


@pytest.mark.parametrize("spoilt, times", [("", 0), ("echo", 1), ("echo", 2)])
def test_a_file_gets_to_the_board(tmp_path, spoilt, times):
    path = tmp_path / "file"
    transfer.put(Shell(spoilt, times), path, CONTENT)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("spoilt, times", [("", 0), ("sed", 1), ("sed", 2)])
def test_a_file_comes_from_the_board(tmp_path, spoilt, times):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert transfer.get(Shell(spoilt, times), path) == CONTENT


def test_what_does_not_arrive_is_told_of(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(transfer.TransferError, match="did not arrive"):
        transfer.put(Shell("echo", 1000), path, CONTENT)
    path.write_bytes(CONTENT)
    with pytest.raises(transfer.TransferError, match="did not come whole"):
        transfer.get(Shell("sed", 1000), path)
