"""A shard of a run on one board, over its console and its power. A board that goes down is started again, and goes on
behind the cell that it went down in."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import transfer
from watch import JOURNAL, End, Watch

RESULTS = "/tmp/prime-cts"
PREVIOUS = f"{RESULTS}/previous.log"
# Of the console, for what the kernel said when it went down.
TAIL = 32768


@dataclass
class Options:
    """What is run, and how long a board is waited for."""

    shard: str
    board: str
    output: Path
    program: str = "prime-cts"
    # Words for `prime-cts run`, as the board's shell reads them.
    words: str = ""
    # A command of the board's shell before each run.
    setup: str = ""
    restarts: int = 3
    patience: float = 300


@dataclass
class Shard:
    """One run, over as many boots as it takes."""

    options: Options
    strategy: object
    # What brought the board down, each time.
    crashes: list = field(default_factory=list)

    def run(self):
        """Runs it; the exit code is that of prime-cts for the whole of it, and the results are in the folder."""
        output = self.options.output
        output.mkdir(parents=True, exist_ok=True)
        self._log = output / "console.log"
        self._log.write_bytes(b"")
        for before in ("run.jsonl", "restarts.txt"):
            (output / before).unlink(missing_ok=True)
        while True:
            self.strategy.transition("shell")
            end, said = self._boot()
            code = self._rebuild()
            if end is End.OVER:
                return self._fetch(said) if self._is_damaged() else code
            self.crashes.append(f"the board {end.value} in {self._open_cell() or 'no cell'}")
            print(self.crashes[-1], flush=True)
            (output / "restarts.txt").write_text("".join(f"{crash}\n" for crash in self.crashes), encoding="utf-8")
            self.strategy.transition("off")
            if len(self.crashes) > self.options.restarts:
                return code

    def _boot(self):
        """One boot's part of the run: how it ended, and with which exit code on the board."""
        shell, console = self.strategy.shell, self.strategy.console
        shell.run_check(f"mkdir -p {RESULTS}")
        resume = ""
        journal = self.options.output / "run.jsonl"
        if self.crashes and journal.exists():
            transfer.put(shell, f"{RESULTS}/run.jsonl", journal.read_bytes())
            transfer.put(shell, PREVIOUS, self._last_words())
            resume = f" --resume --previous-log {PREVIOUS}"
        if self.options.setup:
            shell.run_check(self.options.setup)
        board = f" --board /board/{self.options.board}.yaml"
        run = f"prime-cts run --shard {self.options.shard} --console --output {RESULTS}{board}{resume}"
        with self._log.open("ab") as log:
            # Said until it is answered: a line may be written into.
            told = "e=$?; while :; do printf '\\nprime-cts: ended with %s\\n' $e; read -r -t 2 _ && break; done"
            console.sendline(f"{run} {self.options.words}; {told}")
            watch = Watch(console, log, self.options.patience)
            end = watch.until_end()
        if end is End.OVER:
            console.sendline("")
        return end, watch.code

    def _prime_cts(self, *words):
        done = subprocess.run([self.options.program, *map(str, words)], capture_output=True, text=True, check=False)
        (self.options.output / "report.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done.returncode

    def _rebuild(self):
        return self._prime_cts("report", "--from-console", self._log, "--output", self.options.output)

    def _events(self):
        journal = self.options.output / "run.jsonl"
        text = journal.read_text(encoding="utf-8") if journal.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def _is_damaged(self):
        """Whether something was written into a line of the journal."""
        lost = {"cell", "cells"}
        events = self._events()
        ended = any(event["event"] == "end" for event in events)
        return not ended or any(event["event"] == "missing" and event["what"] in lost for event in events)

    def _fetch(self, said):
        """The journal from the board itself, which is still up."""
        shell = self.strategy.shell
        self.strategy.console.sendline("dmesg -n 1")
        if shell.run(f"test -e {RESULTS}/run.jsonl")[2] != 0:
            # It did not begin; why, it has told the console.
            (self.options.output / "report.txt").write_bytes(self._last_words())
            return said
        journal = self.options.output / "board.jsonl"
        journal.write_bytes(transfer.get(shell, f"{RESULTS}/run.jsonl"))
        return self._prime_cts("report", journal, "--output", self.options.output)

    def _open_cell(self):
        """The cell that was begun and not ended."""
        begun = None
        for event in self._events():
            if event["event"] == "cell-start":
                begun = event["id"]
            elif event["event"] == "cell":
                begun = None
        return begun

    def _last_words(self):
        lines = self._log.read_bytes().splitlines(keepends=True)
        return b"".join(line for line in lines if JOURNAL not in line)[-TAIL:]
