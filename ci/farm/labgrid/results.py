"""Results of runs, as the journal tells them."""

import json
import os
import subprocess
from collections import Counter


class Run:
    """A run.jsonl."""

    def __init__(self, folder):
        text = (folder / "run.jsonl").read_text(encoding="utf-8")
        self.events = [json.loads(line) for line in text.splitlines()]

    def of(self, kind):
        """The events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    def cells(self):
        """What each cell came to."""
        cells = self.of("cell")
        told = {cell["id"]: (cell["verdict"], cell["outcome"]) for cell in cells}
        assert len(told) == len(cells), "a cell is reported twice"
        return told

    def planned(self):
        """How many cells there were to be."""
        return self.of("run")[0]["cells"]

    def crash(self, cell):
        """The report of the cell that the board went down in."""
        found = [each for each in self.of("cell") if each["id"] == cell]
        assert found, f"no cell {cell}"
        assert found[0]["verdict"] == "crash", found[0]
        return "\n".join("\n".join([each["seen"], *each.get("lines", [])]) for each in found[0]["findings"])


def begun(log):
    """How often each cell was begun, by a console's log."""
    lines = log.read_bytes().decode(errors="replace").splitlines()
    starts = [line.partition("{")[2] for line in lines if line.startswith("#prime-cts ") and '"cell-start"' in line]
    # A line that may have been damaged is written again.
    once = [start for before, start in zip([None, *starts], starts) if start != before]
    return Counter(json.loads("{" + start)["id"] for start in once)


def prime_cts(*words):
    """prime-cts on this host."""
    words = [os.environ["PRIME_CTS"], *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, check=False)
