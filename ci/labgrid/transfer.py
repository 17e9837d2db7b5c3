"""Files over a shell on a serial line: compressed, in lines that every shell takes, and checked at the end."""

import base64
import gzip
import hashlib

# busybox edits lines of 1023 bytes at most; the rest is labgrid's.
LINE = 600
# How many lines of 76 bytes are asked for at once.
LINES = 100
TRIES = 3


class TransferError(Exception):
    """A file that does not arrive as it was sent."""


def put(shell, path, content):
    """Writes a file on the board."""
    text = base64.b64encode(gzip.compress(content)).decode()
    for _ in range(TRIES):
        shell.run_check(f": >{path}.gz64")
        for start in range(0, len(text), LINE):
            shell.run_check(f"echo {text[start:start + LINE]} >>{path}.gz64")
        _, _, code = shell.run(f"base64 -d {path}.gz64 2>/dev/null | gunzip 2>/dev/null >{path}")
        if code == 0 and _sum(shell, path) == hashlib.sha256(content).hexdigest():
            return
    raise TransferError(f"{path} did not arrive on the board in {TRIES} tries")


def get(shell, path):
    """Reads a file of the board."""
    shell.run_check(f"gzip -c {path} | base64 >{path}.gz64")
    count = int(shell.run_check(f"wc -l <{path}.gz64")[0])
    for _ in range(TRIES):
        lines = []
        for start in range(1, count + 1, LINES):
            lines += shell.run_check(f"sed -n {start},{start + LINES - 1}p {path}.gz64")
        try:
            content = gzip.decompress(base64.b64decode("".join(lines), validate=True))
        except (ValueError, OSError, EOFError):
            continue
        if hashlib.sha256(content).hexdigest() == _sum(shell, path):
            return content
    raise TransferError(f"{path} did not come whole from the board in {TRIES} tries")


def _sum(shell, path):
    return shell.run_check(f"sha256sum {path}")[0].split()[0]
