#!/usr/bin/env python3
"""Runs a board's shards on a LAVA server and joins them: `ci/lava/submit.py FOLDER --server URL --url BASE ...`.

A job whose board goes down in a cell is followed by one that goes on behind it. The exit code is that of prime-cts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from server import Refused, Server, token
from shards import EMULATED, Run

# A server looks for new jobs every 20 seconds.
SECONDS = 5


def say(what):
    print(f"ci/lava/submit.py: {what}", file=sys.stderr, flush=True)


def follow(run, shards, server):
    """Submits the jobs and takes in what they said, until all have ended."""
    def submit(shard):
        shard.number = server.submit(run.job(shard))
        say(f"{shard.word}: job {shard.number}" + (f", behind {shard.crashed[-1]}" if shard.crashed else ""))

    for shard in shards:
        submit(shard)
    while waiting := [shard for shard in shards if shard.number is not None]:
        for shard in waiting:
            health = server.ended(shard.number)
            if health is None:
                continue
            say(f"{shard.word}: job {shard.number} is {health}")
            log, shard.number = server.log(shard.number), None
            if run.take(shard, log):
                submit(shard)
            elif shard.stopped:
                say(f"{shard.word}: {shard.stopped}")
        time.sleep(SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `ci/board image` wrote")
    parser.add_argument("--server", required=True, metavar="URL", help="the LAVA server")
    parser.add_argument("--url", required=True, metavar="BASE", help="where its dispatchers find FOLDER's files")
    parser.add_argument("--token-file", metavar="FILE", help="the user's token; without it, that in LAVA_TOKEN")
    parser.add_argument("--shards", type=int, default=1, metavar="N", help="number of jobs")
    parser.add_argument("--restarts", type=int, default=8, metavar="N", help="number of further jobs for each of them")
    parser.add_argument("--boot", type=Path, default=EMULATED, metavar="FILE",
                        help="the actions that boot a real board, as u-boot.yaml")
    parser.add_argument("--minutes", type=int, default=20, metavar="N", help="how long one may take")
    parser.add_argument("--board", metavar="FILE", help="the board file, held against all shards together")
    parser.add_argument("--output", type=Path, default=Path("prime-cts-results"), metavar="DIR")
    parser.usage = "ci/lava/submit.py FOLDER --server URL --url BASE [--shards N] [--output DIR] ... [-- ARGUMENTS]"
    words, arguments = sys.argv[1:], []
    if "--" in words:
        words, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    given = parser.parse_args(words)
    program = os.environ.get("PRIME_CTS_BINARY", "prime-cts")
    try:
        board = json.loads((given.folder / "board.json").read_text())
        run = Run(board, given.url, program, given.output, given.minutes, given.restarts, tuple(arguments), given.boot)
        shards = run.shards(given.shards)
        follow(run, shards, Server(given.server, token(given.token_file)))
    except (OSError, ValueError, Refused) as error:
        say(error)
        return 2
    # One whose board never came to it is missing, and `merge` says so.
    journals = [shard.folder for shard in shards if (shard.folder / "run.jsonl").exists()]
    if not journals:
        say("no job has told of a run")
        return 4
    command = [program, "merge", *journals, "--output", given.output]
    if len(shards) == 1:
        command = [program, "report", *journals, "--output", given.output]
    elif given.board:
        command += ["--board", given.board]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
