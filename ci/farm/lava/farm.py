"""What the tests of LAVA have in common: the engine, boards to boot, and a farm without a server."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "ci/lava"))

from device_type import device_type

# Where things are inside the engine.
INSIDE, SCRIPTS = "/farm", "/prime-cts/ci/farm/lava"


def engine(folder, *words, **more):
    """Runs a command where LAVA is."""
    return subprocess.run([HERE / "engine", folder, *words], text=True, check=False, **more)


def folder(test):
    """A folder of a test's own, or of a class of them. What is left of the time before is of no use any more."""
    name = test.__name__ if isinstance(test, type) else test.id().rsplit(".", 1)[-1]
    made = ROOT / "target/lava" / name
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    return made


@functools.cache
def image(board):
    """What a farm boots, made by `ci/board image`."""
    made = ROOT / "target/lava/images" / board
    subprocess.run([ROOT / "ci/board", "image", board, "--output", made], check=True, stdout=subprocess.DEVNULL)
    return made


@functools.cache
def program():
    """A prime-cts for this machine."""
    said = subprocess.run([ROOT / "ci/board", "program", "x86_64"], check=True, stdout=subprocess.PIPE, text=True)
    return said.stdout.strip()


def about(board):
    return json.loads((image(board) / "board.json").read_text())


def serve(where, board):
    """Puts a board's files where the engine sees them, and gives their address there."""
    there = where / "images" / board
    shutil.copytree(image(board), there)
    return f"file://{INSIDE}/images/{board}"


class Local:
    """Runs jobs with lava-run, one after the other. `change` changes a job before."""

    def __init__(self, where, board, change=lambda job: job):
        self.where, self.board, self.change = where, board, change
        self.jobs = 0
        (where / f"{board}.jinja2").write_text(device_type(about(board)))

    def log(self, job):
        """The log of a job that has come to its end, and whether LAVA calls it complete."""
        self.jobs += 1
        name = f"job-{self.jobs}"
        (self.where / f"{name}.yaml").write_text(self.change(job))
        words = [f"{SCRIPTS}/run_job.py", f"{INSIDE}/{name}.yaml", f"{INSIDE}/{self.board}.jinja2", f"{INSIDE}/{name}"]
        done = engine(self.where, *words, stdin=subprocess.DEVNULL)
        return (self.where / name / "log.yaml").read_bytes(), done.returncode == 0


def below(process):
    """The processes that a process has started, and those that they have."""
    said = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], check=True, stdout=subprocess.PIPE, text=True).stdout
    all_processes = [line.split(None, 2) for line in said.splitlines()]
    found, parents = [], {str(process)}
    while parents:
        children = [(pid, name) for pid, parent, name in all_processes if parent in parents]
        found += children
        parents = {pid for pid, _ in children}
    return found


class PowerCut(threading.Thread):
    """Switches the board of the running job off, when its log shows that this many cells have ended."""

    def __init__(self, cells):
        super().__init__(daemon=True)
        self.log, self.cells, self.done = None, cells, False

    def begin(self, log):
        self.log = log
        self.start()

    def run(self):
        while not self.log.exists() or len(results(self.log.read_bytes().rpartition(b"\n")[0])) < self.cells:
            time.sleep(0.2)
        for pid, name in below(os.getpid()):
            if name.startswith("qemu-system"):
                os.kill(int(pid), signal.SIGKILL)
                self.done = True


def results(log):
    """The test cases that LAVA has seen, in their order."""
    found = []
    for line in log.decode().splitlines():
        if '"lvl": "results"' not in line:
            continue
        # YAML's tag for a number that is a text.
        about = json.loads(re.sub(r': ! "', ': "', line.removeprefix("- ")))["msg"]
        if about["definition"].endswith("_prime-cts"):
            found.append(about)
    return found


def last_cell(log):
    """The cell that the journal in a job's log names last, and whether that was running at the end of the log."""
    said = [line.replace("\\", "") for line in log.decode(errors="replace").splitlines() if '"lvl": "target"' in line]
    said = [line for line in said if '"#prime-cts ' in line]
    starts = [(number, re.search(r'"event":"cell-start","id":"([^"]+)"}', line)) for number, line in enumerate(said)]
    number, start = [(number, start) for number, start in starts if start][-1]
    # What follows it, whole or cut off, is its end.
    return start[1], number == len(said) - 1


def cells(journal):
    """The cells of a run that have ended, by their ids."""
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    ended = [event for event in events if event["event"] == "cell"]
    assert len({cell["id"] for cell in ended}) == len(ended), "a cell ended twice"
    return {cell["id"]: cell for cell in ended}


def word(cell):
    """What a cell is to LAVA."""
    if cell["verdict"] == "error":
        return "unknown"
    if cell["outcome"] != "expected" or cell["verdict"] in ("fail", "timeout", "crash"):
        return "fail"
    return "pass" if cell["verdict"] == "pass" else "skip"
