#!/usr/bin/env python3
"""Emulated boards for a board farm: each has a serial console on a TCP port, and a relay that speaks HTTP for its power.
A board is a folder that `ci/board image` has written."""

import argparse
import ctypes
import json
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Whatever ends the parent, no emulator stays behind on its port."""
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class Board:
    """An emulator. Without power it is stopped, and it starts again when the power comes back."""

    def __init__(self, folder, port, devices, append):
        about = json.loads((folder / "board.json").read_text(encoding="utf-8"))
        boots = ["-kernel", folder / about["kernel"], "-initrd", folder / about["initramfs"]]
        if "device_tree" in about:
            boots += ["-dtb", folder / about["device_tree"]]
        more = [word for device in devices for word in ("-device", device)]
        self.name = about["name"]
        self.power = False
        # A board that switches itself off waits for its power, as a real one.
        self._qemu = subprocess.Popen(
            [about["qemu"], *about["options"], *more, *boots, "-append", f"{about['append']} {append}".strip(),
             "-serial", f"tcp:127.0.0.1:{port},server=on,wait=off", "-qmp", "stdio", "-S", "-no-shutdown"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self._read()
        self._tell("qmp_capabilities")

    def switch(self, power):
        """Gives it power, or takes it away."""
        if power == self.power:
            return
        if power:
            self._tell("system_reset")
            self._tell("cont")
        else:
            self._tell("stop")
        self.power = power

    def _read(self):
        line = self._qemu.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulator of {self.name} has ended with {self._qemu.wait()}")
        return json.loads(line)

    def _tell(self, command):
        self._qemu.stdin.write(json.dumps({"execute": command}).encode() + b"\n")
        self._qemu.stdin.flush()
        answer = {}
        # Events come in between.
        while "return" not in answer:
            answer = self._read()
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")


class Relay(BaseHTTPRequestHandler):
    """/relay/N/value, 0 or 1: what labgrid calls a power port of model `rest`."""

    boards = []

    def do_GET(self):
        board = self._board()
        if board:
            self._answer(200, "1" if board.power else "0")

    def do_PUT(self):
        board = self._board()
        value = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if board and value in (b"0", b"1"):
            board.switch(value == b"1")
            self._answer(200, value.decode())
        elif board:
            self._answer(400, "0 or 1")

    def _board(self):
        parts = self.path.split("/")
        number = parts[2] if len(parts) == 4 and (parts[1], parts[3]) == ("relay", "value") else ""
        if number.isdigit() and int(number) < len(self.boards):
            return self.boards[int(number)]
        self._answer(404, "/relay/N/value")
        return None

    def _answer(self, code, text):
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="written by `ci/board image`")
    parser.add_argument("--serial-port", type=int, default=6100, help="of the first board; the next has the next")
    parser.add_argument("--relay-port", type=int, default=6080)
    parser.add_argument("--device", action="append", default=[], help="one more device for QEMU, as i6300esb")
    parser.add_argument("--append", default="", help="more words for the kernel, as panic=5")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for number, folder in enumerate(options.folders):
        Relay.boards.append(Board(folder, options.serial_port + number, options.device, options.append))
    # One thread: who starts an emulator must live as long as it.
    server = HTTPServer(("127.0.0.1", options.relay_port), Relay)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
