"""What a console says of a run, told from what only looks so."""

import io

import pytest
from pexpect import TIMEOUT

from watch import End, Watch

CELL = b'\n#prime-cts 5ad8c06e {"event":"cell-start","id":"fd.size.udmabuf"}\r\n'
KERNEL = b"[   37.900381] "


class Console:
    """Says its pieces, then nothing."""

    def __init__(self, *pieces):
        self._pieces = list(pieces)

    def read(self, size, timeout):
        assert (size, timeout) > (0, 0)
        if not self._pieces:
            raise TIMEOUT("nothing")
        return self._pieces.pop(0)


def end(*pieces):
    log = io.BytesIO()
    found = Watch(Console(*pieces), log, 0.05).until_end()
    assert log.getvalue() == b"".join(pieces), "all of it is in the log"
    return found


@pytest.mark.parametrize("said, wanted", [
    (b"prime-cts: ended with 0\r\n", End.OVER),
    (KERNEL + b"Kernel panic - not syncing: sysrq triggered crash\r\n", End.PANIC),
    (b"[   37.900381][  T137] Kernel panic - not syncing: Fatal exception\r\n", End.PANIC),
    (b"Kernel panic - not syncing: no time stamps here\r\n", End.PANIC),
    (b"the tty's [   37.9] Kernel panic - not syncing: x\r\n" + KERNEL + b"---[ end Kernel panic - not", End.HUNG),
    (b"the tty's [   37.9] Kernel panic - not syncing: x\r\n" + KERNEL + b"---[ end Kernel panic - not\r\n", End.PANIC),
    (b"[    0.000000] Linux version 7.3.4 (gcc) #1\r\n", End.BOOT),
    (b"\x1bc\x1b[?7l\x1b[2J[    0.000000] Linux version 7.3.4 (gcc) #1\r\n", End.BOOT),
    (b"\r\nboard login: ", End.BOOT),
    # What the terminal echoes, and what a report quotes.
    (b"while :; do printf '\\nprime-cts: ended with %s\\n' $e; done\r\n", End.HUNG),
    (b"            | Kernel panic - not syncing: sysrq triggered crash\r\n", End.HUNG),
    (b'#prime-cts 00000000 {"lines":["Kernel panic - not syncing"]}\r\nprime-cts: ended with 1\r\n', End.OVER),
    (b"", End.HUNG),
])
def test_how_a_run_ends(said, wanted):
    assert end(CELL, said) is wanted
    assert end(CELL, *[said[at:at + 1] for at in range(len(said))]) is wanted


def test_the_exit_code_is_kept():
    watch = Watch(Console(b"prime-cts: ended with 13\r\n"), io.BytesIO(), 0.05)
    assert (watch.until_end(), watch.code) == (End.OVER, 13)


def test_the_last_words_of_a_kernel_are_kept():
    panic = KERNEL + b"Kernel panic - not syncing: x\r\n"
    log = io.BytesIO()
    assert Watch(Console(CELL, panic, KERNEL + b"Call Trace:\r\n"), log, 0.05).until_end() is End.PANIC
    assert log.getvalue().endswith(b"Call Trace:\r\n")


def test_a_board_that_only_makes_noise_hangs():
    noise = [KERNEL + b"noise\r\n"] * 10

    class Noisy(Console):
        def read(self, size, timeout):
            self._pieces = self._pieces or list(noise)
            return super().read(size, timeout)

    assert Watch(Noisy(CELL), io.BytesIO(), 0.05).until_end() is End.HUNG
