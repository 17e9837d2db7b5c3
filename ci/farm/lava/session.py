#!/usr/bin/env python3
"""What a user of a LAVA server does, and who sees the user's token meanwhile: `session.py PROGRAM`.

In `ci/farm/lava/engine`, under `serve`. /farm/plan.json says what to run; what came of it is in /farm/session.json.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, "/prime-cts/ci/lava")
from server import Server

URL = "http://127.0.0.1:8000"
FARM = Path("/farm")
SECRET = Path(os.environ["LAVA_TOKEN_FILE"]).read_text().strip()


def command_lines():
    """Those of all processes that run now."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (entry / "cmdline").read_bytes()
            except OSError:
                # It has ended.
                continue


class Watcher(threading.Thread):
    """Looks at command lines as long as it may."""

    def __init__(self):
        super().__init__(daemon=True)
        self.looks, self.seen, self.over = 0, [], threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            self.looks += 1
            self.seen += [line.decode() for line in command_lines() if SECRET.encode() in line]


def shown():
    """Files that others may read, with the token in them."""
    folders = [FARM, "/var/log", "/var/lib/lava", "/var/lib/lava-server", "/tmp"]
    words = ["grep", "-rlF", "--exclude-dir=images", "-f", os.environ["LAVA_TOKEN_FILE"], *map(str, folders)]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()


def submit(what, program, name, more, environment):
    board, arguments = what
    words = ["/prime-cts/ci/lava/submit.py", f"/farm/images/{board}", "--url", f"file:///farm/images/{board}"]
    words += ["--server", URL, "--output", f"/farm/{name}", *more, "--", *arguments]
    log = open(FARM / f"{name}.log", "wb")
    return subprocess.Popen(words, env=os.environ | {"PRIME_CTS_BINARY": program} | environment, stdout=log, stderr=log)


def main():
    [program] = sys.argv[1:]
    plan = json.loads((FARM / "plan.json").read_text())
    # What is looked for would be found.
    with subprocess.Popen(["sh", "-c", "read -r _", SECRET], stdin=subprocess.PIPE) as planted:
        found = [line for line in command_lines() if SECRET.encode() in line]
        planted.kill()
    (FARM / "planted").write_text(SECRET)
    files = shown()
    (FARM / "planted").unlink()
    about = {"planted": [len(found), files]}

    watcher = Watcher()
    watcher.start()
    token_file = ["--token-file", os.environ["LAVA_TOKEN_FILE"]]
    # At the same time: there are not as many devices as jobs.
    secret = {"LAVA_TOKEN": SECRET}
    whole = submit(plan["whole"], program, "whole", [], secret)
    merged = submit(plan["whole"], program, "merged", ["--shards", "3", *token_file], {})
    crashed = submit(plan["crashed"], program, "crashed", [], secret)
    about["codes"] = {"whole": whole.wait(), "merged": merged.wait(), "crashed": crashed.wait()}
    # A wrong one is reported without being shown.
    wrong = submit(plan["whole"], program, "wrong", [], {"LAVA_TOKEN": SECRET[:-1]})
    about["codes"]["wrong"] = wrong.wait()
    watcher.over.set()
    watcher.join()
    about |= {"looks": watcher.looks, "command_lines": watcher.seen, "files": shown()}
    jobs = json.loads(Server(URL, SECRET).ask("/jobs/"))["results"]
    about["devices"] = [job["actual_device"] for job in jobs]
    (FARM / "session.json").write_text(json.dumps(about, indent=2))


if __name__ == "__main__":
    main()
