"""A console that the kernel drowns: what is broken there comes from the board itself."""

import re

from conftest import WORDS
from results import Run, prime_cts

BOARD = "debian-amd64-7.3"
# Lines of the kernel's per second, and the number of pauses.
RATE, PAUSES = 60, 10
LINE = "something went wrong in a driver that has a lot to say of it, and says it again and again"
BURST = " ".join(map(str, range(RATE // PAUSES)))
SETUP = "dmesg -n 8; echo on >/proc/sys/kernel/printk_devkmsg; " \
    f"(while :; do for line in {BURST}; do echo \"<4>{LINE}\" >/dev/kmsg; done; usleep {1000000 // PAUSES}; done) " \
    ">/dev/null 2>&1 &"

# In place of luck: a program that breaks two lines of the journal on their way to the console.
BROKEN = "fd.size.udmabuf"
BREAK = "mv /bin/prime-cts /bin/real; echo 'real \"$@\" | sed \"/{}/s/event/ev[ 9.9] oops ent/\"' >/bin/prime-cts; " \
    "chmod +x /bin/prime-cts"


def rate(log):
    """Lines of noise a second, by the kernel's own time."""
    times = [float(time) for time in re.findall(rb"\[ *(\d+\.\d+)\] " + LINE.encode(), log)]
    return len(times) / (times[-1] - times[0])


def test_no_result_is_lost_in_noise(make_farm, whole, tmp_path):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "noise"
    code = farm.shard("1/1", output, "--words", " ".join(WORDS), "--setup", SETUP).wait()
    assert code == 0, output.with_suffix(".log").read_text()
    assert rate((output / "console.log").read_bytes()) > RATE / 2
    assert Run(output).cells() == whole.cells()
    assert not Run(output).of("missing")


def test_a_broken_line_is_had_from_the_board_itself(make_farm, whole, tmp_path):
    farm = make_farm(BOARD, 1)
    output = tmp_path / "broken"
    code = farm.shard("1/1", output, "--words", " ".join(WORDS), "--setup", BREAK.format(BROKEN)).wait()
    assert code == 0, output.with_suffix(".log").read_text()
    told = prime_cts("report", "--from-console", output / "console.log")
    assert "lines of the journal on this console are damaged" in told.stderr, told.stderr
    assert BROKEN not in told.stdout
    assert Run(output).cells() == whole.cells()
    assert not Run(output).of("missing")
