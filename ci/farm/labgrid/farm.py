"""A labgrid farm on the loopback of this host: emulated boards, an exporter, a coordinator, places."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import Request, urlopen

LABGRID = Path(__file__).resolve().parents[2] / "labgrid"
LIBC = ctypes.CDLL(None)


def lasting_ports():
    """Those that no connection gets: the kernel gives it one of a range, also while who is to listen is still starting."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = range(1024, 65000)
    return [port for port in ports if not first <= port <= last] or list(ports)


def free_ports(count):
    """Ports that no one listens on."""
    candidates, sockets = lasting_ports(), []
    while len(sockets) < count:
        try:
            sockets.append(socket.create_server(("127.0.0.1", random.choice(candidates))))
        except OSError:
            continue
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def consecutive_ports(count):
    """Ports that no one listens on, one after the other."""
    while True:
        first = free_ports(1)[0]
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue


def die_with_parent():
    LIBC.prctl(1, signal.SIGTERM, 0, 0, 0)


def until(true, what, seconds=60):
    """Waits until it is true. What it waits for is in another process, which notifies no one."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} was not so within {seconds} s"
        time.sleep(0.1)


class Farm:
    """The places are called place0, place1, ...; each has the tag board=NAME."""

    def __init__(self, folder, board, images, count, devices=(), append=""):
        self.board = board
        self.folder = folder
        self.children = []
        try:
            self._open(images, count, devices, append)
        except BaseException:
            self.close()
            raise

    def _open(self, images, count, devices, append):
        coordinator, relay = free_ports(2)
        self.relay = f"http://127.0.0.1:{relay}"
        serial = consecutive_ports(count)
        self.environment = {**os.environ, "LG_COORDINATOR": f"127.0.0.1:{coordinator}", "BOARDS": str(count),
                            "SERIAL_PORT": str(serial), "RELAY_PORT": str(relay)}
        more = [word for device in devices for word in ("--device", device)]
        ports = ["--serial-port", serial, "--relay-port", relay, "--append", append]
        self.boards = self._start(LABGRID / "boards.py", *[images / self.board] * count, *ports, *more)
        until(self._relays, "the boards' relay answers")
        self._start("labgrid-coordinator", "-l", f"127.0.0.1:{coordinator}")
        until(lambda: self._client("resources", check=False).returncode == 0, "the coordinator answers")
        exporter = ["labgrid-exporter", "-n", "lab", "--hostname", "127.0.0.1", LABGRID / "exporter-emulated.yaml"]
        self._start(*exporter)
        last = f"lab/board{count - 1}/NetworkSerialPort"
        until(lambda: last in self._client("resources").stdout, "the exporter's resources are known")
        for number in range(count):
            for words in (["create"], ["add-match", f"lab/board{number}/*"], ["set-tags", f"board={self.board}"]):
                self._client("-p", f"place{number}", *words)

    def shard(self, shard, output, *options):
        """Begins a shard, as a user of the farm does."""
        words = [LABGRID / "run", shard, f"board={self.board}", "--", "--board", self.board, "--output", output,
                 "--prime-cts", os.environ["PRIME_CTS"], *options]
        return self._start(*words, log=output.with_suffix(".log"))

    def states(self):
        """Of the reservations."""
        lines = self._client("reservations").stdout.splitlines()
        return sorted(line.split(":")[1].strip() for line in lines if line.strip().startswith("state:"))

    def power(self, number, value):
        """Switches a board on or off, without labgrid's knowing."""
        request = Request(f"{self.relay}/relay/{number}/value", data=str(value).encode(), method="PUT")
        urlopen(request, timeout=10).close()

    def power_of(self, number):
        """What the relay says of a board, 0 or 1."""
        return urlopen(f"{self.relay}/relay/{number}/value", timeout=10).read()

    def close(self):
        """Ends what was begun here, the newest first."""
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _relays(self):
        assert self.boards.poll() is None, (self.folder / "boards.py.log").read_text()
        try:
            return self.power_of(0) == b"0"
        except OSError:
            return False

    def _client(self, *words, check=True):
        words = ["labgrid-client", *words]
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, check=check)

    def _start(self, program, *words, log=None):
        words = [str(word) for word in (program, *words)]
        with open(log or self.folder / f"{Path(program).name}.log", "wb") as out:
            # The coordinator keeps its places in the folder that it is started in.
            child = subprocess.Popen(words, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out, preexec_fn=die_with_parent)
        self.children.append(child)
        return child
