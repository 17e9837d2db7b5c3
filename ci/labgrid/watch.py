"""What a console shows of a run: that it is over, or that the board went down."""

import enum
import re
import time

from pexpect import TIMEOUT

# What `prime-cts run --console` begins the lines of its journal with.
JOURNAL = b"#prime-cts "
ENDED = re.compile(rb"^prime-cts: ended with (\d+)")
# At the beginning of a line, but for what firmware clears a screen with: a report quotes such lines further in.
STAMP = rb"^(?:\x1b(?:c|\[[0-9;?]*[A-Za-z]))*(?:\[ *\d+\.\d+\](?:\[[^]]*\])? )?"
PANIC = re.compile(STAMP + rb"(?:Kernel panic - not syncing|---\[ end Kernel panic)")
BOOT = re.compile(STAMP + rb"Linux version \d")
LOGIN = re.compile(rb"login: $")


class End(enum.Enum):
    """Why a console is no longer watched."""

    OVER = "came to its end"
    PANIC = "panicked"
    BOOT = "was started again"
    HUNG = "said nothing more"


class Watch:
    """A console and the log that all of it goes to."""

    def __init__(self, console, log, patience):
        self._console = console
        self._log = log
        # Seconds without a line of the journal.
        self._patience = patience
        self._rest = b""
        # What the run ended with, where it came to its end.
        self.code = None

    def until_end(self):
        """Reads until the run is over in whatever way."""
        heard = time.monotonic()
        while time.monotonic() - heard < self._patience:
            for line in self._lines(1.0):
                if JOURNAL in line:
                    heard = time.monotonic()
                    continue
                end = self._end(line)
                if end is End.PANIC:
                    self._last_words()
                if end:
                    return end
        return End.HUNG

    def _lines(self, timeout):
        """The lines that are whole, and the last one if it asks for a name."""
        try:
            data = self._console.read(size=1, timeout=timeout)
        except TIMEOUT:
            return []
        self._log.write(data)
        self._log.flush()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines + [self._rest] if LOGIN.search(self._rest) else lines

    def _last_words(self):
        """A panic is reported at some length."""
        end = time.monotonic() + 30
        try:
            while time.monotonic() < end:
                self._log.write(self._console.read(size=1, timeout=2.0))
        except TIMEOUT:
            self._log.flush()

    def _end(self, line):
        line = line.rstrip(b"\r")
        over = ENDED.search(line)
        if over:
            self.code = int(over[1])
            return End.OVER
        for pattern, end in ((PANIC, End.PANIC), (BOOT, End.BOOT), (LOGIN, End.BOOT)):
            if pattern.search(line):
                return end
        return None
