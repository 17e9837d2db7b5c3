"""The shards of a run: each is a job, and one more behind each cell that brought the board down."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from job import EMULATED, job

# What `prime-cts` says of a run that was cut short.
CUT_SHORT = 5

# An oops and the panic that it leads to.
LINES = 200


@dataclass
class Shard:
    """One part of the cells."""

    word: str
    folder: Path
    crashed: list = field(default_factory=list)
    # Whether one of its jobs ended while no cell was running.
    between: bool = False
    last_words: str = ""
    number: object = None
    # Why there will be no more of it; nothing when it came to its end.
    stopped: str = ""


@dataclass
class Run:
    """What all shards have in common."""

    board: dict
    url: str
    program: str
    output: Path
    minutes: int = 20
    restarts: int = 8
    arguments: tuple = ()
    boot: Path = EMULATED

    def shards(self, count):
        """The parts, with the folders for their results."""
        words = [f"{number}/{count}" for number in range(1, count + 1)]
        parts = [Shard(word, self.output / f"shard-{word.replace('/', '-of-')}") for word in words]
        for part in parts:
            part.folder.mkdir(parents=True, exist_ok=True)
            # What is left of another day would be taken for this run's.
            for name in ("log.yaml", "between.yaml", "run.jsonl"):
                (part.folder / name).unlink(missing_ok=True)
        return parts

    def job(self, shard):
        """The next job of a shard."""
        word = None if shard.word == "1/1" else shard.word
        return job(self.board, self.url, word, shard.crashed, shard.last_words, self.minutes, self.arguments, self.boot)

    def take(self, shard, log):
        """Takes in the log of the job that has ended. Says whether another has to go on behind it."""
        path = shard.folder / "log.yaml"
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(before + log.rstrip(b"\n") + b"\n")
        words = [self.program, "report", "--from-console", path, "--output", shard.folder]
        said = subprocess.run(words, capture_output=True, text=True, check=False)
        if said.returncode != CUT_SHORT:
            if not said.stdout:
                shard.stopped = said.stderr.strip()
            return False
        cell = open_cell(shard.folder / "run.jsonl")
        if cell in shard.crashed or (cell is None and shard.between):
            shard.stopped = f"the job ended and no new cell was running (last: {cell})"
        elif len(shard.crashed) + shard.between == self.restarts:
            shard.stopped = f"{cell or 'no cell'} would have been restart {self.restarts + 1}"
        elif cell is None:
            # No one is guilty of that, and only behind a guilty one a job can go on: the same is run once more.
            shard.between = True
            (shard.folder / "between.yaml").write_bytes(log)
            path.write_bytes(before)
        else:
            shard.crashed.append(cell)
            shard.last_words = last_words(log)
        return not shard.stopped


def last_words(log):
    """What the board said at its end, by a job's log."""
    said = []
    for line in log.decode(errors="replace").splitlines():
        if '"lvl": "target"' not in line:
            continue
        try:
            # YAML has an escape that JSON has not.
            event = json.loads(re.sub(r"\\x([0-9A-F]{2})", r"\\u00\1", line.removeprefix("- ")))
        except ValueError:
            continue
        said = [] if "{\\\"event\\\":\\\"cell-start" in event["msg"] else [*said[-LINES:], event["msg"]]
    return "\n".join(said) + "\n"


def open_cell(journal):
    """The cell that was begun and has not ended."""
    cell = None
    for line in journal.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "cell-start":
            cell = event["id"]
        elif event["event"] == "cell":
            cell = None
    return cell
