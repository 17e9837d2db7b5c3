"""A shell on a console that the kernel writes to, too: an answer that it breaks is asked for again, and no command is run
twice for that."""

import base64
import hashlib
import re
import shlex

import attr
from labgrid import step, target_factory
from labgrid.driver import ShellDriver
from labgrid.util import Timeout, gen_marker
from pexpect import TIMEOUT

# Where the board keeps what a command says.
SAID = "/tmp/prime-cts-said"
# The board knows which command it ran last, and what that said: it repeats that, however often it is asked.
FUNCTIONS = [
    'cts_say() { if [ "$cts_ran" = "$1" ]; then printf "\\n%s{\\n%s\\n}%s %s %s\\n" "$1" "$cts_said" "$1" $cts_code '
    '"$cts_sum"; else printf "\\n%s:none\\n" "$1"; fi; }',
    f'cts_run() {{ [ "$cts_ran" = "$1" ] || {{ cts_ran=$1; sh -c "$2" >{SAID} 2>&1 </dev/null; cts_code=$?; '
    f'cts_said=$(base64 <{SAID}); cts_sum=$(echo $cts_said | sha256sum); cts_sum=${{cts_sum%% *}}; }}; cts_say "$1"; }}',
]
# A kernel that prints has left no boot loader behind that would take a line for itself.
KERNEL = re.compile(rb"\[ *\d+\.\d{6}\]")


class NoAnswer(Exception):
    """A board whose shell does not answer, however often it is asked."""


@target_factory.reg_driver
@attr.s(eq=False)
class AskingShellDriver(ShellDriver):
    """labgrid's, which gives up where a marker or a prompt of its is broken."""

    # How often an answer is asked for, and how many seconds it may take each time.
    tries = attr.ib(default=12, validator=attr.validators.instance_of(int))
    pause = attr.ib(default=2.5, validator=attr.validators.instance_of(float))

    @step()
    def _await_login(self):
        timeout = Timeout(float(self.login_timeout))
        expected = [TIMEOUT, self.prompt, self.login_prompt, "Password: "]
        expected += [self.console_ready] if self.console_ready else []
        last, boots = b"", False
        while not timeout.expired:
            index, before, _, _ = self.console.expect(expected, timeout=self.await_login_timeout)
            boots = boots or bool(KERNEL.search(before))
            if index == 1:
                # Anything else than its last words is of no use on this console.
                self.console.sendline("dmesg -n 1")
                self._check_prompt()
                return
            if index == 2:
                self.console.sendline(self.username)
            elif index == 3:
                if self.password is None:
                    raise NoAnswer("the board asks for a password, and the environment has none")
                self.console.sendline(self.password)
            elif index == 4 or boots or before == last:
                self.console.sendline("")
            last = before
        raise NoAnswer(f"no login within {self.login_timeout} s; the console's end: {last[-300:]}")

    def _check_prompt(self):
        word = gen_marker()
        line = f"echo {_hidden(word)}"
        self._status = 0
        self._ask(line, word, "whether it is there", lambda match: (match, line))
        self._status = 1

    def _inject_run(self):
        word = gen_marker()
        line = "; ".join([*FUNCTIONS, f"cts_say {_hidden(word)}"])
        self._ask(line, f"{word}:none", "whether it has its functions", lambda match: (match, line))

    def _run(self, cmd, *, timeout=30.0, codec="utf-8", decodeerrors="strict"):
        word = gen_marker()
        first, again = f"cts_run {_hidden(word)} {shlex.quote(cmd)}", f"cts_say {_hidden(word)}"

        def judge(match):
            if match is None:
                return None, again
            # It may have never come to the board.
            return (None, first) if match[2] is None else (_whole(match), again)

        answer = rf"{word}(?:\{{(.*?)\}}{word} (\d+) ([0-9a-f]{{64}})|:none)"
        tries = max(self.tries, int(timeout / self.pause))
        said, code = self._ask(first, answer, f"for '{cmd}', with base64 and sha256sum", judge, tries)
        return said.decode(codec, decodeerrors).splitlines(), [], code

    def _ask(self, line, answer, what, judge, tries=None):
        """Sends a line, and further ones until there is an answer. `judge` says what one means, and what is asked next."""
        tries, before = tries or self.tries, b""
        for _ in range(tries):
            self.console.sendline(line)
            index, before, match, _ = self.console.expect([rf"{answer}\s", TIMEOUT], timeout=self.pause)
            told, line = judge(match if index == 0 else None)
            if told is not None:
                # Else a fast line would be there before the shell.
                self.console.expect([self.prompt, TIMEOUT], timeout=self.pause)
                return told
        raise NoAnswer(f"the shell was asked {tries} times {what}; the console's end: {before[-300:]}")


def _hidden(word):
    """For a command: what the terminal echoes is no answer."""
    return f"'{word[:4]}''{word[4:]}'"


def _whole(match):
    """What a command said, and its exit code; nothing where something was written into it."""
    words = b" ".join(match[1].split())
    whole = hashlib.sha256(words + b"\n").hexdigest().encode() == match[3]
    return (base64.b64decode(words), int(match[2])) if whole else None
