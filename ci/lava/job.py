#!/usr/bin/env python3
"""Prints the LAVA job of a board and a shard: `ci/lava/job.py FOLDER --url BASE [--shard I/N] [-- ARGUMENTS]`.

FOLDER is what `ci/board image BOARD --output FOLDER` wrote, BASE where the farm's dispatchers find its files.
"""

import argparse
import base64
import gzip
import json
import re
import shlex
import string
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATE, EMULATED = HERE / "job.yaml", HERE / "emulated.yaml"

# After a panic the emulator is to end, and LAVA to see it at once: a board that restarts keeps a job waiting.
AT_PANIC = "panic=-1"

# Where a board finds what it said at its end.
LAST_WORDS = "/tmp/last-words"


def images(board, base):
    """The files that LAVA fetches, and the emulator's words for them."""
    base = base.rstrip("/")
    append = shlex.quote(f"{board['append']} {AT_PANIC}")
    files = {
        "kernel": {"url": f"{base}/{board['kernel']}", "image_arg": f"-kernel {{kernel}} -append {append}"},
        # The test's own files go into it: any other way takes minutes without KVM.
        "ramdisk": {
            "url": f"{base}/{board['initramfs']}",
            "image_arg": "-initrd {ramdisk}",
            "compression": "gz",
            "format": "cpio.newc",
            "overlays": {"lava": True},
        },
    }
    if "device_tree" in board:
        files["dtb"] = {"url": f"{base}/{board['device_tree']}", "image_arg": "-dtb {dtb}"}
    return files


def command(board, shard, crashed, last_words, arguments):
    """What runs on the board."""
    words = ["prime-cts", "run", "--lava", "--console", "--output", "/tmp/prime-cts"]
    words += ["--board", f"/board/{board['name']}.yaml"]
    if shard:
        words += ["--shard", shard]
    for cell in crashed:
        words += ["--crashed", cell]
    if not last_words:
        return shlex.join(words + arguments)
    # There is no other way to a board without a network; and no word of it in the job's own log.
    packed = base64.b64encode(gzip.compress(last_words.encode(), mtime=0)).decode()
    words += ["--previous-log", LAST_WORDS]
    return f"echo {packed} | base64 -d | gunzip >{LAST_WORDS}; {shlex.join(words + arguments)}"


def job(board, base, shard=None, crashed=(), last_words="", minutes=20, arguments=(), boot=EMULATED):
    """The text of the job. One after a crash gets what the board said then."""

    def filled(path, more):
        values_as_json = {word: json.dumps(value) for word, value in values.items()}
        return string.Template(path.read_text()).substitute(values_as_json | more)

    name = " ".join(filter(None, ["prime-cts", board["name"], shard, "behind a crash" if crashed else None]))
    metadata = {"prime-cts.board": board["name"], "prime-cts.shard": shard or "1/1"}
    if crashed:
        metadata["prime-cts.crashed"] = " ".join(crashed)
    values = {
        "name": name,
        "device_type": board["name"],
        # LAVA's names of emulators' architectures.
        "architecture": {"armv7l": "arm"}.get(board["architecture"], board["architecture"]),
        "metadata": metadata,
        "images": images(board, base),
        "kernel": f"{base.rstrip('/')}/{board['kernel']}",
        "ramdisk": f"{base.rstrip('/')}/{board['initramfs']}",
        "prompt": re.escape(board["name"]) + ":~#",
        "test_minutes": minutes,
        "job_minutes": minutes + 15,
    }
    values["run"] = command(board, shard, crashed, last_words, list(arguments)) + " || code=$?"
    return filled(TEMPLATE, {"boot": filled(boot, {}).rstrip()})


def shard_word(text):
    """`2/3`."""
    found = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)", text)
    if not found or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"'{text}' is not a shard: write 2/3 for the second of three")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `ci/board image` wrote")
    parser.add_argument("--url", required=True, help="where the farm finds these files")
    parser.add_argument("--shard", type=shard_word, metavar="I/N", help="one part of the cells")
    parser.add_argument("--crashed", action="append", default=[], metavar="CELL", help="go on behind this cell")
    parser.add_argument("--last-words", type=Path, metavar="FILE", help="the end of the console's log when it crashed")
    parser.add_argument("--boot", type=Path, default=EMULATED, metavar="FILE",
                        help="the actions that boot a real board, as u-boot.yaml")
    parser.add_argument("--minutes", type=int, default=20, help="how long the run may take")
    parser.usage = "ci/lava/job.py FOLDER --url BASE [--shard I/N] [--crashed CELL]... [...] [-- ARGUMENTS]"
    words, arguments = sys.argv[1:], []
    if "--" in words:
        words, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    given = parser.parse_args(words)
    try:
        board = json.loads((given.folder / "board.json").read_text())
        last_words = given.last_words.read_text(errors="replace") if given.last_words else ""
    except (OSError, ValueError) as error:
        sys.exit(f"ci/lava/job.py: {error}; `ci/board image BOARD --output {given.folder}` makes it")
    more = (given.shard, given.crashed, last_words, given.minutes, arguments, given.boot)
    sys.stdout.write(job(board, given.url, *more))


if __name__ == "__main__":
    main()
