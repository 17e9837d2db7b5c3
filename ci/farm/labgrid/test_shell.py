"""A shell on a console that the kernel writes to: what is broken is asked for again, and no command is run twice."""

import subprocess
from itertools import chain, repeat

import attr
import pytest
from labgrid import Target, target_factory
from labgrid.driver import Driver
from labgrid.driver.consoleexpectmixin import ConsoleExpectMixin
from labgrid.protocol import ConsoleProtocol
from pexpect import TIMEOUT

import shell

NOISE = b"[   37.900381] something went wrong in a driver\r\n"
PROMPT = b"board:~# "


@target_factory.reg_driver
@attr.s(eq=False)
class Console(ConsoleExpectMixin, Driver, ConsoleProtocol):
    """That of a board with this host's shell, behind a login. What it does not say at once it never says."""

    txdelay = attr.ib(default=0.0)
    # Gets the number of a line and what the board answers to it; returns what comes through.
    through = attr.ib(default=lambda number, said: said)
    # Gets the number of a line; returns whether it comes to the board.
    hears = attr.ib(default=lambda number: True)
    # What the board has said before anyone asked, and what it says whenever it was silent.
    said = attr.ib(default=b"board login: ")
    idle = attr.ib(factory=lambda: iter(()))

    def on_activate(self):
        self.lines, self._typed, self._user = [], b"", None
        self._shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def on_deactivate(self):
        self._shell.stdin.close()
        self._shell.wait()
        self._shell.stdout.close()

    def _read(self, size=1, timeout=0.0, max_size=None):
        if not self.said:
            self.said = next(self.idle, b"")
            raise TIMEOUT("nothing")
        said, self.said = self.said, b""
        return said

    def _write(self, data):
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            number = len(self.lines)
            self.lines.append(line.decode())
            if self.hears(number):
                self.said += line + b"\r\n" + self.through(number, self._answer(line))
        return len(data)

    def _answer(self, line):
        if not self._user:
            self._user = line
            return PROMPT if line else b"board login: "
        # No board's console has 'dmesg' from this one.
        command = b":" if line.startswith(b"dmesg") else line
        self._shell.stdin.write(command + b"\nprintf '\\001'\n")
        self._shell.stdin.flush()
        answer = b""
        while not answer.endswith(b"\x01"):
            answer += self._shell.stdout.read(1)
        return answer[:-1].replace(b"\n", b"\r\n") + PROMPT


@pytest.fixture
def make_shell():
    """Makes boards with a shell that one is logged in to."""
    targets = []

    def make(**console):
        target = Target("board")
        targets.append(target)
        made = Console(target, "console", **console)
        driver = shell.AskingShellDriver(target, "shell", prompt=r"[\w@.-]+:~# ", login_prompt="login: $",
                                         username="root", await_login_timeout=1)
        target.activate(driver)
        return driver, made

    yield make
    for target in targets:
        target.cleanup()


class Torn:
    """The kernel writes into the next answers, after `at` bytes."""

    def __init__(self, at, times=1):
        self.at, self.times = at, times
        self.answers = []

    def __call__(self, number, said):
        self.answers.append(said)
        if self.times == 0 or self.at > len(said):
            return said
        self.times -= 1
        return said[:self.at] + NOISE + said[self.at:]


def counted(path):
    return f"echo run >>{path}; echo what it says; exit 7"


def test_what_a_command_says_and_ends_with(make_shell, tmp_path):
    driver, _ = make_shell()
    assert driver.run(counted(tmp_path / "runs")) == (["what it says"], [], 7)
    assert driver.run_check("printf 'two\\r\\n\\nlines'; echo , and another >&2") == ["two", "", "lines, and another"]
    assert driver.run_check("true") == []


def test_an_answer_that_is_broken_at_any_place_is_asked_for_again(make_shell, tmp_path):
    driver, console = make_shell()
    whole = Torn(0, times=0)
    console.through = whole
    driver.run(counted(tmp_path / "runs"))
    for at in range(len(whole.answers[0]) + 1):
        console.through = Torn(at)
        path = tmp_path / f"runs-{at}"
        assert driver.run(counted(path)) == (["what it says"], [], 7), at
        assert path.read_text() == "run\n", f"broken at {at}, it was run twice"


def test_a_command_that_did_not_come_to_the_board_is_sent_again(make_shell, tmp_path):
    driver, console = make_shell()
    lost = [len(console.lines)]
    console.hears = lambda number: number not in lost
    assert driver.run(counted(tmp_path / "runs")) == (["what it says"], [], 7)
    assert (tmp_path / "runs").read_text() == "run\n"
    assert len([line for line in console.lines if line.startswith("cts_run")]) == 2


def test_what_is_never_answered_is_told_of(make_shell, tmp_path):
    driver, console = make_shell()
    console.through = Torn(9, times=1000)
    with pytest.raises(shell.NoAnswer, match="asked 12 times for 'echo run.*a driver"):
        driver.run(counted(tmp_path / "runs"))
    assert (tmp_path / "runs").read_text() == "run\n"


@pytest.mark.parametrize("number", range(6))
def test_a_board_is_logged_in_to_wherever_an_answer_is_broken(make_shell, number):
    for at in range(0, 60, 3):
        broken = Torn(at)
        driver, _ = make_shell(through=lambda line, said, broken=broken: broken(line, said) if line == number else said)
        assert driver.run_check("echo yes") == ["yes"], at


def test_a_login_in_noise_without_end(make_shell):
    """Where a kernel prints, no silence is waited for; a boot loader that prints may stop at what it is sent."""
    seen = []

    def boots():
        for said in chain([b"autoboot: 3 ", b"2 ", b"1 ", b"board lo" + NOISE + b"gin: "], repeat(NOISE)):
            seen.append(said)
            yield said

    driver, _ = make_shell(said=b"U-Boot 2026.10\r\n", idle=boots(), hears=lambda number: number or len(seen) == 5)
    assert driver.run_check("echo yes") == ["yes"]
